// Writes the small ledger of which tests/golden/ keeps one for each schema. Run
// it once when a schema is new, and add to it what the schema has room for:
//   golden_ledger LEDGER.db && sqlite3 LEDGER.db .dump
// then the two pragmas that .dump leaves out.

#include <fmt/format.h>

#include "tests/storage/ledger_world.h"

namespace carbond {
namespace {

void Check(const Status& status) {
  CARBOND_INVARIANT(status.ok(), "{}", Message(status));
}

void WriteGrid(SqliteLedger& ledger) {
  Batch batch;
  batch.observed.push_back({"CAISO_NORTH", "wt", "co2_moer", At(10), At(5),
                            SeriesOf(0, minutes(5), {410, 411})});
  Check(ledger.Append(batch));
  batch.observed = {{"CAISO_NORTH", "wt", "co2_moer", At(15), At(10),
                     SeriesOf(5, minutes(5), {411.5})}};
  // Of the forecasts on the day four weeks before, schema 4 keeps the first.
  for (const int64_t minute : {-4 * 10080, -4 * 10080 + 5, 0}) {
    batch.forecasts.push_back(
        {"CAISO_NORTH", "wt", "co2_moer", At(minute), At(minute + 1),
         SeriesOf(minute, minutes(5), {412.345, 0, 399.999})});
  }
  Check(ledger.Append(batch));
}

// One that waits, with its plan and the request it came by.
void WaitingLife(Lives& lives) {
  const JobId id = lives.Submit(SmallSpec("ben", "speech"), 310);
  PlanRecord record;
  record.job = id;
  record.made_at = At(310);
  record.expected_total = Grams::Of(81);
  record.baseline = Grams::Of(101);
  JobPlan& plan = record.plan;
  plan.id = id;
  plan.region = 0;
  plan.region_name = "here";
  plan.runs = {{Minutes(330, 390), 0, "here"}};
  plan.finish_at = At(390);
  plan.expected = Grams::Of(80);
  plan.run_now = Grams::Of(100.5);
  plan.forecast_issued_at = At(0);
  plan.reason = Reason::kCleanerHours;
  plan.why = "waits for cleaner hours";
  plan.alternatives = {{"eu", At(310), Grams::Of(95)}};
  lives.batch().plans.push_back(record);
  lives.batch().requests.push_back({"01JD-golden", "d41d8cd9", id, 1, At(310)});
  lives.Commit();
}

void RunningLife(Lives& lives) {
  const JobId id = lives.Submit(SmallSpec("cy"), 320);
  lives.Start(id, 321);
  lives.Meter(id, 321, 326, 8.333);
  lives.Commit();
}

void LifeThatNeverBegan(Lives& lives) {
  const JobId id = lives.Submit(SmallSpec("cy"), 320);
  lives.Tell(id, 321, StartIssued{1, "here", 1, {{}, 0}, false});
  lives.Tell(
      id, 322,
      RunEnded{1, RunEnd::kNotStarted, {}, {}, "no such file: train.py"});
  lives.Commit();
}

// Since schema 3: in another region than its data.
void LifeAwayFromItsData(Lives& lives) {
  JobSpec spec = SmallSpec("dana", "speech");
  spec.regions = {"here", "eu"};
  spec.data_gb = 10;
  const JobId id = lives.Submit(spec, 330);
  lives.Tell(id, 331,
             StartIssued{1,
                         "eu",
                         1,
                         {{1}, 4},
                         false,
                         {"here", seconds(120), WattHours::Of(20)}});
  lives.Tell(id, 331, RunStarted{1});
  lives.Meter(id, 331, 333, 23.333, Purpose::kTransfer);
  lives.Meter(id, 333, 393, 100);
  lives.End(id, 393, RunEnd::kSucceeded, 0);
  lives.Commit();
}

// Since schema 5: paused, and released by its user since.
void ReleasedLife(Lives& lives) {
  JobSpec spec = SmallSpec("eve", "speech");
  spec.min_pause = minutes(90);
  const JobId id = lives.Submit(spec, 340);
  lives.Start(id, 341);
  lives.Tell(id, 370, PauseIssued{1, 1, "cleaner hours"});
  lives.Meter(id, 341, 371, 50);
  lives.End(id, 371, RunEnd::kCheckpointed, 85);
  lives.Tell(id, 372, Held{"eve"});
  lives.Tell(id, 375, Released{"eve"});
  lives.Commit();
}

// Since schema 6: handed to a cluster ahead of its time, taken back, and handed
// over again.
void LifeInAQueue(Lives& lives) {
  const JobId id = lives.Submit(SmallSpec("flo", "speech"), 350);
  const auto hand_over = [&](int run, int at) {
    lives.Tell(id, at,
               StartIssued{run, "eu", run, {{0}, 4}, false, {}, At(at + 10)});
  };
  hand_over(1, 351);
  lives.Tell(id, 355, StopIssued{1, RunEnd::kRecalled});
  lives.Tell(id, 356, RunEnded{1, RunEnd::kRecalled, {}, {}, ""});
  hand_over(2, 360);
  lives.Commit();
}

// Since schema 7: held for a budget and released over it, saved and then lost,
// and stated twice.
void LifeOverABudget(Lives& lives) {
  JobSpec spec = SmallSpec("gil", "speech");
  spec.retries = 1;
  const JobId id = lives.Submit(spec, 360);
  lives.Tell(id, 360,
             Held{"carbond",
                  "budget of user gil: 50.3 of 50 kg CO2e in "
                  "2026-11"});
  lives.Tell(id, 361, Released{"gil"});
  lives.Start(id, 361);
  lives.Meter(id, 361, 371, 50);
  lives.Tell(id, 371, Progressed{1, 0.2, true});
  lives.Meter(id, 371, 381, 50);
  lives.Tell(id, 381, RunEnded{1, RunEnd::kLost, {}, {}, "power"});
  lives.Start(id, 385);
  lives.Meter(id, 385, 395, 50);
  lives.End(id, 395, RunEnd::kSucceeded, 0);
  for (const int at : {395, 400}) {
    lives.Account(id, at, Quality::kProvisional, Grams::Of(20));
    Account& account = lives.batch().accounts.back();
    account.rows[1].lost_facility =
        account.rows[1].energy * account.rows[1].pue;
    account.rows[1].lost_grams = account.rows[1].grams;
    account.total.stated_at = At(at);
    account.total.same_region = Grams::Of(19);
    account.total.worst_start = Grams::Of(25);
    JobEmissions& second = account.second.emplace();
    second.job = id;
    second.grams = Grams::Of(3);
    second.signal = "average";
    lives.Commit();
  }
}

void Write(const std::string& path) {
  const auto ledger = *SqliteLedger::Open(path);
  Lives lives(*ledger);
  const JobId whole = WholeLife(lives);
  const JobId suspended = SuspendedLife(lives);
  lives.Account(whole, 300, Quality::kSettled, Grams::Of(2000));
  lives.Account(suspended, 250, Quality::kProvisional, {});
  lives.Commit();
  WaitingLife(lives);
  RunningLife(lives);
  LifeThatNeverBegan(lives);
  LifeAwayFromItsData(lives);
  ReleasedLife(lives);
  LifeInAQueue(lives);
  LifeOverABudget(lives);
  WriteGrid(*ledger);
  Check(ledger->PutSetting("clock", "1"));
}

}  // namespace
}  // namespace carbond

int main(int argc, char** argv) {
  if (argc != 2) {
    fmt::print(stderr, "golden_ledger: name the file to write\n");
    return 2;
  }
  carbond::Write(argv[1]);
}
