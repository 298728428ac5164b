// carbond.yaml as a file: what is no YAML, what cannot be read, and the example
// that is shipped.
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <sstream>

#include "daemon/grid/factory.h"
#include "tests/daemon/config_world.h"

namespace carbond {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

using ConfigFileTest = ConfigTest;

TEST_F(ConfigFileTest, NamesTheLineOfWhatIsNoYaml) {
  EXPECT_THAT(Mistake("state_dir: s\nlisten: [a:1\nregions: []\n"),
              StartsWith("c.yaml:3: not valid YAML: "));
  EXPECT_EQ(Mistake("state_dir: a: b\n"),
            "c.yaml:1: not valid YAML: illegal map value");
  EXPECT_THAT(Mistake("state_dir: s\nregions:\n\t- name: a\n"),
              StartsWith("c.yaml:3: not valid YAML: "));
  EXPECT_THAT(Mistake("state_dir: s\n  listen: x\n"),
              StartsWith("c.yaml:2: not valid YAML: "));
  EXPECT_THAT(Mistake("state_dir: s\nlisten: *none\n"),
              StartsWith("c.yaml:2: not valid YAML: the referenced anchor"));
  EXPECT_THAT(Mistake("state_dir: {a: 1}}\n"),
              StartsWith("c.yaml:1: not valid YAML: "));
  EXPECT_THAT(Mistake("{state_dir: s"), HasSubstr("not valid YAML"));
  EXPECT_THAT(Mistake(std::string(100'000, '[')), HasSubstr("not valid YAML"));
}

TEST_F(ConfigFileTest, NamesTheLineOfAQuoteLeftOpen) {
  const std::string quote =
      "not valid YAML: a quote is opened here and never closed";
  EXPECT_EQ(Mistake("state_dir: \"s\nlisten: a:1\n"), "c.yaml:1: " + quote);
  EXPECT_EQ(Mistake("state_dir: 'two\n  lines'\nlisten: 'a:1\nregions: []\n"),
            "c.yaml:3: " + quote);
  EXPECT_EQ(Mistake("a: 1\nb: \"c"), "c.yaml:2: " + quote);
  EXPECT_EQ(Mistake("a: 'b\n" + std::string(300, '\n')),
            "c.yaml: not valid YAML: a quote is opened and never closed");
}

TEST_F(ConfigFileTest, RefusesMoreThanOneDocument) {
  EXPECT_THAT(Mistake(std::string(kGood) + "---\nstate_dir: x\n"),
              AllOf(StartsWith("c.yaml:9: not valid YAML: "),
                    HasSubstr("one document")));
  EXPECT_THAT(Mistake("- name: here\nstate_dir: x\n"),
              StartsWith("c.yaml:2: not valid YAML: "));
  EXPECT_THAT(Mistake("state_dir: s\n...\n,\n"),
              StartsWith("c.yaml:3: not valid YAML: "));
  // yaml-cpp finds documents without end in it.
  EXPECT_THAT(Mistake(",state_dir: s\n"),
              StartsWith("c.yaml:1: not valid YAML: "));
}

TEST_F(ConfigFileTest, RefusesAFileThatSaysNothing) {
  for (const char* yaml : {"", "\n\n", "# a comment\n", "---\n", "~"}) {
    EXPECT_EQ(Mistake(yaml),
              "c.yaml: the file is empty; begin with "
              "`state_dir:`");
  }
  EXPECT_THAT(Mistakes("hello\n"),
              testing::Contains("c.yaml:1: the file: `hello`, where a map "
                                "(`key: value`) is owed"));
}

TEST_F(ConfigFileTest, ReadsAFileWithPathsRelativeToIt) {
  std::filesystem::create_directory(folder_.path() + "/deep");
  folder_.Write("deep/a.csv", "");
  const std::string path = folder_.Write("deep/carbond.yaml", kGood);
  const ConfigResult result = LoadConfig(path);
  ASSERT_THAT(result.mistakes, IsEmpty());
  EXPECT_EQ(result.config->path, path);
  EXPECT_EQ(result.config->state_dir, folder_.path() + "/deep/state");
}

TEST_F(ConfigFileTest, RefusesAFileThatCannotBeRead) {
  const auto mistake = [&](const std::string& name) {
    const ConfigResult result = LoadConfig(folder_.path() + name);
    EXPECT_FALSE(result.config);
    EXPECT_EQ(result.mistakes.size(), 1u);
    return Format(name, result.mistakes.at(0));
  };
  EXPECT_EQ(mistake("/none.yaml"),
            "/none.yaml: cannot be read: No such file or directory");
  EXPECT_EQ(mistake("/"), "/: cannot be read: it is a directory");
  folder_.Write("large", std::string(300 * 1024, '#'));
  EXPECT_EQ(mistake("/large"), "/large: cannot be read: larger than 256 KiB");
}

// Whatever stands in the file, there is an answer: a configuration or mistakes.
TEST_F(ConfigFileTest, SurvivesDamageAnywhere) {
  std::mt19937 random(4);
  const std::string alphabet = "{}[]:,-'\"\n \t#&*!|>%@`?~a0\x01\xff";
  for (int i = 0; i < 1000; ++i) {
    std::string yaml = kGood;
    for (unsigned n = 1 + random() % 4; n > 0; --n) {
      const size_t at = random() % yaml.size();
      const char c = alphabet[random() % alphabet.size()];
      switch (random() % 3) {
        case 0:
          yaml[at] = c;
          break;
        case 1:
          yaml.insert(at, 1, c);
          break;
        default:
          yaml.erase(at, 1 + random() % 8);
          break;
      }
    }
    const ConfigResult result = Parse(yaml);
    ASSERT_EQ(result.config.has_value(), result.mistakes.empty()) << yaml;
    int line = 0;
    for (const ConfigMistake& mistake : result.mistakes) {
      ASSERT_GE(mistake.line, line) << yaml;
      line = mistake.line;
    }
  }
}

// ---- the examples that are shipped
// -------------------------------------------

TEST_F(ConfigTest, TheExampleForSlurmIsRead) {
  std::ifstream in(CARBOND_SOURCE_DIR "/deploy/slurm/carbond.yaml");
  const std::string text(std::istreambuf_iterator<char>(in), {});
  EXPECT_THAT(Mistakes(text), testing::IsEmpty());
  const auto config = Parse(text).config;
  ASSERT_TRUE(config && config->regions.size() == 2);
  EXPECT_EQ(config->regions[0].executor.slurm.gpu, "gpu:a100");
  EXPECT_EQ(config->regions[0].region.queue_ahead, minutes(10));
}

class ExampleConfig : public ConfigTest {
 protected:
  ExampleConfig() {
    std::ifstream in(CARBOND_SOURCE_DIR "/deploy/carbond.example.yaml");
    text_.assign(std::istreambuf_iterator<char>(in), {});
    std::filesystem::create_directory(folder_.path() + "/data");
    std::string rows, issues;
    for (int i = 0; i < 24 * 10; ++i) {
      const Instant at = *ParseInstant("2021-06-01T00:00:00Z") + hours(i);
      rows += FormatInstant(at) + ",100\n";
      for (int h = 1; h < 4; ++h) {
        issues +=
            FormatInstant(at) + "," + FormatInstant(at + hours(h)) + ",200\n";
      }
    }
    folder_.Write("data/california-moer.csv.gz",
                  "time_utc,gco2_per_kwh\n" + rows);
    folder_.Write("data/california-moer-forecast.csv.gz",
                  "issued_at_utc,time_utc,gco2_per_kwh\n" + issues);
    std::filesystem::permissions(folder_.Write("carbon-runner", ""),
                                 std::filesystem::perms::owner_all);
  }
  // With all that is commented out in effect, in the place of what is not. A
  // setting that is commented out has no blank after its #, unlike prose.
  std::string AllKeys() const {
    std::vector<std::string> all;
    std::stringstream lines(text_);
    for (std::string line; std::getline(lines, line);) {
      const size_t hash = line.find('#');
      if (hash != std::string::npos && hash + 1 < line.size() &&
          hash == line.find_first_not_of(' ') && line[hash + 1] != ' ') {
        line.erase(hash, 1);
        const std::string key = line.substr(0, line.find(':') + 1);
        if (all.back().starts_with(key)) all.pop_back();
      }
      all.push_back(line);
    }
    std::string text;
    for (const std::string& line : all) text += line + "\n";
    const std::string runner = "/usr/bin/carbon-runner";
    return text.replace(text.find(runner), runner.size(),
                        folder_.path() + "/carbon-runner");
  }
  static bool HasKey(const std::string& yaml, const std::string& key) {
    for (const char* before : {"\n", " ", "{"}) {
      if (yaml.find(before + key + ":") != std::string::npos) return true;
    }
    return false;
  }

  std::string text_;
};

TEST_F(ExampleConfig, IsWithoutMistake) {
  const Config config = Good(text_);
  ASSERT_EQ(config.regions.size(), 1u);
  EXPECT_EQ(config.regions[0].executor.type, "local");
  EXPECT_THAT(config.listen,
              testing::ElementsAre("unix:/run/carbond/carbond.sock"));
}

TEST_F(ExampleConfig, GivesAForecastOnTheFirstDay) {
  const Instant now = *ParseInstant("2026-11-21T12:00:00Z");
  const SystemClock clock;
  const auto grid = MakeGrid(Good(text_), now, clock);
  ASSERT_TRUE(grid.ok()) << grid.status();
  const GridNews news = (*grid)->Poll(now);
  ASSERT_EQ(news.forecasts.size(), 1u);
  EXPECT_EQ(news.forecasts[0].provider, "california (replayed)");
  ASSERT_EQ(news.observed.size(), 1u);
  EXPECT_TRUE(news.observed[0].series.Covers({now - hours(24 * 8), now}));
}

TEST_F(ExampleConfig, ShowsTheDefaultsWhereItCommentsThemOut) {
  const Config plain = Good(text_);
  const Config all = Good(AllKeys());
  EXPECT_EQ(plain.defaults.min_run, all.defaults.min_run);
  EXPECT_EQ(plain.defaults.min_pause, all.defaults.min_pause);
  EXPECT_EQ(plain.defaults.checkpoint_cost, all.defaults.checkpoint_cost);
  EXPECT_EQ(plain.defaults.resume_cost, all.defaults.resume_cost);
  EXPECT_EQ(plain.defaults.checkpoint_timeout, all.defaults.checkpoint_timeout);
  EXPECT_EQ(plain.metering_period, all.metering_period);
  EXPECT_EQ(plain.stop_grace, all.stop_grace);
  EXPECT_EQ(plain.shared_dir, all.shared_dir);
  EXPECT_EQ(plain.slurm.heartbeat, all.slurm.heartbeat);
  EXPECT_EQ(plain.slurm.poll, all.slurm.poll);
  EXPECT_EQ(plain.slurm.allow_root, all.slurm.allow_root);
  EXPECT_EQ(plain.meter.per_gpu, all.meter.per_gpu);
  EXPECT_EQ(plain.meter.per_cpu, all.meter.per_cpu);
  EXPECT_EQ(plain.meter.idle_fraction, all.meter.idle_fraction);
  EXPECT_TRUE(plain.meter.sources == all.meter.sources);
  EXPECT_EQ(plain.meter.period, all.meter.period);
  EXPECT_EQ(plain.meter.powercap, all.meter.powercap);
  EXPECT_EQ(plain.log.level, all.log.level);
  const auto& a = std::get<RecordedConfig>(plain.providers[0].settings);
  const auto& b = std::get<RecordedConfig>(all.providers[0].settings);
  EXPECT_EQ(a.horizon, b.horizon);
  EXPECT_EQ(a.poll, b.poll);
  EXPECT_EQ(a.stale_after, b.stale_after);
}

// An unknown key is answered with those that are known: each must be explained.
TEST_F(ExampleConfig, ExplainsEveryKey) {
  const std::string all = AllKeys();
  const auto put = [&](const std::string& after, const std::string& line) {
    const size_t at = all.find(after);
    EXPECT_NE(at, std::string::npos) << after;
    std::string yaml = all;
    return yaml.insert(at + after.size(), line);
  };
  size_t keys = 0;
  for (const std::string& yaml :
       {all + "zzzzzzzzz: 1\n", put("defaults:\n", "  zzzzzzzzz: 1\n"),
        put("    type: recorded\n", "    zzzzzzzzz: 1\n"),
        put("    executor: local\n", "    zzzzzzzzz: 1\n"),
        put("slurm:\n", "  zzzzzzzzz: 1\n"),
        put("capacity: {", "zzzzzzzzz: 1, "), put("meter: {", "zzzzzzzzz: 1, "),
        put("log: {", "zzzzzzzzz: 1, "), put("clock: {", "zzzzzzzzz: 1, ")}) {
    const std::string hint = Mistake(yaml);
    const size_t at = hint.find("known here: ");
    ASSERT_NE(at, std::string::npos) << hint;
    std::stringstream known(hint.substr(at + 12));
    for (std::string key; std::getline(known >> std::ws, key, ',');) {
      EXPECT_TRUE(HasKey(all, key))
          << key << " is not in deploy/carbond.example.yaml";
      ++keys;
    }
  }
  EXPECT_GT(keys, 40u);
}

}  // namespace
}  // namespace carbond
