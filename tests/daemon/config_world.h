#pragma once
// Configurations in a few lines, and what is said of them.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "daemon/config.h"
#include "tests/daemon/scratch_folder.h"

namespace carbond {

// Every line of it can be replaced, to see what is said of the new one.
inline constexpr char kGood[] =
    "listen: unix:carbond.sock\n"
    "state_dir: state\n"
    "providers:\n"
    "  rec: {type: recorded, actual: a.csv, signal: co2_moer}\n"
    "  avg: {type: recorded, actual: a.csv, signal: average}\n"
    "regions:\n"
    "  - {name: here, grid: rec, pue: 1.2, executor: local,\n"
    "     capacity: {gpus: 4, cpus: 32}}\n";

class ConfigTest : public testing::Test {
 protected:
  ConfigTest() { folder_.Write("a.csv", "time_utc,gco2_per_kwh\n"); }

  ConfigResult Parse(const std::string& yaml) {
    return ParseConfig(yaml, "c.yaml", folder_.path());
  }
  std::vector<std::string> Mistakes(const std::string& yaml) {
    const ConfigResult result = Parse(yaml);
    EXPECT_EQ(result.config.has_value(), result.mistakes.empty());
    std::vector<std::string> lines;
    for (const ConfigMistake& mistake : result.mistakes) {
      lines.push_back(Format("c.yaml", mistake));
      EXPECT_EQ(lines.back().find('\n'), std::string::npos) << lines.back();
    }
    return lines;
  }
  std::string Mistake(const std::string& yaml) {
    const auto lines = Mistakes(yaml);
    EXPECT_EQ(lines.size(), 1u) << yaml << testing::PrintToString(lines);
    return lines.empty() ? "" : lines.front();
  }
  // The good file with one part of it replaced.
  static std::string With(const std::string& part, const std::string& by) {
    std::string yaml = kGood;
    const size_t at = yaml.find(part);
    EXPECT_NE(at, std::string::npos) << part;
    return yaml.replace(at, part.size(), by);
  }
  Config Good(const std::string& yaml) {
    const ConfigResult result = Parse(yaml);
    for (const ConfigMistake& mistake : result.mistakes) {
      ADD_FAILURE() << Format("c.yaml", mistake);
    }
    return result.config.value_or(Config());
  }

  ScratchFolder folder_;
};

}  // namespace carbond
