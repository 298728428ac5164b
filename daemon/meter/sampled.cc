#include "daemon/meter/sampled.h"

#include <spdlog/spdlog.h>

#include <algorithm>

namespace carbond {
namespace {

// The daemon and the meter begin a run within this; more is a gap.
constexpr Duration kPromptly = seconds(1);

WattHours ToWattHours(int64_t microjoules) {
  constexpr Int128 kPerMilliwattHour = 3'600'000;
  return WattHours::FromThousandths(
      RoundedDivide(Int128{microjoules}, kPerMilliwattHour));
}

Instant BeganAt(const Job& job, const Run& run) {
  for (const Run& each : job.runs) {
    if (each.number == run.process && each.started_at) return *each.started_at;
  }
  return *run.started_at;
}

// By what was counted between two instants; nothing was: by all of it.
EnergySource SourceOf(const EnergyUntil& begin, const EnergyUntil& end) {
  int64_t total = end.total_uj - begin.total_uj;
  int64_t measured = end.measured_uj - begin.measured_uj;
  if (total <= 0) {
    total = end.total_uj;
    measured = end.measured_uj;
  }
  if (measured >= total) return EnergySource::kMeasured;
  return measured > 0 ? EnergySource::kMixed : EnergySource::kModelled;
}

EnergyUntil AllOf(const EnergyLog& log) {
  const EnergySample& last = log.samples.back();
  return {last.total_uj, last.measured_uj, last.at_ms};
}

}  // namespace

Result<Meter::Measured> SampledMeter::Read(const Job& job, const Run& run,
                                           const Span& asked) {
  const auto log = board_.Of({job.id, run.process});
  if (!log || log->samples.empty()) return model_.Read(job, run, asked);
  Span span = asked;
  Measured measured;
  if (span.interval.length() > longest_) {
    span.interval.end = span.interval.begin + longest_;
    span.last = false;
    measured.until = span.interval.end;
  }
  const int64_t begin_ms = clock_.ToReal(span.interval.begin).millis();
  const int64_t end_ms = clock_.ToReal(span.interval.end).millis();
  const EnergyUntil from = *Until(*log, begin_ms);
  const EnergyUntil to = span.last ? AllOf(*log) : *Until(*log, end_ms);
  measured.meter = log->meters;
  measured.source = SourceOf(from, to);
  TellOfSilence({job.id, run.process}, *log, measured.source);
  WattHours total = ToWattHours(to.total_uj);

  const Instant first =
      clock_.FromReal(Instant::FromMillis(log->samples.front().at_ms));
  const Instant began = BeganAt(job, run);
  if (first - began > kPromptly) {
    total += job.spec->power * (std::min(first, span.interval.end) - began);
    if (span.interval.begin < first) measured.source = EnergySource::kMixed;
  }
  measured.energy = std::max(WattHours(), total - span.booked);
  measured.measured =
      std::clamp(ToWattHours(to.measured_uj) - span.booked_measured,
                 WattHours(), measured.energy);

  const Instant heard = clock_.FromReal(Instant::FromMillis(to.known_ms));
  const bool silent = !log->ended() && to.known_ms == AllOf(*log).known_ms &&
                      span.interval.end - heard > patience_;
  if (!silent) return measured;
  // What was booked as nothing while there was patience is made up for.
  Span gap = span;
  if (span.interval.begin - heard <= patience_) {
    gap.interval.begin = std::max(heard, span.since);
  }
  CARBOND_ASSIGN_OR_RETURN(const Measured modelled, model_.Read(job, run, gap));
  measured.source = measured.energy == WattHours() ? EnergySource::kModelled
                                                   : EnergySource::kMixed;
  measured.energy += modelled.energy;
  return measured;
}

// Once for each run, and only of what should be measured.
void SampledMeter::TellOfSilence(ProcessId id, const EnergyLog& log,
                                 EnergySource source) {
  const bool models = log.meters.find("cpu_time") != std::string::npos;
  if (models || source == EnergySource::kMeasured) return;
  if (!told_.insert(id).second) return;
  spdlog::warn(
      "job {} run {}: its meter ({}) gave nothing for a while, and a model "
      "stands in until it speaks",
      Number(id.job), id.process, log.meters);
}

}  // namespace carbond
