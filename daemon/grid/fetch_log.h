#pragma once
// What the log says of a provider's troubles: each once when it begins and once
// when it is over, however often it is met in between. One thread's.

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "daemon/grid/quality.h"

namespace carbond {

class FetchLog {
 public:
  explicit FetchLog(std::string provider) : provider_(std::move(provider)) {}

  void Failed(const Want& want, const Failure& failure, Instant now,
              Duration next_try);
  void Succeeded(const Want& want, const std::vector<Note>& notes, Instant now);
  // By how much this host's clock is ahead; nothing when it is right.
  void SawClock(std::optional<Duration> ahead);

  // What is wrong now, in words; empty when nothing is.
  std::string TroubleOf(const Want& want) const;
  // What troubles the service itself, and so all zones; "" for nothing.
  std::string TroubleOfAll() const;

 private:
  using Errand = std::pair<std::string, Want::What>;
  struct Ongoing {
    Failure::Kind kind;
    std::string sentence;
    Instant since;
    Errand of;  // whose success ends it
  };

  // Fixed after construction
  const std::string provider_;

  std::optional<Ongoing> of_all_;
  std::map<Errand, Ongoing> troubles_;
  std::map<Errand, std::set<Note::Kind>> noted_;
  bool clock_is_off_ = false;
};

}  // namespace carbond
