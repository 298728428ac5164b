#include "client/words.h"

#include <fmt/format.h>

#include <cmath>
#include <optional>
#include <utility>

#include "client/console.h"
#include "client/names.h"
#include "client/quantity.h"

namespace carbond::client {
namespace {

// A difference that rounds to nothing is none.
constexpr double kSmall = 0.0005;

Here At(const v1::Plan& plan, absl::TimeZone zone) {
  return {FromProto(plan.made_at()), zone};
}

bool StartsNow(const v1::Plan& plan) {
  return FromProto(plan.intervals(0).begin()) <=
         FromProto(plan.made_at()) + absl::Seconds(1);
}

// ` in here`, where the region is known.
std::string In(const std::string& region) {
  return region.empty() ? "" : " in " + Printable(region);
}

// `starts in here at 13:20 +01:00 (in 2h10m)`.
std::string StartPhrase(const v1::Plan& plan, const Here& here) {
  const absl::Time begin = FromProto(plan.intervals(0).begin());
  std::string text =
      StartsNow(plan) ? fmt::format("starts now{}", In(plan.region()))
                      : fmt::format("starts{} at {} (in {})", In(plan.region()),
                                    FormatWhenWithOffset(begin, here),
                                    FormatLength(begin - here.now));
  if (plan.intervals_size() > 1) {
    text += fmt::format(", runs in {} parts", plan.intervals_size());
  }
  return text;
}

std::string FinishPhrase(const v1::Plan& plan, const Here& here) {
  if (!plan.has_finish_at()) return "";
  return fmt::format(", done by {}{}",
                     FormatWhenWithOffset(FromProto(plan.finish_at()), here),
                     plan.late() ? ", which is after its deadline" : "");
}

std::string WhyPhrase(const v1::Plan& plan, const Here& here) {
  const std::string phrase = ReasonPhrase(plan.reason());
  return phrase.empty() ? Localized(Printable(plan.why()), here) : phrase;
}

// What the daemon's sentence adds to its reason, after the first `; `: that a
// limit cannot be held, what the plan builds on. The phrases have not said it,
// but for the deadline that is missed.
std::string Reservation(const v1::Plan& plan, const Here& here) {
  const size_t begin = plan.why().find("; ");
  if (begin == std::string::npos || plan.late() ||
      ReasonPhrase(plan.reason()).empty()) {
    return "";
  }
  return Localized(Printable(plan.why().substr(begin)), here);
}

// The spread around what is expected at an instant.
std::optional<double> SpreadAt(const v1::Forecast& forecast, absl::Time t) {
  for (const v1::IntensityPoint& point : forecast.points()) {
    if (FromProto(point.begin()) <= t && t < FromProto(point.end()) &&
        point.has_spread_g_per_kwh()) {
      return point.spread_g_per_kwh();
    }
  }
  return std::nullopt;
}

}  // namespace

std::string ClockNote(double clock_speed) {
  if (clock_speed <= 1) return "";
  return fmt::format("demonstration clock, {}x",
                     std::round(clock_speed) == clock_speed
                         ? fmt::format("{:.0f}", clock_speed)
                         : fmt::format("{:.2f}", clock_speed));
}

std::string SavingPhrase(const v1::Plan& plan) {
  double reference = 0;
  if (plan.has_baseline_g()) {
    reference = plan.baseline_g();
  } else if (plan.has_run_now_g()) {
    reference = plan.run_now_g();
  } else {
    return "";
  }
  double saving = 0;
  if (plan.has_baseline_g() && plan.has_expected_saving_fraction()) {
    saving = plan.expected_saving_fraction();
  } else if (plan.has_expected_g() && reference > 0) {
    saving = 1 - plan.expected_g() / reference;
  } else {
    return "";
  }
  if (std::abs(saving) < kSmall) return "the same as running at once";
  return saving > 0
             ? fmt::format("{} less than running at once ({})",
                           FormatPercent(saving), FormatGrams(reference))
             : fmt::format("costs {} more than running at once ({})",
                           FormatPercent(-saving), FormatGrams(reference));
}

namespace {

template <typename T>  // Emissions or SecondSignal
std::string PhraseOfSaving(const T& emissions) {
  if (!emissions.has_saved_g()) return "";
  const double saved = emissions.saved_g();
  const std::string percent =
      emissions.has_saved_fraction()
          ? fmt::format(" ({})",
                        FormatPercent(std::abs(emissions.saved_fraction())))
          : "";
  if (FormatGrams(saved) == "0 g") return "saved nothing";
  return saved > 0
             ? fmt::format("saved {}{}", FormatGrams(saved), percent)
             : fmt::format("cost {}{} more", FormatGrams(-saved), percent);
}

}  // namespace

namespace {

template <typename T>  // Emissions or SecondSignal
std::string KnownGrams(const T& emissions) {
  const bool whole =
      emissions.unknown().seconds() == 0 && emissions.unknown().nanos() == 0;
  const std::string grams = FormatGrams(emissions.emissions_g());
  if (whole) return grams;
  return emissions.emissions_g() > 0 ? "> " + grams : "unknown";
}

}  // namespace

std::string EmittedCell(const v1::Emissions& emissions) {
  return KnownGrams(emissions);
}
std::string EmittedCell(const v1::SecondSignal& second) {
  return KnownGrams(second);
}

std::string SavedPhrase(const v1::Emissions& emissions) {
  return PhraseOfSaving(emissions);
}
std::string SavedPhrase(const v1::SecondSignal& second) {
  return PhraseOfSaving(second);
}

std::string SpreadPhrase(const v1::Forecast& forecast) {
  std::string text;
  for (const int hours : {1, 6, 24, 48}) {
    const auto spread =
        SpreadAt(forecast, FromProto(forecast.now()) + absl::Hours(hours));
    if (!spread) continue;
    text += fmt::format("{}{} g/kWh in {} h",
                        text.empty() ? "usually within " : ", ",
                        *spread >= 9.95 ? fmt::format("{:.0f}", *spread)
                                        : fmt::format("{:.2g}", *spread),
                        hours);
  }
  return text.empty() ? "not known yet: it is learnt as expected hours come"
                      : text;
}

std::string ReasonPhrase(const std::string& reason) {
  static const std::pair<const char*, const char*> kPhrases[] = {
      {"held", "held until it is resumed"},
      {"budget", "held: its budget is spent"},
      {"starting", "handed over, has not begun"},
      {"region_drained", "its regions start nothing new"},
      {"no_capacity", "waits for capacity"},
      {"earliest", "waits for its earliest start"},
      {"no_forecast", "no forecast is known: the declared fallback applies"},
      {"min_pause", "its pause has not lasted long enough"},
      {"slack_used_up", "its deadline leaves no more slack"},
      {"cleaner_hours", "waits for cleaner hours"},
      {"no_gain", "waiting would not save enough"}};
  for (const auto& [word, phrase] : kPhrases) {
    if (reason == word) return phrase;
  }
  return "";
}

std::string PlanSentence(const v1::Plan& plan, absl::TimeZone zone) {
  const Here here = At(plan, zone);
  const std::string why = WhyPhrase(plan, here);
  if (plan.intervals().empty()) {
    return why.empty() ? "has no plan yet" : "has no plan: " + why;
  }
  std::string text = StartPhrase(plan, here) + FinishPhrase(plan, here);
  if (plan.has_expected_g()) {
    const std::string saving = SavingPhrase(plan);
    text += fmt::format("; {}{}{}", FormatGrams(plan.expected_g()),
                        saving.empty() ? "" : ", ", saving);
  }
  return why.empty() ? text : text + "; " + why;
}

std::string SubmitLine(const v1::Job& job, absl::TimeZone zone) {
  std::string text;
  if (job.state() == v1::JOB_STATE_DONE) {
    text = OutcomePhrase(job) + " already";
  } else if (job.held() && !job.wait_reason_text().empty()) {
    text = Printable(job.wait_reason_text());
  } else if (job.has_plan()) {
    text = PlanSentence(job.plan(), zone) +
           Reservation(job.plan(), At(job.plan(), zone));
  } else if (job.state() != v1::JOB_STATE_WAITING &&
             job.state() != v1::JOB_STATE_UNSPECIFIED) {
    text = fmt::format("{}{}", Name(job.state()), In(job.region()));
  } else {
    text = fmt::format("accepted, not planned yet: see carbonctl show {}",
                       Printable(job.id()));
  }
  const std::string note = ClockNote(job.clock_speed());
  return fmt::format("job {}: {}{}", Printable(job.id()), text,
                     note.empty() ? "" : " (" + note + ")");
}

std::string WhenAndWhy(const v1::Job& job, absl::TimeZone zone) {
  const auto stamp = [&](const google::protobuf::Timestamp& t) {
    return FormatStamp(FromProto(t), zone);
  };
  const v1::Plan& plan = job.plan();
  const std::string reason = ReasonPhrase(
      job.wait_reason().empty() ? plan.reason() : job.wait_reason());
  const bool planned = plan.intervals_size() > 0;
  switch (job.state()) {
    case v1::JOB_STATE_DONE:
      return job.has_finished_at()
                 ? OutcomePhrase(job) + " " + stamp(job.finished_at())
                 : OutcomePhrase(job);
    case v1::JOB_STATE_STARTING:
    case v1::JOB_STATE_RUNNING:
      return plan.has_finish_at() ? "until " + stamp(plan.finish_at())
                                  : "since " + stamp(job.started_at());
    default:
      break;
  }
  const std::string verb =
      job.state() == v1::JOB_STATE_PAUSED ? "goes on " : "starts ";
  const std::string when =
      planned && !job.held() ? verb + stamp(plan.intervals(0).begin()) : "";
  if (when.empty() || reason.empty()) return when + reason;
  return when + ", " + reason;
}

std::string OutcomePhrase(const v1::Job& job) {
  std::string text = Name(job.outcome());
  if (text.empty()) text = Name(job.state());
  if (job.outcome() != v1::OUTCOME_FAILED) return text;
  const v1::Run* last = job.runs().empty() ? nullptr : &*job.runs().rbegin();
  if (last != nullptr && last->has_signal()) {
    text += fmt::format(" by signal {}", last->signal());
  } else if (job.has_exit_code()) {
    text += fmt::format(" with exit code {}", job.exit_code());
  }
  if (last != nullptr && last->end() == "time_limit") {
    text += " at its time limit";
  }
  if (last != nullptr && !last->detail().empty()) {
    text += ": " + Printable(last->detail());
  }
  return text;
}

std::string JobTitle(const v1::Job& job) {
  const std::string& name = job.spec().name();
  return fmt::format("job {}{}{}", Printable(job.id()), name.empty() ? "" : " ",
                     Printable(name));
}

std::string SavedCell(const v1::Job& job) {
  if (job.state() == v1::JOB_STATE_DONE) {
    return job.emissions().has_saved_fraction()
               ? FormatPercent(job.emissions().saved_fraction())
               : "";
  }
  return job.plan().has_expected_saving_fraction()
             ? "~" + FormatPercent(job.plan().expected_saving_fraction())
             : "";
}

}  // namespace carbond::client
