#include "daemon/grid/yearly.h"

#include <algorithm>

#include "daemon/grid/cloud_regions.h"
#include "daemon/grid/timeline.h"

namespace carbond {
namespace {

constexpr Duration kStep = minutes(5);
// Its past has nothing to teach, so little of it is enough.
constexpr Duration kPast = hours(24);

}  // namespace

std::optional<GramsPerKwh> FactorOf(const StaticConfig& config,
                                    const std::string& zone) {
  const auto own = config.factors.find(zone);
  if (own != config.factors.end()) return own->second;
  const auto known = FindYearlyFactor(zone);
  if (!known) return std::nullopt;
  return known->intensity;
}

Yearly::Yearly(std::string name, StaticConfig config)
    : name_(std::move(name)), config_(std::move(config)) {}

std::shared_ptr<const Forecast> Yearly::NewestForecast(const std::string&,
                                                       Instant) {
  return nullptr;
}

std::optional<Observed> Yearly::ObservedSince(const std::string& zone,
                                              Instant since, Instant now) {
  const auto factor = FactorOf(config_, zone);
  const Instant end = FloorTo(now, kStep) + kStep;
  Instant begin = FloorTo(std::max(since + kStep, now - kPast), kStep);
  if (!factor || begin >= end) return std::nullopt;
  std::vector<Slot> slots;
  for (; begin < end; begin += kStep) {
    slots.push_back({{begin, begin + kStep}, *factor});
  }
  return Observed{zone, name_, kYearlySignal,
                  now,  end,   Series::Make(std::move(slots)).value()};
}

Instant Yearly::NextNews(const std::string&, Instant now) {
  return FloorTo(now, kStep) + kStep;
}

}  // namespace carbond
