#pragma once
// A world in a line or two: one or more regions, hourly intensities, the real
// engine and the simulated doors.

#include <memory>
#include <string>
#include <vector>

#include "scheduler/engine.h"
#include "scheduler/sim/driver.h"
#include "scheduler/sim/memory_ledger.h"
#include "scheduler/sim/sim_doors.h"

namespace carbond {

inline const Instant kDawn = Instant::FromSeconds(1'767'225'600);  // 2026-01-01

// Slots of equal length from `begin` on.
inline Series Steps(Instant begin, Duration length,
                    const std::vector<double>& g_per_kwh) {
  std::vector<Slot> slots;
  Instant at = begin;
  for (const double g : g_per_kwh) {
    slots.push_back({{at, at + length}, GramsPerKwh::Of(g)});
    at += length;
  }
  return *Series::Make(std::move(slots));
}
inline Series Hourly(Instant begin, const std::vector<double>& g_per_kwh) {
  return Steps(begin, hours(1), g_per_kwh);
}

inline Forecast Issue(const std::string& zone, Instant at, Series series) {
  return {zone, "sim", "sim", at, at, std::move(series)};
}

inline Region Place(const std::string& name, int gpus = 4, int cpus = 16) {
  Region region;
  region.name = name;
  region.zone = name;
  region.pue = Pue::Of(1);
  region.capacity = {gpus, cpus};
  return region;
}

inline JobSpec Work(Duration duration, double power_w = 1000) {
  JobSpec spec;
  spec.command = {"/bin/train"};
  spec.workdir = "/";
  spec.user = "ada";
  spec.need = {1, 1};
  spec.duration = duration;
  spec.power = Watts::Of(power_w);
  spec.power_declared = true;
  return spec;
}

class SimWorld {
 public:
  explicit SimWorld(std::vector<Region> regions = {Place("here")},
                    Instant begin = kDawn)
      : clock(begin), executor(clock) {
    options.regions = std::move(regions);
    options.stale_after = hours(1000);
    Restart();
  }

  // The forecast is the truth, and is known from the beginning.
  void Grid(const std::string& zone, Series series) {
    grid.AddForecast(Issue(zone, clock.Now(), series));
    grid.SetActual(zone, std::move(series));
  }

  // A crash: what the engine knew is gone, the ledger and the processes stay.
  void Restart() {
    auto recovered =
        Engine::Recover(options, {clock, ledger, grid, executor, meter});
    CARBOND_INVARIANT(recovered.ok(), "{}", Message(recovered.status()));
    engine = *std::move(recovered);
    driver = std::make_unique<Driver>(*engine, clock, &executor);
  }

  Reply Send(Command command) {
    std::vector<Command> commands{std::move(command)};
    auto replies = engine->Execute(commands);
    if (!replies.ok()) {
      Reply reply;
      reply.status = replies.status();
      return reply;
    }
    return replies->front();
  }

  Reply SubmitReply(JobSpec spec, Unset unset = {}) {
    SubmitCommand command;
    command.jobs.push_back({std::move(spec), unset});
    return Send(std::move(command));
  }
  JobId Submit(JobSpec spec, Unset unset = {}) {
    const Reply reply = SubmitReply(std::move(spec), unset);
    CARBOND_INVARIANT(reply.status.ok(), "{}", Message(reply.status));
    return reply.jobs.front();
  }

  const Job& At(JobId id) const { return ledger.jobs().at(id); }
  const JobPlan& PlanOf(JobId id) const { return ledger.plans().at(id).plan; }
  const JobEmissions& Figures(JobId id) const {
    return ledger.accounts().at(id).total;
  }

  EngineOptions options;
  SimClock clock;
  MemoryLedger ledger;
  SimGrid grid;
  SimExecutor executor;
  SimMeter meter;
  std::unique_ptr<Engine> engine;
  std::unique_ptr<Driver> driver;
};

}  // namespace carbond
