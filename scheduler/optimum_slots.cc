#include "scheduler/optimum_slots.h"

#include <algorithm>

#include "scheduler/optimum_pauses.h"

namespace carbond {

// Through a begin at each border, without the least length. Within a slot the
// cost is concave in the instant of the begin: where it reaches the limit on
// both borders, it does so in between.
template <typename C>
void SlotsThatMatter<C>::FindBegins(C limit) {
  const RelaxedWays<C>& loose = bound_.loose();
  const C rest = bound_.Rest(limit);
  const auto places = Index(time_.places());
  may_begin_.assign(At(0, time_.count() + 1), false);
  begins_ = may_begin_;
  paths_.GoForward(loose.lambda, loose.run_price,
                   [&](int i, const Reached& reached) {
                     for (size_t p = 0; p < places; ++p) {
                       const size_t at = At(0, i) + p;
                       if (reached.begun[p] + loose.running[at] >= rest) {
                         continue;
                       }
                       may_begin_[at] = begins_[at] = true;
                       if (i < time_.count()) begins_[at + places] = true;
                       if (i == 0) continue;
                       may_begin_[at - places] = begins_[at - places] = true;
                     }
                   });
}

// What is linear in an instant within a slot is least on one of its borders. A
// run may also end in a slot and another begin there later: that is bounded
// without the least length.
template <typename C>
void SlotsThatMatter<C>::PriceNextSteps() {
  const RelaxedWays<C>& ways = bound_.ways();
  const RelaxedWays<C>& loose = bound_.loose();
  const RunArcs<C>& arcs = bound_.arcs();
  const C lambda = ways.lambda;
  const C restore = lambda * rules_.task.restore + ways.run_price;
  const C save = lambda * rules_.task.save;
  const C move = paths_.MoveCost(lambda, true) + ways.run_price;
  const auto points = Index(time_.count()) + 1;
  const int places = time_.places();
  to_begin_.assign(points * Index(places), kInfinite<C>);
  to_end_ = to_begin_;
  to_begin_moving_.assign(points, kInfinite<C>);
  to_begin_fresh_.assign(points, kInfinite<C>);
  // Of runs that begin in the slot after.
  std::vector<C> stay(Index(places), kInfinite<C>);
  C moving = kInfinite<C>, fresh = kInfinite<C>;
  const C wait_price = rules_.template WaitPrice<C>();
  // Whether a run may begin in the slot in which another ends.
  const auto within = [&](int i, bool moved) {
    return time_.point(i) + rules_.LeastPause(moved) < time_.point(i + 1);
  };
  for (int i = time_.count() - 1; i >= 0; --i) {
    C moving_here = kInfinite<C>, fresh_here = kInfinite<C>;
    C elsewhere = 0, elsewhere_next = 0;
    for (int p = 0; p < places; ++p) {
      const C next = loose.running[At(p, i + 1)];
      elsewhere = std::min<C>({elsewhere, paths_.RunsOn(p, i, next, lambda),
                               paths_.Idles(i, next)});
      elsewhere_next = std::min(elsewhere_next, next);
    }
    for (int p = 0; p < places; ++p) {
      const C next = loose.running[At(p, i + 1)];
      const C again = std::min<C>(
          {paths_.RunsOn(p, i, next, lambda), paths_.Idles(i, next), 0});
      C stopped =
          std::min(paths_.Stopped(p, i, ways),
                   paths_.RunsOn(p, i, paths_.Stopped(p, i + 1, ways), lambda));
      if (within(i, false)) stopped = std::min(stopped, again + restore);
      if (paths_.moves() && within(i, true)) {
        const C goes_on = paths_.RunsOn(p, i, elsewhere_next, lambda);
        stopped = std::min(stopped, std::min(elsewhere, goes_on) + move);
      }
      to_end_[At(p, i)] = save + stopped;
      C stay_here = kInfinite<C>;
      if (arcs.Any(i)) {
        stay_here = paths_.Cheapest(arcs.FromStay(p, i), ways);
        fresh_here =
            std::min(fresh_here, paths_.Cheapest(arcs.FromFresh(p, i), ways));
        if (paths_.moves()) {
          moving_here =
              std::min(moving_here, paths_.Cheapest(arcs.FromMove(p, i), ways));
        }
      }
      to_begin_[At(p, i)] =
          std::min(stay_here, paths_.Idles(i, stay[Index(p)]));
      stay[Index(p)] = stay_here;
    }
    to_begin_moving_[Index(i)] = std::min(moving_here, paths_.Idles(i, moving));
    to_begin_fresh_[Index(i)] =
        std::min(fresh_here, fresh + wait_price * time_.length(i));
    moving = moving_here;
    fresh = fresh_here;
  }
}

template <typename C>
void SlotsThatMatter<C>::Find(C limit) {
  const RelaxedWays<C>& ways = bound_.ways();
  const C rest = bound_.Rest(limit);
  const auto points = Index(time_.count()) + 1;
  const auto places = Index(time_.places());
  may_begin_stay_.assign(points * places, false);
  may_end_.assign(points * places, false);
  may_begin_moving_.assign(points, false);
  count_ = 0;
  std::vector<C> touch(paths_.moves() ? points : 0);
  const C save = ways.lambda * rules_.task.save;
  const auto see = [&](int i, const Reached& reached) {
    C anywhere = kInfinite<C>;
    for (size_t p = 0; p < places; ++p) {
      const size_t at = At(0, i) + p;
      // A run that begins just before the point is bounded by one that begins
      // and ends there, after which only a move can be worth anything.
      anywhere =
          std::min({anywhere, reached.stay[p], reached.running[p] + save});
      const bool begin = reached.stay[p] + to_begin_[at] < rest;
      const bool end = reached.running[p] + to_end_[at] < rest;
      if (begin) may_begin_stay_[at] = true;
      if (end) may_end_[at] = true;
      count_ += begin || end ? 1 : 0;
    }
    if (!paths_.moves()) return;
    may_begin_moving_[Index(i)] = anywhere + to_begin_moving_[Index(i)] < rest;
    touch[Index(i)] = ToTouch(i, reached);
  };
  paths_.GoForward(ways.lambda, ways.run_price, see);
  if (rules_.PausesMatter()) {
    FindLeastPauses(rest);
  } else {
    FindTouches(std::move(touch), rest);
  }
}

// ---- Moves without a pause --------------------------------------------------

// Ending a run at point i and beginning one elsewhere at once, without the
// least length.
template <typename C>
C SlotsThatMatter<C>::ToTouch(int i, const Reached& reached) const {
  const RelaxedWays<C>& loose = bound_.loose();
  size_t least = 0;  // of what has been reached
  C second = kInfinite<C>;
  for (size_t p = 1; p < reached.running.size(); ++p) {
    if (reached.running[p] < reached.running[least]) {
      second = reached.running[least];
      least = p;
    } else {
      second = std::min(second, reached.running[p]);
    }
  }
  C best = kInfinite<C>;
  for (size_t p = 0; p < reached.running.size(); ++p) {
    const C from = p == least ? second : reached.running[least];
    best = std::min(best, from + loose.running[At(0, i) + p]);
  }
  return best + loose.lambda * rules_.task.save +
         paths_.MoveCost(loose.lambda, true) + loose.run_price;
}

// Between two places it is linear in the instant: where it reaches the limit on
// both borders, it does so in between.
template <typename C>
void SlotsThatMatter<C>::FindTouches(std::vector<C> at_points, C rest) {
  may_touch_.assign(Index(time_.count()) + 1, false);
  for (size_t i = 0; i + 1 < at_points.size(); ++i) {
    may_touch_[i] = std::min(at_points[i], at_points[i + 1]) < rest;
  }
}

template <typename C>
class SlotsThatMatter<C>::Touching {
 public:
  explicit Touching(const SlotsThatMatter& slots)
      : slots_(slots),
        time_(slots.time_),
        most_(8 * static_cast<size_t>(time_.count()) + 4096) {
    const RunRules& rules = slots.rules_;
    if (rules.running()) mature_ = time_.begin() + rules.MatureAfter();
    if (!rules.LeastWorkMatters()) return;
    const int64_t work = rules.LeastWork(), save = rules.task.save;
    last_ = rules.Overhead(true, true) + work;
    step_ = last_ + save;
    firsts_ = {rules.Overhead(true, false) + work + save, step_};
    if (!rules.fresh()) return;
    firsts_.push_back(work + save);
    firsts_.push_back(rules.Overhead(false, true) + work + save);
  }

  std::vector<int64_t> Find(bool& all) {
    if (mature_) Add(*mature_, step_);
    for (int i = 0; i < time_.count(); ++i) {
      if (!slots_.may_touch_[Index(i)]) continue;
      if (step_ == 0) continue;
      for (const int64_t length : firsts_) AddFrom(i, -length, step_);
      AddFrom(i, last_, -step_);
      AddFrom(i, step_, -step_);
    }
    all = touches_.size() < most_;
    std::sort(touches_.begin(), touches_.end());
    touches_.erase(std::unique(touches_.begin(), touches_.end()),
                   touches_.end());
    return std::move(touches_);
  }

 private:
  // What lies in slot i and `away` before a border, and what follows by steps.
  void AddFrom(int i, int64_t away, int64_t step) {
    const int64_t from = time_.point(i) + away, to = time_.point(i + 1) + away;
    if (from >= time_.end() || to <= time_.begin()) return;
    int k = from < time_.begin() ? 0 : time_.SlotAt(from) + 1;
    for (; k <= time_.count() && time_.point(k) < to; ++k) {
      Add(time_.point(k) - away, step);
    }
  }

  // As far as they lie inside slots that may hold them.
  void Add(int64_t t, int64_t step) {
    while (t > time_.begin() && t < time_.end() && touches_.size() < most_) {
      const int i = time_.SlotAt(t);
      if (t == time_.point(i) || !slots_.may_touch_[Index(i)]) return;
      if (!BeginsIn(i)) return;
      touches_.push_back(t);
      if (step == 0) return;
      t += step;
    }
  }

  bool BeginsIn(int i) const {
    for (int place = 0; place < time_.places(); ++place) {
      if (slots_.MayBegin(place, i)) return true;
    }
    return false;
  }

  const SlotsThatMatter& slots_;
  const PricedTime<C>& time_;
  const size_t most_;
  int64_t last_ = 0, step_ = 0;  // least lengths of runs that move, if any
  std::vector<int64_t> firsts_;  // of those that a row of touching runs begins
  std::optional<int64_t> mature_;
  std::vector<int64_t> touches_;
};

// At least this much is still to be paid by what ends a run in slot i and
// begins the next after the least pause. The bound is known at borders: what
// may begin inside a slot costs no less than what may begin from the border
// before.
template <typename C>
C SlotsThatMatter<C>::ToPause(int place, int i) const {
  const RelaxedWays<C>& loose = bound_.loose();
  const int64_t next = time_.point(i + 1);
  C least = kInfinite<C>;
  for (const bool moved : {false, true}) {
    const int64_t pause = rules_.LeastPause(moved);
    if (time_.point(i) + pause >= time_.end()) continue;
    const int last = time_.SlotAt(next + pause);
    for (int j = time_.SlotAt(time_.point(i) + pause); j <= last; ++j) {
      const C idles = j > i ? time_.IdlingTo(j) - time_.IdlingTo(i + 1) : 0;
      const C after = moved ? loose.moving[Index(j)] : loose.stay[At(place, j)];
      least = std::min(least, idles + after);
    }
  }
  return least + loose.lambda * rules_.task.save;
}

// What has been reached is concave in the instant within a slot.
template <typename C>
void SlotsThatMatter<C>::FindLeastPauses(C rest) {
  const RelaxedWays<C>& loose = bound_.loose();
  const auto places = Index(time_.places());
  may_touch_.assign(Index(time_.count()) + 1, false);
  std::vector<C> before(places, kInfinite<C>);
  paths_.GoForward(
      loose.lambda, loose.run_price, [&](int i, const Reached& reached) {
        for (size_t p = 0; i > 0 && p < places; ++p) {
          const C running = std::min(before[p], reached.running[p]);
          if (running + ToPause(static_cast<int>(p), i - 1) < rest) {
            may_touch_[Index(i - 1)] = true;
          }
        }
        before = reached.running;
      });
}

// Where pauses have a least length, runs touch in rows that the bound has to be
// below, since it knows nothing of that.
template <typename C>
std::vector<int64_t> SlotsThatMatter<C>::Touches(C limit, bool& all) {
  std::vector<int64_t> ends;
  bool all_ends = true;
  if (rules_.PausesMatter()) {
    FindLeastPauses(bound_.Rest(limit));
    ends = EndsBeforeLeastPauses(time_, rules_, *this, all_ends);
  }
  all = all_ends;
  if (!paths_.moves()) return ends;
  const RelaxedWays<C>& loose = bound_.loose();
  std::vector<C> touch(Index(time_.count()) + 1);
  paths_.GoForward(loose.lambda, loose.run_price,
                   [&](int i, const Reached& reached) {
                     touch[Index(i)] = ToTouch(i, reached);
                   });
  FindTouches(std::move(touch), bound_.Rest(limit));
  const std::vector<int64_t> touches = Touching(*this).Find(all);
  all = all && all_ends;
  if (ends.empty()) return touches;
  std::vector<int64_t> both;
  std::set_union(ends.begin(), ends.end(), touches.begin(), touches.end(),
                 std::back_inserter(both));
  return both;
}

template class SlotsThatMatter<int64_t>;
template class SlotsThatMatter<Cost>;

}  // namespace carbond
