#include "scheduler/plan_window.h"

#include <algorithm>
#include <numeric>

namespace carbond {
namespace {

// How the prices of one job weigh running against idling in memory: power
// ratios in lowest terms, so that sums stay small.
struct Weights {
  int64_t running = 1;
  int64_t idling = 0;
};

Weights WeightsOf(const PlanJob& job) {
  const int64_t power = std::max<int64_t>(job.power.thousandths(), 1);
  const int64_t idle = job.pause == PauseMode::kSuspend
                           ? std::max<int64_t>(job.idle_power.thousandths(), 0)
                           : 0;
  const int64_t divisor = std::gcd(power, idle);
  return {power / divisor, idle / divisor};
}

// What a millisecond of waiting costs, in the unit of the prices: one of them
// is power / weight x 10^-9 mg per hour.
Cost DelayPrice(const PlanJob& job, const Weights& weights) {
  const Cost per_hour =
      static_cast<Cost>(job.delay_cost_per_hour.thousandths());
  return RoundedDivide(per_hour * 1'000'000'000 * weights.running,
                       std::max<int64_t>(job.power.thousandths(), 1));
}

// What the network's energy costs at an intensity x PUE. A milliwatt-hour is
// what the job's power draws in 3,600,000 ms / power (mW).
Cost MoveCost(const PlanJob& job, Cost price) {
  const Cost drawn = static_cast<Cost>(job.transfer_energy.thousandths()) *
                     3'600'000 * WeightsOf(job).running;
  return RoundedDivide(price * drawn,
                       std::max<int64_t>(job.power.thousandths(), 1));
}

class WindowMaker {
 public:
  WindowMaker(const PlanJob& job, const PlanRegion& region,
              const std::vector<Interval>& blocked)
      : job_(job),
        region_(region),
        blocked_(blocked),
        weights_(WeightsOf(job)),
        delay_(DelayPrice(job, weights_)) {}

  void Make(Interval whole) {
    Cut(whole);
    for (size_t i = 0; i + 1 < points_.size(); ++i) {
      PricedSlot slot;
      slot.begin = points_[i].millis();
      slot.end = points_[i + 1].millis();
      const auto intensity = IntensityAt(points_[i]);
      dear_.push_back(!intensity ||
                      (job_.max_intensity && *intensity > *job_.max_intensity));
      if (intensity) {
        const Cost price = static_cast<Cost>(intensity->thousandths()) *
                           region_.pue.thousandths();
        known_prices_ += price * (slot.end - slot.begin);
        known_time_ += slot.end - slot.begin;
        slot.price = price * weights_.running;
        slot.idle_price = price * weights_.idling;
      }
      slot.price += delay_;
      slot.idle_price += delay_;
      slot.blocked = Blocked(points_[i]);
      all_ += slot.price * (slot.end - slot.begin);
      slots_.push_back(slot);
    }
  }

  // What running through the whole window costs.
  Cost all() const { return all_; }
  Cost known_prices() const { return known_prices_; }  // times milliseconds
  int64_t known_time() const { return known_time_; }

  std::vector<PricedSlot> WithDearTimeAt(Cost more) {
    for (size_t i = 0; i < slots_.size(); ++i) {
      if (dear_[i]) slots_[i].price += more;
    }
    return std::move(slots_);
  }

 private:
  void Cut(Interval whole) {
    known_ = region_.outlook.Clip(whole);
    AddPoint(whole.begin);
    for (const Slot& slot : known_.slots()) {
      AddPoint(slot.interval.begin);
      AddPoint(slot.interval.end);
    }
    AddPoint(whole.end);
    const size_t in_order = points_.size();
    for (const Interval& interval : blocked_) {
      const Interval cut = interval.Clip(whole);
      if (cut.empty()) continue;
      points_.push_back(cut.begin);
      points_.push_back(cut.end);
    }
    if (points_.size() == in_order) return;
    std::sort(points_.begin(), points_.end());
    points_.erase(std::unique(points_.begin(), points_.end()), points_.end());
  }

  void AddPoint(Instant t) {
    if (points_.empty() || points_.back() != t) points_.push_back(t);
  }

  // The points are asked for in order.
  std::optional<GramsPerKwh> IntensityAt(Instant t) {
    const std::vector<Slot>& slots = known_.slots();
    while (at_ < slots.size() && slots[at_].interval.end <= t) ++at_;
    if (at_ == slots.size() || !slots[at_].interval.Contains(t)) return {};
    return slots[at_].intensity;
  }

  bool Blocked(Instant t) const {
    return std::any_of(blocked_.begin(), blocked_.end(),
                       [t](const Interval& i) { return i.Contains(t); });
  }

  const PlanJob& job_;
  const PlanRegion& region_;
  const std::vector<Interval>& blocked_;
  const Weights weights_;
  const Cost delay_;
  Series known_;
  size_t at_ = 0;  // the slot of `known_` that was asked for last
  std::vector<Instant> points_;
  std::vector<bool> dear_;
  std::vector<PricedSlot> slots_;
  Cost all_ = 0, known_prices_ = 0;
  int64_t known_time_ = 0;
};

}  // namespace

std::vector<PricedSlot> PricedWindow(const PlanJob& job,
                                     const PlanRegion& region,
                                     const std::vector<Interval>& blocked,
                                     Interval window) {
  WindowMaker maker(job, region, blocked);
  maker.Make(window);
  return maker.WithDearTimeAt(maker.all() + 1);
}

PricedPlaces PricedWindows(const PlanJob& job,
                           const std::vector<const PlanRegion*>& regions,
                           const std::vector<std::vector<Interval>>& blocked,
                           Interval window) {
  PricedPlaces priced;
  std::vector<WindowMaker> makers;
  Cost all = 1, prices = 0;
  int64_t time = 0;
  for (size_t i = 0; i < regions.size(); ++i) {
    makers.emplace_back(job, *regions[i], blocked[i]);
    makers.back().Make(window);
    all += makers.back().all();
    prices += makers.back().known_prices();
    time += makers.back().known_time();
  }
  if (job.data_region >= 0) priced.moves.transfer = job.transfer.count();
  if (job.data_region >= 0 && time > 0) {
    priced.moves.cost = MoveCost(job, prices / time);
  }
  for (WindowMaker& maker : makers) {
    priced.places.push_back(maker.WithDearTimeAt(all));
  }
  return priced;
}

void PricedPlaces::AddClosedPlace() {
  PricedSlot closed;
  closed.begin = places.front().front().begin;
  closed.end = places.front().back().end;
  closed.blocked = true;
  moves.at = static_cast<int>(places.size());
  places.push_back({closed});
}

std::vector<int> OpenRegions(const PlanInput& input, const PlanJob& job) {
  using Standing = PlanJob::Standing;
  if (job.standing == Standing::kRunning ||
      job.standing == Standing::kSuspended) {
    return {job.region};
  }
  std::vector<int> open;
  for (const int region : job.regions) {
    if (!input.regions[static_cast<size_t>(region)].drained) {
      open.push_back(region);
    }
  }
  return open;
}

std::vector<int> LaterRegions(const PlanInput& input, const PlanJob& job) {
  if (job.pause != PauseMode::kCheckpoint ||
      job.delay_cost_per_hour != Grams()) {
    return {};
  }
  std::vector<int> later;
  for (const int region : job.regions) {
    const PlanRegion& place = input.regions[static_cast<size_t>(region)];
    // Where it runs it may go on, though nothing new begins there.
    const bool own =
        job.standing == PlanJob::Standing::kRunning && region == job.region;
    if (own || (!place.drained && job.need.Fits(place.capacity))) {
      later.push_back(region);
    }
  }
  if (later.size() < 2) later.clear();
  return later;
}

Task TaskOf(const PlanJob& job, Instant from) {
  Task task;
  task.work = std::max<int64_t>(job.work.count(), 1);
  task.restore = job.resume_cost.count();
  task.save = job.checkpoint_cost.count();
  task.min_run = job.min_run.count();
  task.max_runs = job.max_runs;
  task.min_pause = job.min_pause.count();
  switch (job.standing) {
    case PlanJob::Standing::kFresh:
      task.wait_price = DelayPrice(job, WeightsOf(job));
      break;
    case PlanJob::Standing::kRunning:
      task.start = Task::Start::kRunning;
      task.restore_left = job.restore_left.count();
      task.running_min =
          std::max<int64_t>((job.may_pause_from - from).count(), 0);
      break;
    case PlanJob::Standing::kSuspended:
    case PlanJob::Standing::kCheckpointed:
      task.start = Task::Start::kPaused;
      task.pause_left =
          std::max<int64_t>((job.may_resume_from - from).count(), 0);
      break;
  }
  return task;
}

}  // namespace carbond
