#include "storage/event_codec.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>

#include "storage/utf8.h"
#include "tests/storage/ledger_world.h"

namespace carbond {
namespace {

// What is read back is written again in the same words, and is the same kind.
void ExpectRoundTrip(const Fact& fact, const std::string& json) {
  EXPECT_EQ(EncodeFact(fact), json);
  const Result<Fact> read = DecodeFact(FactName(fact), json);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->index(), fact.index());
  EXPECT_EQ(EncodeFact(*read), json);
}

TEST(EventCodec, KeepsEveryFieldOfASubmission) {
  const JobSpec spec = FullSpec();
  const Result<JobSpec> read = DecodeSpec(EncodeSpec(spec));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(*read, spec);
  const Result<Fact> fact =
      DecodeFact("Submitted", EncodeFact(Submitted{spec}));
  ASSERT_TRUE(fact.ok()) << fact.status();
  EXPECT_EQ(std::get<Submitted>(*fact).spec, spec);
}

TEST(EventCodec, KeepsTheLeastPauseOfASpec) {
  JobSpec spec = FullSpec();
  spec.min_pause = minutes(45);
  const std::string body = EncodeSpec(spec);
  EXPECT_NE(body.find(R"("min_pause_ms":2700000)"), std::string::npos) << body;
  EXPECT_EQ(DecodeSpec(body).value(), spec);
}

TEST(EventCodec, KeepsWhereAnAdoptedJobStands) {
  JobSpec spec = FullSpec();
  spec.entry = {"eu", "12", Instant::FromSeconds(1795318449), hours(3), "x"};
  const std::string body = EncodeSpec(spec);
  EXPECT_NE(body.find(R"("entry_number":"12")"), std::string::npos) << body;
  EXPECT_EQ(DecodeSpec(body).value(), spec);
  EXPECT_FALSE(DecodeSpec(EncodeSpec(FullSpec())).value().adopted());
}

TEST(EventCodec, KeepsWhoWasProvenToHaveSubmittedAJobRootToo) {
  JobSpec spec = FullSpec();
  EXPECT_FALSE(DecodeSpec(EncodeSpec(spec)).value().uid.has_value());
  for (const int64_t uid : {int64_t{0}, int64_t{4294967294}}) {
    spec.uid = uid;
    EXPECT_EQ(DecodeSpec(EncodeSpec(spec)).value(), spec);
  }
}

// The words of old ledgers: a change here needs a way to read them still.
TEST(EventCodec, KeepsItsWords) {
  EXPECT_EQ(EncodeSpec(FullSpec()),
            R"({"name":"train \"résumé\"\n","project":"vision","user":"anna",)"
            R"("command":["python3","train.py","","--text=a\tb\\c"],)"
            R"("env":{"EMPTY":"","SEED":"7"},"workdir":"/home/anna/job",)"
            R"("gpus":2,"cpus":8,"duration_ms":21600001,"power_mw":1200500,)"
            R"("idle_power_mw":240000,"power_declared":true,)"
            R"("earliest_ms":1795248300000,"deadline_ms":1795334400000,)"
            R"("deadline_declared":true,"regions":["here","eu"],)"
            R"("home_region":"here","pause":"checkpoint",)"
            R"("checkpoint_signal":"TERM","on_pause":"kill -USR2 $PID",)"
            R"("on_resume":"echo again","checkpoint_cost_ms":61000,)"
            R"("resume_cost_ms":62000,"checkpoint_timeout_ms":63000,)"
            R"("min_run_ms":64000,"max_intensity_mg_per_kwh":0,)"
            R"("min_saving":0.30000000000000004,"priority":-3,"retries":2,)"
            R"("time_limit_ms":0,"data_gb":1e-09})");
  ExpectRoundTrip(StartIssued{3, "eu", 2, {{0, 5}, 16}, true},
                  R"({"run":3,"region":"eu","process":2,"gpus":[0,5],)"
                  R"("cpus":16,"resume":true})");
  ExpectRoundTrip(StartIssued{1, "eu", 1, {}, false, {}, Minutes(0, 5).end},
                  R"({"run":1,"region":"eu","process":1,)"
                  R"("not_before_ms":1795248300000})");
  ExpectRoundTrip(RunStarted{1}, R"({"run":1})");
  ExpectRoundTrip(Progressed{1, 0.42, true},
                  R"({"run":1,"fraction":0.42,"checkpoint":true})");
  ExpectRoundTrip(
      EnergyMetered{2, Minutes(0, 5), WattHours::Of(25.001), Purpose::kRestore,
                    EnergySource::kMixed, "nvml+cpu_time", WattHours::Of(20),
                    Pue::Of(1.1)},
      R"({"run":2,"begin_ms":1795248000000,)"
      R"("end_ms":1795248300000,"energy_mwh":25001,)"
      R"("purpose":"restore","source":"mixed",)"
      R"("meter":"nvml+cpu_time","measured_mwh":20000,)"
      R"("pue_thousandths":1100})");
  ExpectRoundTrip(Held{"carbond", "budget of user ana: 51 of 50 kg"},
                  R"({"by":"carbond",)"
                  R"("budget":"budget of user ana: 51 of 50 kg"})");
  ExpectRoundTrip(Released{"a new month", true},
                  R"({"by":"a new month","of_budget":true})");
  ExpectRoundTrip(PauseIssued{1, 2, "dirty"},
                  R"({"run":1,"attempt":2,"why":"dirty"})");
  ExpectRoundTrip(PauseFailed{1, "late"}, R"({"run":1,"why":"late"})");
  ExpectRoundTrip(RunEnded{1, RunEnd::kTimeLimit, 0, 9, "ended"},
                  R"({"run":1,"end":"time_limit","exit_code":0,"signal":9,)"
                  R"("detail":"ended"})");
  ExpectRoundTrip(StopIssued{1, RunEnd::kCancelled},
                  R"({"run":1,"why":"cancelled"})");
  ExpectRoundTrip(CancelRequested{"anna"}, R"({"by":"anna"})");
  ExpectRoundTrip(Held{"ben"}, R"({"by":"ben"})");
  ExpectRoundTrip(Released{"cy"}, R"({"by":"cy"})");
}

TEST(EventCodec, LeavesDefaultsOutAndReadsThemBack) {
  const JobSpec plain;
  EXPECT_EQ(EncodeSpec(plain), "{}");
  EXPECT_EQ(*DecodeSpec("{}"), plain);
  ExpectRoundTrip(Progressed{}, "{}");
  const Result<Fact> ended = DecodeFact("RunEnded", R"({"run":1})");
  ASSERT_TRUE(ended.ok());
  EXPECT_FALSE(std::get<RunEnded>(*ended).exit_code.has_value());
}

TEST(EventCodec, TellsZeroFromAbsent) {
  const Result<Fact> ended = DecodeFact(
      "RunEnded", EncodeFact(RunEnded{1, RunEnd::kSucceeded, 0, {}, ""}));
  EXPECT_EQ(std::get<RunEnded>(*ended).exit_code, 0);
  const Result<Fact> progress =
      DecodeFact("Progressed", EncodeFact(Progressed{1, 0.0, false}));
  EXPECT_EQ(std::get<Progressed>(*progress).fraction, 0.0);
}

TEST(EventCodec, PassesOverFieldsOfALaterTime) {
  const Result<Fact> fact =
      DecodeFact("Held", R"({"by":"anna","reason":{"deep":[1,2]}})");
  ASSERT_TRUE(fact.ok()) << fact.status();
  EXPECT_EQ(std::get<Held>(*fact).by, "anna");
}

TEST(EventCodec, RefusesWhatMeansNothing) {
  const std::pair<const char*, const char*> cases[] = {
      {"RunStarted", ""},
      {"RunStarted", "{"},
      {"RunStarted", "[]"},
      {"RunStarted", "null"},
      {"RunStarted", R"({"run":"1"})"},
      {"RunStarted", R"({"run":1.5})"},
      {"RunStarted", R"({"run":2147483648})"},
      {"RunStarted", R"({"run":1} )"
                     "x"},
      {"RunEnded", R"({"end":"exploded"})"},
      {"RunEnded", R"({"end":7})"},
      {"EnergyMetered", R"({"energy_mwh":9223372036854775808})"},
      {"EnergyMetered", R"({"purpose":"fun"})"},
      {"EnergyMetered", R"({"source":"guessed"})"},
      {"Submitted", R"({"command":"ls"})"},
      {"Submitted", R"({"command":[1]})"},
      {"Submitted", R"({"env":{"A":1}})"},
      {"Submitted", R"({"pause":"often"})"},
      {"Submitted", "{\"name\":\"\xff\"}"},
      {"Promoted", "{}"},
      {"", "{}"},
  };
  for (const auto& [name, json] : cases) {
    const Result<Fact> fact = DecodeFact(name, json);
    EXPECT_EQ(fact.status().code(), absl::StatusCode::kDataLoss)
        << name << " " << json;
  }
  EXPECT_EQ(Message(DecodeFact("RunEnded", R"({"run":"x"})").status()),
            "fact RunEnded cannot be read: `run`: not a whole number");
  EXPECT_EQ(Message(DecodeFact("Promoted", "{}").status()),
            "fact `Promoted` is unknown: written by a newer carbond?");
}

TEST(EventCodec, KeepsAnyDoubleToTheBit) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 2000; ++i) {
    const uint64_t bits = random();
    double value = 0;
    static_assert(sizeof bits == sizeof value);
    std::memcpy(&value, &bits, sizeof value);
    if (!std::isfinite(value)) continue;
    JobSpec spec;
    spec.data_gb = value;
    EXPECT_EQ(DecodeSpec(EncodeSpec(spec))->data_gb, value);
  }
}

// nlohmann refuses what is not UTF-8: a job's last words could otherwise make
// its ledger unreadable.
TEST(EventCodec, KeepsAnyBytesReadable) {
  std::mt19937 random(2);
  std::uniform_int_distribution<int> byte(0, 255);
  for (int i = 0; i < 5000; ++i) {
    RunEnded ended;
    for (int n = i % 12; n > 0; --n) {
      ended.detail += static_cast<char>(byte(random));
    }
    const Result<Fact> read = DecodeFact("RunEnded", EncodeFact(ended));
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(std::get<RunEnded>(*read).detail, ValidUtf8(ended.detail));
  }
}

TEST(Utf8, KnowsWellFormedText) {
  for (const char* good :
       {"", "plain", "é", "€", "\xF0\x9F\x98\x80", "\xED\x9F\xBF",
        "\xEE\x80\x80", "\xF4\x8F\xBF\xBF", "eight by eight: ünïcödé"}) {
    EXPECT_TRUE(IsUtf8(good)) << good;
    EXPECT_EQ(ValidUtf8(good), good);
  }
  for (const char* bad :
       {"\x80", "\xC0\xAF", "\xC1\xBF", "\xE0\x80\x80", "\xED\xA0\x80",
        "\xF0\x80\x80\x80", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF",
        "\xE2\x82", "eight plain bytes\xC3"}) {
    EXPECT_FALSE(IsUtf8(bad)) << bad;
    EXPECT_TRUE(IsUtf8(ValidUtf8(bad))) << bad;
  }
  EXPECT_EQ(ValidUtf8("a\xFFz"), "a\xEF\xBF\xBDz");
}

TEST(PlanCodec, KeepsEveryField) {
  JobPlan plan;
  plan.id = JobId{12};
  plan.region = 1;
  plan.region_name = "eu";
  plan.runs = {{Minutes(0, 10), 1, "eu"}, {Minutes(20, 30), 0, "us"}};
  plan.finish_at = At(30);
  plan.late = true;
  plan.expected = Grams();
  plan.run_now = Grams::Of(12.345);
  plan.forecast_issued_at = At(-5);
  plan.reason = Reason::kCleanerHours;
  plan.why = "waits for cleaner hours";
  plan.alternatives = {{"here", At(3), Grams::Of(9)}, {"eu", At(4), {}}};
  plan.together = {3, Grams::Of(7), Grams::Of(6)};
  const std::string json = EncodePlan(plan);
  const Result<JobPlan> read = DecodePlan(json);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(EncodePlan(*read), json);
  EXPECT_EQ(read->id, plan.id);
  EXPECT_EQ(read->region, 1);
  EXPECT_EQ(read->region_name, "eu");
  EXPECT_EQ(read->runs, plan.runs);
  EXPECT_EQ(read->finish_at, plan.finish_at);
  EXPECT_TRUE(read->late);
  EXPECT_EQ(read->expected, Grams());
  EXPECT_EQ(read->run_now, plan.run_now);
  EXPECT_EQ(read->forecast_issued_at, plan.forecast_issued_at);
  EXPECT_EQ(read->reason, Reason::kCleanerHours);
  EXPECT_EQ(read->why, plan.why);
  EXPECT_EQ(read->together, plan.together);
  ASSERT_EQ(read->alternatives.size(), 2u);
  EXPECT_EQ(read->alternatives[0].region, "here");
  EXPECT_EQ(read->alternatives[0].begin, At(3));
  EXPECT_EQ(read->alternatives[0].expected, Grams::Of(9));
  EXPECT_FALSE(read->alternatives[1].expected.has_value());
}

TEST(PlanCodec, ReadsAPlanOfOneRegionForAllRuns) {
  const Result<JobPlan> read = DecodePlan(
      R"({"region":"eu","region_index":2,"intervals":[{"begin_ms":5,"end_ms":9}]})");
  ASSERT_TRUE(read.ok()) << read.status();
  ASSERT_EQ(read->runs.size(), 1u);
  EXPECT_EQ(read->runs[0].region_name, "eu");
  EXPECT_EQ(read->runs[0].region, 2);
}

TEST(PlanCodec, KnowsEveryReasonAndThePlanThatIsNone) {
  for (const Reason reason :
       {Reason::kNone, Reason::kHeld, Reason::kRegionDrained,
        Reason::kNoCapacity, Reason::kEarliest, Reason::kNoForecast,
        Reason::kMinPause, Reason::kSlackUsedUp, Reason::kCleanerHours,
        Reason::kNoGain}) {
    JobPlan plan;
    plan.reason = reason;
    const Result<JobPlan> read = DecodePlan(EncodePlan(plan));
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(read->reason, reason);
    EXPECT_EQ(read->region, -1);
  }
  EXPECT_FALSE(DecodePlan(R"({"reason":"mood"})").ok());
  EXPECT_FALSE(DecodePlan(R"({"intervals":{}})").ok());
  EXPECT_FALSE(DecodePlan(R"({"intervals":[7]})").ok());
}

}  // namespace
}  // namespace carbond
