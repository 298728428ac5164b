#include "scheduler/candidate.h"

#include <algorithm>

#include "scheduler/emissions.h"

namespace carbond {
namespace {

class Weigher {
 public:
  Weigher(const PlanInput& input, const PlanJob& job)
      : input_(input), job_(job) {}

  Candidate Weigh(std::vector<PlannedRun> runs) {
    Go(runs, Instant());
    std::erase_if(runs, [](const PlannedRun& r) { return r.interval.empty(); });
    candidate_.runs = std::move(runs);
    if (known_) candidate_.grams = grams_;
    candidate_.weighed = grams_ + DelayCost();
    candidate_.late = candidate_.end > job_.deadline;
    return std::move(candidate_);
  }

  std::optional<Grams> GramsFrom(const std::vector<PlannedRun>& runs,
                                 Instant from) {
    Go(runs, from);
    if (!known_) return std::nullopt;
    return grams_;
  }

 private:
  // Through what lies after `from` of the runs.
  void Go(const std::vector<PlannedRun>& runs, Instant from) {
    candidate_.end = runs.back().interval.end;
    int data = job_.data_region;
    bool drawn = job_.standing == PlanJob::Standing::kSuspended;
    Instant idle_from = input_.now;
    for (const PlannedRun& run : runs) {
      const PlanRegion& place = Place(run.region);
      const Interval rest{std::max(run.interval.begin, from), run.interval.end};
      if (drawn && job_.pause == PauseMode::kSuspend) {
        Draw(job_.idle_power, place, {idle_from, rest.begin});
      }
      if (data >= 0 && data != run.region) Fetch(place, rest.begin);
      if (data >= 0) data = run.region;
      Run(place, rest);
      idle_from = rest.end;
      drawn = true;
    }
  }

  const PlanRegion& Place(int region) const {
    return input_.regions[static_cast<size_t>(region)];
  }

  // Whether all of it is known.
  bool Draw(Watts power, const PlanRegion& place, Interval interval) {
    if (interval.empty()) return true;
    const auto part = GramsOf(power, place.pue, interval, place.outlook);
    if (part) grams_ += *part;
    known_ = known_ && part.has_value();
    return part.has_value();
  }

  // The network's energy, evenly over the time that the data take.
  void Fetch(const PlanRegion& place, Instant from) {
    if (job_.transfer <= Duration(0)) return;
    constexpr double kMillisPerHour = 3'600'000;
    const double hours =
        static_cast<double>(job_.transfer.count()) / kMillisPerHour;
    Draw(Watts::Of(job_.transfer_energy.value() / hours), place,
         {from, from + job_.transfer});
  }

  void Run(const PlanRegion& place, Interval run) {
    const bool known = Draw(job_.power, place, run);
    const Duration unknown =
        known ? Duration(0) : run.length() - place.outlook.Over(run).known;
    candidate_.unknown += unknown;
    candidate_.dear += job_.max_intensity ? DearTime(place, run) : unknown;
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

  Grams DelayCost() const {
    return Grams::FromThousandths(RoundedDivide(
        static_cast<Int128>(job_.delay_cost_per_hour.thousandths()) *
            (candidate_.end - input_.now).count(),
        Duration(hours(1)).count()));
  }

  const PlanInput& input_;
  const PlanJob& job_;
  Candidate candidate_;
  Grams grams_;
  bool known_ = true;
};

}  // namespace

bool Better(const Candidate& a, const Candidate& b) {
  if (a.late != b.late) return b.late;
  if (a.late && a.end != b.end) return a.end < b.end;
  if (a.dear != b.dear) return a.dear < b.dear;
  if (a.weighed != b.weighed && a.grams && b.grams) {
    return a.weighed < b.weighed;
  }
  return a.begin() < b.begin();
}

std::optional<Grams> GramsFrom(const PlanInput& input, const PlanJob& job,
                               const std::vector<PlannedRun>& runs,
                               Instant from) {
  return Weigher(input, job).GramsFrom(runs, from);
}

Candidate CandidateOf(const PlanInput& input, const PlanJob& job,
                      std::vector<PlannedRun> runs) {
  return Weigher(input, job).Weigh(std::move(runs));
}

}  // namespace carbond
