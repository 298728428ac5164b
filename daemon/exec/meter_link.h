#pragma once
// The runner's end of carbon-meter, which measures what the run draws (its
// words: meter_main.cc). Standard library only. A meter that is missing, slow
// or dead costs the job nothing but a measurement.

#include <string>
#include <vector>

#include "daemon/exec/descriptor.h"

namespace carbond {

class MeterLink {
 public:
  MeterLink() = default;  // nothing is measured

  // Starts it, no child of this process, and waits until it has read its
  // counters for the first time, or a few seconds. To be called before this
  // process becomes the reaper of orphans.
  static MeterLink Start(const std::vector<std::string>& command);

  void SaySuspended() { Say('s'); }
  void SayContinued() { Say('c'); }
  // Nothing of the job is left: waits a little for the last sample.
  void SayEnded();

 private:
  void Say(char word);
  void Await(int milliseconds);

  UniqueFd socket_;
};

}  // namespace carbond
