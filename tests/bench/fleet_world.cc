#include "tests/bench/fleet_world.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace carbond {
namespace {

// The lines of a recorded file after its head, cut at commas.
std::vector<std::vector<std::string>> RowsOf(const std::string& name) {
  const std::string path =
      std::string(CARBOND_SHARED_DATA) + "/traces/" + name + ".csv.gz";
  std::vector<std::vector<std::string>> rows;
  gzFile file = gzopen(path.c_str(), "rb");
  if (file == nullptr) return rows;
  char line[256];
  while (gzgets(file, line, sizeof line) != nullptr) {
    std::vector<std::string> row(1);
    for (const char* c = line; *c != '\0' && *c != '\n'; ++c) {
      if (*c == ',') {
        row.emplace_back();
      } else {
        row.back() += *c;
      }
    }
    rows.push_back(std::move(row));
  }
  gzclose(file);
  if (!rows.empty()) rows.erase(rows.begin());
  return rows;
}

// All are life-cycle averages; the week is the same of its year.
struct Source {
  const char* name;
  int hour;  // of the file
};
constexpr int kJune = (151 + 7) * 24;
constexpr Source kSources[] = {{"US-CAL-CISO.lifecycle", kJune},
                               {"US-TEX-ERCO.lifecycle", kJune},
                               {"DE.lifecycle", kJune},
                               {"NL.lifecycle", kJune},
                               {"PL.lifecycle", kJune},
                               {"AU-SA.lca", kJune},
                               {"CA-ON.lca", kJune},
                               {"IN-WE.lca", kJune},
                               {"NO.lca", kJune},
                               {"FR.lwa60m", kJune}};

PlanRegion RegionOf(const Source& source, const FleetKind& kind, Instant now,
                    std::mt19937_64& random) {
  PlanRegion region;
  region.name = source.name;
  region.pue = Pue::Of(1.1);
  std::vector<Slot> slots;
  const auto rows = RowsOf(std::string("actual/") + source.name);
  std::normal_distribution<double> noise(0, 0.02);
  for (int h = 0; h < kind.days * 24 && h < std::ssize(rows); ++h) {
    const size_t row = static_cast<size_t>(source.hour + h) % rows.size();
    const double grams = std::atof(rows[row][1].c_str());
    const Instant begin = now + hours(h);
    if (kind.slots_an_hour == 1) {
      slots.push_back({{begin, begin + hours(1)}, GramsPerKwh::Of(grams)});
      continue;
    }
    const size_t next_row = (row + 1) % rows.size();
    const double next = std::atof(rows[next_row][1].c_str());
    const int count = kind.slots_an_hour;
    const Duration length = Duration(hours(1)) / count;
    for (int i = 0; i < count; ++i) {
      const Instant at = begin + length * i;
      const double here =
          (grams + (next - grams) * i / count) * (1 + noise(random));
      slots.push_back(
          {{at, at + length}, GramsPerKwh::Of(std::max(here, 0.0))});
    }
  }
  region.outlook = Series::Make(std::move(slots)).value();
  region.forecast_issued_at = now;
  region.forecast_end = region.outlook.end();
  return region;
}

}  // namespace

PlanInput FleetOf(const FleetKind& kind) {
  PlanInput input;
  input.now = Instant::FromSeconds(1'800'000'000);
  const auto rows =
      RowsOf(kind.jobs <= 1000 ? "jobs/pai-gaia-1k" : "jobs/pai-gaia-year");
  if (rows.empty()) return input;
  std::mt19937_64 random(kind.seed);
  for (const Source& source : kSources) {
    input.regions.push_back(RegionOf(source, kind, input.now, random));
  }
  const auto regions = static_cast<int>(input.regions.size());
  const Duration whole = hours(24 * kind.days);
  std::uniform_real_distribution<double> unit(0, 1);
  double gpu_ms = 0;
  int largest = 1;
  for (int i = 0; i < kind.jobs; ++i) {
    const auto& row = rows[static_cast<size_t>(i) % rows.size()];
    PlanJob job;
    job.id = JobId{i + 1};
    const int gpus = std::clamp(std::atoi(row[2].c_str()), 1, kind.largest);
    job.need = {gpus, 4 * gpus};
    job.power = Watts::Of(300.0 * gpus);
    job.work = seconds(std::clamp(std::atoi(row[1].c_str()), 300, 86'400));
    const Duration slack =
        kind.day_of_slack
            ? Duration(hours(24))
            : Duration(static_cast<int64_t>(
                  static_cast<double>(job.work.count()) * 10 * unit(random)));
    const Duration window = std::min(job.work + slack, whole);
    job.earliest =
        input.now +
        Duration(static_cast<int64_t>(
            unit(random) * static_cast<double>((whole - window).count())));
    job.submitted_at = input.now;
    job.deadline = job.earliest + window;
    job.min_saving = kind.min_saving;
    const double mobility = unit(random);
    const auto home =
        static_cast<int>(random() % static_cast<uint64_t>(regions));
    const int count = mobility < 0.4 ? 1 : mobility < 0.7 ? 3 : regions;
    for (int r = 0; r < count; ++r) job.regions.push_back((home + r) % regions);
    if (unit(random) < kind.pausable) {
      job.pause = PauseMode::kCheckpoint;
      job.checkpoint_cost = job.resume_cost = minutes(1);
      job.min_run = minutes(15);
    }
    gpu_ms += static_cast<double>(job.work.count()) * gpus;
    largest = std::max(largest, gpus);
    input.jobs.push_back(std::move(job));
  }
  const double capacity =
      gpu_ms / kind.load / static_cast<double>(whole.count()) / regions;
  const int gpus = std::max(static_cast<int>(std::ceil(capacity)), largest);
  for (PlanRegion& region : input.regions) region.capacity = {gpus, 4 * gpus};
  return input;
}

}  // namespace carbond
