#pragma once
// Keeps what a service says of its zones in memory, and asks it anew in time,
// on a thread of its own. To the board it is a Provider that never waits.
//
// Each zone has two errands: its forecast, once every poll period, and its
// observed values, at first of the last two weeks, then of the last hour, and
// four times a day of all that may still be revised. A poll falls into the
// service's own issue period, at a moment that differs from zone to zone and
// from host to host, but not from day to day. What is due first is fetched
// first, one request at a time, within the service's budget.
//
// After a failure an errand waits 30 s, then twice as long each time up to half
// an hour; as long as the service says, if it says so; an hour after
// credentials were refused, a day after access was. What would befall the other
// zones as well holds up all of them. What is known goes on being served: the
// board judges its age.
//
// News need no bell: NextNews names an instant just after the next fetch, and a
// moment from now while a fetch is overdue.

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "daemon/grid/fetch_log.h"
#include "daemon/grid/provider.h"
#include "daemon/grid/provider_report.h"
#include "daemon/grid/request_budget.h"
#include "daemon/grid/token_door.h"

namespace carbond {

// Provider's functions, Report and Stop are safe to call from any thread.
class Fetcher : public Provider {
 public:
  struct Options {
    std::string name;
    std::string host;  // this machine's: makes its moments its own
    std::vector<std::string> zones;
    Duration horizon = hours(72);
    Duration poll = minutes(5);
    Duration stale_after = hours(3);
  };
  // The clock lives longer.
  Fetcher(Options options, std::unique_ptr<Source> source,
          std::unique_ptr<HttpDoor> door, const Clock& clock,
          TokenDoor::SinceBoot since_boot);
  ~Fetcher() override;  // stops

  void Start();
  // Ends a request under way and the thread.
  void Stop();
  // What the thread does, for who drives the fetcher in its place: makes the
  // one request that is due most, if any is, and says when to come again.
  Instant Step();

  const std::string& name() const override { return options_.name; }
  Duration stale_after() const override { return options_.stale_after; }
  std::shared_ptr<const Forecast> NewestForecast(const std::string& zone,
                                                 Instant now) override;
  std::optional<Observed> ObservedSince(const std::string& zone, Instant since,
                                        Instant now) override;
  Instant NextNews(const std::string& zone, Instant now) override;
  FetchReport Report() const;

 private:
  class CountedDoor;
  struct Errand {
    Instant due;
    int failures = 0;
    // The values of a jump that waits for a second answer to say the same.
    std::optional<GramsPerKwh> jump;
  };
  // A round of questions for observed values, from old to new.
  struct Round {
    Instant began_at;
    Instant cursor;  // what is asked for next begins here
    bool full = false;
  };
  struct Zone {
    std::string name;
    Errand forecast;
    Errand observed;
    std::optional<Round> round;
    std::optional<Instant> full_round_at;
    std::optional<Instant> observed_until;
    Instant final_until;
    std::optional<GramsPerKwh> usual;
  };
  struct Batch {
    Observed observed;
    bool handed = false;
  };
  // What the engine's thread sees of a zone.
  struct Shelf {
    std::shared_ptr<const Forecast> forecast;
    std::vector<Batch> batches;
    std::optional<Instant> observed_until;
    Instant next_fetch;
    std::string trouble;
  };

  void Run();
  bool IsStopped() const;
  void NoticeClockSetBack(Instant now);
  std::pair<Zone*, Want::What> MostDue();
  Want WantOf(Zone& zone, Want::What what, Instant now);
  Round NextRound(const Zone& zone, Instant now) const;
  void Fetch(Zone& zone, Want::What what, Instant now);
  OrFailure<Checked> Ask(const Want& want);
  std::optional<Failure> HoldJumpBack(Zone& zone, Errand& errand,
                                      const Series& series);
  void Keep(Zone& zone, const Want& want, Checked checked);
  void KeepObserved(Zone& zone, const Want& want, Series series);
  void Fail(Zone& zone, const Want& want, const Failure& failure, Instant now);
  Duration WaitAfter(const Failure& failure, int failures,
                     const std::string& zone) const;
  Instant NextPoll(const std::string& zone, Want::What what, Instant now) const;
  void Publish(const Zone& zone);

  // Fixed after construction
  const Options options_;
  const std::unique_ptr<Source> source_;
  const std::unique_ptr<HttpDoor> door_;
  const Clock& clock_;
  std::unique_ptr<CountedDoor> counted_;
  std::unique_ptr<TokenDoor> with_token_;  // null: no login is needed

  // Only the fetching thread
  std::vector<Zone> zones_;
  RequestBudget budget_;
  FetchLog log_;
  Instant held_until_;  // nobody is asked before
  int failures_ = 0;    // of all zones, in a row
  Instant last_step_;

  // Guarded by mutex_
  mutable std::mutex mutex_;
  std::condition_variable stopping_;
  bool stopped_ = false;
  std::map<std::string, Shelf> shelves_;
  std::string trouble_of_all_;  // of the service itself; empty: none
  int requests_today_ = 0;
  int requests_yesterday_ = 0;

  std::thread thread_;
};

}  // namespace carbond
