#include "daemon/energy_board.h"

#include "daemon/exec/descriptor.h"
#include "daemon/exec/run_paths.h"

namespace carbond {
namespace {

constexpr size_t kLimit = 1024 * 1024;  // its writer keeps to 128 KiB

}  // namespace

std::optional<EnergyLog> ReadEnergyLog(const std::string& dir) {
  const auto text = ReadPlainFile(dir + '/' + kEnergyFile, kLimit);
  if (!text.value) return std::nullopt;
  EnergyLog log = ParseEnergyLog(*text.value);
  if (log.samples.empty()) return std::nullopt;
  return log;
}

std::shared_ptr<const EnergyLog> EnergyBoard::Of(ProcessId id) const {
  {
    const std::lock_guard lock(mutex_);
    const auto found = logs_.find(id);
    if (found != logs_.end()) return found->second;
  }
  auto log = ReadEnergyLog(RunDir(state_dir_, id));
  if (!log) return nullptr;
  return std::make_shared<const EnergyLog>(*std::move(log));
}

void EnergyBoard::Put(ProcessId id, EnergyLog log) {
  auto shared = std::make_shared<const EnergyLog>(std::move(log));
  const std::lock_guard lock(mutex_);
  logs_[id] = std::move(shared);
}

void EnergyBoard::Drop(ProcessId id) {
  const std::lock_guard lock(mutex_);
  logs_.erase(id);
}

}  // namespace carbond
