// carbond.yaml: what it may say, and a clear line for all it may not.
#include "daemon/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/daemon/config_world.h"

namespace carbond {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

// ---- what it may say --------------------------------------------------------

TEST_F(ConfigTest, TakesWhatIsWrittenAndDefaultsForTheRest) {
  const Config config = Good(kGood);
  EXPECT_EQ(config.path, "c.yaml");
  EXPECT_THAT(config.listen,
              ElementsAre("unix:" + folder_.path() + "/carbond.sock"));
  EXPECT_EQ(config.state_dir, folder_.path() + "/state");
  EXPECT_EQ(config.clock.speed, 1);
  EXPECT_EQ(config.defaults.min_saving, 0.02);
  ASSERT_EQ(config.providers.size(), 2u);
  const auto& recorded = std::get<RecordedConfig>(config.providers[0].settings);
  EXPECT_EQ(config.providers[0].name, "rec");
  EXPECT_EQ(config.providers[0].line, 4);
  EXPECT_EQ(recorded.actual, folder_.path() + "/a.csv");
  EXPECT_EQ(recorded.forecast, "");
  EXPECT_EQ(recorded.replay, RecordedConfig::Replay::kAsRecorded);
  ASSERT_EQ(config.regions.size(), 1u);
  EXPECT_EQ(config.regions[0].line, 7);
  EXPECT_EQ(config.regions[0].region.name, "here");
  EXPECT_EQ(config.regions[0].region.pue, Pue::Of(1.2));
  EXPECT_EQ(config.regions[0].region.capacity, (Resources{4, 32}));
  EXPECT_EQ(config.regions[0].executor.type, "local");
  ASSERT_EQ(config.regions[0].grid.size(), 1u);
  EXPECT_EQ(config.regions[0].grid[0].provider, "rec");
  EXPECT_EQ(config.regions[0].region.signal, recorded.signal);
}

TEST_F(ConfigTest, TakesEveryKey) {
  folder_.Write("f.csv", "");
  std::filesystem::permissions(folder_.Write("runner", ""),
                               std::filesystem::perms::owner_all);
  const Config config = Good(
      "listen: [unix:/run/x.sock, '127.0.0.1:7070', \"[::1]:80\", box:1]\n"
      "state_dir: /var/lib/carbond\n"
      "clock: {speed: 1440, start: '18:05'}\n"
      "defaults: {min_saving: 0.1, no_forecast: wait_until_latest,\n"
      "  max_delay: 2d, min_run: 10m, checkpoint_cost: 90s, resume_cost: 0,\n"
      "  checkpoint_timeout: 1h30m, min_pause: 20m}\n"
      "metering_period: 1m\n"
      "stop_grace: 0\n"
      "meter: {per_gpu: 0.7kW, per_cpu: 5W, idle_fraction: 0.5}\n"
      "log: {level: debug, file: log/c.log}\n"
      "runner: runner\n"
      "providers:\n"
      "  rec: {type: recorded, actual: a.csv, forecast: f.csv, signal: s,\n"
      "    replay: now, from: 2021-07-15, loop: true, horizon: 24h,\n"
      "    poll: 1h, stale_after: 6h}\n"
      "regions:\n"
      "  - {name: a, grid: [rec], zone: DE, pue: 1, executor: {local: {}},\n"
      "     capacity: {cpus: 1}, drained: true}\n");
  EXPECT_THAT(config.listen, ElementsAre("unix:/run/x.sock", "127.0.0.1:7070",
                                         "[::1]:80", "box:1"));
  EXPECT_EQ(config.clock.speed, 1440);
  EXPECT_EQ(config.clock.start, hours(18) + minutes(5));
  EXPECT_EQ(config.defaults.min_saving, 0.1);
  EXPECT_EQ(config.defaults.no_forecast, NoForecast::kWaitUntilLatest);
  EXPECT_EQ(config.defaults.max_delay, hours(48));
  EXPECT_EQ(config.defaults.min_run, minutes(10));
  EXPECT_EQ(config.defaults.min_pause, minutes(20));
  EXPECT_EQ(config.defaults.checkpoint_cost, seconds(90));
  EXPECT_EQ(config.defaults.resume_cost, Duration(0));
  EXPECT_EQ(config.defaults.checkpoint_timeout, minutes(90));
  EXPECT_EQ(config.metering_period, minutes(1));
  EXPECT_EQ(config.stop_grace, Duration(0));
  EXPECT_EQ(config.meter.per_gpu, Watts::Of(700));
  EXPECT_EQ(config.meter.per_cpu, Watts::Of(5));
  EXPECT_EQ(config.meter.idle_fraction, 0.5);
  EXPECT_EQ(config.log.level, "debug");
  EXPECT_EQ(config.log.file, folder_.path() + "/log/c.log");
  EXPECT_EQ(config.runner, folder_.path() + "/runner");
  const auto& recorded = std::get<RecordedConfig>(config.providers[0].settings);
  EXPECT_EQ(recorded.forecast, folder_.path() + "/f.csv");
  EXPECT_EQ(recorded.signal, "s");
  EXPECT_EQ(recorded.replay, RecordedConfig::Replay::kNow);
  EXPECT_EQ(recorded.from, *ParseInstant("2021-07-15T00:00:00Z"));
  EXPECT_TRUE(recorded.loop);
  EXPECT_EQ(recorded.horizon, hours(24));
  EXPECT_EQ(recorded.poll, hours(1));
  EXPECT_EQ(recorded.stale_after, hours(6));
  EXPECT_TRUE(config.regions[0].region.drained);
  EXPECT_EQ(config.regions[0].grid[0].zone, "DE");
}

TEST_F(ConfigTest, ARegionMayBeAPartitionOfASlurmCluster) {
  const Config config =
      Good("shared_dir: /nfs/carbond\nslurm: {heartbeat: 2s}\n" +
           With("executor: local",
                "executor: {slurm: {conf: eu/slurm.conf, partition: gpu, "
                "gpu: 'gpu:a100', options: [--mem=16G], defer: {}}}"));
  EXPECT_EQ(config.shared_dir, "/nfs/carbond");
  EXPECT_EQ(config.slurm.heartbeat, seconds(2));
  EXPECT_FALSE(config.slurm.allow_root);
  const SlurmPlace& place = config.regions[0].executor.slurm;
  EXPECT_EQ(place.conf, folder_.path() + "/eu/slurm.conf");
  EXPECT_EQ(place.partition, "gpu");
  EXPECT_EQ(place.gpu, "gpu:a100");
  EXPECT_THAT(place.options, ElementsAre("--mem=16G"));
  EXPECT_EQ(place.defer->deadline, hours(24));
  EXPECT_EQ(Good(kGood).regions[0].executor.slurm.defer, std::nullopt);
  EXPECT_THAT(Mistake(With("executor: local", "executor: {slurm: {defer: y}}")),
              HasSubstr("write defer: {deadline: 24h}"));
  EXPECT_EQ(Good(kGood).shared_dir, folder_.path() + "/state");
}

TEST_F(ConfigTest, ListensOnASocketInTheStateDirectoryByDefault) {
  EXPECT_THAT(Good(With("listen: unix:carbond.sock\n", "")).listen,
              ElementsAre("unix:" + folder_.path() + "/state/carbond.sock"));
}

TEST_F(ConfigTest, KnowsTheLongestAProviderAllowsBeforeItIsStale) {
  EXPECT_EQ(LongestStaleAfter(Good(kGood)), hours(3));
  EXPECT_EQ(LongestStaleAfter(Good(
                With("signal: average", "signal: average, stale_after: 1d"))),
            hours(24));
}

TEST_F(ConfigTest, GivesEachZoneOfEachProvidersItsKey) {
  const std::string capacity = ", capacity: {gpus: 1}}\n";
  const Config config = Good(
      "state_dir: s\nproviders:\n"
      "  rec: {type: recorded, actual: a.csv, signal: x}\n"
      "  two: {type: recorded, actual: a.csv, signal: x}\n"
      "regions:\n"
      "  - {name: a, grid: rec" +
      capacity + "  - {name: b, grid: [rec]" + capacity +
      "  - {name: c, grid: [rec, two]" + capacity +
      "  - {name: d, grid: rec, zone: DE" + capacity +
      "  - {name: e, grid: two, zone: DE" + capacity +
      "  - {name: f, grid: two, zone: DE" + capacity);
  std::vector<std::string> keys;
  for (const RegionConfig& region : config.regions) {
    keys.push_back(region.region.zone);
  }
  EXPECT_THAT(keys, ElementsAre("rec", "rec", "rec@rec+two", "DE@rec", "DE@two",
                                "DE@two"));
}

// ---- what it may not say ----------------------------------------------------

TEST_F(ConfigTest, ReportsAllMistakesAtOnceInTheOrderOfTheirLines) {
  EXPECT_THAT(
      Mistakes("listen: nowhere\n"
               "clock: {speed: 0.5}\n"
               "defaults: {min_saving: 5%}\n"
               "meter: {per_gpu: 300}\n"
               "providers:\n"
               "  rec: {type: recorded, actual: none.csv, signal: x,\n"
               "        poll: 5}\n"
               "  wt: {type: watttimes, base_url: https://api.watttime.org}\n"
               "regoins: []\n"
               "regions:\n"
               "  - name: here\n"
               "    grid: [rec, wt]\n"
               "    pue: 0.9\n"
               "    capacity: {gpus: -4}\n"
               "  - {name: here, grid: recc, capacity: {cpus: 1}}\n"),
      ElementsAre(
          StartsWith("c.yaml:1: state_dir: missing; say where"),
          StartsWith("c.yaml:1: listen: `nowhere` is no listen address; write "
                     "unix:/path or host:port"),
          "c.yaml:2: clock.speed: 0.5 is not between 1 and 86400",
          "c.yaml:3: defaults.min_saving: `5%` is no number",
          StartsWith("c.yaml:4: meter.per_gpu: power `300` is not understood"),
          StartsWith("c.yaml:6: providers.rec.actual: " + folder_.path() +
                     "/none.csv does not exist"),
          StartsWith("c.yaml:7: providers.rec.poll: duration `5` is not "
                     "understood: write 90s"),
          "c.yaml:8: providers.wt.type: provider type `watttimes` is not built "
          "into this carbond; it knows: carbon_aware_sdk, carbonintensity_uk, "
          "electricity_maps, recorded, static, watttime; did you mean "
          "`watttime`?",
          "c.yaml:9: unknown key `regoins`; did you mean `regions`?",
          "c.yaml:13: regions.here.pue: 0.9 is not between 1 and 10",
          "c.yaml:14: regions.here.capacity.gpus: `-4` is no whole number from "
          "0 to 1000000",
          "c.yaml:15: regions.here.grid: no provider is called `recc`; did you "
          "mean `rec`?",
          "c.yaml:15: regions.here: a region of this name stands on line 11; "
          "names must differ"));
}

TEST_F(ConfigTest, RefusesUnknownKeysEverywhere) {
  const auto mistake = [&](const std::string& part, const std::string& by) {
    return Mistake(With(part, by));
  };
  EXPECT_EQ(mistake("state_dir", "state_dri: x\nstate_dir"),
            "c.yaml:2: unknown key `state_dri`; did you mean `state_dir`?");
  EXPECT_EQ(mistake("providers", "clock: {sped: 2}\nproviders"),
            "c.yaml:3: unknown key `clock.sped`; did you mean `speed`?");
  EXPECT_EQ(
      mistake("actual", "looop: true, actual"),
      "c.yaml:4: unknown key `providers.rec.looop`; did you mean `loop`?");
  EXPECT_EQ(mistake("gpus", "gpu: 1, gpus"),
            "c.yaml:8: unknown key `regions.here.capacity.gpu`; did you mean "
            "`gpus`?");
  EXPECT_THAT(
      mistake("pue", "wings: red, pue"),
      HasSubstr("unknown key `regions.here.wings`; known here: name, "
                "grid, cloud, zone, second, pue, embodied, executor, meter, "
                "capacity, drained"));
  for (const char* section : {"defaults", "meter", "log"}) {
    EXPECT_THAT(mistake("state_dir",
                        fmt::format("{}: {{qqqqq: 1}}\nstate_dir", section)),
                StartsWith(fmt::format("c.yaml:2: unknown key `{}.qqqqq`; "
                                       "known here: ",
                                       section)));
  }
  EXPECT_THAT(mistake("executor: local", "executor: {local: {image: x}}"),
              HasSubstr("unknown key `regions.here.executor.local.image`"));
}

TEST_F(ConfigTest, ReadsBudgetsAndWhatIsWrongWithThem) {
  const Config config = Good(
      std::string(kGood) +
      "budgets: [{user: '*', monthly_kg: 50}, {project: vision, monthly_kg: "
      "0.5, then: warn}]\n");
  ASSERT_EQ(config.budgets.size(), 2u);
  EXPECT_EQ(config.budgets[0].of, Budget::Of::kUser);
  EXPECT_EQ(config.budgets[0].name, "*");
  EXPECT_EQ(config.budgets[0].monthly, Grams::Of(50'000));
  EXPECT_EQ(config.budgets[0].then, Budget::Then::kHold);
  EXPECT_EQ(config.budgets[1].of, Budget::Of::kProject);
  EXPECT_EQ(config.budgets[1].monthly, Grams::Of(500));
  EXPECT_EQ(config.budgets[1].then, Budget::Then::kWarn);

  const auto mistake = [&](const std::string& budgets) {
    return Mistake(std::string(kGood) + "budgets: " + budgets + "\n");
  };
  EXPECT_THAT(mistake("50"), HasSubstr("budgets: `50`, where a list is owed"));
  EXPECT_THAT(mistake("[{monthly_kg: 5}]"),
              HasSubstr("budgets[0].user: missing; write"));
  EXPECT_THAT(mistake("[{user: ana}]"), HasSubstr("budgets[0].monthly_kg"));
  EXPECT_THAT(mistake("[{user: ana, project: x, monthly_kg: 5}]"),
              HasSubstr("of a user or of a project, not of both"));
  EXPECT_THAT(mistake("[{user: ana, monthly_kg: 5, then: stop}]"),
              HasSubstr("`stop` is none of hold, warn"));
  EXPECT_THAT(mistake("[{user: ana, monthly_kg: 5}, {user: ana, "
                      "monthly_kg: 6}]"),
              HasSubstr("budgets[1]: user ana has one already"));
}

TEST_F(ConfigTest, ReadsASecondAccountOfAnotherSignal) {
  const auto with = [](const std::string& second) {
    return "state_dir: /s\nproviders:\n  rec: {type: recorded, actual: a.csv, "
           "signal: moer}\n  avg: {type: recorded, actual: a.csv, signal: "
           "average}\nregions:\n  - {name: here, grid: rec, executor: local, "
           "capacity: {cpus: 1}, second: " +
           second + "}\n";
  };
  const Config config = Good(with("{grid: avg}"));
  EXPECT_EQ(config.regions[0].region.zone, "rec");
  EXPECT_EQ(config.regions[0].region.second_zone, "avg");
  EXPECT_EQ(config.regions[0].links().size(), 2u);
  EXPECT_THAT(Mistake(with("{grid: rec}")),
              HasSubstr("second: its signal is moer too: name a provider of "
                        "another signal"));
  EXPECT_THAT(Mistake(with("{grid: nobody}")),
              HasSubstr("second.grid: no provider is called `nobody`"));
  EXPECT_THAT(Mistake(with("avg")), HasSubstr("regions.here.second"));
}

TEST_F(ConfigTest, RefusesValuesOfAnotherTypeOrUnit) {
  const auto mistake = [&](const std::string& line) {
    return Mistake(kGood + line + "\n");
  };
  EXPECT_EQ(mistake("metering_period: 5"),
            "c.yaml:9: metering_period: duration `5` is not understood: write "
            "90s, 5m, 2h, 3d or 1h30m");
  EXPECT_THAT(mistake("metering_period: -5m"), HasSubstr("-5m is negative"));
  EXPECT_THAT(mistake("metering_period: 0"),
              HasSubstr("0 is not between 1s and 1d"));
  EXPECT_THAT(mistake("metering_period: [5m]"),
              HasSubstr("metering_period: a list, where one value is owed"));
  EXPECT_THAT(mistake("stop_grace: {a: b}"), HasSubstr("a map, where"));
  EXPECT_THAT(mistake("stop_grace:"), HasSubstr("stop_grace: nothing, where"));
  EXPECT_THAT(mistake("stop_grace: ''"), HasSubstr("empty; give a value"));
  EXPECT_THAT(mistake("meter: {per_gpu: -1W}"), HasSubstr("-1W is negative"));
  EXPECT_THAT(mistake("meter: {per_cpu: 10 Volt}"),
              HasSubstr("meter.per_cpu: power `10 Volt`"));
  EXPECT_THAT(mistake("meter: {idle_fraction: 20}"),
              HasSubstr("20 is not between 0 and 1"));
  EXPECT_THAT(mistake("meter: [1]"),
              HasSubstr("c.yaml:9: meter: a list, where a map (`key: value`) "
                        "is owed"));
  EXPECT_THAT(mistake("defaults: {min_saving: .nan}"),
              HasSubstr("`.nan` is no number"));
  EXPECT_THAT(mistake("defaults: {min_saving: nan}"),
              HasSubstr("is no number"));
  EXPECT_THAT(mistake("defaults: {no_forecast: run_nwo}"),
              HasSubstr("`run_nwo` is none of run_now, wait_until_latest; did "
                        "you mean `run_now`?"));
  EXPECT_THAT(mistake("log: {level: loud}"),
              HasSubstr("log.level: `loud` is none of critical, debug,"));
  EXPECT_THAT(mistake("runner: nothing-here"),
              HasSubstr("nothing-here does not exist or is no file"));
  EXPECT_THAT(mistake("runner: a.csv"), HasSubstr("a.csv is not executable"));
  EXPECT_EQ(mistake("state_dir: again"),
            "c.yaml:9: state_dir: given twice, first on line 2");
  EXPECT_THAT(mistake("[1, 2]: x"), HasSubstr("a key must be a word"));
}

TEST_F(ConfigTest, RefusesAClockThatMakesNoSense) {
  const auto mistake = [&](const std::string& clock) {
    return Mistake(kGood + ("clock: {" + clock + "}\n"));
  };
  EXPECT_THAT(mistake("speed: 0.99"), HasSubstr("not between 1 and 86400"));
  EXPECT_THAT(mistake("speed: 1e9"), HasSubstr("not between 1 and 86400"));
  EXPECT_THAT(mistake("speed: fast"), HasSubstr("`fast` is no number"));
  for (const char* start : {"25:00", "18:60", "6pm", "18", "1080", "8:00"}) {
    EXPECT_THAT(mistake(fmt::format("speed: 60, start: '{}'", start)),
                HasSubstr(fmt::format("`{}` is no time of day (UTC)", start)));
  }
  EXPECT_THAT(mistake("start: '18:00'"),
              HasSubstr("only with a speed above 1"));
}

TEST_F(ConfigTest, RefusesAddressesNobodyCanListenOn) {
  const auto mistake = [&](const std::string& listen) {
    return Mistake(With("unix:carbond.sock", listen));
  };
  for (const char* address :
       {"carbond", "/run/carbond.sock", "'unix:'", "unix:/run/",
        "unix://host/x", "'localhost:'", ":7070", "localhost:0",
        "localhost:65536", "localhost:x", "localhost:-1", "::1:7070", "'[::1]'",
        "'*:7070'", "http://a:80", "tcp:a:80", "a b:80"}) {
    EXPECT_THAT(mistake(address), StartsWith("c.yaml:1: listen: `")) << address;
  }
  EXPECT_THAT(mistake("[a:1, a:1]"), HasSubstr("`a:1` is given twice"));
  EXPECT_THAT(mistake("[]"), HasSubstr("an empty list"));
  EXPECT_THAT(mistake("[a:1, {}]"), HasSubstr("a map in the list"));
  EXPECT_THAT(mistake("5"), HasSubstr("`5` is no listen address"));
}

TEST_F(ConfigTest, RefusesASocketWhosePathIsTooLong) {
  const std::string fits = "/" + std::string(106, 's');
  Good(With("unix:carbond.sock", "unix:" + fits));
  EXPECT_THAT(Mistake(With("unix:carbond.sock", "unix:" + fits + "s")),
              AllOf(StartsWith("c.yaml:1: listen: the socket's path /sss"),
                    HasSubstr("is 108 bytes long; a unix socket takes at most "
                              "107: choose a shorter one")));
  const std::string deep = "/" + std::string(93, 'd');  // and /carbond.sock
  const std::string none = With("listen: unix:carbond.sock\n", "");
  std::string yaml = none;
  Good(yaml.replace(yaml.find(" state\n"), 7, " " + deep + "\n"));
  yaml = none;
  EXPECT_THAT(
      Mistake(yaml.replace(yaml.find(" state\n"), 7, " " + deep + "d\n")),
      AllOf(StartsWith("c.yaml:1: state_dir: the socket's path"),
            HasSubstr("choose a shorter one, or give `listen`")));
}

TEST_F(ConfigTest, RefusesProvidersThatCannotBe) {
  // In the place of the second, which no region uses.
  const auto mistake = [&](const std::string& provider) {
    return Mistake(With("avg: {type: recorded, actual: a.csv, signal: average}",
                        provider));
  };
  EXPECT_THAT(mistake("avg: {actual: a.csv}"),
              AllOf(StartsWith("c.yaml:5: providers.avg.type: missing"),
                    HasSubstr("this carbond knows: carbon_aware_sdk, ")));
  EXPECT_EQ(mistake("avg: {type: slurm, token_env: X}"),
            "c.yaml:5: providers.avg.type: provider type `slurm` is not built "
            "into this carbond; it knows: carbon_aware_sdk, "
            "carbonintensity_uk, electricity_maps, recorded, static, watttime");
  EXPECT_THAT(mistake("avg: {type: recordde}"),
              HasSubstr("watttime; did you mean `recorded`?"));
  EXPECT_THAT(mistake("avg: recorded"),
              HasSubstr("providers.avg: `recorded`, where a map"));
  EXPECT_THAT(mistake("avg:"), HasSubstr("providers.avg.type: missing"));
  EXPECT_THAT(mistake("a/b: {type: recorded, actual: a.csv, signal: x}"),
              HasSubstr("providers.a/b: a provider's name is made of letters"));
  EXPECT_THAT(mistake("rec: {}"),
              HasSubstr("c.yaml:5: providers.rec: given twice, first on line "
                        "4"));
  EXPECT_THAT(Mistakes("state_dir: s\nregions: []\n"),
              ElementsAre(HasSubstr("providers: missing; name at least one"),
                          HasSubstr("regions: empty; list at least one")));
  EXPECT_THAT(Mistakes("state_dir: s\nproviders: {}\nregions:\n"),
              ElementsAre(HasSubstr("providers: empty; name at least one"),
                          HasSubstr("regions: empty; list at least one")));
}

TEST_F(ConfigTest, RefusesRecordingsThatCannotBe) {
  const auto mistakes = [&](const std::string& settings) {
    return Mistakes(
        With("avg: {type: recorded, actual: a.csv, signal: average}",
             "avg: {type: recorded, " + settings + "}"));
  };
  const auto mistake = [&](const std::string& settings) {
    const auto lines = mistakes("actual: a.csv, signal: x, " + settings);
    EXPECT_EQ(lines.size(), 1u) << testing::PrintToString(lines);
    return lines.empty() ? "" : lines.front();
  };
  EXPECT_THAT(mistakes("poll: 5m"),
              ElementsAre(HasSubstr("providers.avg.actual: missing; name the "
                                    "file of recorded values"),
                          HasSubstr("providers.avg.signal: missing; say what "
                                    "the values are")));
  EXPECT_THAT(mistake("forecast: f.csv"), HasSubstr("f.csv does not exist"));
  EXPECT_THAT(mistake("forecast: ."), HasSubstr("is no file"));
  EXPECT_THAT(mistake("replay: today"),
              HasSubstr("`today` is none of as_recorded, now"));
  EXPECT_THAT(mistake("from: 2021-07-15"),
              HasSubstr("from: means something only with `replay: now`"));
  for (const char* from : {"yesterday", "2021-02-30", "2021-07-15T00:00"}) {
    EXPECT_THAT(mistake(fmt::format("replay: now, from: '{}'", from)),
                HasSubstr(fmt::format("`{}` is no day and no time", from)));
  }
  EXPECT_THAT(mistake("loop: yes"),
              HasSubstr("`yes` is neither true nor false"));
  EXPECT_THAT(mistake("horizon: 0"), HasSubstr("0 is not between 1h and 31d"));
  EXPECT_THAT(mistake("stale_after: 1m"),
              HasSubstr("1m is shorter than poll 5m: every forecast would be "
                        "stale before the next"));
}

TEST_F(ConfigTest, RefusesRegionsThatCannotBe) {
  const auto mistake = [&](const std::string& part, const std::string& by) {
    return Mistake(With(part, by));
  };
  const std::string capacity = "     capacity: {gpus: 4, cpus: 32}}";
  EXPECT_THAT(mistake("name: here, ", ""),
              HasSubstr("c.yaml:7: regions[0].name: missing"));
  EXPECT_THAT(mistake("name: here", "name: 'he re'"), HasSubstr("no blank"));
  EXPECT_THAT(mistake("grid: rec, ", ""),
              HasSubstr("regions.here.grid: missing; name a provider"));
  EXPECT_THAT(mistake("grid: rec", "grid: []"), HasSubstr("an empty list"));
  EXPECT_THAT(mistake("grid: rec", "grid: [rec, rec]"),
              HasSubstr("`rec` is named twice"));
  EXPECT_THAT(mistake("grid: rec", "grid: solar"),
              HasSubstr("no provider is called `solar`"));
  EXPECT_EQ(mistake("grid: rec", "grid: [rec, avg]"),
            "c.yaml:7: regions.here.grid: `rec` gives co2_moer and `avg` gives "
            "average; the providers of one region must give the same signal");
  EXPECT_THAT(mistake("pue: 1.2", "pue: 0.9"),
              HasSubstr("regions.here.pue: 0.9 is not between 1 and 10"));
  EXPECT_THAT(mistake("pue: 1.2", "pue: 120%"), HasSubstr("is no number"));
  EXPECT_EQ(mistake("executor: local", "executor: {pbs: {queue: gpu}}"),
            "c.yaml:7: regions.here.executor: executor type `pbs` is not "
            "built into this carbond; it knows: local, slurm");
  EXPECT_THAT(mistake("executor: local", "executor: {slurm: {queue: gpu}}"),
              HasSubstr("unknown key `regions.here.executor.slurm.queue`"));
  EXPECT_THAT(
      mistake("executor: local", "executor: {slurm: {options: [--wrap=x]}}"),
      HasSubstr("`--wrap` is carbond's own to set"));
  EXPECT_THAT(mistake("executor: local", "executor: {slurm: {options: [-n4]}}"),
              HasSubstr("`-n4`: write each option of sbatch as one word"));
  EXPECT_THAT(mistake("executor: local", "executor: loacl"),
              HasSubstr("did you mean `local`?"));
  EXPECT_THAT(mistake("executor: local", "executor: {}"),
              HasSubstr("a map of 0 keys, where one type is owed"));
  EXPECT_THAT(mistake(",\n" + capacity, "}"),
              HasSubstr("regions.here.capacity: missing; write capacity: "
                        "{gpus: 4, cpus: 32}"));
  EXPECT_THAT(mistake("{gpus: 4, cpus: 32}", "{}"),
              HasSubstr("nothing could ever run here"));
  EXPECT_THAT(mistake("{gpus: 4, cpus: 32}", "{gpus: 0, cpus: 0}"),
              HasSubstr("c.yaml:8: regions.here.capacity: nothing could ever"));
  EXPECT_THAT(mistake("{gpus: 4, cpus: 32}", "4"),
              HasSubstr("regions.here.capacity: `4`, where a map"));
  EXPECT_THAT(mistake("cpus: 32", "cpus: 1.5"),
              HasSubstr("`1.5` is no whole number"));
  EXPECT_THAT(mistake("cpus: 32", "cpus: 99999999999"),
              HasSubstr("is no whole number from 0 to 10000000"));
  const std::string list =
      std::string(kGood).substr(std::string(kGood).find("  - {name"));
  EXPECT_THAT(mistake(list, "  - here\n"),
              HasSubstr("c.yaml:7: regions[0]: `here`, where a map"));
  EXPECT_THAT(mistake(list, "  -\n"), HasSubstr("regions[0]: empty"));
  EXPECT_THAT(mistake(list, "  here: {grid: rec}\n"),
              HasSubstr("c.yaml:6: regions: a map, where a list (`- name: "
                        "here`) is owed"));
}

TEST_F(ConfigTest, DoesNotCallAProviderUnknownWhoseSettingsAreWrong) {
  EXPECT_THAT(Mistake(With("type: recorded, actual: a.csv, signal: co2_moer",
                           "type: wattime")),
              HasSubstr("provider type `wattime`"));
}

}  // namespace
}  // namespace carbond
