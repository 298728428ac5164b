#pragma once
// The command line of carbon-meter, as carbond gives it to a run. Standard
// library only.

#include <cstdint>
#include <string>
#include <vector>

#include "daemon/meter/command_counter.h"
#include "daemon/meter/cpu_time.h"

namespace carbond {

struct MeterOptions {
  std::string dir;  // of the run; empty: nothing is written, only checked
  int root = 0;     // the process that holds the run; carbon-runner adds it
  int64_t period_ms = 10'000;
  bool nvml = true;
  bool rapl = true;
  bool cpu_time = false;
  bool slurm = false;  // Slurm's accounting of the job that the run is
  // The run's devices, as in CUDA_VISIBLE_DEVICES. `gpus` says how many they
  // are; where the cluster gives them, `devices` is empty and that variable
  // names them.
  int gpus = 0;
  std::string devices;
  CpuModel cpu;
  int64_t per_gpu_mw = 300'000;  // while a GPU's counter is silent
  // What the job is said to draw, running and stopped; 0: what the table says.
  int64_t power_mw = 0;
  int64_t idle_mw = 0;
  std::vector<std::string> command;
  CommandShare share;
  std::string nvml_library;  // empty: the driver's
  std::string powercap = "/sys/class/powercap";
  std::string book;  // empty: one in /dev/shm/carbon-meter.UID
};

std::vector<std::string> FormatMeterOptions(const MeterOptions& options);
// False, and what is wrong, when something is.
bool ParseMeterOptions(const std::vector<std::string>& arguments,
                       MeterOptions& options, std::string& mistake);

}  // namespace carbond
