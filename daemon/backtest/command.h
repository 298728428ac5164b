#pragma once
// `carbond backtest`.

#include <CLI/CLI.hpp>
#include <string>

namespace carbond {

struct BacktestOptions {
  std::string scenario;  // a file
  std::string output;    // table, json
  std::string picture;   // a file to be written; none when empty
  std::string job;       // the one that the picture shows
};

void AddBacktestOptions(CLI::App& command, BacktestOptions& options);

// Prints to stdout; what is wrong to stderr. The exit code.
int RunBacktest(const BacktestOptions& options);

}  // namespace carbond
