#pragma once
// What a user says to carbond in the comment of a Slurm job: `carbon`, or
// `carbon:deadline=24h,duration=2h,power=300W`. Pure.

#include <optional>
#include <string>
#include <string_view>

#include "scheduler/time.h"
#include "scheduler/units.h"

namespace carbond {

struct SlurmWishes {
  std::optional<Duration> within;   // deadline=24h: of its submission
  std::optional<Instant> deadline;  // deadline=2026-11-23T08:00:00Z
  std::optional<Duration> duration;
  std::optional<Watts> power;
  std::string remark;  // what was not understood; empty: all was
};

// `carbon` alone, or followed by something else than a letter or a digit.
bool AsksForDeferral(std::string_view comment);
// A mistake costs what it was to say, and no more: a job is not held for ever
// because of it.
SlurmWishes ParseWishes(std::string_view comment);

}  // namespace carbond
