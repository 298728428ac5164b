#pragma once
// Counters of a machine that a test makes up: a folder like
// /sys/class/powercap, and the stand-in for NVIDIA's library with its GPUs.

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/daemon/scratch_folder.h"

namespace carbond {

// Appears whole: readers are other processes.
inline void WriteWhole(const std::string& path, const std::string& text) {
  std::ofstream(path + ".new") << text;
  std::filesystem::rename(path + ".new", path);
}

class FakePowercap {
 public:
  explicit FakePowercap(const std::string& root) : root_(root) {
    std::filesystem::create_directories(root);
  }
  const std::string& root() const { return root_; }
  void Zone(const std::string& zone, const std::string& name, int64_t uj,
            int64_t range_uj = 262'143'328'850) {
    std::filesystem::create_directories(root_ + '/' + zone);
    WriteWhole(root_ + '/' + zone + "/name", name + "\n");
    WriteWhole(root_ + '/' + zone + "/max_energy_range_uj",
               std::to_string(range_uj) + "\n");
    Set(zone, uj);
  }
  void Set(const std::string& zone, int64_t uj) {
    WriteWhole(EnergyOf(zone), std::to_string(uj) + "\n");
  }
  std::string EnergyOf(const std::string& zone) const {
    return root_ + '/' + zone + "/energy_uj";
  }

 private:
  std::string root_;
};

struct FakeGpu {
  std::string uuid;
  std::string energy_mj;
  std::string power_mw = "-";
};

#ifdef STAND_IN_NVML
// A copy of the library, whose GPUs are this test's alone.
class FakeGpus {
 public:
  explicit FakeGpus(const std::string& folder)
      : library_(folder + "/libnvidia-ml.so.1") {
    std::filesystem::copy_file(STAND_IN_NVML, library_);
  }
  const std::string& library() const { return library_; }
  void Set(const std::vector<FakeGpu>& gpus) {
    std::string text;
    for (const FakeGpu& gpu : gpus) {
      text += gpu.uuid + ' ' + gpu.energy_mj + ' ' + gpu.power_mw + '\n';
    }
    WriteWhole(library_ + ".gpus", text);
  }
  void Unload() { std::filesystem::remove(library_ + ".gpus"); }

 private:
  std::string library_;
};
#endif

}  // namespace carbond
