#include "daemon/meter/modelled.h"

#include <algorithm>
#include <tuple>

namespace carbond {

Meter::Power ModelledMeter::Expected(const Resources& need,
                                     const std::string&) {
  const int cpus = need.gpus == 0 ? std::max(need.cpus, 1) : need.cpus;
  const Watts running = config_.per_gpu * need.gpus + config_.per_cpu * cpus;
  return {running, Watts::Of(running.value() * config_.idle_fraction)};
}

Result<Meter::Measured> ModelledMeter::Read(const Job& job, const Run& run,
                                            const Span& span) {
  const auto [since, interval, purpose] =
      std::tuple(span.since, span.interval, span.purpose);
  if (interval.begin < since || interval.end < interval.begin) {
    return Refused(
        "job {} run {}: no energy can be read from {} to {}, which does not "
        "lie after its start {}",
        Number(job.id), run.number, FormatInstant(interval.begin),
        FormatInstant(interval.end), FormatInstant(since));
  }
  const Watts power =
      purpose == Purpose::kIdle ? job.spec->idle_power : job.spec->power;
  // The difference of two rounded sums, not a rounded difference: a thousand
  // readings then hold no thousand roundings.
  const WattHours until_end = power * (interval.end - since);
  const WattHours until_begin = power * (interval.begin - since);
  return Measured{until_end - until_begin, EnergySource::kModelled};
}

}  // namespace carbond
