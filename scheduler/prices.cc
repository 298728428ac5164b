#include "scheduler/prices.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <tuple>

namespace carbond {
namespace {

size_t Index(int i) { return static_cast<size_t>(i); }

// A job is turned away at its dearest cost and so many ranges of all prices.
constexpr int64_t kTurnedAway = 3;
// To sum up prices pays for so many jobs that are alike.
constexpr int kAlike = 32;

}  // namespace

void RegionPrices::SumUp(const RegionTime& time) {
  const auto sum_up = [&](const std::vector<int64_t>& prices,
                          std::vector<Int128>& sums) {
    sums.resize(prices.size() + 1);
    for (size_t i = 0; i < prices.size(); ++i) {
      const int slot = static_cast<int>(i);
      sums[i + 1] = sums[i] + static_cast<Int128>(prices[i]) *
                                  (time.point(slot + 1) - time.point(slot));
    }
  };
  sum_up(gpu, gpu_sums);
  sum_up(cpu, cpu_sums);
}

Prices::Prices(const FleetTime& time, const std::vector<CapacityProfile>& free,
               const std::vector<FleetJob>& jobs)
    : time_(time), jobs_(jobs) {
  int64_t most = 1;
  for (const FleetJob& job : jobs) {
    most = std::max<int64_t>({most, job.need.gpus, job.need.cpus});
  }
  highest_ = (int64_t{1} << 58) / most;
  double cost = 0, gpus = 1, cpus = 1;
  for (const FleetJob& job : jobs) {
    const auto length = static_cast<double>(job.length);
    cost += static_cast<double>(job.weight) * length;
    gpus += job.need.gpus * length;
    cpus += job.need.cpus * length;
  }
  const auto range = static_cast<double>(time.price_range());
  gpu_unit_ = cost / gpus * range;
  cpu_unit_ = cost / cpus * range;
  for (int r = 0; r < time.count(); ++r) {
    const RegionTime& region = time.region(r);
    aligned_ = aligned_ && region.SameSlots(time.region(0));
    const size_t count = Index(region.count());
    Load room;
    room.gpu.resize(count);
    room.cpu.resize(count);
    const CapacityProfile& profile = free[Index(r)];
    const Interval whole{Instant::FromMillis(region.begin()),
                         Instant::FromMillis(region.end())};
    for (const auto& [interval, used] : profile.Pieces(whole)) {
      const int64_t free_gpus =
          std::max(profile.capacity().gpus - used.gpus, 0);
      const int64_t free_cpus =
          std::max(profile.capacity().cpus - used.cpus, 0);
      int64_t at = interval.begin.millis();
      for (int i = region.SlotAt(at); at < interval.end.millis(); ++i) {
        const int64_t until =
            std::min(interval.end.millis(), region.point(i + 1));
        room.gpu[Index(i)] += free_gpus * (until - at);
        room.cpu[Index(i)] += free_cpus * (until - at);
        at = until;
      }
    }
    room_.push_back(std::move(room));
    load_.push_back({std::vector<int64_t>(count), std::vector<int64_t>(count),
                     std::vector<int64_t>(count + 1),
                     std::vector<int64_t>(count + 1)});
    RegionPrices none{
        std::vector<int64_t>(count), std::vector<int64_t>(count), {}, {}};
    none.SumUp(region);
    at_.push_back(std::move(none));
    gpu_way_.emplace_back(count);
    cpu_way_.emplace_back(count);
  }
  best_ = at_;
  mean_ = at_;
  FindAlike();
}

void Prices::FindAlike() {
  std::map<std::tuple<int64_t, int64_t, int64_t>, std::vector<size_t>> groups;
  for (size_t i = 0; i < jobs_.size(); ++i) {
    const int64_t weight = jobs_[i].weight;
    const int64_t gpus = jobs_[i].need.gpus, cpus = jobs_[i].need.cpus;
    const int64_t by = std::gcd(std::gcd(weight, gpus), cpus);
    groups[{weight / by, gpus / by, cpus / by}].push_back(i);
  }
  alike_of_.assign(jobs_.size(), -1);
  for (const auto& [terms, members] : groups) {
    if (std::ssize(members) < kAlike) continue;
    for (const size_t i : members) {
      alike_of_[i] = static_cast<int>(alike_.size());
    }
    const auto& [weight, gpus, cpus] = terms;
    alike_.push_back({weight, gpus, cpus, {}, {}});
    alike_.back().slopes.resize(at_.size());
    alike_.back().sums.resize(at_.size());
  }
}

void Prices::SumUp(Alike& alike) const {
  for (int r = 0; r < time_.count(); ++r) {
    const RegionTime& time = time_.region(r);
    const GramsAndPrices tariff{time, at_[Index(r)], alike.weight, alike.gpus,
                                alike.cpus};
    std::vector<int64_t>& slopes = alike.slopes[Index(r)];
    std::vector<Int128>& sums = alike.sums[Index(r)];
    slopes.resize(Index(time.count()));
    sums.resize(Index(time.count() + 1));
    for (int i = 0; i < time.count(); ++i) {
      slopes[Index(i)] = tariff.Slope(i);
      sums[Index(i + 1)] = tariff.Until(time.point(i + 1), i);
    }
  }
}

void Prices::Set(const std::vector<RegionPrices>& prices) {
  at_ = prices;
  for (int r = 0; r < time_.count(); ++r) {
    for (int64_t& price : at_[Index(r)].gpu) price = std::min(price, highest_);
    for (int64_t& price : at_[Index(r)].cpu) price = std::min(price, highest_);
    at_[Index(r)].SumUp(time_.region(r));
  }
  best_ = at_;
  mean_ = at_;
}

GramsAndPrices Prices::TariffOf(const FleetJob& job, int region,
                                const std::vector<RegionPrices>& prices) const {
  return {time_.region(region), prices[Index(region)], job.weight,
          job.need.gpus, job.need.cpus};
}

Int128 Prices::TurnedAway(const FleetJob& job) const {
  const int64_t length =
      job.in_pieces > 0 ? std::min(job.length, job.in_pieces) : job.length;
  return static_cast<Int128>(job.weight) * length *
         (time_.highest_price() + kTurnedAway * time_.price_range());
}

// The cheapest milliseconds of the window in these regions, wherever they lie:
// less than any runs with pauses between them cost. Where the regions' slots
// are not the same, an hour may be taken in several: the bound is lower then.
Int128 Prices::InPieces(const FleetJob& job, std::span<const int> regions,
                        const std::vector<RegionPrices>& prices,
                        std::vector<Load>* load, int64_t& looked) const {
  sorted_.clear();
  for (const int region : regions) {
    const RegionTime& time = time_.region(region);
    const GramsAndPrices tariff = TariffOf(job, region, prices);
    const int first = time.SlotAt(job.begin), last = time.SlotAt(job.end);
    const bool another = aligned_ && region != regions.front();
    for (int i = first; i <= last; ++i) {
      const Piece piece{tariff.Slope(i), i, region};
      if (!another) {
        sorted_.push_back(piece);
      } else {
        Piece& best = sorted_[Index(i - first)];
        if (piece.slope < best.slope) best = piece;
      }
    }
  }
  std::sort(sorted_.begin(), sorted_.end());
  looked += 4 * std::ssize(sorted_);
  Int128 cost = 0;
  int64_t left = job.in_pieces;
  for (const Piece& piece : sorted_) {
    const RegionTime& time = time_.region(piece.region);
    const int i = piece.slot;
    const int64_t from = std::max(time.point(i), job.begin);
    const int64_t length =
        std::min(std::min(time.point(i + 1), job.end) - from, left);
    if (length <= 0) continue;
    cost += static_cast<Int128>(piece.slope) * length;
    left -= length;
    if (load != nullptr) {
      Load& there = (*load)[Index(piece.region)];
      there.gpu[Index(i)] += job.need.gpus * length;
      there.cpu[Index(i)] += job.need.cpus * length;
    }
    if (left == 0) break;
  }
  return cost;
}

Prices::Choice Prices::ChoiceOf(const FleetJob& job,
                                const std::vector<RegionPrices>& prices,
                                const Alike* alike, int64_t& looked) const {
  Choice best;
  for (const int region : job.regions) {
    const int64_t length = job.LengthIn(region);
    if (job.end - job.begin >= length) {
      const int64_t last = job.fixed ? job.begin : job.end - length;
      const RegionTime& time = time_.region(region);
      BestStart start;
      if (alike == nullptr) {
        start = CheapestStart(TariffOf(job, region, prices), time, length,
                              job.begin, last);
      } else {
        const SummedUp tariff{time, alike->slopes[Index(region)],
                              alike->sums[Index(region)]};
        start = CheapestStart(tariff, time, length, job.begin, last);
        start.cost *= job.weight / alike->weight;
      }
      looked += start.looked;
      if (best.region < 0 || start.cost < best.cost) {
        best = {start.cost, region, start.begin, false};
      }
    }
  }
  if (job.in_pieces == 0 || job.end - job.begin < job.in_pieces) return best;
  const auto in_pieces = [&](std::span<const int> regions) {
    const Int128 cost = InPieces(job, regions, prices, nullptr, looked);
    if (best.region < 0 || cost < best.cost) {
      best = {cost, regions.front(), 0, true};
    }
  };
  if (!job.later_regions.empty()) {
    in_pieces(job.later_regions);
  } else {
    for (const int& region : job.regions) in_pieces({&region, 1});
  }
  return best;
}

void Prices::CountRun(Load& load, const RegionTime& time, Resources need,
                      int64_t begin, int64_t end) const {
  const int i = time.SlotAt(begin), k = time.SlotAt(end);
  if (i == k) {
    load.gpu[Index(i)] += need.gpus * (end - begin);
    load.cpu[Index(i)] += need.cpus * (end - begin);
    return;
  }
  const int64_t head = time.point(i + 1) - begin, tail = end - time.point(k);
  load.gpu[Index(i)] += need.gpus * head;
  load.cpu[Index(i)] += need.cpus * head;
  load.gpu[Index(k)] += need.gpus * tail;
  load.cpu[Index(k)] += need.cpus * tail;
  load.gpu_on[Index(i + 1)] += need.gpus;
  load.cpu_on[Index(i + 1)] += need.cpus;
  load.gpu_on[Index(k)] -= need.gpus;
  load.cpu_on[Index(k)] -= need.cpus;
}

void Prices::Count(const FleetJob& job, const Choice& choice, int64_t& looked) {
  if (choice.in_pieces) {
    const std::span<const int> regions = job.later_regions.empty()
                                             ? std::span(&choice.region, 1)
                                             : std::span(job.later_regions);
    InPieces(job, regions, at_, &load_, looked);
    return;
  }
  CountRun(load_[Index(choice.region)], time_.region(choice.region), job.need,
           choice.begin, choice.begin + job.LengthIn(choice.region));
}

// What the free capacity is worth at the prices.
Int128 Prices::Rent(const std::vector<RegionPrices>& prices) const {
  Int128 rent = 0;
  for (size_t r = 0; r < prices.size(); ++r) {
    for (size_t i = 0; i < prices[r].gpu.size(); ++i) {
      rent += static_cast<Int128>(prices[r].gpu[i]) * room_[r].gpu[i] +
              static_cast<Int128>(prices[r].cpu[i]) * room_[r].cpu[i];
    }
  }
  return rent;
}

// The bound at the present prices, and the load that they bring about.
Int128 Prices::Evaluate(int64_t& looked) {
  for (Load& load : load_) {
    for (auto* part : {&load.gpu, &load.cpu, &load.gpu_on, &load.cpu_on}) {
      std::fill(part->begin(), part->end(), 0);
    }
  }
  for (Alike& alike : alike_) SumUp(alike);
  Int128 bound = -Rent(at_);
  for (size_t i = 0; i < jobs_.size(); ++i) {
    const FleetJob& job = jobs_[i];
    const int alike = alike_of_[i];
    const Int128 away = TurnedAway(job);
    const Choice choice =
        ChoiceOf(job, at_, alike < 0 ? nullptr : &alike_[Index(alike)], looked);
    if (choice.region < 0) continue;
    if (choice.cost > away) {
      bound += away;
      continue;
    }
    bound += choice.cost;
    Count(job, choice, looked);
  }
  for (int r = 0; r < time_.count(); ++r) {
    const RegionTime& time = time_.region(r);
    Load& load = load_[Index(r)];
    int64_t gpus = 0, cpus = 0;
    for (int i = 0; i < time.count(); ++i) {
      const int64_t length = time.point(i + 1) - time.point(i);
      gpus += load.gpu_on[Index(i)];
      cpus += load.cpu_on[Index(i)];
      load.gpu[Index(i)] += gpus * length;
      load.cpu[Index(i)] += cpus * length;
    }
    looked += time.count();
  }
  return bound;
}

// A step of every price by its own measure: the smoothed overload over the root
// of its smoothed square (Kingma, Ba, "Adam", ICLR 2015).
void Prices::Step(double length) {
  constexpr double kSmooth = 0.8, kSquares = 0.95;
  const auto go = [&](std::vector<int64_t>& price,
                      const std::vector<int64_t>& load,
                      const std::vector<int64_t>& room, std::vector<Way>& ways,
                      double unit) {
    for (size_t i = 0; i < price.size(); ++i) {
      if (price[i] == 0 && load[i] <= room[i] && ways[i].mean <= 0) {
        continue;
      }
      const double all = static_cast<double>(std::max<int64_t>(room[i], 1));
      const double over = static_cast<double>(load[i] - room[i]) / all;
      Way& way = ways[i];
      way.mean = kSmooth * way.mean + (1 - kSmooth) * over;
      way.square = kSquares * way.square + (1 - kSquares) * over * over;
      const double by = way.mean / (std::sqrt(way.square) + 1e-3);
      const double to = static_cast<double>(price[i]) + length * unit * by;
      price[i] = static_cast<int64_t>(
          std::llround(std::clamp(to, 0.0, static_cast<double>(highest_))));
    }
  };
  for (int r = 0; r < time_.count(); ++r) {
    RegionPrices& prices = at_[Index(r)];
    go(prices.gpu, load_[Index(r)].gpu, room_[Index(r)].gpu, gpu_way_[Index(r)],
       gpu_unit_);
    go(prices.cpu, load_[Index(r)].cpu, room_[Index(r)].cpu, cpu_way_[Index(r)],
       cpu_unit_);
    prices.SumUp(time_.region(r));
  }
}

void Prices::TakeIntoMean(int64_t count) {
  const auto take = [&](std::vector<int64_t>& mean,
                        const std::vector<int64_t>& price) {
    for (size_t i = 0; i < mean.size(); ++i) {
      mean[i] += (price[i] - mean[i]) / count;
    }
  };
  for (size_t r = 0; r < mean_.size(); ++r) {
    take(mean_[r].gpu, at_[r].gpu);
    take(mean_[r].cpu, at_[r].cpu);
    mean_[r].SumUp(time_.region(static_cast<int>(r)));
  }
}

int64_t Prices::Climb(int64_t budget, int most_steps, double first,
                      double last) {
  int64_t looked = 0, steps = 1, in_mean = 0;
  double shrink = 1, length = first;
  for (int step = 0; step < most_steps && looked < budget; ++step) {
    const Int128 bound = Evaluate(looked);
    if (!any_bound_ || bound > best_bound_) {
      best_bound_ = bound;
      best_ = at_;
      any_bound_ = true;
    }
    if (step == 0) {  // what a step takes tells how many there will be
      steps =
          std::min<int64_t>(most_steps, budget / std::max<int64_t>(looked, 1));
      if (steps > 1) {
        shrink = std::pow(last / first, 1.0 / static_cast<double>(steps - 1));
      }
    }
    if (2 * step >= steps) TakeIntoMean(++in_mean);
    Step(length);
    length *= shrink;
  }
  return looked;
}

Int128 Prices::BoundFor(const std::vector<bool>& counted) const {
  Int128 bound = -Rent(best_);
  int64_t looked = 0;
  for (size_t i = 0; i < jobs_.size(); ++i) {
    if (counted[i]) bound += ChoiceOf(jobs_[i], best_, nullptr, looked).cost;
  }
  return bound;
}

}  // namespace carbond
