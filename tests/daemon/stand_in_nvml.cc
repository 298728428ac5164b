// Stands in for libnvidia-ml.so.1 in tests: the functions of NVML that
// carbon-meter uses, by the same names, numbers and units. No GPU is behind it.
// What it says stands in the file beside it, LIBRARY.gpus, read anew at each
// call: a line for each GPU,
//
//   GPU-uuid millijoules milliwatts
//
// `-` for what that GPU does not have, `lost` for one that fell off the bus;
// and no file at all where no driver is loaded.

#include <dlfcn.h>

#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace {

// Of nvml.h.
constexpr int kSuccess = 0;
constexpr int kUninitialized = 1;
constexpr int kNotSupported = 3;
constexpr int kNotFound = 6;
constexpr int kDriverNotLoaded = 9;
constexpr int kGpuIsLost = 15;

struct Gpu {
  std::string uuid;
  std::string energy;
  std::string power;
};

bool initialized = false;

std::string OwnPath() {
  Dl_info info = {};
  ::dladdr(reinterpret_cast<void*>(&OwnPath), &info);
  return info.dli_fname;
}

bool ReadGpus(std::vector<Gpu>& gpus) {
  std::ifstream file(OwnPath() + ".gpus");
  for (std::string line; std::getline(file, line);) {
    Gpu gpu;
    std::istringstream(line) >> gpu.uuid >> gpu.energy >> gpu.power;
    gpus.push_back(gpu);
  }
  return !gpus.empty();
}

// Handles are index + 1.
void* HandleOf(size_t index) { return reinterpret_cast<void*>(index + 1); }

template <typename N>
int Tell(void* handle, std::string Gpu::*what, N* number) {
  std::vector<Gpu> gpus;
  if (!initialized) return kUninitialized;
  if (!ReadGpus(gpus)) return kGpuIsLost;
  const size_t index = reinterpret_cast<uintptr_t>(handle) - 1;
  if (index >= gpus.size()) return kGpuIsLost;
  const std::string& text = gpus[index].*what;
  if (text == "-") return kNotSupported;
  if (text == "lost") return kGpuIsLost;
  *number = static_cast<N>(std::stoull(text));
  return kSuccess;
}

}  // namespace

extern "C" {

int nvmlInit_v2() {
  std::vector<Gpu> gpus;
  initialized = ReadGpus(gpus);
  return initialized ? kSuccess : kDriverNotLoaded;
}

int nvmlShutdown() {
  initialized = false;
  return kSuccess;
}

int nvmlDeviceGetCount_v2(unsigned* count) {
  std::vector<Gpu> gpus;
  ReadGpus(gpus);
  *count = static_cast<unsigned>(gpus.size());
  return kSuccess;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, void** handle) {
  std::vector<Gpu> gpus;
  ReadGpus(gpus);
  if (index >= gpus.size()) return kNotFound;
  *handle = HandleOf(index);
  return kSuccess;
}

int nvmlDeviceGetHandleByUUID(const char* uuid, void** handle) {
  std::vector<Gpu> gpus;
  ReadGpus(gpus);
  for (size_t i = 0; i < gpus.size(); ++i) {
    if (gpus[i].uuid != uuid) continue;
    *handle = HandleOf(i);
    return kSuccess;
  }
  return kNotFound;
}

int nvmlDeviceGetTotalEnergyConsumption(void* handle, unsigned long long* mj) {
  return Tell(handle, &Gpu::energy, mj);
}

int nvmlDeviceGetPowerUsage(void* handle, unsigned* mw) {
  return Tell(handle, &Gpu::power, mw);
}

const char* nvmlErrorString(int error) {
  switch (error) {
    case kNotSupported:
      return "Not Supported";
    case kNotFound:
      return "Not Found";
    case kDriverNotLoaded:
      return "Driver Not Loaded";
    case kGpuIsLost:
      return "GPU is lost";
    default:
      return "Unknown Error";
  }
}

}  // extern "C"
