// What a job drew, read off the meter and booked to what it was drawn for.

#include <algorithm>

#include "scheduler/engine.h"
#include "scheduler/engine_transaction.h"

namespace carbond {
namespace {

constexpr Duration kShortest = Duration(1);

// Of the network, which carries a run's data evenly over the time they take.
// The difference of two rounded sums, so that readings add up to the whole.
WattHours NetworkEnergy(const Run& run, Interval interval) {
  const auto until = [&](Instant t) {
    return RoundedDivide(static_cast<Int128>(run.move.energy.thousandths()) *
                             (t - *run.started_at).count(),
                         run.move.time.count());
  };
  return WattHours::FromThousandths(until(interval.end) -
                                    until(interval.begin));
}

// No counter sees what the network draws.
void AddNetwork(const Run& run, Interval interval, Meter::Measured& read) {
  if (read.source == EnergySource::kMeasured) {
    read.source = EnergySource::kMixed;
    read.measured = read.energy;
  }
  read.energy += NetworkEnergy(run, interval);
}

}  // namespace

// Of what each process of a job drew, the network left out.
void Engine::Book(const Job& job, const Reading& reading,
                  ProcessEnergy& booked) {
  for (const Run& run : job.runs) {
    if (run.number != reading.run) continue;
    Booked& of_process = booked[run.process];
    of_process.energy += reading.metered.energy;
    of_process.measured += MeasuredPart(reading.metered);
    if (reading.metered.purpose == Purpose::kTransfer) {
      of_process.energy -= NetworkEnergy(run, reading.metered.interval);
    }
    return;
  }
}

Engine::Booked Engine::BookedOf(const Job& job, const Transaction& t) {
  const int process = job.runs.back().process;
  const ProcessEnergy& before = tracks_[job.id].booked;
  const auto known = before.find(process);
  ProcessEnergy all;
  if (known != before.end()) all.insert(*known);
  for (const Reading& reading : t.NewReadings(job.id)) Book(job, reading, all);
  return all[process];
}

std::optional<Pue> Engine::PueOf(const std::string& region) const {
  const int index = RegionIndex(region);
  if (index < 0) return std::nullopt;
  return options_.regions[static_cast<size_t>(index)].pue;
}

// Records what the job's current run drew since its last reading, cut where the
// purpose changes: data and restore first, the checkpoint from the moment it
// was asked.
void Engine::MeterUpTo(JobId id, Instant until, Transaction& t, bool last) {
  while (true) {
    const Job& job = *t.Find(id);
    const Run& run = job.runs.back();
    const Instant from = run.metered_until;
    if (!run.started_at || until < from || (until == from && !last)) return;
    Interval interval{from, until};
    Purpose purpose = Purpose::kWork;
    const Instant fetched = FetchedAt(run);
    const Instant restored = RestoredAt(job.spec, run);
    if (job.in_memory()) {
      purpose = Purpose::kIdle;
    } else if (from < fetched) {
      purpose = Purpose::kTransfer;
      interval.end = std::min(until, fetched);
    } else if (from < restored) {
      purpose = Purpose::kRestore;
      interval.end = std::min(until, restored);
    } else if (run.pause_issued_at && from >= *run.pause_issued_at) {
      purpose = Purpose::kCheckpoint;
    } else if (run.pause_issued_at) {
      interval.end = std::min(until, *run.pause_issued_at);
    }
    Meter::Span span;
    span.since = job.in_memory() ? *run.ended_at : *run.started_at;
    span.interval = interval;
    span.purpose = purpose;
    const Booked booked = BookedOf(job, t);
    span.booked = booked.energy;
    span.booked_measured = booked.measured;
    span.last = last && interval.end == until;
    Result<Meter::Measured> read = doors_.meter.Read(job, run, span);
    if (!read.ok()) {  // the same interval is asked for again
      troubles_.push_back(read.status());
      return;
    }
    if (read->until) interval.end = *read->until;
    if (interval.empty()) {
      // Counted before its end and read after it: it was drawn in no time that
      // is left, and is not lost for that.
      if (read->energy == WattHours()) return;
      interval.end += kShortest;
    }
    if (purpose == Purpose::kTransfer) AddNetwork(run, interval, *read);
    const int number = run.number;
    t.Record(id, interval.end,
             EnergyMetered{number, interval, read->energy, purpose,
                           read->source, std::move(read->meter),
                           read->source == EnergySource::kMixed ? read->measured
                                                                : WattHours(),
                           PueOf(run.region)});
    if (interval.end >= until) return;
  }
}

}  // namespace carbond
