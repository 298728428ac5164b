#include "daemon/log.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/dist_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace carbond {
namespace {

constexpr char kPattern[] = "%Y-%m-%dT%H:%M:%S.%eZ %-8l %v";
// A trouble is said again after this, and has ended when it was quiet so long.
constexpr std::chrono::minutes kSayAgain{60};
constexpr std::chrono::minutes kEnded{10};
// From so many submissions in one transaction on, they are one line.
constexpr int64_t kMany = 16;

std::unique_ptr<spdlog::formatter> MakeFormatter() {
  return std::make_unique<spdlog::pattern_formatter>(
      kPattern, spdlog::pattern_time_type::utc);
}

// Quoted where it would not be one word.
std::string Word(const std::string& text) {
  bool plain =
      !text.empty() && text.find_first_of(" \t\r\n\"=\\") == std::string::npos;
  if (plain) return text;
  std::string quoted = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c == '\n' || c == '\r' ? ' ' : c;
  }
  return quoted + '"';
}

std::string Key(const char* name, const std::string& value) {
  return value.empty() ? "" : fmt::format(" {}={}", name, Word(value));
}

template <typename T>
std::string Key(const char* name, const std::optional<T>& value) {
  return value ? fmt::format(" {}={}", name, *value) : "";
}

// What happened in words, and its values; each fact has its own.
struct Line {
  spdlog::level::level_enum level = spdlog::level::info;
  std::string what;
  std::string values;
};

struct Describe {
  Line operator()(const Submitted& f) const {
    return {.what = "submitted",
            .values = Key("name", f.spec->name) + Key("user", f.spec->user) +
                      Key("project", f.spec->project) +
                      fmt::format(" gpus={} cpus={} duration={} pause={}",
                                  f.spec->need.gpus, f.spec->need.cpus,
                                  FormatDuration(f.spec->duration),
                                  Name(f.spec->pause))};
  }
  Line operator()(const StartIssued& f) const {
    const char* what = f.process != f.run ? "continuing"
                       : f.resume         ? "starting from a checkpoint"
                                          : "starting";
    return {
        .what = what,
        .values = fmt::format(
            " run={} region={}{} cpus={}", f.run, Word(f.region),
            Key("gpus", fmt::format("{}", fmt::join(f.allotment.gpus, ","))),
            f.allotment.cpus)};
  }
  Line operator()(const RunStarted& f) const {
    return {.what = "runs", .values = fmt::format(" run={}", f.run)};
  }
  Line operator()(const Progressed& f) const {
    return {
        .level = spdlog::level::debug,
        .what = f.checkpoint ? "saved a checkpoint" : "progressed",
        .values = fmt::format(" run={}", f.run) + Key("fraction", f.fraction)};
  }
  Line operator()(const EnergyMetered& f) const {
    return {
        .level = spdlog::level::debug,
        .what = "metered",
        .values =
            fmt::format(" run={} it_energy_wh={} until={} purpose={} source={}",
                        f.run, f.energy.value(), FormatInstant(f.interval.end),
                        Name(f.purpose), Name(f.source)) +
            Key("meter", f.meter)};
  }
  Line operator()(const PauseIssued& f) const {
    return {.what = "asked to pause",
            .values = fmt::format(" run={} attempt={}", f.run, f.attempt) +
                      Key("why", f.why)};
  }
  Line operator()(const PauseFailed& f) const {
    return {.level = spdlog::level::warn,
            .what = "did not pause",
            .values = fmt::format(" run={}", f.run) + Key("why", f.why)};
  }
  Line operator()(const RunEnded& f) const {
    return {.what = "run ended",
            .values = fmt::format(" run={} end={}", f.run, Name(f.end)) +
                      Key("exit_code", f.exit_code) + Key("signal", f.signal) +
                      Key("detail", f.detail)};
  }
  Line operator()(const StopIssued& f) const {
    return {.what = "asked to stop",
            .values = fmt::format(" run={} why={}", f.run, Name(f.why))};
  }
  Line operator()(const CancelRequested& f) const {
    return {.what = "cancelled by its user", .values = Key("by", f.by)};
  }
  Line operator()(const Held& f) const {
    if (f.budget) {
      return {.level = spdlog::level::warn,
              .what = "held for a budget",
              .values = Key("budget", *f.budget)};
    }
    return {.what = "held by its user", .values = Key("by", f.by)};
  }
  Line operator()(const Released& f) const {
    return {.what = f.of_budget ? "released: its budget has room"
                                : "released by its user",
            .values = Key("by", f.by)};
  }
};

void LogEvent(const Event& event) {
  Line line = std::visit(Describe{}, event.fact);
  spdlog::log(line.level, "{} job={}{}", line.what, Number(event.job),
              line.values);
}

bool IsSubmission(const Event& event) {
  return std::holds_alternative<Submitted>(event.fact);
}

void LogMany(int64_t submissions, const Batch& batch) {
  auto first =
      std::find_if(batch.events.begin(), batch.events.end(), IsSubmission);
  auto last =
      std::find_if(batch.events.rbegin(), batch.events.rend(), IsSubmission);
  spdlog::info("submitted {} jobs first_job={} last_job={}", submissions,
               Number(first->job), Number(last->job));
}

void LogDetails(const Batch& batch) {
  for (const PlanRecord& record : batch.plans) {
    spdlog::debug("planned job={} region={} reason={}{}", Number(record.job),
                  Word(record.plan.region_name), Name(record.plan.reason),
                  Key("why", record.plan.why));
  }
  for (const Forecast& forecast : batch.forecasts) {
    spdlog::debug("forecast zone={} provider={} issued_at={} until={}",
                  Word(forecast.zone), Word(forecast.provider),
                  FormatInstant(forecast.issued_at),
                  FormatInstant(forecast.series.end()));
  }
  for (const Observed& observed : batch.observed) {
    spdlog::debug("observed zone={} provider={} until={}", Word(observed.zone),
                  Word(observed.provider),
                  FormatInstant(observed.series.end()));
  }
}

}  // namespace

// ---- Log -------------------------------------------------------------------

class Log::Impl {
 public:
  explicit Impl(LogConfig config) : config_(std::move(config)) {}

  void Begin() {  // throws
    sinks_->add_sink(MakeSink());
    auto logger = std::make_shared<spdlog::logger>("carbond", sinks_);
    logger->set_level(spdlog::level::from_str(config_.level));
    logger->flush_on(spdlog::level::info);
    spdlog::set_default_logger(std::move(logger));
  }

  void Reopen() {  // throws
    if (!config_.file.empty()) sinks_->set_sinks({MakeSink()});
  }

  const LogConfig& config() const { return config_; }

 private:
  std::shared_ptr<spdlog::sinks::sink> MakeSink() const {
    std::shared_ptr<spdlog::sinks::sink> sink;
    if (config_.file.empty()) {
      sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    } else {
      sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(config_.file);
    }
    sink->set_formatter(MakeFormatter());
    return sink;
  }

  const LogConfig config_;
  std::shared_ptr<spdlog::sinks::dist_sink_mt> sinks_ =
      std::make_shared<spdlog::sinks::dist_sink_mt>();
};

Log::Log(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

// gRPC's threads may still have something to say: to nobody.
Log::~Log() {
  spdlog::set_default_logger(std::make_shared<spdlog::logger>("nobody"));
}

Result<std::unique_ptr<Log>> Log::Open(const LogConfig& config) {
  auto impl = std::make_unique<Impl>(config);
  try {
    impl->Begin();
  } catch (const spdlog::spdlog_ex& e) {
    return Refused(
        "cannot write the log {}: {}; let this user write there, "
        "or change log in carbond.yaml",
        config.file, e.what());
  }
  return std::unique_ptr<Log>(new Log(std::move(impl)));
}

void Log::Reopen() {
  try {
    impl_->Reopen();
  } catch (const spdlog::spdlog_ex& e) {
    spdlog::error("cannot open the log {} anew: {}; going on with the old one",
                  impl_->config().file, e.what());
  }
}

void LogBatch(const Batch& batch) {
  if (!spdlog::should_log(spdlog::level::info)) return;
  int64_t submissions =
      std::count_if(batch.events.begin(), batch.events.end(), IsSubmission);
  if (submissions >= kMany) LogMany(submissions, batch);
  for (const Event& event : batch.events) {
    if (submissions < kMany || !IsSubmission(event)) LogEvent(event);
  }
  for (const Job* job : batch.jobs) {
    if (job->state != State::kDone) continue;
    spdlog::info("done job={} outcome={}{} runs={}", Number(job->id),
                 Name(job->outcome), Key("exit_code", job->exit_code),
                 job->runs.size());
  }
  if (spdlog::should_log(spdlog::level::debug)) LogDetails(batch);
}

void TroubleLog::Log(std::span<const Status> troubles) {
  Steady::time_point now = Steady::now();
  std::erase_if(seen_, [now](const auto& entry) {
    return now - entry.second.last > kEnded;
  });
  for (const Status& trouble : troubles) {
    auto [seen, first] = seen_.try_emplace(Message(trouble), Seen{now, now});
    seen->second.last = now;
    if (!first && now - seen->second.said < kSayAgain) continue;
    seen->second.said = now;
    // What is used up comes back by itself, if at all.
    const bool again = trouble.code() != absl::StatusCode::kResourceExhausted;
    spdlog::warn("{}{}", seen->first, again ? "; trying again" : "");
  }
}

}  // namespace carbond
