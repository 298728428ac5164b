#pragma once
// What the rules of optimum.h ask of the runs of a row, one by one.

#include <algorithm>
#include <cstdint>
#include <vector>

#include "scheduler/optimum.h"

namespace carbond {

struct RunRules {
  const Task& task;
  const Moves& moves;

  // What a millisecond before the first run costs, if that is the same always.
  template <typename C>
  C WaitPrice() const {
    return fresh() ? static_cast<C>(task.wait_price) : 0;
  }

  bool fresh() const { return task.start == Task::Start::kFresh; }
  bool running() const { return task.start == Task::Start::kRunning; }
  bool paused() const { return task.start == Task::Start::kPaused; }

  // The least useful work of a run where there are pauses.
  int64_t LeastWork() const { return std::max<int64_t>(task.min_run, 1); }
  // Whether the least work can be what fixes the end of a run that does it. The
  // millisecond that tells a run from none cannot, as a run without work is
  // worth nothing, unless it takes the data to where the next one is.
  bool LeastWorkMatters() const {
    return task.min_run > 1 || moves.transfer > 0;
  }
  // What comes before the work of a run that begins anew.
  int64_t Overhead(bool restores, bool moved) const {
    return (restores ? task.restore : 0) + (moved ? moves.transfer : 0);
  }
  bool MovesAreFree() const { return moves.transfer == 0 && moves.cost == 0; }
  // Whether a run may be cut in two without further running time.
  bool CutsAreFree() const {
    return task.restore == 0 && task.save == 0 && moves.transfer == 0;
  }
  // The least time between two runs; what is left of that at the window's
  // begin. Fetching the data of a move is a part of the pause.
  int64_t LeastPause(bool moved) const {
    return PauseWith(task.min_pause, moved);
  }
  int64_t PauseLeft(bool moved) const {
    return paused() ? PauseWith(task.pause_left, moved) : 0;
  }
  bool PausesMatter() const { return task.min_pause > 0; }
  // The last point that is no later than the least pause after any instant in
  // the slot before point i (in slot i, where `within`), and not before i; the
  // window's end where no more can begin.
  template <typename Time>
  int ReadyAfter(const Time& time, int i, bool moved,
                 bool within = false) const {
    const int from = within || i == 0 ? i : i - 1;
    const int64_t ready = time.point(from) + LeastPause(moved);
    return ready >= time.end() ? time.count() : std::max(i, time.SlotAt(ready));
  }
  // How long the run under way must last before it may pause.
  int64_t MatureAfter() const {
    return std::max(task.running_min, task.restore_left) + task.save;
  }

  // Of run k in a row: where its data are when it begins (-1: wherever it
  // does), whether it moves them, its overhead before and after its work, and
  // its least length where it is not alone, overheads included.
  int DataAt(const std::vector<RunSpan>& runs, size_t k) const {
    return k > 0 ? runs[k - 1].place : moves.at;
  }
  bool Moved(const std::vector<RunSpan>& runs, size_t k) const {
    const int at = DataAt(runs, k);
    return at >= 0 && at != runs[k].place;
  }
  int64_t Before(const std::vector<RunSpan>& runs, size_t k) const;
  int64_t After(const std::vector<RunSpan>& runs, size_t k) const {
    return k + 1 < runs.size() ? task.save : 0;
  }
  int64_t LeastLength(const std::vector<RunSpan>& runs, size_t k) const;
  // Before run k, or its earliest begin in a window from `begin` on.
  int64_t LeastPause(const std::vector<RunSpan>& runs, size_t k) const {
    return LeastPause(Moved(runs, k));
  }
  int64_t EarliestBegin(const std::vector<RunSpan>& runs, size_t k,
                        int64_t begin) const {
    return k > 0 ? runs[k - 1].end + LeastPause(runs, k)
                 : begin + PauseLeft(Moved(runs, k));
  }

  // The useful work of a row.
  int64_t WorkOf(const std::vector<RunSpan>& runs) const;

 private:
  int64_t PauseWith(int64_t least, bool moved) const {
    return moved ? std::max<int64_t>(least - moves.transfer, 0) : least;
  }
};

inline int64_t RunRules::Before(const std::vector<RunSpan>& runs,
                                size_t k) const {
  if (k == 0 && running()) return task.restore_left;
  return Overhead(k > 0 || paused(), Moved(runs, k));
}

inline int64_t RunRules::LeastLength(const std::vector<RunSpan>& runs,
                                     size_t k) const {
  if (k == 0 && running()) return MatureAfter() - task.save + After(runs, k);
  return Before(runs, k) + LeastWork() + After(runs, k);
}

inline int64_t RunRules::WorkOf(const std::vector<RunSpan>& runs) const {
  int64_t work = 0;
  for (size_t k = 0; k < runs.size(); ++k) {
    work += runs[k].end - runs[k].begin - Before(runs, k) - After(runs, k);
  }
  return work;
}

}  // namespace carbond
