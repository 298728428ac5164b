#pragma once
// Sentences: what a job will do, why it waits, how it ended.

#include <carbond/v1/carbond.pb.h>

#include <string>

#include "absl/time/time.h"
#include "client/local_time.h"

namespace carbond::client {

// `demonstration clock, 1440x`; empty for a clock that runs as clocks do.
std::string ClockNote(double clock_speed);

// `32 % less than running at once (604 g)`; `costs 3 % more than ...`; empty
// where a figure is missing.
std::string SavingPhrase(const v1::Plan& plan);

// `412 g`; where the intensity of some hours is not known `> 412 g`, and where
// it is known of none `unknown`.
std::string EmittedCell(const v1::Emissions& emissions);
std::string EmittedCell(const v1::SecondSignal& second);

// `saved 192 g (32 %)`, `cost 12 g (3 %) more`; empty where nothing is known.
std::string SavedPhrase(const v1::Emissions& emissions);
std::string SavedPhrase(const v1::SecondSignal& second);

// `usually within 12 g/kWh in 1 h, 35 g/kWh in 6 h`, as experience has it; says
// so where there is none yet.
std::string SpreadPhrase(const v1::Forecast& forecast);

// The daemon's one-word reason in a few words; empty for one that is not known
// or says nothing.
std::string ReasonPhrase(const std::string& reason);

// Region, when, how much, why: `starts in here at 13:20 +01:00, ...`. The
// plan's own `made_at` is now.
std::string PlanSentence(const v1::Plan& plan, absl::TimeZone zone);

// `job 17: ...`, for the one who just submitted it.
std::string SubmitLine(const v1::Job& job, absl::TimeZone zone);

// A table's cell: `starts 2026-11-21 13:20, cleaner hours`.
std::string WhenAndWhy(const v1::Job& job, absl::TimeZone zone);

// `succeeded`, `failed with exit code 3`, `cancelled`, `lost`.
std::string OutcomePhrase(const v1::Job& job);

// `job 17 train`, or without the name where there is none.
std::string JobTitle(const v1::Job& job);

// What it saved, or with a `~` what it is expected to save.
std::string SavedCell(const v1::Job& job);

}  // namespace carbond::client
