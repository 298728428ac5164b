#include "scheduler/forecast_correction.h"

#include <algorithm>
#include <cmath>

namespace carbond {
namespace {

constexpr Duration kNoteEvery = hours(1);
// The pull towards the prior weighs as much as so many hourly notes.
constexpr double kPriorNotes = 48;
// Of the mean square of all sources: keeps the equations solvable where one
// source never says anything.
constexpr double kLeastRidge = 1e-6;
// Neighbouring lead times share experience within this ratio.
constexpr double kPoolRatio = 1.25;

// w of A w = b for a symmetric positive definite A, by Cholesky's method.
template <size_t n>
std::array<double, n> SolvePositive(std::array<std::array<double, n>, n> a,
                                    std::array<double, n> b) {
  for (size_t j = 0; j < n; ++j) {
    for (size_t k = 0; k < j; ++k) a[j][j] -= a[j][k] * a[j][k];
    a[j][j] = std::sqrt(std::max(a[j][j], 1e-300));
    for (size_t i = j + 1; i < n; ++i) {
      for (size_t k = 0; k < j; ++k) a[i][j] -= a[i][k] * a[j][k];
      a[i][j] /= a[j][j];
    }
  }
  for (size_t i = 0; i < n; ++i) {
    for (size_t k = 0; k < i; ++k) b[i] -= a[i][k] * b[k];
    b[i] /= a[i][i];
  }
  for (size_t i = n; i-- > 0;) {
    for (size_t k = i + 1; k < n; ++k) b[i] -= a[k][i] * b[k];
    b[i] /= a[i][i];
  }
  return b;
}

// The mean of `observed` less `said` over an interval, where both are known
// for half of it; zero elsewhere.
double MeanError(const Series& observed, const Series& said, Interval over) {
  double sum = 0;
  Duration known{0};
  const Series part = observed.Clip(over);
  for (const Slot& slot : part.slots()) {
    const auto mean = said.Mean(slot.interval);
    if (!mean) continue;
    const auto length = static_cast<double>(slot.interval.length().count());
    sum += (slot.intensity.value() - mean->value()) * length;
    known += slot.interval.length();
  }
  if (known * 2 < over.length()) return 0;
  return sum / static_cast<double>(known.count());
}

}  // namespace

void ForecastCorrection::Evidence::Add(const Sources& sources, double result) {
  for (size_t i = 0; i < kSources; ++i) {
    for (size_t j = 0; j < kSources; ++j) {
      products[i][j] += sources[i] * sources[j];
    }
    with_result[i] += sources[i] * result;
  }
  count += 1;
}

void ForecastCorrection::Evidence::Add(const Evidence& other) {
  for (size_t i = 0; i < kSources; ++i) {
    for (size_t j = 0; j < kSources; ++j) {
      products[i][j] += other.products[i][j];
    }
    with_result[i] += other.with_result[i];
  }
  count += other.count;
}

ForecastCorrection::Present ForecastCorrection::PresentOf(
    const DayProfile& days, const ZoneKnowledge& zone) {
  const Instant until = days.known_until();
  const auto beyond_usual = [&](Duration length) {
    const auto latest = days.Latest(length), usual = days.Usual(length);
    return latest && usual ? *latest - *usual : 0.0;
  };
  Present present;
  present.last_error =
      MeanError(zone.observed, zone.expected, {until - hours(1), until});
  present.day_error =
      MeanError(zone.observed, zone.expected, {until - hours(24), until});
  present.last_hour = beyond_usual(hours(1));
  present.last_hours = beyond_usual(hours(6));
  present.last_day = beyond_usual(hours(24));
  return present;
}

std::optional<ForecastCorrection::Said> ForecastCorrection::WhatIsSaid(
    const Slot& slot, const Present& present, DayProfile& days,
    const ZoneKnowledge& zone) {
  const auto hour = days.Around(slot.interval);
  if (!hour) return std::nullopt;
  Said said;
  said.usual = hour->mean;
  const auto forecast = zone.forecast.At(slot.interval.begin);
  said.forecast = forecast.has_value();
  said.sources = {forecast ? forecast->value() - hour->mean : 0,
                  hour->last_day - hour->mean,
                  hour->last_week - hour->mean,
                  forecast ? present.last_error : 0,
                  forecast ? present.day_error : 0,
                  present.last_hour,
                  present.last_hours,
                  present.last_day};
  return said;
}

// ---- Learning -------------------------------------------------------------

void ForecastCorrection::Learn(Instant now, const ZoneKnowledge& zone) {
  const Instant until = std::min(zone.known_until, zone.observed.end());
  bool learnt = false;
  if (until > learnt_until_) {
    learnt_until_ = until;
    std::erase_if(notes_, [&](const Note& note) {
      if (note.slot.end > until) return false;
      const auto came = zone.observed.Mean(note.slot);
      if (!came) return true;
      evidence_[note.said.forecast][note.lead].Add(
          note.said.sources, came->value() - note.said.usual);
      errors_.Add(note.said.forecast, note.ahead,
                  came->value() - note.expected);
      return learnt = true;
    });
  }
  if (learnt) Solve();
  if (now - noted_at_ >= kNoteEvery) TakeNotes(now, zone);
}

void ForecastCorrection::TakeNotes(Instant now, const ZoneKnowledge& zone) {
  DayProfile days(zone.observed, zone.known_until);
  const Present present = PresentOf(days, zone);
  const Duration step = zone.observed.empty()
                            ? Duration(0)
                            : zone.observed.slots().back().interval.length();
  Interval last;
  for (size_t lead = 0; lead < kLeads; ++lead) {
    const Instant at =
        now + Duration(static_cast<int64_t>(kLeadHours[lead] * 3'600'000.0));
    // The slot of the forecast; else one like those observed, on their borders.
    Slot slot;
    const Series there = zone.forecast.Clip({at, at + Duration(1)});
    if (!there.empty()) {
      for (const Slot& each : zone.forecast.slots()) {
        if (each.interval.Contains(at)) slot = each;
      }
    } else if (step > Duration(0)) {
      const Duration since = at - zone.observed.end();
      const int64_t whole = since.count() / step.count();
      const Instant begin = zone.observed.end() + whole * step;
      slot.interval = {begin, begin + step};
    }
    if (slot.interval.empty() || slot.interval == last) continue;
    if (slot.interval.begin < days.known_until()) continue;
    last = slot.interval;
    const auto said = WhatIsSaid(slot, present, days, zone);
    if (said) {
      const Duration ahead = slot.interval.begin - now;
      notes_.push_back(
          {slot.interval, lead, *said, ahead, Expect(*said, ahead)});
    }
    noted_at_ = now;
  }
}

void ForecastCorrection::Solve() {
  Weights weights;
  for (const bool forecast : {false, true}) {
    Sources prior{};
    if (forecast) prior[0] = 1;
    for (size_t lead = 0; lead < kLeads; ++lead) {
      Evidence pooled;
      double near = 0;
      for (size_t other = 0; other < kLeads; ++other) {
        const double a = kLeadHours[lead] + 1, b = kLeadHours[other] + 1;
        if (std::max(a, b) > std::min(a, b) * kPoolRatio) continue;
        near += 1;
        if (evidence_[forecast][other].count == 0) continue;  // adds zeros
        pooled.Add(evidence_[forecast][other]);
      }
      Sources& solved = weights.of[forecast][lead];
      solved = prior;
      if (pooled.count == 0) continue;
      double total = 0;
      for (size_t i = 0; i < kSources; ++i) total += pooled.products[i][i];
      if (total == 0) continue;
      const double pull = kPriorNotes * near / pooled.count;
      for (size_t i = 0; i < kSources; ++i) {
        const double ridge = pull * pooled.products[i][i] + kLeastRidge * total;
        pooled.products[i][i] += ridge;
        pooled.with_result[i] += ridge * prior[i];
      }
      solved = SolvePositive(pooled.products, pooled.with_result);
    }
  }
  weights_ = weights;
}

// ---- Correcting -----------------------------------------------------------

double ForecastCorrection::Expect(const Said& said, Duration lead) const {
  Sources weights{};
  if (said.forecast) weights[0] = 1;
  if (weights_) weights = weights_->of[said.forecast][LeadOf(lead)];
  double expected = said.usual;
  for (size_t i = 0; i < kSources; ++i) {
    expected += weights[i] * said.sources[i];
  }
  return std::max(expected, 0.0);
}

Series ForecastCorrection::Correct(Instant now, const Series& raw,
                                   const ZoneKnowledge& zone) const {
  DayProfile days(zone.observed, zone.known_until);
  const Present present = PresentOf(days, zone);
  std::vector<Slot> slots = raw.slots();
  for (Slot& slot : slots) {
    const auto said = WhatIsSaid(slot, present, days, zone);
    if (!said) continue;
    slot.intensity = GramsPerKwh::Of(Expect(*said, slot.interval.begin - now));
  }
  return *Series::Make(std::move(slots));
}

}  // namespace carbond
