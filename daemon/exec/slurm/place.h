#pragma once
// Where in Slurm a region is.

#include <string>
#include <vector>

namespace carbond {

// A region that is a partition of a Slurm cluster.
struct SlurmPlace {
  std::string conf;       // slurm.conf of the cluster; empty: the system's
  std::string partition;  // empty: the cluster's default
  std::string account;
  std::string qos;
  std::string constraint;
  std::string gpu = "gpu";           // of --gres, such as `gpu:a100`
  std::vector<std::string> options;  // further ones for sbatch, word by word
  friend bool operator==(const SlurmPlace&, const SlurmPlace&) = default;
};

}  // namespace carbond
