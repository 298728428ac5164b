#include "scheduler/plan_words.h"

#include <fmt/ranges.h>

#include <algorithm>

namespace carbond {
namespace {

std::string Percent(double fraction) {
  const double percent = fraction * 100;
  return fmt::format("{:.{}f} %", percent, percent < 10 ? 1 : 0);
}

std::string Text(Grams grams) {
  const double g = grams.value();
  if (g >= 10'000) return fmt::format("{:.1f} kg", g / 1000);
  return fmt::format("{:.{}f} g", g, g < 10 ? 2 : g < 100 ? 1 : 0);
}

class Words {
 public:
  Words(const PlanInput& input, const PlanJob& job, const Decision& decision)
      : input_(input),
        job_(job),
        chosen_(decision.chosen),
        at_once_(decision.at_once),
        reason_(decision.reason),
        region_(Region(chosen_.region()).name),
        begin_(FormatInstant(chosen_.begin())) {}

  std::string Say() const {
    std::string text = Because();
    if (chosen_.runs.size() > 1 && reason_ == Reason::kCleanerHours) {
      text += fmt::format(", in {} runs{}", chosen_.runs.size(), Moves());
    }
    if (reason_ == Reason::kCleanerHours && PastForecast()) {
      text += "; past the forecast the same hours of the last known days count";
    }
    if (Region(chosen_.region()).yearly) {
      text += fmt::format(
          "; of {} only a yearly average is known, which tells no hour from "
          "another",
          region_);
    }
    if (job_.duration_learnt_from > 0) {
      text += fmt::format("; its duration is learnt from {} earlier job{}",
                          job_.duration_learnt_from,
                          job_.duration_learnt_from == 1 ? "" : "s");
    }
    if (chosen_.late) {
      text += fmt::format("; it will miss its deadline {}",
                          FormatInstant(job_.deadline));
    } else if (chosen_.dear > chosen_.unknown) {
      text += fmt::format(
          "; its deadline forces {} above its maximum of {:.4g} g/kWh",
          FormatDuration(chosen_.dear - chosen_.unknown),
          job_.max_intensity->value());
    }
    return text;
  }

 private:
  const PlanRegion& Region(int index) const {
    return input_.regions[static_cast<size_t>(index)];
  }
  bool running() const { return job_.standing == PlanJob::Standing::kRunning; }

  // " (eu, us)": the regions one after another, where there are several.
  std::string Moves() const {
    std::vector<std::string> names;
    for (const PlannedRun& run : chosen_.runs) {
      const std::string& name = Region(run.region).name;
      if (names.empty() || names.back() != name) names.push_back(name);
    }
    if (names.size() < 2) return "";
    return fmt::format(" ({})", fmt::join(names, ", then "));
  }

  bool PastForecast() const {
    return std::any_of(chosen_.runs.begin(), chosen_.runs.end(),
                       [this](const PlannedRun& run) {
                         const PlanRegion& region = Region(run.region);
                         return !region.yearly &&
                                run.interval.end > region.forecast_end;
                       });
  }

  std::string Because() const {
    switch (reason_) {
      case Reason::kCleanerHours:
        if (running() && chosen_.begin() <= input_.now) {
          return "runs and pauses for cleaner hours" + Saves();
        }
        if (chosen_.begin() <= input_.now) return "starts now" + Saves();
        if (Region(chosen_.region()).yearly) {
          return fmt::format("waiting for {} until {}{}", region_, begin_,
                             Saves());
        }
        return fmt::format("waiting for cleaner hours until {}{}", begin_,
                           Saves());
      case Reason::kNoGain:
        if (running()) {
          return job_.pause == PauseMode::kNone
                     ? "runs on: it cannot be paused"
                     : "runs on: a pause would not save enough";
        }
        return fmt::format("starts now: waiting would save less than {}",
                           Percent(job_.min_saving));
      case Reason::kSlackUsedUp:
        return fmt::format(
            "slack used up: {} whatever the grid, to finish by {}",
            running() ? "runs on" : "runs now", FormatInstant(job_.deadline));
      case Reason::kNoCapacity:
        if (chosen_.begin() <= input_.now) {
          return fmt::format("runs in {} runs around what is taken in {}",
                             chosen_.runs.size(), region_);
        }
        return fmt::format("no capacity in {} until {}", region_, begin_);
      case Reason::kEarliest:
        return fmt::format("may not start before {}", begin_);
      case Reason::kMinPause:
        return fmt::format("pauses for {} at least, until {}",
                           FormatDuration(job_.min_pause), begin_);
      case Reason::kNoForecast:
        return fmt::format("no forecast for {}: {}", region_,
                           chosen_.begin() <= input_.now
                               ? "runs now, as declared"
                               : fmt::format("waits, as declared, until its "
                                             "latest start {}",
                                             begin_));
      default:
        return "";
    }
  }

  // ", saves 212 g (34 %)" against running at once.
  std::string Saves() const {
    if (!chosen_.grams || at_once_ == nullptr || !at_once_->grams ||
        *at_once_->grams <= Grams()) {
      return "";
    }
    const Grams saved = *at_once_->grams - *chosen_.grams;
    return fmt::format(", saves {} ({})", Text(saved),
                       Percent(saved.value() / at_once_->grams->value()));
  }

  const PlanInput& input_;
  const PlanJob& job_;
  const Candidate& chosen_;
  const Candidate* const at_once_;
  const Reason reason_;
  const std::string& region_;
  const std::string begin_;
};

}  // namespace

std::string WhyOf(const PlanInput& input, const PlanJob& job,
                  const Decision& decision) {
  return Words(input, job, decision).Say();
}

}  // namespace carbond
