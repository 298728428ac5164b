#pragma once
// `carbond backtest`.

#include <CLI/CLI.hpp>
#include <string>

namespace carbond {

struct BacktestOptions {
  std::string scenario;  // a file; or
  std::string ledger;    // another, whose past jobs are replayed
  std::string since;     // RFC 3339: those submitted from then on
  std::string slack;     // a duration: under another deadline
  std::string policies;  // comma-separated; empty: all
  bool clairvoyant = false;
  std::string output;   // table, json
  std::string picture;  // a file to be written; none when empty
  std::string job;      // the one that the picture shows
};

void AddBacktestOptions(CLI::App& command, BacktestOptions& options);
// Throws what CLI11 throws where the words do not go together.
void CheckBacktest(const CLI::App& command, const BacktestOptions& options);

// Prints to stdout; what is wrong to stderr. The exit code.
int RunBacktest(const BacktestOptions& options);

}  // namespace carbond
