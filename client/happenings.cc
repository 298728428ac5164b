#include "client/happenings.h"

#include <fmt/format.h>

#include "client/console.h"
#include "client/local_time.h"
#include "client/names.h"
#include "client/quantity.h"
#include "client/words.h"

namespace carbond::client {
namespace {

using v1::Job;
using v1::Run;

const Run* LastRun(const Job& job) {
  return job.runs().empty() ? nullptr : &*job.runs().rbegin();
}

// `run 2 in here`.
std::string RunPhrase(const Job& job) {
  const Run* run = LastRun(job);
  if (run == nullptr) return "a run";
  return fmt::format(
      "run {}{}", run->run(),
      run->region().empty() ? "" : " in " + Printable(run->region()));
}

// When a job that does not run will, and why it does not.
std::string Next(const Job& job, const Here& here) {
  std::string text;
  if (job.plan().intervals_size() > 0 && !job.held()) {
    text = fmt::format(
        "; {} {}", job.state() == v1::JOB_STATE_PAUSED ? "goes on" : "starts",
        FormatWhenWithOffset(FromProto(job.plan().intervals(0).begin()), here));
  }
  const std::string reason = ReasonPhrase(job.wait_reason());
  if (!reason.empty()) text += (text.empty() ? "; " : ": ") + reason;
  return text;
}

std::string Done(const Job& job) {
  std::string text = OutcomePhrase(job);
  if (!job.has_emissions()) return text;
  const v1::Emissions& emissions = job.emissions();
  text += fmt::format("; {}, {}", FormatEnergy(emissions.energy_kwh()),
                      EmittedCell(emissions));
  const std::string saved = SavedPhrase(emissions);
  return saved.empty() ? text : text + ", " + saved;
}

std::string Standing(const Job& job, const Here& here) {
  switch (job.state()) {
    case v1::JOB_STATE_DONE:
      return Done(job);
    case v1::JOB_STATE_WAITING:
    case v1::JOB_STATE_PAUSED:
      return Name(job.state()) + Next(job, here);
    default:
      return fmt::format("{}: {}", Name(job.state()), RunPhrase(job));
  }
}

std::string RunEnded(const Job& job, const Here& here) {
  if (job.state() == v1::JOB_STATE_DONE) return Done(job);
  const Run* run = LastRun(job);
  std::string end = run == nullptr ? "" : Printable(run->end());
  if (end.empty()) end = "ended";
  return fmt::format("{} {}{}", RunPhrase(job), end, Next(job, here));
}

std::string Phrase(const v1::WatchJobsResponse& happening, const Here& here) {
  const Job& job = happening.job();
  const std::string& event = happening.event();
  if (event.empty()) return Standing(job, here);
  if (event == "Submitted") return "submitted" + Next(job, here);
  if (event == "StartIssued") return "starting " + RunPhrase(job);
  if (event == "RunStarted") return RunPhrase(job) + " started";
  if (event == "Progressed") {
    return "progress " + FormatPercent(job.progress_fraction());
  }
  if (event == "PauseIssued") return "asked to pause";
  if (event == "PauseFailed") return "could not be paused: it runs on";
  if (event == "RunEnded") return RunEnded(job, here);
  if (event == "StopIssued") return "being stopped";
  if (event == "CancelRequested") {
    return job.state() == v1::JOB_STATE_DONE ? Done(job)
                                             : "cancel was asked for";
  }
  if (event == "Held") return "held" + Next(job, here);
  if (event == "Released") return "released" + Next(job, here);
  return Printable(event) + ": " + Standing(job, here);
}

}  // namespace

std::string HappeningLine(const v1::WatchJobsResponse& happening,
                          absl::TimeZone zone) {
  if (!happening.has_job() || happening.event() == "EnergyMetered") return "";
  const absl::Time at = FromProto(happening.at());
  const std::string time =
      happening.has_at()
          ? absl::FormatTime("%Y-%m-%d %H:%M:%S %Ez", at, zone) + "  "
          : "";
  // Without an instant of its own, nothing is `today`.
  const Here here{happening.has_at() ? at : absl::InfinitePast(), zone};
  return fmt::format("{}{}: {}\n", time, JobTitle(happening.job()),
                     Phrase(happening, here));
}

}  // namespace carbond::client
