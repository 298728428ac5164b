#pragma once
// The outside contract's words for what the wire says in numbers. The same
// words stand in JSON, in tables and in flags. Unknown values of a newer daemon
// are "unknown"; unspecified ones are empty.

#include <carbond/v1/carbond.pb.h>

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace carbond::client {

std::string Name(v1::JobState state);       // waiting, starting, running, ...
std::string Name(v1::Outcome outcome);      // succeeded, failed, ...
std::string Name(v1::PauseMode mode);       // none, suspend, checkpoint
std::string Name(v1::Quality quality);      // provisional, settled
std::string Name(v1::EnergySource source);  // measured, modelled, mixed
std::string Name(v1::ForecastMode mode);    // fresh, late, stale, ...
std::string Name(v1::GroupBy by);           // job, user, project, region, day

absl::StatusOr<v1::JobState> ParseState(const std::string& name);
absl::StatusOr<v1::GroupBy> ParseGroupBy(const std::string& name);

// The known word that was probably meant; empty where none is near.
std::string NearestWord(const std::string& word,
                        const std::vector<std::string>& known);

}  // namespace carbond::client
