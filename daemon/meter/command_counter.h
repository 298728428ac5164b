#pragma once
// A meter of the user's own: a command that prints what an outlet, a BMC or a
// cluster's accounting says, as a line like `350.5 W` or `81234 J`. Standard
// library only.
//
// Joules (J, kJ, Wh, kWh) are a counter, of which differences are taken. Watts
// (W, kW) are summed up, as if power went straight from one answer to the next.
// What it says of a whole machine, a run gets `parts` of `whole` of. An answer
// of more than `most` is a mistake of the meter's, and is none.

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

// Joules alone, as sstat(1) prints ConsumedEnergyRaw. Nothing when there is
// none.
std::optional<PrintedEnergy> ParseBareJoules(const std::string& text);

struct CommandShare {
  int64_t parts = 1;
  int64_t whole = 1;
  int64_t most_mw = 1'000'000'000;  // of all that it prints
  // It prints joules without their unit, and 0 or nothing where it knows none.
  bool bare_joules = false;
};

class CommandCounter : public EnergyCounter {
 public:
  static constexpr int kLimitMs = 2000;  // a command is killed then

  // Never null. Why its first answer is none, if it is; it is asked again.
  static std::unique_ptr<CommandCounter> Open(std::vector<std::string> command,
                                              CommandShare share,
                                              std::string& complaint);
  std::optional<int64_t> Read() override;
  bool began() const override { return last_.has_value(); }
  // What it said last.
  const std::optional<PrintedEnergy>& last() const { return last_; }

 private:
  CommandCounter(std::vector<std::string> command, CommandShare share)
      : command_(std::move(command)), share_(share) {}
  bool Look(std::string& complaint);
  bool IsTooMuch(const PrintedEnergy& seen, int64_t now_ms) const;

  // Fixed after construction
  const std::vector<std::string> command_;
  const CommandShare share_;

  std::optional<PrintedEnergy> last_;
  int64_t at_ms_ = 0;
  double drawn_uj_ = 0;
};

}  // namespace carbond
