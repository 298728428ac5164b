#include "daemon/exec/runner_options.h"

#include <charconv>
#include <cstddef>

namespace carbond {
namespace {

bool ParseCount(const std::string& text, int& number) {
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, number);
  return result.ec == std::errc() && result.ptr == end && number >= 0;
}

}  // namespace

std::vector<std::string> FormatRunnerOptions(const RunnerOptions& options) {
  std::vector<std::string> arguments = {
      "--dir",      options.dir,
      "--workdir",  options.workdir,
      "--out",      options.out,
      "--err",      options.err,
      "--grace-ms", std::to_string(options.grace_ms)};
  if (options.checkpoint_signal != 0) {
    arguments.push_back("--checkpoint-signal");
    arguments.push_back(std::to_string(options.checkpoint_signal));
  }
  if (!options.on_pause.empty()) {
    arguments.push_back("--on-pause");
    arguments.push_back(options.on_pause);
  }
  if (!options.on_resume.empty()) {
    arguments.push_back("--on-resume");
    arguments.push_back(options.on_resume);
  }
  if (options.heartbeat_ms != 0) {
    arguments.push_back("--heartbeat-ms");
    arguments.push_back(std::to_string(options.heartbeat_ms));
    arguments.push_back("--lease-ms");
    arguments.push_back(std::to_string(options.lease_ms));
  }
  if (!options.orders.empty()) {
    arguments.push_back("--orders");
    arguments.push_back(options.orders);
  }
  for (const std::string& word : options.meter) {
    arguments.push_back("--meter");
    arguments.push_back(word);
  }
  arguments.push_back("--");
  arguments.insert(arguments.end(), options.command.begin(),
                   options.command.end());
  return arguments;
}

bool ParseRunnerOptions(const std::vector<std::string>& arguments,
                        RunnerOptions& options, std::string& mistake) {
  size_t i = 0;
  for (; i + 1 < arguments.size() && arguments[i] != "--"; i += 2) {
    const std::string& key = arguments[i];
    const std::string& value = arguments[i + 1];
    bool good = true;
    if (key == "--dir") {
      options.dir = value;
    } else if (key == "--orders") {
      options.orders = value;
    } else if (key == "--workdir") {
      options.workdir = value;
    } else if (key == "--out") {
      options.out = value;
    } else if (key == "--err") {
      options.err = value;
    } else if (key == "--grace-ms") {
      good = ParseCount(value, options.grace_ms);
    } else if (key == "--checkpoint-signal") {
      good = ParseCount(value, options.checkpoint_signal);
    } else if (key == "--heartbeat-ms") {
      good = ParseCount(value, options.heartbeat_ms);
    } else if (key == "--lease-ms") {
      good = ParseCount(value, options.lease_ms);
    } else if (key == "--meter") {
      options.meter.push_back(value);
    } else if (key == "--on-pause") {
      options.on_pause = value;
    } else if (key == "--on-resume") {
      options.on_resume = value;
    } else {
      good = false;
    }
    if (!good) {
      mistake = "`" + key + " " + value + "` is not understood";
      return false;
    }
  }
  if (i < arguments.size() && arguments[i] == "--") {
    options.command.assign(arguments.begin() + static_cast<ptrdiff_t>(i) + 1,
                           arguments.end());
  }
  if (options.dir.empty() || options.workdir.empty() || options.out.empty() ||
      options.err.empty() || options.command.empty()) {
    mistake =
        "--dir, --workdir, --out, --err and a command after `--` are needed";
    return false;
  }
  return true;
}

}  // namespace carbond
