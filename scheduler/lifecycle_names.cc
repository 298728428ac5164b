// What the states of a job, the ends of its runs and its facts are called, in
// the ledger and in answers.

#include <array>
#include <iterator>

#include "scheduler/lifecycle.h"

namespace carbond {
namespace {

constexpr const char* kFactNames[] = {
    "Submitted",     "StartIssued",     "RunStarted",  "Progressed",
    "EnergyMetered", "PauseIssued",     "PauseFailed", "RunEnded",
    "StopIssued",    "CancelRequested", "Held",        "Released"};
static_assert(std::size(kFactNames) == std::variant_size_v<Fact>);

template <typename E, size_t N>
Result<E> ParseName(const std::array<E, N>& all, const std::string& name,
                    const char* what) {
  for (const E value : all) {
    if (name == Name(value)) return value;
  }
  return Refused("{} `{}` is unknown: written by a newer carbond?", what, name);
}

}  // namespace

const char* Name(State state) {
  switch (state) {
    case State::kWaiting:
      return "waiting";
    case State::kStarting:
      return "starting";
    case State::kRunning:
      return "running";
    case State::kPaused:
      return "paused";
    case State::kDone:
      return "done";
  }
  return "?";
}

const char* Name(Outcome outcome) {
  switch (outcome) {
    case Outcome::kNone:
      return "none";
    case Outcome::kSucceeded:
      return "succeeded";
    case Outcome::kFailed:
      return "failed";
    case Outcome::kCancelled:
      return "cancelled";
    case Outcome::kLost:
      return "lost";
  }
  return "?";
}

const char* Name(RunEnd end) {
  switch (end) {
    case RunEnd::kNone:
      return "none";
    case RunEnd::kSucceeded:
      return "succeeded";
    case RunEnd::kFailed:
      return "failed";
    case RunEnd::kCheckpointed:
      return "checkpointed";
    case RunEnd::kSuspended:
      return "suspended";
    case RunEnd::kCancelled:
      return "cancelled";
    case RunEnd::kTimeLimit:
      return "time_limit";
    case RunEnd::kNotStarted:
      return "not_started";
    case RunEnd::kLost:
      return "lost";
    case RunEnd::kPreempted:
      return "preempted";
    case RunEnd::kRecalled:
      return "recalled";
  }
  return "?";
}

const char* Name(Purpose purpose) {
  switch (purpose) {
    case Purpose::kWork:
      return "work";
    case Purpose::kRestore:
      return "restore";
    case Purpose::kCheckpoint:
      return "checkpoint";
    case Purpose::kIdle:
      return "idle";
    case Purpose::kTransfer:
      return "transfer";
  }
  return "?";
}

const char* Name(EnergySource source) {
  switch (source) {
    case EnergySource::kModelled:
      return "modelled";
    case EnergySource::kMeasured:
      return "measured";
    case EnergySource::kMixed:
      return "mixed";
  }
  return "?";
}

const char* FactName(const Fact& fact) { return kFactNames[fact.index()]; }

Result<State> ParseState(const std::string& name) {
  return ParseName(std::array{State::kWaiting, State::kStarting,
                              State::kRunning, State::kPaused, State::kDone},
                   name, "state");
}

Result<Outcome> ParseOutcome(const std::string& name) {
  return ParseName(
      std::array{Outcome::kNone, Outcome::kSucceeded, Outcome::kFailed,
                 Outcome::kCancelled, Outcome::kLost},
      name, "outcome");
}

Result<RunEnd> ParseRunEnd(const std::string& name) {
  return ParseName(
      std::array{RunEnd::kNone, RunEnd::kSucceeded, RunEnd::kFailed,
                 RunEnd::kCheckpointed, RunEnd::kSuspended, RunEnd::kCancelled,
                 RunEnd::kTimeLimit, RunEnd::kNotStarted, RunEnd::kLost,
                 RunEnd::kPreempted, RunEnd::kRecalled},
      name, "run end");
}

Result<Purpose> ParsePurpose(const std::string& name) {
  return ParseName(
      std::array{Purpose::kWork, Purpose::kRestore, Purpose::kCheckpoint,
                 Purpose::kIdle, Purpose::kTransfer},
      name, "purpose");
}

Result<EnergySource> ParseEnergySource(const std::string& name) {
  return ParseName(std::array{EnergySource::kModelled, EnergySource::kMeasured,
                              EnergySource::kMixed},
                   name, "energy source");
}

}  // namespace carbond
