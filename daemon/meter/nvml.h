#pragma once
// What NVIDIA GPUs drew, by the library of their driver (NVML). It is loaded at
// run time: where there is no driver nothing else is needed. Standard library
// only.
//
// nvmlDeviceGetTotalEnergyConsumption counts millijoules since the driver was
// loaded (Volta and later); where it is missing nvmlDeviceGetPowerUsage
// (milliwatts) is summed up, as if power went straight from one look to the
// next, a second later. A device that is shared out in slices (MIG) has one
// counter for all of them, which is nobody's.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "daemon/meter/counter.h"

namespace carbond {

// "0" (by PCI bus, as nvidia-smi counts and CUDA does with
// CUDA_DEVICE_ORDER=PCI_BUS_ID) or "GPU-8f6a..." (its UUID).
using GpuNames = std::vector<std::string>;

// From CUDA_VISIBLE_DEVICES: "0,2", "GPU-8f6a...". As CUDA does, it ends at the
// first name that means nothing; MIG devices are left in, to be refused.
GpuNames ParseGpuNames(const std::string& visible_devices);

// The functions that are used, by the names they have there.
struct NvmlLibrary;

class NvmlCounter : public EnergyCounter {
 public:
  static constexpr char kLibrary[] = "libnvidia-ml.so.1";

  // All of these devices or none. Null, and why, when they cannot be read.
  static std::unique_ptr<NvmlCounter> Open(const std::string& library,
                                           const GpuNames& gpus,
                                           std::string& complaint);
  // How many devices the driver shows; -1, and why.
  static int CountDevices(const std::string& library, std::string& complaint);
  ~NvmlCounter() override;

  std::optional<int64_t> Read() override;
  int64_t longest_gap_ms() const override;

 private:
  struct Device {
    std::string name;
    void* handle = nullptr;
    bool by_power = false;
    int64_t at_ms = 0;  // of the last look
    int64_t last = -1;  // its millijoules, or by_power milliwatts; -1: none
    int64_t drawn_uj = 0;
  };
  explicit NvmlCounter(std::unique_ptr<NvmlLibrary> library);
  bool Attach(std::string& complaint);  // to the driver, perhaps a new one
  void Detach();
  bool Look(Device& device, std::string& complaint);

  std::unique_ptr<NvmlLibrary> library_;
  bool attached_ = false;
  std::vector<Device> devices_;
};

}  // namespace carbond
