#pragma once
// What each command does: one RPC, then its answer as a page or as JSON. The
// value returned is the exit code.

#include <cstdint>
#include <string>
#include <vector>

#include "client/channel.h"
#include "client/console.h"
#include "client/estimate.h"
#include "client/job_flags.h"
#include "client/local_time.h"

namespace carbond::client {

inline constexpr int kDone = 0;
inline constexpr int kRefused = 1;  // or failed
inline constexpr int kMisused = 2;

// What every command needs. For one thread.
struct Session {
  Channel& channel;
  Console& console;
  Look look;
  Here here;  // of this machine; the daemon's clock may be another
  bool json = false;
  Submitter submitter;
};

struct SubmitOptions {
  std::string file{};        // empty: `words` alone
  JobWords words;            // flags and command
  std::string request_id{};  // never empty
};
int Submit(Session& session, const SubmitOptions& options);
int Plan(Session& session, const SubmitOptions& options);

struct ListOptions {
  std::vector<std::string> states{};
  std::string user{};
  std::string project{};
  std::string region{};
  std::string name{};
  bool live = false;  // only jobs that are not done
  bool all = false;   // however many there are
  int limit = 100;
};
int List(Session& session, const ListOptions& options);
int Show(Session& session, const std::string& job);
int Cancel(Session& session, const std::string& job);
int Pause(Session& session, const std::string& job);
int Resume(Session& session, const std::string& job);

struct EmissionsOptions {
  std::string job{};    // empty: all
  std::string by{};     // empty: the total
  std::string since{};  // empty: from the beginning
  std::string until{};
  std::string format{};  // csv, jsonl: for other programs; empty: none
  bool baselines{};      // also those that the saving does not count against
};
int Emissions(Session& session, const EmissionsOptions& options);

struct ReportOptions {
  std::string job{};
  std::string format{};    // text (also where empty), markdown, latex, json
  std::string hardware{};  // its kind, as a reader knows it
  SupplementWords supplement{};
};
// The statement for a paper.
int Report(Session& session, const ReportOptions& options);

struct EstimateOptions {
  EstimateWords words;
  std::string regions_file{};  // a table of one's own; empty: none
  std::string list{};          // hardware, regions: prints the table instead
};
// Asks a daemon only of a region that no table has.
int Estimate(Session& session, const EstimateOptions& options);

struct ForecastOptions {
  std::string region{};  // empty: the first
  bool observed = false;
};
int Forecast(Session& session, const ForecastOptions& options);
int Regions(Session& session);
int Providers(Session& session);
int Budgets(Session& session);

// Ends when the job named is done; without one, never by itself.
int Watch(Session& session, const std::string& job);

struct LogsOptions {
  std::string job{};
  bool follow = false;
  bool stdout_only = false;
  bool stderr_only = false;
};
int Logs(Session& session, const LogsOptions& options);

// Returns when all are done: kDone where all succeeded.
int Wait(Session& session, const std::vector<std::string>& jobs);

// Tells the error, or all mistakes of the words, and returns the exit code.
int Fail(Session& session, const absl::Status& status,
         int exit_code = kRefused);

// What time it is for the daemon: its clock may be a demonstration's.
absl::StatusOr<Here> DaemonHere(Session& session);

}  // namespace carbond::client
