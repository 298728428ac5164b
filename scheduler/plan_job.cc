#include "scheduler/plan_job.h"

#include <algorithm>

#include "scheduler/emissions.h"
#include "scheduler/fleet_job.h"
#include "scheduler/plan_window.h"

namespace carbond {
namespace {

struct Candidate {
  int region = -1;
  std::vector<Interval> intervals;
  std::optional<Grams> grams;  // nothing: runs through unknown time
  Grams weighed;               // and what it costs to wait for its end
  Duration dear{0};            // time in instants that are forbidden or unknown
  Duration unknown{0};
  bool late = false;

  Instant begin() const { return intervals.front().begin; }
  Instant end() const { return intervals.back().end; }
};

// Less dear time first, then fewer grams, then the earlier start; the order in
// which the job prefers its regions decides between equals.
bool Better(const Candidate& a, const Candidate& b) {
  if (a.late != b.late) return b.late;
  if (a.late && a.end() != b.end()) return a.end() < b.end();
  if (a.dear != b.dear) return a.dear < b.dear;
  if (a.weighed != b.weighed && a.grams && b.grams) {
    return a.weighed < b.weighed;
  }
  return a.begin() < b.begin();
}

std::string Percent(double fraction) {
  const double percent = fraction * 100;
  return fmt::format("{:.{}f} %", percent, percent < 10 ? 1 : 0);
}

std::string Text(Grams grams) {
  const double g = grams.value();
  if (g >= 10'000) return fmt::format("{:.1f} kg", g / 1000);
  return fmt::format("{:.{}f} g", g, g < 10 ? 2 : g < 100 ? 1 : 0);
}

class JobPlanner {
 public:
  JobPlanner(const PlanInput& input, const PlanJob& job,
             const std::vector<CapacityProfile>& free, const JobSearch& search)
      : input_(input),
        job_(job),
        free_(free),
        search_(search),
        now_(input.now) {}

  bool crowded() const { return crowded_; }

  JobPlan Make() {
    plan_.id = job_.id;
    if (job_.held) return Stay(Reason::kHeld, "paused by its user");
    regions_ = OpenRegions();
    if (regions_.empty()) {
      return Stay(Reason::kRegionDrained,
                  "its regions are drained and start nothing new");
    }
    wanted_by_ = job_.deadline - job_.reserve;
    Search();
    if (best_ && best_->late && job_.reserve > Duration(0)) {
      wanted_by_ = job_.deadline;  // rather without the reserve than late
      best_.reset();
      at_once_.reset();
      alternatives_.clear();
      Search();
    }
    if (!best_) {
      return Stay(Reason::kNoCapacity, "it fits in none of its regions");
    }
    Decide();
    return std::move(plan_);
  }

 private:
  using Standing = PlanJob::Standing;

  bool running() const { return job_.standing == Standing::kRunning; }
  bool bound() const {  // to the region that it occupies
    return running() || job_.standing == Standing::kSuspended;
  }

  JobPlan Stay(Reason reason, std::string why) {
    plan_.reason = reason;
    plan_.why = std::move(why);
    plan_.region = bound() ? job_.region : -1;
    if (plan_.region >= 0) plan_.region_name = Region(plan_.region).name;
    return std::move(plan_);
  }

  const PlanRegion& Region(int index) const {
    return input_.regions[static_cast<size_t>(index)];
  }

  std::vector<int> OpenRegions() const {
    if (bound()) return {job_.region};
    std::vector<int> open;
    for (const int region : job_.regions) {
      if (!Region(region).drained) open.push_back(region);
    }
    return open;
  }

  // The parts of time in which the job does not fit, or may not run.
  std::vector<Interval> Blocked(int region, Interval within) const {
    if (bound()) return {};  // it has its place
    return free_[static_cast<size_t>(region)].TimesWithout(job_.need, within);
  }

  void Search() {
    const Instant from = std::max(now_, bound() ? now_ : job_.earliest);
    alternatives_.reserve(regions_.size() + 1);
    for (const int region : regions_) {
      const Interval whole{from, wanted_by_};
      const std::vector<Interval> blocked = Blocked(region, whole);
      crowded_ = crowded_ || !blocked.empty();
      if (job_.pause == PauseMode::kSuspend) {
        // In memory it keeps its place: pauses must fit as well as runs.
        for (const Interval& stretch : Between(blocked, whole)) {
          SearchWindow(region, {}, stretch);
        }
      } else {
        SearchWindow(region, blocked, whole);
      }
      KeepAtOnce(region, blocked, whole);
    }
    KeepGiven();
    if (!best_ && at_once_) best_ = at_once_;  // late, but as soon as it fits
  }

  static std::vector<Interval> Between(const std::vector<Interval>& blocked,
                                       Interval whole) {
    std::vector<Interval> stretches;
    Instant at = whole.begin;
    for (const Interval& interval : blocked) {
      if (interval.begin >= whole.end) break;
      if (interval.begin > at) stretches.push_back({at, interval.begin});
      at = std::max(at, interval.end);
    }
    if (at < whole.end) stretches.push_back({at, whole.end});
    return stretches;
  }

  void SearchWindow(int region, const std::vector<Interval>& blocked,
                    Interval whole) {
    if (whole.empty() || job_.pausing) return;
    const bool in_pieces = job_.pause != PauseMode::kNone && search_.in_pieces;
    if (!in_pieces && Plain(region, whole)) {
      Keep(region, PlainRun(region, Between(blocked, whole)));
      return;
    }
    const std::vector<PricedSlot> slots =
        PricedWindow(job_, Region(region), blocked, whole);
    Task task = TaskOf(job_, now_);
    task.most_looks = search_.most_looks;
    Keep(region, in_pieces ? BestRuns(slots, task) : BestUnbroken(slots, task));
  }

  void Keep(int region, const std::optional<Optimum>& found) {
    if (!found) return;
    alternatives_.push_back(CandidateOf(region, *found));
    const Candidate& candidate = alternatives_.back();
    if (!best_ || Better(candidate, *best_)) best_ = candidate;
  }

  // What it has; kept unless something is better, and no alternative.
  void KeepGiven() {
    if (search_.given == nullptr || search_.given->intervals.empty()) return;
    Optimum has;
    for (const Interval& run : search_.given->intervals) {
      has.runs.push_back({run.begin.millis(), run.end.millis()});
    }
    Candidate candidate = CandidateOf(search_.given->region, has);
    if (candidate.end() > wanted_by_) return;
    if (!best_ || Better(candidate, *best_)) best_ = std::move(candidate);
  }

  // Whether the shared sums of the region say all about the job: every instant
  // is known, allowed, and costs in proportion to its power.
  bool Plain(int region, Interval whole) const {
    return search_.time.exact() && !bound() && !job_.max_intensity &&
           job_.delay_cost_per_hour == Grams() &&
           search_.time.region(region).Knows(whole.begin.millis(),
                                             whole.end.millis());
  }

  // BestUnbroken on the shared sums.
  std::optional<Optimum> PlainRun(int region,
                                  const std::vector<Interval>& free) const {
    const RegionTime& time = search_.time.region(region);
    const Task task = TaskOf(job_, now_);
    const int64_t length =
        task.work + (task.start == Task::Start::kPaused ? task.restore : 0);
    std::optional<BestStart> best;
    for (const Interval& stretch : free) {
      const int64_t last = stretch.end.millis() - length;
      if (last < stretch.begin.millis()) continue;
      const BestStart start = CheapestStart(GramsOnly{time, 1}, time, length,
                                            stretch.begin.millis(), last);
      if (!best || start.cost < best->cost) best = start;
    }
    if (!best) return std::nullopt;
    Optimum run;
    run.runs = {{best->begin, best->begin + length}};
    return run;
  }

  Instant FirstFit(int region, Duration length,
                   const std::vector<Interval>& blocked, Interval whole) const {
    Instant begin = whole.begin;
    for (const Interval& interval : blocked) {  // in order
      if (interval.Overlaps({begin, begin + length})) begin = interval.end;
    }
    if (begin + length <= whole.end) return begin;
    return free_[static_cast<size_t>(region)].FirstFit(job_.need, length,
                                                       whole.begin);
  }

  // As soon as it fits, without a pause; beyond the deadline if need be.
  void KeepAtOnce(int region, const std::vector<Interval>& blocked,
                  Interval whole) {
    const Task task = TaskOf(job_, now_);
    Duration length(task.work);
    if (running()) length += Duration(task.restore_left);
    if (task.start == Task::Start::kPaused) length += Duration(task.restore);
    const Instant begin =
        bound() ? whole.begin : FirstFit(region, length, blocked, whole);
    if (begin >= Instant::Never()) return;
    if (at_once_ && begin > at_once_->begin()) return;
    Optimum run;
    run.runs = {{begin.millis(), (begin + length).millis()}};
    Candidate candidate = CandidateOf(region, run);
    const bool sooner = !at_once_ || candidate.begin() < at_once_->begin() ||
                        (candidate.begin() == at_once_->begin() &&
                         Better(candidate, *at_once_));
    if (sooner) at_once_ = std::move(candidate);
  }

  Candidate CandidateOf(int region, const Optimum& found) const {
    const PlanRegion& place = Region(region);
    Candidate candidate;
    candidate.region = region;
    Grams grams;
    bool known = true;
    Instant idle_from = now_;
    const bool idles = job_.pause == PauseMode::kSuspend;
    bool drawn = job_.standing == Standing::kSuspended;
    for (const RunSpan& span : found.runs) {
      const Interval run{Instant::FromMillis(span.begin),
                         Instant::FromMillis(span.end)};
      // A run that ends at once is none: it is asked to pause.
      if (!run.empty()) candidate.intervals.push_back(run);
      const auto add = [&](Watts power, Interval interval) {
        const auto part = GramsOf(power, place.pue, interval, place.outlook);
        if (part) grams += *part;
        known = known && part.has_value();
      };
      add(job_.power, run);
      if (idles && drawn && idle_from < run.begin) {
        add(job_.idle_power, {idle_from, run.begin});
      }
      idle_from = run.end;
      drawn = true;
      const Duration unknown = run.length() - place.outlook.Over(run).known;
      candidate.unknown += unknown;
      candidate.dear += job_.max_intensity ? DearTime(place, run) : unknown;
    }
    if (known) candidate.grams = grams;
    candidate.weighed = grams + DelayCost(candidate.end());
    candidate.late = candidate.end() > job_.deadline;
    return candidate;
  }

  Grams DelayCost(Instant finish) const {
    return Grams::FromThousandths(RoundedDivide(
        static_cast<Int128>(job_.delay_cost_per_hour.thousandths()) *
            (finish - now_).count(),
        Duration(hours(1)).count()));
  }

  Duration DearTime(const PlanRegion& place, Interval run) const {
    Duration fine{0};
    const Series part = place.outlook.Clip(run);
    for (const Slot& slot : part.slots()) {
      if (slot.intensity > *job_.max_intensity) continue;
      fine += slot.interval.length();
    }
    return run.length() - fine;
  }

  // ---- The decision and its words

  void Decide() {
    const Candidate* chosen = &*best_;
    Reason reason = Reason::kCleanerHours;
    const bool waits = Waits(*best_);
    if (best_->late) {
      reason = best_->begin() > now_ && !bound() ? Reason::kNoCapacity
                                                 : Reason::kSlackUsedUp;
    } else if (best_->unknown > Duration(0)) {
      reason = Reason::kNoForecast;
      if (input_.no_forecast == NoForecast::kRunNow) {
        if (at_once_) chosen = &*at_once_;
      } else {
        latest_ = AtLatest();
        if (latest_) chosen = &*latest_;
      }
    } else if (at_once_ && at_once_->late) {
      reason = Reason::kNoCapacity;  // in one piece it would be late
    } else if (at_once_ && waits && !Saves(*at_once_)) {
      chosen = &*at_once_;
      reason = Reason::kNoGain;
    } else if (!waits) {
      reason = SlackLeft() ? Reason::kNoGain : Reason::kSlackUsedUp;
    }
    const bool at_once =
        reason == Reason::kNoGain || reason == Reason::kSlackUsedUp;
    if (at_once && !bound() && chosen->begin() > now_) {
      reason = chosen->begin() <= job_.earliest ? Reason::kEarliest
                                                : Reason::kNoCapacity;
    }
    Fill(*chosen, reason);
  }

  // Whether the job is not simply run through as soon as it can be.
  bool Waits(const Candidate& candidate) const {
    return candidate.intervals.size() > 1 ||
           candidate.begin() > (at_once_ ? at_once_->begin() : now_);
  }

  // Does the best save what a wait must save?
  bool Saves(const Candidate& at_once) const {
    if (best_->dear < at_once.dear) return true;
    if (!best_->grams || !at_once.grams) return false;
    const double saved = (at_once.weighed - best_->weighed).value();
    const double least = job_.waits ? 0 : job_.min_saving;
    return saved > 0 && saved >= least * at_once.grams->value() - 1e-9;
  }

  bool SlackLeft() const {
    return at_once_ && at_once_->end() + seconds(1) < wanted_by_;
  }

  // The start that just meets the deadline, or as soon as it fits after it.
  std::optional<Candidate> AtLatest() const {
    if (bound()) return at_once_;
    const Duration length = at_once_->end() - at_once_->begin();
    const Instant begin = std::max(at_once_->begin(), wanted_by_ - length);
    const Interval run{begin, begin + length};
    if (!Blocked(at_once_->region, run).empty()) return at_once_;
    Optimum latest;
    latest.runs = {{run.begin.millis(), run.end.millis()}};
    return CandidateOf(at_once_->region, latest);
  }

  void Fill(const Candidate& chosen, Reason reason) {
    const PlanRegion& place = Region(chosen.region);
    plan_.region = chosen.region;
    plan_.region_name = place.name;
    plan_.intervals = chosen.intervals;
    plan_.finish_at = chosen.end();
    plan_.late = chosen.late;
    plan_.expected = chosen.grams;
    if (at_once_) plan_.run_now = at_once_->grams;
    plan_.forecast_issued_at = place.forecast_issued_at;
    plan_.reason = reason;
    plan_.why = Why(chosen, reason);
    std::stable_sort(alternatives_.begin(), alternatives_.end(), Better);
    if (at_once_) alternatives_.push_back(*at_once_);
    for (const Candidate& each : alternatives_) {
      if (each.region == chosen.region && each.begin() == chosen.begin() &&
          each.intervals.size() == chosen.intervals.size()) {
        continue;
      }
      plan_.alternatives.push_back(
          {Region(each.region).name, each.begin(), each.grams});
    }
  }

  std::string Why(const Candidate& chosen, Reason reason) const {
    const std::string begin = FormatInstant(chosen.begin());
    std::string text = Because(chosen, reason, begin);
    if (chosen.intervals.size() > 1 && reason == Reason::kCleanerHours) {
      text += fmt::format(", in {} runs", chosen.intervals.size());
    }
    if (reason == Reason::kCleanerHours &&
        chosen.end() > Region(chosen.region).forecast_end) {
      text += "; past the forecast the same hours of the last known days count";
    }
    if (job_.duration_learnt_from > 0) {
      text += fmt::format("; its duration is learnt from {} earlier job{}",
                          job_.duration_learnt_from,
                          job_.duration_learnt_from == 1 ? "" : "s");
    }
    if (chosen.late) {
      text += fmt::format("; it will miss its deadline {}",
                          FormatInstant(job_.deadline));
    } else if (chosen.dear > chosen.unknown) {
      text += fmt::format(
          "; its deadline forces {} above its maximum of {:.4g} g/kWh",
          FormatDuration(chosen.dear - chosen.unknown),
          job_.max_intensity->value());
    }
    return text;
  }

  std::string Because(const Candidate& chosen, Reason reason,
                      const std::string& begin) const {
    const std::string& region = Region(chosen.region).name;
    switch (reason) {
      case Reason::kCleanerHours: {
        const std::string saves = SavesText(chosen);
        if (running() && chosen.begin() <= now_) {
          return "runs and pauses for cleaner hours" + saves;
        }
        if (chosen.begin() <= now_) return "starts now" + saves;
        return fmt::format("waiting for cleaner hours until {}{}", begin,
                           saves);
      }
      case Reason::kNoGain:
        if (running()) {
          return job_.pause == PauseMode::kNone
                     ? "runs on: it cannot be paused"
                     : "runs on: a pause would not save enough";
        }
        return fmt::format("starts now: waiting would save less than {}",
                           Percent(job_.min_saving));
      case Reason::kSlackUsedUp:
        return fmt::format(
            "slack used up: {} whatever the grid, to finish by {}",
            running() ? "runs on" : "runs now", FormatInstant(job_.deadline));
      case Reason::kNoCapacity:
        if (chosen.begin() <= now_) {
          return fmt::format("runs in {} runs around what is taken in {}",
                             chosen.intervals.size(), region);
        }
        return fmt::format("no capacity in {} until {}", region, begin);
      case Reason::kEarliest:
        return fmt::format("may not start before {}", begin);
      case Reason::kNoForecast:
        return fmt::format("no forecast for {}: {}", region,
                           chosen.begin() <= now_
                               ? "runs now, as declared"
                               : fmt::format("waits, as declared, until its "
                                             "latest start {}",
                                             begin));
      default:
        return "";
    }
  }

  // ", saves 212 g (34 %)" against running at once.
  std::string SavesText(const Candidate& chosen) const {
    if (!chosen.grams || !at_once_ || !at_once_->grams ||
        *at_once_->grams <= Grams()) {
      return "";
    }
    const Grams saved = *at_once_->grams - *chosen.grams;
    return fmt::format(", saves {} ({})", Text(saved),
                       Percent(saved.value() / at_once_->grams->value()));
  }

  const PlanInput& input_;
  const PlanJob& job_;
  const std::vector<CapacityProfile>& free_;
  const JobSearch& search_;
  const Instant now_;
  Instant wanted_by_;  // the deadline, less what is kept free before it
  bool crowded_ = false;
  std::vector<int> regions_;
  std::optional<Candidate> best_, at_once_, latest_;
  std::vector<Candidate> alternatives_;
  JobPlan plan_;
};

}  // namespace

PlannedJob PlanOneJob(const PlanInput& input, const PlanJob& job,
                      const std::vector<CapacityProfile>& free,
                      const JobSearch& search) {
  JobPlanner planner(input, job, free, search);
  PlannedJob planned;
  planned.plan = planner.Make();
  planned.crowded = planner.crowded();
  return planned;
}

}  // namespace carbond
