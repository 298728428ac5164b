#pragma once
// A meter of the user's own: a command that prints what an outlet, a BMC or a
// cluster's accounting says, as a line like `350.5 W` or `81234 J`. Standard
// library only.
//
// Joules (J, kJ, Wh, kWh) are a counter, of which differences are taken. Watts
// (W, kW) are summed up, as if power went straight from one answer to the next.
// What it says of a whole machine, a run gets `parts` of `whole` of.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "daemon/meter/counter.h"

namespace carbond {

struct PrintedEnergy {
  bool is_power = false;
  double amount = 0;  // microjoules, or microwatts
};
// The first line. Nothing when it is no finite amount that is not negative,
// with its unit.
std::optional<PrintedEnergy> ParsePrintedEnergy(const std::string& text);

struct CommandShare {
  int64_t parts = 1;
  int64_t whole = 1;
};

class CommandCounter : public EnergyCounter {
 public:
  static constexpr int kLimitMs = 2000;  // a command is killed then

  // Null, and why, when its first answer is none.
  static std::unique_ptr<CommandCounter> Open(std::vector<std::string> command,
                                              CommandShare share,
                                              std::string& complaint);
  std::optional<int64_t> Read() override;

 private:
  CommandCounter(std::vector<std::string> command, CommandShare share)
      : command_(std::move(command)), share_(share) {}
  bool Look(std::string& complaint);

  // Fixed after construction
  const std::vector<std::string> command_;
  const CommandShare share_;

  std::optional<PrintedEnergy> last_;
  int64_t at_ms_ = 0;
  double drawn_uj_ = 0;
};

}  // namespace carbond
