#include "scheduler/plan_input.h"

#include <algorithm>
#include <cmath>

namespace carbond {
namespace {

constexpr Duration kDay = hours(24);

Resources CapacityAt(const Region& region, const std::optional<Room>& room,
                     Instant t) {
  Resources capacity = region.CapacityAt(t);
  if (!room) return capacity;
  const Resources left = room->LeftAt(t);
  return {std::clamp(left.gpus, 0, capacity.gpus),
          std::clamp(left.cpus, 0, capacity.cpus)};
}

}  // namespace

DataMove MoveFrom(const std::string& region, const JobSpec& spec,
                  const TransferCost& transfer) {
  if (spec.data_gb <= 0) return {};
  const double time =
      spec.data_gb * static_cast<double>(transfer.time_per_gb.count());
  // The network's energy is spread over some time in any case.
  return {region, Duration(std::max<int64_t>(std::llround(time), 1)),
          WattHours::Of(spec.data_gb * transfer.energy_per_gb.value())};
}

PlanJob PlanJobOf(const JobSpec& spec, const TransferCost& transfer) {
  PlanJob plan;
  plan.user = spec.user;
  plan.need = spec.need;
  plan.power = spec.power;
  plan.idle_power = spec.idle_power;
  plan.work = spec.duration;
  plan.pause = spec.pause;
  // Stopping in memory saves nothing, and takes no time.
  if (spec.pause == PauseMode::kCheckpoint) {
    plan.checkpoint_cost = spec.checkpoint_cost;
  }
  plan.resume_cost = spec.resume_cost;
  plan.min_run = spec.min_run;
  plan.min_pause = spec.min_pause;
  plan.max_intensity = spec.max_intensity;
  plan.min_saving = spec.min_saving;
  plan.delay_cost_per_hour = spec.delay_cost_per_hour;
  plan.duration_learnt_from = spec.duration_learnt_from;
  if (spec.max_pauses) plan.max_runs = *spec.max_pauses + 1;
  plan.priority = spec.priority;
  const DataMove move = MoveFrom(spec.home_region, spec, transfer);
  plan.transfer = move.time;
  plan.transfer_energy = move.energy;
  return plan;
}

bool About(Instant a, Instant b) {
  return std::abs((a - b).count()) <= Duration(minutes(1)).count();
}

std::vector<Taken> LackingDuring(const Region& region,
                                 const std::optional<Room>& room,
                                 Interval during) {
  std::vector<Taken> lacking;
  if ((region.hours.empty() && !room) || during.empty()) return lacking;
  std::vector<Instant> borders{during.begin, during.end};
  const Instant first = Instant::FromMillis(
      during.begin.millis() - during.begin.millis() % kDay.count());
  for (Instant day = first; day < during.end; day = day + kDay) {
    for (const CapacityHours& each : region.hours) {
      for (const Instant border : {day + each.from, day + each.until}) {
        if (during.Contains(border)) borders.push_back(border);
      }
    }
  }
  if (room) {
    for (const Taken& taken : room->taken) {
      for (const Instant border : {taken.interval.begin, taken.interval.end}) {
        if (during.Contains(border)) borders.push_back(border);
      }
    }
  }
  std::sort(borders.begin(), borders.end());
  for (size_t i = 0; i + 1 < borders.size(); ++i) {
    const Interval piece{borders[i], borders[i + 1]};
    if (piece.empty()) continue;
    Resources missing = region.capacity;
    missing -= CapacityAt(region, room, piece.begin);
    if (missing == Resources{}) continue;
    if (!lacking.empty() && lacking.back().interval.end == piece.begin &&
        lacking.back().need == missing) {
      lacking.back().interval.end = piece.end;
    } else {
      lacking.push_back({piece, missing});
    }
  }
  return lacking;
}

}  // namespace carbond
