#include "scheduler/policies.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "scheduler/optimum.h"

namespace carbond {
namespace {

constexpr std::array<std::pair<PolicyKind, const char*>, 9> kNames = {{
    {PolicyKind::kRunNow, "run_now"},
    {PolicyKind::kLowestSlot, "lowest_slot"},
    {PolicyKind::kBestStart, "best_start"},
    {PolicyKind::kPauseResume, "pause_resume"},
    {PolicyKind::kReplan, "replan"},
    {PolicyKind::kThreshold, "threshold"},
    {PolicyKind::kCarbonTime, "carbon_time"},
    {PolicyKind::kDtpr, "dtpr"},
    {PolicyKind::kCarbond, "carbond"},
}};

constexpr double kThresholdQuantile = 0.3;
constexpr Duration kThresholdSpan = hours(24);
// Bounds of the double threshold are those of the next two days.
constexpr Duration kBoundsSpan = hours(48);

Series Within(const PolicyWindow& window) {
  return window.outlook.Clip({window.from, window.deadline});
}

// Instants at which an unbroken run may begin: at once, and with each slot.
std::vector<Instant> Starts(const PolicyWindow& window) {
  std::vector<Instant> starts = {window.from};
  const Series within = Within(window);
  for (const Slot& slot : within.slots()) {
    const Instant begin = slot.interval.begin;
    if (begin > window.from && begin + window.work <= window.deadline) {
      starts.push_back(begin);
    }
  }
  return starts;
}

// Intervals in order, neighbours that touch made one.
Runs Joined(std::vector<Interval> parts) {
  std::sort(
      parts.begin(), parts.end(),
      [](const Interval& a, const Interval& b) { return a.begin < b.begin; });
  Runs runs;
  for (const Interval& part : parts) {
    if (part.empty()) continue;
    if (!runs.empty() && runs.back().end == part.begin) {
      runs.back().end = part.end;
    } else {
      runs.push_back(part);
    }
  }
  return runs;
}

// A walk through the slots of a window by a rule: `runs_in` says of each slot
// whether the job would run in it. Waiting ends when the slack does.
template <typename Rule>
Runs Walk(const PolicyWindow& window, const Rule& runs_in) {
  std::vector<Interval> parts;
  Duration left = window.work;
  Instant at = window.from;
  const Series within = Within(window);
  for (const Slot& slot : within.slots()) {
    if (left <= Duration(0)) break;
    at = std::max(at, slot.interval.begin);
    const Instant latest = window.deadline - left;
    if (!runs_in(slot, left, at >= latest)) {
      at = std::min(slot.interval.end, std::max(latest, at));
      if (at >= slot.interval.end) continue;
    }
    const Interval part{at, std::min(slot.interval.end, at + left)};
    parts.push_back(part);
    left -= part.length();
    at = part.end;
  }
  if (left > Duration(0)) parts.push_back({at, at + left});
  return Joined(std::move(parts));
}

}  // namespace

const char* Name(PolicyKind kind) {
  for (const auto& [each, name] : kNames) {
    if (each == kind) return name;
  }
  return "?";
}

Result<PolicyKind> ParsePolicy(const std::string& name) {
  std::string all;
  for (const auto& [kind, known] : kNames) {
    if (name == known) return kind;
    all += all.empty() ? known : std::string(", ") + known;
  }
  return Refused("policy `{}` is none of {}", name, all);
}

std::vector<PolicyKind> AllPolicies() {
  std::vector<PolicyKind> all;
  for (const auto& [kind, name] : kNames) all.push_back(kind);
  return all;
}

bool UsesForecasts(PolicyKind kind) { return kind != PolicyKind::kRunNow; }

// ---- The rules ------------------------------------------------------------

Runs RunAtOnce(const PolicyWindow& window) {
  return {{window.from, window.from + window.work}};
}

Runs LowestSlot(const PolicyWindow& window) {
  std::optional<GramsPerKwh> lowest;
  Instant begin = window.from;
  for (const Instant start : Starts(window)) {
    const auto there = window.outlook.At(start);
    if (!there || (lowest && *there >= *lowest)) continue;
    lowest = there;
    begin = start;
  }
  return {{begin, begin + window.work}};
}

Runs BestStart(const PolicyWindow& window) {
  std::vector<PricedSlot> slots;
  const Series within = Within(window);
  for (const Slot& slot : within.slots()) {
    const int64_t begin = slot.interval.begin.millis();
    if (!slots.empty() && slots.back().end < begin) {  // a gap: no run there
      slots.push_back({slots.back().end, begin, 0, 0, true});
    }
    slots.push_back({begin, slot.interval.end.millis(),
                     slot.intensity.thousandths(), 0, false});
  }
  Task task;
  task.work = window.work.count();
  const auto best = BestUnbroken(slots, task);
  if (!best) return RunAtOnce(window);
  const RunSpan& run = best->runs.front();
  return {{Instant::FromMillis(run.begin), Instant::FromMillis(run.end)}};
}

Runs PauseResume(const PolicyWindow& window) {
  const Series within = Within(window);
  std::vector<Slot> slots = within.slots();
  std::stable_sort(
      slots.begin(), slots.end(),
      [](const Slot& a, const Slot& b) { return a.intensity < b.intensity; });
  std::vector<Interval> chosen;
  Duration left = window.work;
  for (const Slot& slot : slots) {
    if (left <= Duration(0)) break;
    Interval part = slot.interval;
    if (part.length() > left) {
      // Of the last slot the side is taken that touches a chosen one.
      const bool late_side = std::any_of(
          chosen.begin(), chosen.end(),
          [&](const Interval& c) { return c.begin == slot.interval.end; });
      if (late_side) {
        part.begin = part.end - left;
      } else {
        part.end = part.begin + left;
      }
    }
    chosen.push_back(part);
    left -= part.length();
  }
  if (left > Duration(0)) return RunAtOnce(window);
  return Joined(std::move(chosen));
}

// Maximises (C(a) - C(s)) / ((s - a) + k), C(s) the carbon of a run from s.
Runs CarbonTime(const PolicyWindow& window) {
  const auto carbon = [&](Instant start) {
    return window.outlook.Mean({start, start + window.work});
  };
  const auto at_once = carbon(window.from);
  Instant best = window.from;
  double best_score = 0;
  for (const Instant start : Starts(window)) {
    const auto there = carbon(start);
    if (!at_once || !there) continue;
    const double score =
        (at_once->value() - there->value()) /
        static_cast<double>((start - window.from + window.work).count());
    if (score <= best_score) continue;
    best_score = score;
    best = start;
  }
  return {{best, best + window.work}};
}

std::optional<double> ThresholdOf(const Series& outlook, Instant from) {
  std::vector<double> values;
  const Series day = outlook.Clip({from, from + kThresholdSpan});
  for (const Slot& slot : day.slots()) values.push_back(slot.intensity.value());
  if (values.empty()) return std::nullopt;
  std::sort(values.begin(), values.end());
  const double place =
      kThresholdQuantile * static_cast<double>(values.size() - 1);
  const auto below = static_cast<size_t>(place);
  const size_t above = std::min(below + 1, values.size() - 1);
  const double part = place - static_cast<double>(below);
  return values[below] + part * (values[above] - values[below]);
}

Runs BelowThreshold(const PolicyWindow& window, double threshold) {
  return Walk(window, [&](const Slot& slot, Duration, bool) {
    return slot.intensity.value() < threshold;
  });
}

// a solves (U - L - 2b) / (U (1 - 1/a) - (2b - 2b/k + 2b/(k a)))
//        = (1 + 1/(k a))^k; the left side falls with a, the right side too,
// but slower, so that a bisection finds it.
DoubleThreshold DoubleThreshold::Make(double least, double most, double change,
                                      int slots) {
  DoubleThreshold rule{least, most, change, slots, 0};
  const double k = slots;
  if (slots < 1 || least <= 0 || most <= least || change < 0 ||
      2 * change >= most - least) {
    return rule;
  }
  const auto excess = [&](double a) {
    const double below = most * (1 - 1 / a) -
                         (2 * change - 2 * change / k + 2 * change / (k * a));
    if (below <= 0) return 1.0;  // a is too small still
    return (most - least - 2 * change) / below - std::pow(1 + 1 / (k * a), k);
  };
  double low = 1, high = most / least + 1;
  for (int i = 0; i < 200; ++i) {
    const double middle = (low + high) / 2;
    (excess(middle) > 0 ? low : high) = middle;
  }
  rule.ratio = (low + high) / 2;
  return rule;
}

double DoubleThreshold::High(int i) const {
  const double k = slots, a = ratio;
  const double growth = std::pow(1 + 1 / (k * a), i - 1);
  return most * (1 - (1 - 1 / a) * growth) +
         2 * change * ((1 / (k * a) - 1 / k + 1) * growth);
}

Runs BetweenThresholds(const PolicyWindow& window, const DoubleThreshold& rule,
                       bool running) {
  const Series within = Within(window);
  if (rule.ratio == 0 || within.empty()) return RunAtOnce(window);
  const Duration slot_length = within.slots().back().interval.length();
  bool ran = running;
  return Walk(window, [&](const Slot& slot, Duration left, bool forced) {
    const auto still =
        static_cast<int>((left + slot_length - Duration(1)) / slot_length);
    const int i = std::max(rule.slots - still + 1, 1);
    const double limit = ran ? rule.High(i) : rule.Low(i);
    ran = forced || slot.intensity.value() <= limit;
    return ran;
  });
}

// ---- The same as planners -------------------------------------------------

Plan Policy::Make(const PlanInput& input) {
  if (kind_ == PolicyKind::kCarbond) return planner_.Make(input);
  if (kind_ == PolicyKind::kReplan) {
    PlanInput alone = input;
    for (PlanJob& job : alone.jobs) job.min_saving = 0;
    return planner_.Make(alone);
  }
  Plan plan;
  plan.made_at = input.now;
  for (const PlanJob& job : input.jobs) {
    plan.jobs.push_back(PlanOne(input, job));
  }
  return plan;
}

JobPlan Policy::PlanOne(const PlanInput& input, const PlanJob& job) {
  JobPlan plan;
  plan.id = job.id;
  if (job.held) return plan;
  Memory& memory = memory_[job.id];
  const Choice choice = Choose(input, job, memory);
  plan.region = choice.region;
  plan.region_name = input.regions[static_cast<size_t>(choice.region)].name;
  // What is left of the choice; a run under way begins now.
  const auto add = [&](Interval run) {
    plan.runs.push_back({run, plan.region, plan.region_name});
  };
  for (Interval run : choice.runs) {
    run.begin = std::max(run.begin, input.now);
    if (!run.empty()) add(run);
  }
  if (plan.runs.empty()) add({input.now, input.now + job.work});
  plan.finish_at = plan.runs.back().interval.end;
  plan.late = *plan.finish_at > job.deadline;
  plan.why = Name(kind_);
  return plan;
}

Policy::Choice Policy::Choose(const PlanInput& input, const PlanJob& job,
                              Memory& memory) {
  const bool by_rule =
      kind_ == PolicyKind::kThreshold || kind_ == PolicyKind::kDtpr;
  const bool again = by_rule && job.pause != PauseMode::kNone;
  if (!again && memory.once.region >= 0) return memory.once;
  std::vector<int> regions = job.regions;
  if (kind_ == PolicyKind::kRunNow) regions = {job.home};
  if (memory.once.region >= 0) regions = {memory.once.region};
  Choice best;
  for (const int index : regions) {
    const PlanRegion& region = input.regions[static_cast<size_t>(index)];
    const Instant from = std::max(input.now, job.earliest);
    Choice choice;
    choice.region = index;
    choice.runs = Decide({region.outlook, from, job.work, job.deadline}, job,
                         index, memory);
    choice.known = true;
    for (const Interval& run : choice.runs) {
      const Integral sum = region.outlook.Over(run);
      choice.known = choice.known && sum.known == run.length();
      choice.grams +=
          static_cast<double>(sum.mg_per_kwh_ms) * region.pue.value();
    }
    const bool better =
        best.region < 0 || (choice.known && !best.known) ||
        (choice.known == best.known && choice.grams < best.grams);
    if (better) best = std::move(choice);
  }
  memory.once = best;
  return best;
}

Runs Policy::Decide(const PolicyWindow& window, const PlanJob& job, int region,
                    Memory& memory) const {
  const bool pausable = job.pause != PauseMode::kNone;
  switch (kind_) {
    case PolicyKind::kRunNow:
      return RunAtOnce(window);
    case PolicyKind::kLowestSlot:
      return LowestSlot(window);
    case PolicyKind::kCarbonTime:
      return CarbonTime(window);
    case PolicyKind::kPauseResume:
      return pausable ? PauseResume(window) : BestStart(window);
    case PolicyKind::kThreshold: {
      if (!pausable) return BestStart(window);
      auto [it, is_new] = memory.threshold.try_emplace(region, 0);
      if (is_new) {
        const auto threshold = ThresholdOf(window.outlook, window.from);
        if (!threshold) memory.threshold.erase(it);
        if (!threshold) return RunAtOnce(window);
        it->second = *threshold;
      }
      return BelowThreshold(window, it->second);
    }
    case PolicyKind::kDtpr: {
      const Series near =
          window.outlook.Clip({window.from, window.from + kBoundsSpan});
      if (!pausable) return BestStart(window);
      if (near.empty()) return RunAtOnce(window);
      auto [it, is_new] = memory.rules.try_emplace(region);
      if (is_new) {
        const auto [low, high] =
            std::minmax_element(near.slots().begin(), near.slots().end(),
                                [](const Slot& a, const Slot& b) {
                                  return a.intensity < b.intensity;
                                });
        const auto slot = near.slots().back().interval.length();
        const double overhead =
            static_cast<double>(
                (job.checkpoint_cost + job.resume_cost).count()) /
            2 / static_cast<double>(slot.count());
        const auto slots =
            static_cast<int>((job.work + slot - Duration(1)) / slot);
        it->second = DoubleThreshold::Make(
            low->intensity.value(), high->intensity.value(),
            overhead * high->intensity.value(), slots);
      }
      const bool runs = job.standing == PlanJob::Standing::kRunning;
      return BetweenThresholds(window, it->second, runs);
    }
    default:
      return BestStart(window);
  }
}

}  // namespace carbond
