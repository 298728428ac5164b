#include "client/job_page.h"

#include <fmt/format.h>

#include "client/local_time.h"
#include "client/names.h"
#include "client/picture.h"
#include "client/quantity.h"
#include "client/reports.h"
#include "client/scene.h"
#include "client/table.h"
#include "client/words.h"

namespace carbond::client {
namespace {

using v1::Job;
using v1::JobSpec;
using v1::Run;

// `  name      text`, nothing where there is no text.
std::string Row(const std::string& name, const std::string& text) {
  return text.empty() ? "" : fmt::format("  {:<11}{}\n", name, text);
}

absl::Duration ToDuration(const google::protobuf::Duration& d) {
  return absl::Seconds(d.seconds()) + absl::Nanoseconds(d.nanos());
}

// Words as a shell would take them back.
std::string CommandLine(const JobSpec& spec) {
  std::string line;
  for (const std::string& word : spec.command()) {
    const bool plain =
        !word.empty() &&
        word.find_first_not_of(
            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
            "-_./=:,@%+") == std::string::npos;
    std::string quoted = word;
    for (size_t i = 0; !plain && i < quoted.size(); ++i) {
      if (quoted[i] != '\'') continue;
      quoted.replace(i, 1, "'\\''");
      i += 3;
    }
    line += (line.empty() ? "" : " ") + (plain ? word : "'" + quoted + "'");
  }
  return Printable(line);
}

std::string Owner(const Job& job) {
  std::string text;
  const auto add = [&](const char* what, const std::string& value) {
    if (value.empty()) return;
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", what,
                        Printable(value));
  };
  add("user", job.spec().user());
  add("project", job.spec().project());
  add("region", job.region());
  return text;
}

std::string Needs(const JobSpec& spec) {
  std::string text = FormatLength(ToDuration(spec.duration()));
  if (spec.gpus() > 0) text += ", " + Count(spec.gpus(), "GPU");
  if (spec.cpus() > 0) text += ", " + Count(spec.cpus(), "core");
  if (spec.has_power_w()) text += ", " + FormatPower(spec.power_w());
  if (Name(spec.pause()) != "none") text += ", pause by " + Name(spec.pause());
  if (spec.pause() == v1::PAUSE_MODE_SUSPEND && spec.has_idle_power_w()) {
    text += " at " + FormatPower(spec.idle_power_w());
  }
  return text;
}

std::string StateLine(const Job& job) {
  std::string text = job.state() == v1::JOB_STATE_DONE ? OutcomePhrase(job)
                                                       : Name(job.state());
  if (job.held()) text += ", held";
  if (job.cancel_requested() && job.state() != v1::JOB_STATE_DONE) {
    text += ", being cancelled";
  }
  if (job.progress_fraction() > 0) {
    text += ", progress " + FormatPercent(job.progress_fraction());
  }
  return text;
}

std::string WaitLine(const Job& job, const Here& here) {
  if (job.state() == v1::JOB_STATE_DONE) return "";
  const std::string text = Localized(Printable(job.wait_reason_text()), here);
  return text.empty() ? ReasonPhrase(job.wait_reason()) : text;
}

// `13:20 to 15:20, 18:00 to 19:00 +01:00 in here; 412 g, 32 % less ...`.
std::string PlanLine(const Job& job, const Here& here) {
  const v1::Plan& plan = job.plan();
  if (job.state() == v1::JOB_STATE_DONE || plan.intervals().empty()) return "";
  constexpr int kMost = 4;
  std::string text;
  for (int i = 0; i < std::min(plan.intervals_size(), kMost); ++i) {
    const v1::PlannedRun& interval = plan.intervals(i);
    const bool elsewhere =
        !interval.region().empty() && interval.region() != plan.region();
    text += fmt::format(
        "{}{} to {}{}", i > 0 ? ", " : "",
        FormatWhen(FromProto(interval.begin()), here),
        FormatWhen(FromProto(interval.end()), here),
        elsewhere ? " (in " + Printable(interval.region()) + ")" : "");
  }
  if (plan.intervals_size() > kMost) {
    text += fmt::format(" and {} more", plan.intervals_size() - kMost);
  }
  text += " " + FormatOffset(FromProto(plan.intervals(0).begin()), here.zone);
  if (!plan.region().empty()) text += " in " + Printable(plan.region());
  if (plan.has_expected_g()) {
    text += "; " + FormatGrams(plan.expected_g());
    const std::string saving = SavingPhrase(plan);
    if (!saving.empty()) text += ", " + saving;
  }
  return text;
}

// How near to the best the plan of all jobs is, where they are several.
std::string TogetherLine(const Job& job) {
  const v1::PlanQuality& all = job.plan().together();
  const bool planned =
      job.state() != v1::JOB_STATE_DONE && !job.plan().intervals().empty();
  if (!planned || all.jobs() < 2 || all.lower_bound_g() <= 0) return "";
  const double gap =
      (all.expected_g() - all.lower_bound_g()) / all.lower_bound_g();
  return fmt::format("{} jobs, {}; no plan of them could be more than {} lower",
                     all.jobs(), FormatGrams(all.expected_g()),
                     FormatPercent(gap / (1 + gap)));
}

std::string DeadlineLine(const Job& job, const Here& here) {
  if (!job.has_deadline()) return "";
  std::string text = FormatWhenWithOffset(FromProto(job.deadline()), here);
  if (!job.deadline_declared()) text += ", set by the daemon";
  if (job.state() != v1::JOB_STATE_DONE && job.plan().late()) {
    text += "; the plan finishes later";
  }
  if (job.has_finished_at() &&
      FromProto(job.finished_at()) > FromProto(job.deadline())) {
    text += "; finished later";
  }
  return text;
}

std::string RunsTable(const Job& job, const Look& look, const Here& here) {
  Table table({{"RUN", Table::Align::kRight},
               {"REGION"},
               {"STARTED"},
               {"ENDED"},
               {"LENGTH", Table::Align::kRight},
               {"END"},
               {"GPUS"},
               {"DETAIL", Table::Align::kLeft, true}});
  for (const Run& run : job.runs()) {
    const auto stamp = [&](bool has, const google::protobuf::Timestamp& t) {
      return has ? FormatStamp(FromProto(t), here.zone) : std::string();
    };
    std::string gpus;
    for (const int gpu : run.gpus()) {
      gpus += fmt::format("{}{}", gpus.empty() ? "" : ",", gpu);
    }
    const bool both = run.has_started_at() && run.has_ended_at();
    table.Add({fmt::format("{}", run.run()), run.region(),
               stamp(run.has_started_at(), run.started_at()),
               stamp(run.has_ended_at(), run.ended_at()),
               both ? FormatLength(FromProto(run.ended_at()) -
                                   FromProto(run.started_at()))
                    : "",
               run.end() == "none" ? "" : run.end(), gpus, run.detail()});
  }
  return table.Render(look, "  ");
}

// What the energy went into, if that was not work alone.
std::string PartsLine(const v1::Emissions& e) {
  std::string line;
  for (const v1::EmissionsPart& part : e.parts()) {
    line += fmt::format("{}{} {} ({})", line.empty() ? "" : ", ", part.what(),
                        FormatGrams(part.emissions_g()),
                        FormatEnergy(part.energy_kwh()));
  }
  return e.parts_size() > 1 ? line : "";
}

// By another signal, where one is kept.
std::string SecondLine(const v1::Emissions& e) {
  if (!e.has_second()) return "";
  const v1::SecondSignal& second = e.second();
  std::string line = EmittedCell(second) + " emitted";
  if (second.has_baseline_g()) {
    line += fmt::format(", {} at once", FormatGrams(second.baseline_g()));
  }
  const std::string saved = SavedPhrase(second);
  if (!saved.empty()) line += ": " + saved;
  if (second.unknown().seconds() > 0) {
    line +=
        fmt::format(", {} unknown", FormatLength(ToDuration(second.unknown())));
  }
  return fmt::format("{}; {}, {}", line, Printable(second.signal()),
                     Name(second.quality()));
}

std::string OtherBaselinesLine(const v1::Emissions& e) {
  std::string line;
  if (e.has_same_region_g()) {
    line = FormatGrams(e.same_region_g()) + " at once where it ran";
  }
  if (e.has_worst_start_g()) {
    line += (line.empty() ? "" : ", ") + FormatGrams(e.worst_start_g()) +
            " at home at the worst time";
  }
  return line.empty() ? "" : line + "; the saving counts against neither";
}

std::string SupersededRows(const v1::Emissions& e, const Here& here) {
  std::string rows;
  for (const v1::Superseded& each : e.superseded()) {
    rows += Row(rows.empty() ? "before" : "",
                fmt::format("{} until {}: {}", FormatGrams(each.emissions_g()),
                            FormatWhen(FromProto(each.superseded_at()), here),
                            Printable(each.why())));
  }
  return rows;
}

std::string EmissionsRows(const Job& job, const Here& here) {
  const v1::Emissions& e = job.emissions();
  std::string figures = EmittedCell(e) + " emitted";
  if (e.has_baseline_g()) {
    figures += fmt::format(", {} at once", FormatGrams(e.baseline_g()));
  }
  const std::string saved = SavedPhrase(e);
  if (!saved.empty()) figures += ": " + saved;
  std::string source = Name(e.energy_source());
  if (e.energy_source() == v1::ENERGY_SOURCE_MIXED && e.energy_kwh() > 0) {
    source += fmt::format(" ({} measured)",
                          FormatPercent(e.measured_kwh() / e.energy_kwh()));
  }
  std::string rests;
  for (const std::string& part :
       {e.signal(), e.provider().empty() ? "" : "from " + e.provider(),
        Name(e.quality())}) {
    if (part.empty()) continue;
    rests += (rests.empty() ? "" : ", ") + Printable(part);
  }
  std::string text =
      Row("energy", FormatEnergy(e.energy_kwh()) +
                        (source.empty() ? "" : ", " + source)) +
      Row("emissions", figures) + Row("signal", rests) +
      Row("beside", SecondLine(e)) + Row("spent on", PartsLine(e)) +
      Row("or else", OtherBaselinesLine(e)) + SupersededRows(e, here);
  if (e.unknown().seconds() > 0) {
    text += Row("unknown", "no intensity is known for " +
                               FormatLength(ToDuration(e.unknown())) +
                               " of running");
  }
  return text;
}

// `Slurm job 12 of eu`, and what of its comment was not understood.
std::string QueueLine(const Job& job) {
  if (!job.has_queue_entry()) return "";
  const v1::QueueEntry& entry = job.queue_entry();
  std::string text = fmt::format("Slurm job {}", Printable(entry.number()));
  if (!entry.queue().empty()) text += " of " + Printable(entry.queue());
  if (!entry.remark().empty()) {
    text += "; its comment: " + Printable(entry.remark());
  }
  return text;
}

// The daemon's clock where it says what it shows, since that may run fast.
absl::Time NowOf(const Job& job) {
  if (job.intensity().has_now()) return FromProto(job.intensity().now());
  if (job.plan().has_made_at()) return FromProto(job.plan().made_at());
  return FromProto(job.submitted_at());
}

}  // namespace

std::string JobPage(const Job& job, const Look& look, absl::TimeZone zone) {
  const Here here{NowOf(job), zone};
  const auto when = [&](bool has, const google::protobuf::Timestamp& t) {
    return has ? FormatWhenWithOffset(FromProto(t), here) : std::string();
  };
  const std::string title = JobTitle(job);
  std::string text =
      (look.colour ? "\x1b[1m" + title + "\x1b[0m" : title) + "\n";
  text += Row("state", StateLine(job)) + Row("why", WaitLine(job, here)) +
          Row("plan", PlanLine(job, here)) +
          Row("together", TogetherLine(job)) + Row("of", Owner(job)) +
          Row("command", CommandLine(job.spec())) +
          Row("directory", Printable(job.spec().workdir())) +
          Row("queue", QueueLine(job)) + Row("needs", Needs(job.spec())) +
          Row("submitted", when(job.has_submitted_at(), job.submitted_at())) +
          Row("started", when(job.has_started_at(), job.started_at())) +
          Row("finished", when(job.has_finished_at(), job.finished_at())) +
          Row("deadline", DeadlineLine(job, here));
  if (job.has_emissions()) text += "\n" + EmissionsRows(job, here);
  if (!job.runs().empty()) text += "\n" + RunsTable(job, look, here);
  if (job.has_intensity()) text += "\n" + Draw(PictureOf(job), look, zone);
  const std::string note = ClockLine(job.clock_speed());
  return note.empty() ? text : text + "\n" + note;
}

}  // namespace carbond::client
