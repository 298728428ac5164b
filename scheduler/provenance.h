#pragma once
// Which provider the values of a zone came from, instant by instant: a chain of
// providers speaks in turns, and each gram is to say whose word it rests on.

#include <map>
#include <string>
#include <vector>

#include "scheduler/series.h"

namespace carbond {

class Provenance {
 public:
  // The series' instants are the provider's from now on.
  void Say(const Series& series, const std::string& provider);
  // Those who spoke within an interval, each once, in order of time.
  std::vector<std::string> Within(Interval interval) const;
  void ForgetBefore(Instant t);

 private:
  struct Part {
    Instant end;
    std::string provider;
  };
  void Say(Interval interval, const std::string& provider);

  std::map<Instant, Part> parts_;  // by their begin; disjoint
};

}  // namespace carbond
