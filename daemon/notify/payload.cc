#include "daemon/notify/payload.h"

#include <cmath>
#include <nlohmann/json.hpp>

namespace carbond {
namespace {

using Json = nlohmann::ordered_json;

Json OrNull(const std::string& text) {
  return text.empty() ? Json(nullptr) : Json(text);
}

Json OrNull(const std::optional<Instant>& at) {
  return at ? Json(FormatInstant(*at)) : Json(nullptr);
}

template <typename T>
Json OrNull(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

// The run that the notice is about: the last that was not taken back.
const Run* RunOf(const Telling& telling) {
  return LastNotRecalled(telling.job);
}

const char* Source(const JobEmissions& figures) {
  if (figures.any_measured && figures.any_modelled) return "mixed";
  return figures.any_measured ? "measured" : "modelled";
}

Json EmissionsOf(const JobEmissions& figures) {
  Json json = {
      {"energy_kwh", KilowattHours(figures.facility_energy)},
      {"emissions_g", figures.grams.value()},
      {"baseline_g", nullptr},
      {"saved_g", nullptr},
      {"saved_fraction", nullptr},
      {"signal", OrNull(figures.signal)},
      {"provider", OrNull(figures.provider)},
      {"quality", Name(figures.quality)},
      {"energy_source", Source(figures)},
      {"unknown_s", static_cast<double>(figures.unknown.count()) / 1000}};
  if (!figures.baseline) return json;
  const Grams saved = *figures.baseline - figures.grams;
  json["baseline_g"] = figures.baseline->value();
  json["saved_g"] = saved.value();
  if (*figures.baseline > Grams()) {
    json["saved_fraction"] = saved.value() / figures.baseline->value();
  }
  return json;
}

Json JobOf(const Telling& telling) {
  const Job& job = telling.job;
  const JobSpec& spec = job.spec;
  const Run* run = RunOf(telling);
  const bool done = job.state == State::kDone;
  Json json = {{"id", std::to_string(Number(job.id))},
               {"name", spec.name},
               {"user", OrNull(spec.user)},
               {"project", OrNull(spec.project)},
               {"state", Name(job.state)},
               {"outcome", done ? Json(Name(job.outcome)) : Json(nullptr)},
               {"exit_code", OrNull(job.exit_code)},
               {"region", run == nullptr ? Json(nullptr) : Json(run->region)},
               {"submitted_at", FormatInstant(job.submitted_at)},
               {"started_at", OrNull(job.started_at)},
               {"finished_at", OrNull(job.finished_at)},
               {"deadline", OrNull(spec.deadline)},
               {"deadline_declared", spec.deadline_declared},
               {"finish_at", nullptr},
               {"pauses", Pauses(job)},
               {"run", run == nullptr ? Json(nullptr) : Json(run->number)},
               {"end", run == nullptr || run->end == RunEnd::kNone
                           ? Json(nullptr)
                           : Json(Name(run->end))},
               {"clock_speed", telling.clock_speed}};
  if (!done && telling.plan) {
    json["finish_at"] = OrNull(telling.plan->finish_at);
  }
  return json;
}

// ---- In words --------------------------------------------------------------

std::string ExitOf(const Job& job) {
  return job.exit_code && *job.exit_code != 0
             ? fmt::format(" with exit code {}", *job.exit_code)
             : "";
}

std::string Paused(const Job& job, const Run* run) {
  const std::string region = run == nullptr ? "" : run->region;
  const RunEnd end = run == nullptr ? RunEnd::kNone : run->end;
  switch (end) {
    case RunEnd::kCheckpointed:
      return fmt::format("saved itself and paused in {}", region);
    case RunEnd::kSuspended:
      return fmt::format("is stopped in memory in {}", region);
    case RunEnd::kPreempted:
      return fmt::format("lost its place in {} to another job", region);
    default:
      return fmt::format("ended a run in {} as {}{}, and is tried again",
                         region, Name(end), ExitOf(job));
  }
}

// Three digits, as people write them.
std::string Amount(Grams grams) {
  const double g = grams.value();
  const bool tonnes = std::abs(g) >= 999.5e3;
  const bool kilos = !tonnes && std::abs(g) >= 999.5;
  return fmt::format("{:.3g} {}",
                     g / (tonnes  ? 1e6
                          : kilos ? 1e3
                                  : 1),
                     tonnes  ? "t"
                     : kilos ? "kg"
                             : "g");
}

std::string Emitted(const JobEmissions& figures) {
  if (figures.unknown == Duration(0)) return Amount(figures.grams) + " CO2e";
  const std::string gap = fmt::format("no intensity is known for {} of it",
                                      FormatDuration(figures.unknown));
  if (figures.grams == Grams()) return gap;
  return fmt::format("more than {} CO2e: {}", Amount(figures.grams), gap);
}

std::string Figures(const JobEmissions& figures) {
  const std::string text =
      fmt::format("; {:.3g} kWh, {}", KilowattHours(figures.facility_energy),
                  Emitted(figures));
  const bool compares = figures.baseline && *figures.baseline > Grams() &&
                        figures.unknown == Duration(0);
  if (!compares) return text;
  const Grams saved = *figures.baseline - figures.grams;
  const bool loss = saved < Grams();
  return text +
         fmt::format(", {} ({:.0f} %) {} than run at once",
                     Amount(loss ? Grams() - saved : saved),
                     100 * std::abs(saved.value()) / figures.baseline->value(),
                     loss ? "more" : "less");
}

std::string Ended(const Telling& telling) {
  const Job& job = telling.job;
  std::string text = job.outcome == Outcome::kCancelled
                         ? std::string("was cancelled")
                         : fmt::format("{}{}", Name(job.outcome), ExitOf(job));
  if (job.outcome == Outcome::kLost) text = "is lost: nobody saw its end";
  return telling.figures ? text + Figures(*telling.figures) : text;
}

std::string Late(const Telling& telling) {
  const Job& job = telling.job;
  const std::string deadline =
      job.spec->deadline ? FormatInstant(*job.spec->deadline) : "";
  if (job.state == State::kDone) {
    return fmt::format("missed its deadline {}", deadline);
  }
  const bool planned = telling.plan && telling.plan->finish_at;
  return fmt::format("cannot meet its deadline {}{}", deadline,
                     planned
                         ? fmt::format(": it is planned to be done by {}",
                                       FormatInstant(*telling.plan->finish_at))
                         : "");
}

std::string Happened(const Telling& telling) {
  const Run* run = RunOf(telling);
  const std::string region = run == nullptr ? "" : run->region;
  switch (telling.notice.kind) {
    case NoticeKind::kStarted:
      return fmt::format("started in {}", region);
    case NoticeKind::kResumed:
      return fmt::format("goes on in {}", region);
    case NoticeKind::kPaused:
      return Paused(telling.job, run);
    case NoticeKind::kEnded:
      return Ended(telling);
    case NoticeKind::kLate:
      return Late(telling);
  }
  return "";
}

}  // namespace

Result<Job> JobAt(const std::vector<Event>& events, int seq) {
  if (events.empty() || events.back().seq < seq) {
    return Missing("the ledger does not hold event {} of the job", seq);
  }
  CARBOND_ASSIGN_OR_RETURN(Job job, ApplyFirst(events.front()));
  for (const Event& event : events) {
    if (event.seq == 1 || event.seq > seq) continue;
    CARBOND_RETURN_IF_ERROR(Apply(job, event));
  }
  return job;
}

std::string IdOf(const std::string& instance, const Notice& notice) {
  // Lateness is no event of its own.
  return notice.kind == NoticeKind::kLate
             ? fmt::format("{}-{}-late", instance, Number(notice.job))
             : fmt::format("{}-{}-{}", instance, Number(notice.job),
                           notice.seq);
}

std::string SentenceOf(const Telling& telling) {
  const Job& job = telling.job;
  return fmt::format("job {} ({}) {}", Number(job.id), job.spec->name,
                     Happened(telling));
}

std::string PayloadOf(const Telling& telling) {
  const Json json = {
      {"id", telling.id},
      {"event", Name(telling.notice.kind)},
      {"at", FormatInstant(telling.at)},
      {"job", JobOf(telling)},
      {"emissions",
       telling.figures ? EmissionsOf(*telling.figures) : Json(nullptr)},
      {"text", SentenceOf(telling)}};
  // A job's name may be any bytes.
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace carbond
