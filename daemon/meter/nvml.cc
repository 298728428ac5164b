#include "daemon/meter/nvml.h"

#include <dlfcn.h>

#include <algorithm>
#include <utility>

#include "daemon/meter/procfs.h"

namespace carbond {
namespace {

// Of nvml.h, whose values are a part of its binary interface.
constexpr int kSuccess = 0;
constexpr int kNotSupported = 3;

// No GPU draws more: the largest boards are rated 1.2 kW.
constexpr int64_t kMostKilowatts = 2;
constexpr int64_t kPowerGapMs = 1000;

}  // namespace

struct NvmlLibrary {
  int (*init)() = nullptr;
  int (*shutdown)() = nullptr;
  int (*count)(unsigned*) = nullptr;
  int (*by_index)(unsigned, void**) = nullptr;
  int (*by_uuid)(const char*, void**) = nullptr;
  int (*energy)(void*, unsigned long long*) = nullptr;  // absent in old drivers
  int (*power)(void*, unsigned*) = nullptr;
  const char* (*error)(int) = nullptr;

  std::string Words(int code) const {
    return error == nullptr ? std::to_string(code) : error(code);
  }
};

namespace {

template <typename F>
bool Find(void* library, const char* name, F*& function) {
  function = reinterpret_cast<F*>(::dlsym(library, name));
  return function != nullptr;
}

// Never closed: drivers leave threads behind.
std::unique_ptr<NvmlLibrary> Load(const std::string& path,
                                  std::string& complaint) {
  void* library = ::dlopen(path.c_str(), RTLD_LAZY | RTLD_LOCAL);
  if (library == nullptr) {
    complaint = ::dlerror();
    return nullptr;
  }
  auto nvml = std::make_unique<NvmlLibrary>();
  Find(library, "nvmlDeviceGetTotalEnergyConsumption", nvml->energy);
  Find(library, "nvmlDeviceGetHandleByUUID", nvml->by_uuid);
  Find(library, "nvmlErrorString", nvml->error);
  if (Find(library, "nvmlInit_v2", nvml->init) &&
      Find(library, "nvmlShutdown", nvml->shutdown) &&
      Find(library, "nvmlDeviceGetCount_v2", nvml->count) &&
      Find(library, "nvmlDeviceGetHandleByIndex_v2", nvml->by_index) &&
      Find(library, "nvmlDeviceGetPowerUsage", nvml->power)) {
    return nvml;
  }
  complaint = path + " lacks a function that NVML has had since 2012";
  return nullptr;
}

}  // namespace

GpuNames ParseGpuNames(const std::string& visible_devices) {
  GpuNames names;
  for (size_t begin = 0; begin < visible_devices.size();) {
    const size_t end =
        std::min(visible_devices.find(',', begin), visible_devices.size());
    const std::string name = visible_devices.substr(begin, end - begin);
    const bool number = !name.empty() && name.size() < 5 &&
                        std::all_of(name.begin(), name.end(), [](char c) {
                          return c >= '0' && c <= '9';
                        });
    if (!number && !name.starts_with("GPU-") && !name.starts_with("MIG-")) {
      break;
    }
    names.push_back(name);
    begin = end + 1;
  }
  return names;
}

NvmlCounter::NvmlCounter(std::unique_ptr<NvmlLibrary> library)
    : library_(std::move(library)) {}

NvmlCounter::~NvmlCounter() { Detach(); }

void NvmlCounter::Detach() {
  if (std::exchange(attached_, false)) library_->shutdown();
}

std::unique_ptr<NvmlCounter> NvmlCounter::Open(const std::string& library,
                                               const GpuNames& gpus,
                                               std::string& complaint) {
  auto loaded = Load(library, complaint);
  if (!loaded) return nullptr;
  std::unique_ptr<NvmlCounter> counter(new NvmlCounter(std::move(loaded)));
  for (const std::string& name : gpus) {
    counter->devices_.emplace_back().name = name;
  }
  if (!counter->Attach(complaint)) return nullptr;
  for (Device& device : counter->devices_) {
    if (!counter->Look(device, complaint)) return nullptr;
  }
  return counter;
}

int NvmlCounter::CountDevices(const std::string& library,
                              std::string& complaint) {
  const auto nvml = Load(library, complaint);
  if (!nvml) return -1;
  unsigned count = 0;
  int error = nvml->init();
  if (error == kSuccess) {
    error = nvml->count(&count);
    nvml->shutdown();
  }
  if (error == kSuccess) return static_cast<int>(count);
  complaint = "NVML: " + nvml->Words(error);
  return -1;
}

bool NvmlCounter::Attach(std::string& complaint) {
  int error = library_->init();
  if (error != kSuccess) {
    complaint = "NVML: " + library_->Words(error);
    return false;
  }
  attached_ = true;
  for (Device& device : devices_) {
    if (device.name.starts_with("MIG-")) {
      complaint = device.name + " is a slice of a GPU, which has no counter";
      return false;
    }
    if (!device.name.starts_with("GPU-")) {
      error = library_->by_index(static_cast<unsigned>(std::stoul(device.name)),
                                 &device.handle);
    } else if (library_->by_uuid != nullptr) {
      error = library_->by_uuid(device.name.c_str(), &device.handle);
    } else {
      error = kNotSupported;
    }
    if (error != kSuccess) {
      complaint = "GPU " + device.name + ": " + library_->Words(error);
      return false;
    }
  }
  return true;
}

bool NvmlCounter::Look(Device& device, std::string& complaint) {
  int error = kNotSupported;
  int64_t seen = 0;
  if (!device.by_power && library_->energy != nullptr) {
    unsigned long long millijoules = 0;
    error = library_->energy(device.handle, &millijoules);
    seen = static_cast<int64_t>(millijoules);
  }
  // Once it counted, it will again: no power is summed up beside it.
  if (error == kNotSupported && (device.by_power || device.last < 0)) {
    unsigned milliwatts = 0;
    error = library_->power(device.handle, &milliwatts);
    seen = milliwatts;
    device.by_power = error == kSuccess || device.by_power;
  }
  if (error != kSuccess) {
    complaint = "GPU " + device.name + ": " + library_->Words(error);
    return false;
  }
  const int64_t now = SinceBootMillis();
  const int64_t elapsed = now - device.at_ms;
  if (device.last >= 0) {
    device.drawn_uj +=
        device.by_power
            ? (device.last + seen) * elapsed / 2
            : 1000 * Advanced(device.last, seen, 0,
                              MostMicrojoules(kMostKilowatts, elapsed) / 1000);
  }
  device.last = seen;
  device.at_ms = now;
  return true;
}

std::optional<int64_t> NvmlCounter::Read() {
  std::string complaint;
  bool good = attached_ || Attach(complaint);
  int64_t drawn = 0;
  for (Device& device : devices_) {
    good = good && Look(device, complaint);
    drawn += device.drawn_uj;
  }
  if (good) return drawn;
  Detach();  // the driver may have been loaded anew: handles are of the old one
  return std::nullopt;
}

int64_t NvmlCounter::longest_gap_ms() const {
  const bool any = std::any_of(devices_.begin(), devices_.end(),
                               [](const Device& d) { return d.by_power; });
  return any ? kPowerGapMs : 0;
}

}  // namespace carbond
