#include "scheduler/forecast_errors.h"

#include <algorithm>
#include <cmath>

namespace carbond {
namespace {

// Notes are taken hourly. What less than a day of them says of a lead time says
// nothing of the hours it did not see.
constexpr int kLeastErrors = 24;
constexpr double kFading = 1.0 / (28 * 24);

double Hours(Duration lead) {
  return static_cast<double>(lead.count()) / 3'600'000.0;
}

}  // namespace

size_t LeadOf(Duration lead) {
  const auto above =
      std::upper_bound(kLeadHours.begin(), kLeadHours.end(), Hours(lead));
  return static_cast<size_t>(
      std::max<std::ptrdiff_t>(above - kLeadHours.begin() - 1, 0));
}

void ForecastErrors::Add(bool forecast, Duration lead, double error) {
  Errors& errors = of_[forecast][LeadOf(lead)];
  errors.squares += error * error - kFading * errors.squares;
  errors.weight += 1 - kFading * errors.weight;
  ++errors.count;
}

std::vector<ForecastErrors::Known> ForecastErrors::KnownOf(
    bool forecast) const {
  std::vector<Known> known;
  for (size_t lead = 0; lead < kLeadHours.size(); ++lead) {
    const Errors& errors = of_[forecast][lead];
    if (errors.count < kLeastErrors) continue;
    known.push_back({lead, std::sqrt(errors.squares / errors.weight)});
  }
  return known;
}

// Between two lead times in proportion; sooner than the first, not better than
// it. The last holds till the next that could have been judged.
std::optional<double> ForecastErrors::At(Duration lead,
                                         const std::vector<Known>& known) {
  const double ahead = Hours(lead);
  const auto after =
      std::find_if(known.begin(), known.end(),
                   [&](const Known& k) { return kLeadHours[k.lead] >= ahead; });
  if (known.empty()) return {};
  if (after == known.begin()) return after->spread;
  const Known& before = *(after - 1);
  if (after == known.end()) {
    const size_t next = before.lead + 1;
    if (next == kLeadHours.size() || ahead >= kLeadHours[next]) return {};
    return before.spread;
  }
  const double from = kLeadHours[before.lead], to = kLeadHours[after->lead];
  const double part = (ahead - from) / (to - from);
  return before.spread + part * (after->spread - before.spread);
}

Series ForecastErrors::Around(Instant now, const Series& expected,
                              const Series& forecast) const {
  const std::array<std::vector<Known>, 2> known{KnownOf(false), KnownOf(true)};
  std::vector<Slot> slots;
  for (const Slot& slot : expected.slots()) {
    const Instant begin = slot.interval.begin;
    const Duration lead = std::max(begin - now, Duration(0));
    const auto spread = At(lead, known[forecast.At(begin).has_value()]);
    if (spread) slots.push_back({slot.interval, GramsPerKwh::Of(*spread)});
  }
  return *Series::Make(std::move(slots));
}

}  // namespace carbond
