#pragma once
// Rows of runs whose work is priced instead of demanded, as shortest paths over
// the slot borders: what the bound of optimum_bound.h is made of.
//
// A path is in one of these states at each point: running in a place, idle to
// stay in the place where its data are, idle to move elsewhere (from which
// every place is equally far, so that moves stay linear in the places), or not
// begun. Without arcs the least length of a run is left out: a path steps from
// border to border and changes between the states at the price of the
// overheads. Of the least length of a pause only whole slots are heeded: what
// ends a run in a slot may begin another from the border on before the instant
// that lies the least pause after the slot's begin. So what is said of a border
// holds for every instant before it, back to the border before.

#include <cstdint>
#include <vector>

#include "scheduler/optimum_arcs.h"
#include "scheduler/optimum_rules.h"
#include "scheduler/priced_time.h"

namespace carbond {

template <typename C>
bool Known(C cost) {
  return cost < kInfinite<C> / 2;
}

// The cheapest way on from each point, cost less lambda times work, each run at
// a price of its own.
template <typename C>
struct RelaxedWays {
  C lambda = 0;
  C run_price = 0;
  std::vector<C> stay, running;  // by point and place
  std::vector<C> moving, fresh;  // by point
  C start = 0;
};

template <typename C>
class RelaxedPaths {
 public:
  using Ways = RelaxedWays<C>;
  using Arcs = RunArcs<C>;
  using Arc = typename Arcs::Arc;

  RelaxedPaths(const PricedTime<C>& time, const RunRules& rules)
      : time_(time), rules_(rules) {}

  size_t At(int place, int i) const {
    return static_cast<size_t>(i * time_.places() + place);
  }

  // Of the prices in `ways`; without `arcs` not heeding the least length.
  void Solve(const Arcs* arcs, Ways& ways) const;
  // The runs of the cheapest path.
  std::vector<RunSpan> Walk(const Arcs* arcs, const Ways& ways) const;

  // The cheapest ways to each point without the least length.
  struct Reached {
    explicit Reached(int places);
    std::vector<C> stay, begun, running;  // by place
  };
  // Shown to `see(i, reached)` as they are before the point's own begin and
  // end.
  template <typename See>
  void GoForward(C lambda, C run_price, See see) const;

  C Cheapest(const typename Arcs::Range& arcs, const Ways& ways) const;
  C ValueOf(const Arc& arc, const Ways& ways) const;
  C RunsOn(int place, int i, C running_next, C lambda) const {
    if (time_.blocked(place, i)) return kInfinite<C>;
    return running_next + (time_.price(place, i) - lambda) * time_.length(i);
  }
  C Idles(int i, C idle_next) const {
    return idle_next + time_.idle_price(i) * time_.length(i);
  }
  // Idle with the data in `place`, to stay or to move, when that may be now.
  C Idle(int place, int i, const Ways& ways) const {
    return std::min(ways.stay[At(place, i)],
                    ways.moving[static_cast<size_t>(i)]);
  }
  // The same just after a run.
  C Stopped(int place, int i, const Ways& ways) const {
    if (!rules_.PausesMatter()) return Idle(place, i, ways);
    const int stay = rules_.ReadyAfter(time_, i, false);
    const int moving = rules_.ReadyAfter(time_, i, true);
    return std::min(
        IdlesUntil(i, stay, ways.stay[At(place, stay)]),
        IdlesUntil(i, moving, ways.moving[static_cast<size_t>(moving)]));
  }
  C IdlesUntil(int i, int j, C idle_then) const {
    return idle_then + time_.IdlingTo(j) - time_.IdlingTo(i);
  }
  // The price of beginning a run elsewhere than where the data are.
  C MoveCost(C lambda, bool restores) const {
    return lambda * rules_.Overhead(restores, true) +
           static_cast<C>(rules_.moves.cost);
  }
  // ... of beginning the first run of all in `place`.
  C FreshCost(int place, C lambda) const {
    const int at = rules_.moves.at;
    return at >= 0 && at != place ? MoveCost(lambda, false) : 0;
  }
  // Whether staying is told from moving, and whether there is moving.
  bool stays() const { return time_.places() == 1 || !rules_.MovesAreFree(); }
  bool moves() const { return time_.places() > 1; }

 private:
  template <size_t kPlaces, bool kArcs, bool kPauses>
  void SolveSlots(const Arcs* arcs, Ways& ways) const;
  template <bool kArcs, bool kPauses>
  void SolveIn(const Arcs* arcs, Ways& ways) const;
  void TakeArcs(int i, const Arcs& arcs, const Ways& ways, C* stay, C& moving,
                C& first) const;
  C Start(const Arcs* arcs, const Ways& ways) const;

  class Walker;

  const PricedTime<C>& time_;
  const RunRules& rules_;
};

template <typename C>
RelaxedPaths<C>::Reached::Reached(int places)
    : stay(static_cast<size_t>(places), kInfinite<C>),
      begun(stay),
      running(stay) {}

template <typename C>
template <typename See>
void RelaxedPaths<C>::GoForward(C lambda, C run_price, See see) const {
  const Task& task = rules_.task;
  const C restore = lambda * task.restore, save = lambda * task.save;
  const C move = moves() ? MoveCost(lambda, true) : 0;
  const auto places = static_cast<size_t>(time_.places());
  const int at = rules_.moves.at;
  const C wait_price = rules_.template WaitPrice<C>();
  Reached to(time_.places());
  std::vector<C> fresh(places, kInfinite<C>);
  for (size_t p = 0; p < places; ++p) {
    const int place = static_cast<int>(p);
    if (rules_.fresh()) fresh[p] = FreshCost(place, lambda);
    if (rules_.paused() && (at < 0 || at == place)) to.stay[p] = 0;
    if (rules_.running() && at == place) {
      to.running[p] = lambda * task.restore_left + run_price;
    }
  }
  for (int i = 0;; ++i) {
    C anywhere = kInfinite<C>;  // idle, in the cheapest place
    for (size_t p = 0; p < places; ++p) {
      to.stay[p] = std::min(to.stay[p], to.running[p] + save);
      anywhere = std::min(anywhere, to.stay[p]);
    }
    const C moved = moves() ? anywhere + move : kInfinite<C>;
    for (size_t p = 0; p < places; ++p) {
      to.begun[p] =
          std::min(std::min(fresh[p], moved), to.stay[p] + restore) + run_price;
      to.running[p] = std::min(to.running[p], to.begun[p]);
    }
    see(i, to);
    if (i == time_.count()) return;
    for (size_t p = 0; p < places; ++p) {
      to.stay[p] = Idles(i, std::min(to.stay[p], to.running[p] + save));
      to.running[p] = RunsOn(static_cast<int>(p), i, to.running[p], lambda);
      if (wait_price > 0) fresh[p] += wait_price * time_.length(i);
    }
  }
}

}  // namespace carbond
