#include "scheduler/region_rank.h"

#include <algorithm>
#include <tuple>

#include "scheduler/clean_time.h"

namespace carbond {
namespace {

constexpr Duration kHour = hours(1);
constexpr Duration kDay = hours(24);

RankedRegion WithCosts(RegionView view, Instant now) {
  RankedRegion ranked{std::move(view), {}, {}, {}};
  const WattHours of_one_kwh = WattHours::Of(1000) * ranked.view.region.pue;
  const Series& outlook = ranked.view.zone.outlook;
  if (const auto mean = outlook.Mean({now, now + kHour})) {
    ranked.next_hour = of_one_kwh * *mean;
  }
  if (const auto best = FindCleanest(outlook, {now, now + kDay}, kHour)) {
    ranked.best_hour = of_one_kwh * best->mean;
    ranked.best_hour_begin = best->begin;
  }
  return ranked;
}

bool Precedes(const RankedRegion& a, const RankedRegion& b) {
  const auto key = [](const RankedRegion& r) {
    return std::tuple<bool, bool, const std::string&, std::optional<Grams>,
                      const std::string&>(r.view.region.drained, !r.next_hour,
                                          r.view.zone.signal, r.next_hour,
                                          r.view.region.name);
  };
  return key(a) < key(b);
}

}  // namespace

std::vector<RankedRegion> RankRegions(std::vector<RegionView> regions,
                                      Instant now) {
  std::vector<RankedRegion> ranked;
  for (RegionView& view : regions) {
    ranked.push_back(WithCosts(std::move(view), now));
  }
  std::stable_sort(ranked.begin(), ranked.end(), Precedes);
  return ranked;
}

}  // namespace carbond
