// A month of the real fetchers, board and engine on services that fail at
// random, in every way that services do: which modes the zones are in
// meanwhile, and that no job is late for want of data.
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <random>

#include "daemon/grid/board.h"
#include "daemon/grid/carbon_aware_sdk.h"
#include "daemon/grid/fetcher.h"
#include "daemon/grid/watttime.h"
#include "tests/daemon/grid_answers.h"
#include "tests/scheduler/sim_world.h"

namespace carbond {
namespace {

const Instant kBegin = At("2026-03-01T00:00:00Z");
constexpr Duration kMonth = hours(24 * 30);
constexpr Duration kStep = minutes(30);

// What the grid does: dirty evenings, and days that differ.
double Truth(Instant t) {
  const double day = static_cast<double>((t - kBegin).count()) / 8.64e7;
  const double sun = std::sin(2 * M_PI * (day - 0.25));
  return 300 - 150 * sun * (1 + 0.3 * std::sin(day * 1.7)) +
         20 * std::sin(37 * day);
}

enum class Fault {
  kNone,
  kNoConnection,
  kBadGateway,
  kTooMany,
  kUnauthorized,
  kServerError,
  kEmptyBody,
  kTruncated,
  kNulls,
  kNegative,
  kWrongZone,
  kStuck,  // the same issue again and again
  kTenfold,
  kNoValues,
  kMany,
};
constexpr int kFaults = static_cast<int>(Fault::kMany);

// One service that is in order for some hours, then in trouble for minutes or
// hours, by a fixed sequence of chance.
class FailingService {
 public:
  FailingService(const Clock& clock, uint64_t seed)
      : clock_(clock), random_(seed) {}

  Fault Now() {
    while (clock_.Now() >= until_) {
      const bool was_well = fault_ == Fault::kNone;
      fault_ = was_well ? Fault(1 + Pick(kFaults - 1)) : Fault::kNone;
      // In the mean 5 h of health, 1.5 h of trouble, at times a whole day.
      const double mean_h = !was_well ? 5 : Pick(12) == 0 ? 20 : 1.5;
      until_ += Duration(static_cast<int64_t>(
          3.6e6 * std::exponential_distribution<>(1 / mean_h)(random_)));
      if (fault_ == Fault::kStuck) stuck_at_ = clock_.Now();
    }
    return fault_;
  }
  // When the newest forecast was made.
  Instant IssuedAt() {
    const Instant now = Now() == Fault::kStuck ? stuck_at_ : clock_.Now();
    return FloorTo30(now);
  }
  static Instant FloorTo30(Instant t) {
    return Instant::FromMillis(t.millis() / kStep.count() * kStep.count());
  }

 private:
  int Pick(int below) {
    return std::uniform_int_distribution<int>(0, below - 1)(random_);
  }
  const Clock& clock_;
  std::mt19937_64 random_;
  Fault fault_ = Fault::kNone;
  Instant until_ = kBegin + hours(3);
  Instant stuck_at_;
};

// A value as a fault lets it through.
std::string ValueOf(double g_per_kwh, Fault fault) {
  if (fault == Fault::kNulls) return "null";
  if (fault == Fault::kNegative) return "-5";
  return fmt::format("{:.3f}",
                     fault == Fault::kTenfold ? 15 * g_per_kwh : g_per_kwh);
}

// What becomes of any request; nothing where the answer is the service's own.
std::optional<Result<HttpAnswer>> Whole(Fault fault) {
  switch (fault) {
    case Fault::kNoConnection:
      return Result<HttpAnswer>(Trouble("cannot be connected to"));
    case Fault::kBadGateway:
      return Result<HttpAnswer>(Html(502, "nginx"));
    case Fault::kTooMany: {
      HttpAnswer answer = Answer(429, "{}");
      answer.retry_after = minutes(20);
      return Result<HttpAnswer>(answer);
    }
    case Fault::kUnauthorized:
      return Result<HttpAnswer>(Answer(401, R"({"error":"expired"})"));
    case Fault::kEmptyBody:
      return Result<HttpAnswer>(Answer(200, ""));
    default:
      return std::nullopt;
  }
}

Result<HttpAnswer> Serve(FailingService& service, const HttpRequest& request,
                         const std::function<std::string(Fault)>& body) {
  const Fault fault = service.Now();
  if (auto whole = Whole(fault)) return *std::move(whole);
  if (request.url.ends_with("/login")) return Answer(200, R"({"token":"t"})");
  if (fault == Fault::kServerError) return Answer(500, "{}");
  std::string text = body(fault);
  if (fault == Fault::kTruncated) text.resize(text.size() / 2);
  return Answer(200, std::move(text));
}

// The steps that a question is about: of a forecast from its issue on, else
// those that are over.
Interval Asked(FailingService& service, const HttpRequest& request, Instant now,
               const char* from, const char* to, bool forecast) {
  if (forecast) {
    const Instant begin = service.IssuedAt();
    return {begin, begin + hours(24)};
  }
  const Instant begin = FailingService::FloorTo30(
      At(Parameter(request.url, from)) + kStep - Duration(1));
  return {begin,
          std::min(FailingService::FloorTo30(At(Parameter(request.url, to))),
                   FailingService::FloorTo30(now))};
}

std::string WattTimeText(FailingService& service, const HttpRequest& request,
                         Instant now, Fault fault) {
  const bool forecast = request.url.find("/v3/forecast") != std::string::npos;
  const Interval asked = Asked(service, request, now, "start", "end", forecast);
  std::string points;
  for (Instant t = asked.begin; t < asked.end; t += kStep) {
    if (fault == Fault::kNoValues) break;
    points += fmt::format(R"({}{{"point_time":"{}","value":{}}})",
                          points.empty() ? "" : ",", FormatInstant(t),
                          ValueOf(Truth(t) / 0.45359237, fault));
  }
  return fmt::format(
      R"({{"data":[{}],"meta":{{"data_point_period_seconds":1800,)"
      R"("region":"{}","signal_type":"co2_moer","units":"lbs_co2_per_mwh",)"
      R"("generated_at":"{}"}}}})",
      points,
      fault == Fault::kWrongZone ? "ELSEWHERE"
                                 : Parameter(request.url, "region"),
      FormatInstant(service.IssuedAt()));
}

std::string SdkText(FailingService& service, const HttpRequest& request,
                    Instant now, Fault fault) {
  const bool forecast = request.url.find("forecasts") != std::string::npos;
  const Interval asked =
      Asked(service, request, now, "time", "toTime", forecast);
  std::string points;
  for (Instant t = asked.begin; t < asked.end; t += kStep) {
    if (fault == Fault::kNoValues) break;
    points += points.empty() ? "" : ",";
    points += forecast
                  ? fmt::format(R"({{"location":"G","timestamp":"{}",)"
                                R"("duration":30,"value":{}}})",
                                FormatInstant(t), ValueOf(Truth(t), fault))
                  : fmt::format(R"({{"location":"G","time":"{}",)"
                                R"("duration":"00:30:00","rating":{}}})",
                                FormatInstant(t), ValueOf(Truth(t), fault));
  }
  if (!forecast) return "[" + points + "]";
  return fmt::format(
      R"([{{"generatedAt":"{}","location":"{}","forecastData":[{}]}}])",
      FormatInstant(service.IssuedAt()),
      fault == Fault::kWrongZone ? "ELSEWHERE"
                                 : Parameter(request.url, "location"),
      points);
}

// The board and its fetchers, driven by the engine's own wakes.
class FetchedGrid : public Grid {
 public:
  FetchedGrid(const Clock& clock, uint64_t seed)
      : clock_(clock), wt_service_(clock, seed), sdk_service_(clock, seed + 1) {
    HttpConfig config;
    config.signal = "co2_moer";
    config.base_url = "http://service";
    std::vector<std::unique_ptr<Provider>> providers;
    providers.push_back(
        Make("wt", {"A", "B"},
             std::make_unique<WattTime>(config, Secret("u"), Secret("p")),
             [this](const HttpRequest& request) {
               return Serve(wt_service_, request, [&](Fault fault) {
                 return WattTimeText(wt_service_, request, clock_.Now(), fault);
               });
             }));
    providers.push_back(
        Make("sdk", {"A"}, std::make_unique<CarbonAwareSdk>(config),
             [this](const HttpRequest& request) {
               return Serve(sdk_service_, request, [&](Fault fault) {
                 return SdkText(sdk_service_, request, clock_.Now(), fault);
               });
             }));
    board_ = std::make_unique<Board>(
        std::move(providers),
        std::vector<BoardZone>{{"chained", {{0, "A"}, {1, "A"}}},
                               {"alone", {{0, "B"}}}});
  }

  GridNews Poll(Instant now) override {
    for (Fetcher* fetcher : fetchers_) {
      while (fetcher->Step() <= clock_.Now()) {
      }
    }
    return board_->Poll(now);
  }
  std::optional<Instant> NextNews(Instant now) override {
    std::optional<Instant> next = board_->NextNews(now);
    for (Fetcher* fetcher : fetchers_) {
      const Instant due = fetcher->Step();
      if (!next || due < *next) next = due;
    }
    return next;
  }
  int requests() const { return requests_; }

 private:
  std::unique_ptr<Fetcher> Make(const std::string& name,
                                std::vector<std::string> zones,
                                std::unique_ptr<Source> source,
                                ScriptedDoor::Script script) {
    auto fetcher = std::make_unique<Fetcher>(
        Fetcher::Options{name, "host", std::move(zones), hours(24), kStep,
                         hours(3)},
        std::move(source),
        std::make_unique<ScriptedDoor>(
            [this, script = std::move(script)](const HttpRequest& request) {
              ++requests_;
              return script(request);
            }),
        clock_, [this] { return clock_.Now() - Instant(); });
    fetchers_.push_back(fetcher.get());
    return fetcher;
  }

  const Clock& clock_;
  FailingService wt_service_, sdk_service_;
  std::vector<Fetcher*> fetchers_;
  std::unique_ptr<Board> board_;
  int requests_ = 0;
};

struct Month {
  explicit Month(uint64_t seed)
      : clock(kBegin), grid(clock, seed), executor(clock), random(seed) {
    for (const char* name : {"chained", "alone"}) {
      options.regions.push_back(Place(name, 100, 400));
    }
    options.stale_after = hours(3);
    engine = *Engine::Recover(options, {clock, ledger, grid, executor, meter});
    driver = std::make_unique<Driver>(*engine, clock, &executor);
  }

  void Submit() {
    const auto minutes_of = [&](int least, int most) {
      return minutes(std::uniform_int_distribution<int>(least, most)(random));
    };
    JobSpec spec = Work(minutes_of(20, 300));
    spec.regions = {random() % 2 == 0 ? "chained" : "alone"};
    spec.deadline = clock.Now() + spec.duration + minutes_of(60, 20 * 60);
    if (random() % 2 == 0) {
      spec.pause = PauseMode::kCheckpoint;
      spec.checkpoint_cost = spec.resume_cost = minutes(2);
      spec.checkpoint_timeout = minutes(10);
      spec.min_run = minutes(15);
    }
    const JobId next{static_cast<int64_t>(jobs.size()) + 1};
    SimBehaviour behaviour;
    behaviour.work = spec.duration;
    behaviour.save = spec.checkpoint_cost;
    behaviour.restore = spec.resume_cost;
    executor.SetBehaviour(next, behaviour);
    SubmitCommand command;
    command.jobs.push_back({spec, {}});
    std::vector<Command> commands{std::move(command)};
    const auto replies = engine->Execute(commands);
    ASSERT_TRUE(replies.ok() && replies->front().status.ok())
        << Message(replies->front().status);
    ASSERT_EQ(replies->front().jobs.front(), next);
    jobs.push_back(next);
  }

  Status CountModes() {
    const Instant now = clock.Now();
    if (!modes.empty() && now - counted_until < minutes(10)) return Ok();
    for (const auto& [zone, mode] : modes) {
      share[zone][mode] += now - counted_until;
    }
    counted_until = now;
    for (const RegionView& view : engine->Regions()) {
      modes[view.region.name] = Name(view.zone.mode);
    }
    return Ok();
  }

  SimClock clock;
  FetchedGrid grid;
  SimExecutor executor;
  MemoryLedger ledger;
  SimMeter meter;
  EngineOptions options;
  std::mt19937_64 random;
  std::unique_ptr<Engine> engine;
  std::unique_ptr<Driver> driver;
  std::vector<JobId> jobs;
  std::map<std::string, std::string> modes;
  std::map<std::string, std::map<std::string, Duration>> share;
  Instant counted_until = kBegin;
};

class MonthOfFaults : public testing::TestWithParam<uint64_t> {};

TEST_P(MonthOfFaults, MakesNoJobLateAndLeavesNoGramUnknown) {
  Month month(GetParam());
  const auto count = [&] { return month.CountModes(); };
  for (int hour = 6; hour < 24 * 29; hour += 5) {
    ASSERT_TRUE(month.driver->RunUntil(kBegin + hours(hour), count).ok());
    month.Submit();
  }
  ASSERT_TRUE(month.driver->RunUntil(kBegin + kMonth, count).ok());
  // Values are asked for again for two days.
  ASSERT_TRUE(
      month.driver->RunUntil(kBegin + kMonth + hours(24 * 5), count).ok());

  for (const JobId id : month.jobs) {
    const Job& job = month.ledger.jobs().at(id);
    ASSERT_EQ(job.outcome, Outcome::kSucceeded) << Number(id);
    EXPECT_LE(*job.finished_at, *job.spec->deadline) << "job " << Number(id);
    EXPECT_EQ(month.ledger.accounts().at(id).total.unknown, Duration(0))
        << "job " << Number(id);
  }
  for (const auto& [zone, modes] : month.share) {
    Duration all{0};
    for (const auto& [mode, time] : modes) all += time;
    std::string line = zone + ":";
    for (const auto& [mode, time] : modes) {
      line += fmt::format(" {} {:.1f} %", mode,
                          100.0 * static_cast<double>(time.count()) /
                              static_cast<double>(all.count()));
    }
    // Once a day is known, something always serves.
    EXPECT_LT(modes.contains("none") ? modes.at("none") : Duration(0),
              hours(24))
        << line;
    fmt::print("seed {}, {}\n", GetParam(), line);
  }
  fmt::print("seed {}: {} jobs, {} requests\n", GetParam(), month.jobs.size(),
             month.grid.requests());
  EXPECT_TRUE(month.ledger.Verify().ok());
}

INSTANTIATE_TEST_SUITE_P(Seeds, MonthOfFaults, testing::Values(1, 2));

}  // namespace
}  // namespace carbond
