#pragma once
// Where in Slurm a region is.

#include <optional>
#include <string>
#include <vector>

#include "scheduler/time.h"

namespace carbond {

// Jobs that users send to it with sbatch, and that are held there with a
// comment that begins with `carbon`, are let go at their hour.
struct SlurmDefer {
  Duration deadline = hours(24);  // after its submission, for who says none
  friend bool operator==(const SlurmDefer&, const SlurmDefer&) = default;
};

// A region that is a partition of a Slurm cluster.
struct SlurmPlace {
  std::string conf;       // slurm.conf of the cluster; empty: the system's
  std::string partition;  // empty: the cluster's default
  std::string account;
  std::string qos;
  std::string constraint;
  std::string gpu = "gpu";           // of --gres, such as `gpu:a100`
  std::vector<std::string> options;  // further ones for sbatch, word by word
  std::optional<SlurmDefer> defer = {};
  friend bool operator==(const SlurmPlace&, const SlurmPlace&) = default;
};

}  // namespace carbond
