#include "scheduler/plan_job.h"

#include <algorithm>

#include "scheduler/candidate.h"
#include "scheduler/fleet_job.h"
#include "scheduler/plan_choice.h"
#include "scheduler/plan_window.h"

namespace carbond {
namespace {

// Where moves cost about as much as they save, the search across regions can
// take long: it then ends with the best found.
constexpr int64_t kMostLooksAcross = 50'000;
// A look at what waits out a least pause takes so many times as long.
constexpr int64_t kLookAtPause = 20;

class JobPlanner {
 public:
  JobPlanner(const PlanInput& input, const PlanJob& job,
             const std::vector<CapacityProfile>& free, const JobSearch& search)
      : input_(input),
        job_(job),
        free_(free),
        search_(search),
        now_(input.now),
        ready_(paused() ? job.may_resume_from : Instant()) {}

  bool crowded() const { return crowded_; }
  std::optional<Grams> least() const {
    const bool searched =
        job_.pause == PauseMode::kNone || (search_.in_pieces && !job_.pausing);
    if (!best_ || !exact_ || !searched) return std::nullopt;
    return best_->grams;
  }

  JobPlan Make() {
    plan_.id = job_.id;
    if (job_.held) return Stay(Reason::kHeld, "held until it is resumed");
    regions_ = OpenRegions(input_, job_);
    if (regions_.empty()) {
      return Stay(Reason::kRegionDrained,
                  "its regions are drained and start nothing new");
    }
    wanted_by_ = job_.deadline - job_.reserve;
    Search();
    if (Late() && job_.reserve > Duration(0)) {
      wanted_by_ = job_.deadline;  // rather without the reserve than late
      SearchAnew();
    }
    // Nor is a pause under way kept up for that: as far as the deadline needs,
    // and where something is in the way of that, not at all.
    const Instant latest = job_.deadline - LengthIn(Home());
    if (Late() && ready_ > latest && latest > now_) {
      ready_ = latest;
      SearchAnew();
    }
    if (Late() && ready_ > now_) {
      ready_ = now_;
      SearchAnew();
    }
    if (!best_) {
      return Stay(Reason::kNoCapacity, "it fits in none of its regions");
    }
    WaysToRun ways;
    ways.at_latest = AtLatest();
    ways.best = *best_;
    ways.at_once = std::move(at_once_);
    ways.alternatives = std::move(alternatives_);
    ways.must_leave = must_leave_;
    ways.wanted_by = wanted_by_;
    ways.ready = ready_;
    return ChooseWay(input_, job_, std::move(ways));
  }

 private:
  using Standing = PlanJob::Standing;

  bool running() const { return job_.standing == Standing::kRunning; }
  bool paused() const {
    return job_.standing == Standing::kSuspended ||
           job_.standing == Standing::kCheckpointed;
  }
  bool bound() const { return job_.bound(); }

  bool Late() const { return best_ && best_->late; }
  // Where the job's data are, or anywhere.
  int Home() const {
    return job_.data_region >= 0 ? job_.data_region : regions_.front();
  }
  // From when on a paused job may begin its next run.
  Instant ReadyIn(int region) const {
    return Fetches(region) ? ready_ - job_.transfer : ready_;
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

  bool in_pieces() const {
    return job_.pause != PauseMode::kNone && search_.in_pieces;
  }
  bool Fetches(int region) const { return job_.FetchesIn(region); }

  // The parts of time in which the job does not fit, or may not run. One that
  // cannot free the place it has goes on in any case.
  std::vector<Interval> Blocked(int region, Interval within) const {
    std::vector<Interval> blocked;
    FindBlocked(region, within, blocked);
    return blocked;
  }
  void FindBlocked(int region, Interval within,
                   std::vector<Interval>& blocked) const {
    blocked.clear();
    const bool keeps_place = bound() && region == job_.region;
    if (keeps_place && job_.pause != PauseMode::kCheckpoint) return;
    free_[static_cast<size_t>(region)].TimesWithout(job_.need, within, blocked);
  }

  void SearchAnew() {
    best_.reset();
    cheapest_.reset();
    at_once_.reset();
    alternatives_.clear();
    Search();
  }

  void Search() {
    const Instant from = std::max(now_, bound() ? now_ : job_.earliest);
    const Interval whole{from, wanted_by_};
    const std::vector<int> later =
        in_pieces() ? LaterRegions(input_, job_) : std::vector<int>();
    alternatives_.reserve(regions_.size() + 2);
    std::vector<Interval> blocked;
    for (const int region : regions_) {
      FindBlocked(region, whole, blocked);
      crowded_ = crowded_ || !blocked.empty();
      if (!later.empty()) {
        SearchUnbroken(region, blocked, whole);
      } else if (job_.pause == PauseMode::kSuspend) {
        // In memory it keeps its place: pauses must fit as well as runs.
        for (const Interval& stretch : Between(blocked, whole)) {
          SearchRegion(region, {}, stretch);
        }
      } else {
        SearchRegion(region, blocked, whole);
      }
      KeepAtOnce(region, blocked, whole);
    }
    if (!later.empty()) SearchAcross(later, whole);
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

  // Runs in one region, as many as pay. What cannot be cheaper than those found
  // in other regions is not searched to the end: then the best unbroken run is
  // the region's alternative.
  void SearchRegion(int region, const std::vector<Interval>& blocked,
                    Interval whole) {
    if (whole.empty() || job_.pausing) return;
    if (!in_pieces()) return SearchUnbroken(region, blocked, whole);
    const PricedRow slots = PricedWindow(job_, Region(region), blocked, whole);
    const Task task = TaskIn(region, whole.begin);
    const auto found =
        cheapest_ ? BestRuns(slots, task, *cheapest_) : BestRuns(slots, task);
    Keep(region, found || !cheapest_ ? found : BestUnbroken(slots, task));
    // Costs of regions are compared where they tell all.
    const bool tells = found && job_.data_region < 0 &&
                       alternatives_.back().dear == Duration(0);
    if (tells)
      cheapest_ = std::min(cheapest_.value_or(found->cost), found->cost);
  }

  void SearchUnbroken(int region, const std::vector<Interval>& blocked,
                      Interval whole) {
    if (whole.empty() || job_.pausing) return;
    if (Plain(region, whole)) {
      const Interval rest{std::max(whole.begin, ReadyIn(region)), whole.end};
      KeepPlainRun(region, blocked, rest);
    } else {
      Keep(region,
           BestUnbroken(PricedWindow(job_, Region(region), blocked, whole),
                        TaskIn(region, whole.begin)));
    }
  }

  // Runs in several regions: after each pause the data follow.
  void SearchAcross(const std::vector<int>& regions, Interval whole) {
    if (whole.empty() || job_.pausing) return;
    std::vector<const PlanRegion*> places;
    std::vector<std::vector<Interval>> blocked;
    for (const int region : regions) {
      places.push_back(&Region(region));
      blocked.push_back(Blocked(region, whole));
    }
    PricedPlaces priced = PricedWindows(job_, places, blocked, whole);
    const int data = running() ? job_.region : job_.data_region;
    const auto at = std::find(regions.begin(), regions.end(), data);
    if (at != regions.end()) {
      priced.moves.at = static_cast<int>(at - regions.begin());
    } else if (data >= 0) {
      priced.AddClosedPlace();
    }
    Task task = TaskFrom(whole.begin);
    task.most_looks = std::min(MostLooks(), kMostLooksAcross);
    const auto found = BestRuns(priced.places, task, priced.moves);
    if (!found) return;
    exact_ = exact_ && found->exact;
    std::vector<PlannedRun> runs;
    for (const RunSpan& span : found->runs) {
      runs.push_back(RunIn(regions[static_cast<size_t>(span.place)], span));
    }
    Keep(std::move(runs));
  }

  // Its region is named once it is chosen.
  PlannedRun RunIn(int region, const RunSpan& span) const {
    return {{Instant::FromMillis(span.begin), Instant::FromMillis(span.end)},
            region,
            ""};
  }

  void Keep(int region, const std::optional<Optimum>& found) {
    if (!found) return;
    exact_ = exact_ && found->exact;
    std::vector<PlannedRun> runs;
    for (const RunSpan& span : found->runs) {
      runs.push_back(RunIn(region, span));
    }
    Keep(std::move(runs));
  }

  void Keep(std::vector<PlannedRun> runs) {
    alternatives_.push_back(CandidateOf(input_, job_, std::move(runs)));
    const Candidate& candidate = alternatives_.back();
    if (!best_ || Better(candidate, *best_)) best_ = candidate;
  }

  // What it has; kept unless something is better, and no alternative.
  void KeepGiven() {
    if (search_.given == nullptr || search_.given->runs.empty()) return;
    Candidate candidate = CandidateOf(input_, job_, search_.given->runs);
    if (candidate.end > wanted_by_) return;
    if (!best_ || Better(candidate, *best_)) best_ = std::move(candidate);
  }

  int64_t MostLooks() const {
    const bool pauses = job_.min_pause > Duration(0);
    return search_.most_looks / (pauses ? kLookAtPause : 1);
  }

  Task TaskFrom(Instant from) const {
    Task task = TaskOf(job_, from);
    if (task.pause_left > 0) {
      task.pause_left = std::max<int64_t>((ready_ - from).count(), 0);
    }
    return task;
  }

  // Where its data are not, fetching them counts as work: exact for a run
  // without a pause, and near it where the job is suspended in memory.
  Task TaskIn(int region, Instant from) const {
    Task task = TaskFrom(from);
    task.most_looks = MostLooks();
    if (!Fetches(region)) return task;
    task.work += job_.transfer.count();
    task.pause_left =
        std::max<int64_t>(task.pause_left - job_.transfer.count(), 0);
    return task;
  }

  // From the begin of the next run to its end, without a pause.
  Duration LengthIn(int region) const {
    const Task task = TaskOf(job_, now_);
    Duration length(task.work);
    if (running()) length += Duration(task.restore_left);
    if (task.start == Task::Start::kPaused) length += Duration(task.restore);
    if (Fetches(region)) length += job_.transfer;
    return length;
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
  void KeepPlainRun(int region, const std::vector<Interval>& blocked,
                    Interval whole) {
    const RegionTime& time = search_.time.region(region);
    const int64_t length = LengthIn(region).count();
    std::optional<BestStart> best;
    const auto look = [&](Instant from, Instant until) {
      const int64_t last = until.millis() - length;
      if (last < from.millis()) return;
      const BestStart start =
          CheapestStart(GramsOnly{time, 1}, time, length, from.millis(), last);
      if (!best || start.cost < best->cost) best = start;
    };
    Instant at = whole.begin;
    for (const Interval& interval : blocked) {
      if (interval.begin >= whole.end) break;
      if (interval.begin > at) look(at, interval.begin);
      at = std::max(at, interval.end);
    }
    if (at < whole.end) look(at, whole.end);
    if (best) Keep({RunIn(region, {best->begin, best->begin + length})});
  }

  Instant FirstFit(int region, Duration length,
                   const std::vector<Interval>& blocked, Interval whole) const {
    Instant begin = whole.begin;
    for (const Interval& interval : blocked) {  // in order
      if (interval.Overlaps({begin, begin + length})) begin = interval.end;
    }
    if (begin + length <= whole.end) return begin;
    // It is late there, and need not be elsewhere.
    if (at_once_ && at_once_->begin() + length <= whole.end) {
      return Instant::Never();
    }
    return free_[static_cast<size_t>(region)].FirstFit(job_.need, length,
                                                       whole.begin);
  }

  // As soon as it fits, without a pause; beyond the deadline if need be.
  void KeepAtOnce(int region, const std::vector<Interval>& blocked,
                  Interval whole) {
    const Duration length = LengthIn(region);
    const Interval rest{std::max(whole.begin, ReadyIn(region)), whole.end};
    const Instant begin =
        bound() ? rest.begin : FirstFit(region, length, blocked, rest);
    if (begin >= Instant::Never()) return;
    if (at_once_ && begin > at_once_->begin()) return;
    Candidate candidate =
        CandidateOf(input_, job_, {{{begin, begin + length}, region, ""}});
    const auto in_the_way = [&](const Interval& taken) {
      return taken.Overlaps({begin, begin + length});
    };
    must_leave_ =
        bound() && std::any_of(blocked.begin(), blocked.end(), in_the_way);
    const bool sooner = !at_once_ || candidate.begin() < at_once_->begin() ||
                        (candidate.begin() == at_once_->begin() &&
                         Better(candidate, *at_once_));
    if (sooner) at_once_ = std::move(candidate);
  }

  // Where nothing is known of the best, and jobs then wait as long as they can:
  // the start that just meets the deadline, or as soon as it fits after it.
  std::optional<Candidate> AtLatest() const {
    const bool waits = input_.no_forecast == NoForecast::kWaitUntilLatest;
    if (!waits || best_->unknown == Duration(0)) return std::nullopt;
    if (bound() || !at_once_) return at_once_;
    const Duration length = at_once_->end - at_once_->begin();
    const Instant begin = std::max(at_once_->begin(), wanted_by_ - length);
    const Interval run{begin, begin + length};
    const int region = at_once_->region();
    if (!Blocked(region, run).empty()) return at_once_;
    return CandidateOf(input_, job_, {{run, region, ""}});
  }

  const PlanInput& input_;
  const PlanJob& job_;
  const std::vector<CapacityProfile>& free_;
  const JobSearch& search_;
  const Instant now_;
  Instant ready_;      // when a pause under way has lasted long enough
  Instant wanted_by_;  // the deadline, less what is kept free before it
  bool crowded_ = false;
  std::optional<Cost> cheapest_;  // of the rows found, through allowed time
  bool must_leave_ = false;       // its place is not its own all the time
  bool exact_ = true;
  std::vector<int> regions_;
  std::optional<Candidate> best_, at_once_;
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
  planned.least = planner.least();
  return planned;
}

}  // namespace carbond
