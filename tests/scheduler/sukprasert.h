#pragma once
// The upper bounds of shifting: Sukprasert et al. 2024, "On the Limitations of
// Carbon-Aware Temporal and Spatial Workload Shifting in the Cloud" (EuroSys).
// The hourly intensity of 2022 and the published means are Electricity Maps
// data under the ODbL: read where they lie, never part of this project.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "scheduler/optimum.h"

namespace carbond::sukprasert {

constexpr int64_t kHour = 3'600'000;

// One row of what was published: means over all start hours, in g/kWh x h.
struct Expected {
  std::string zone;
  size_t job_h = 0, slack_h = 0, starts = 0;
  double immediate = 0, unbroken = 0, pausing = 0;
};

struct Data {
  // Hundredths of g/kWh, as in the file: whole numbers.
  std::map<std::string, std::vector<int64_t>> zones;
  std::vector<Expected> expected;
};

inline std::vector<std::string> Cells(const std::string& line) {
  std::vector<std::string> cells;
  std::stringstream text(line);
  std::string cell;
  while (std::getline(text, cell, ',')) cells.push_back(cell);
  return cells;
}

// Empty where the data is absent.
inline Data ReadData() {
  const std::string folder = CARBOND_SHARED_DATA "/reference/data/";
  Data data;
  std::ifstream hours(folder + "electricitymaps_2022_hourly_4zones.csv");
  std::string line;
  if (!std::getline(hours, line)) return data;
  const std::vector<std::string> names = Cells(line);
  while (std::getline(hours, line)) {
    const std::vector<std::string> cells = Cells(line);
    for (size_t i = 1; i < names.size(); ++i) {
      data.zones[names[i]].push_back(std::llround(std::stod(cells[i]) * 100));
    }
  }
  std::ifstream means(folder + "sukprasert2024_expected_4zones.csv");
  std::getline(means, line);
  while (std::getline(means, line)) {
    const std::vector<std::string> cells = Cells(line);
    data.expected.push_back({cells[0], std::stoul(cells[1]),
                             std::stoul(cells[2]), std::stoul(cells[3]),
                             std::stod(cells[4]), std::stod(cells[5]),
                             std::stod(cells[6])});
  }
  return data;
}

// What a job costs, in hundredths of g/kWh x h.
struct Costs {
  int64_t immediate = 0, unbroken = 0, pausing = 0;
  friend bool operator==(const Costs&, const Costs&) = default;
};

// By the code under test: the window [start, start + job + slack) of a year.
inline Costs Solve(const std::vector<int64_t>& year, size_t start, size_t job_h,
                   size_t slack_h) {
  const size_t end = std::min(start + job_h + slack_h, year.size());
  std::vector<PricedSlot> slots;
  for (size_t h = start; h < end; ++h) {
    const int64_t begin = static_cast<int64_t>(h) * kHour;
    slots.push_back({begin, begin + kHour, year[h], 0, false});
  }
  Task task;
  task.work = static_cast<int64_t>(job_h) * kHour;
  const int64_t at = slots.front().begin;
  const auto whole = [](Cost cost) {
    return static_cast<int64_t>(cost / kHour);
  };
  return {whole(CostOf(slots, task, {{at, at + task.work}})),
          whole(BestUnbroken(slots, task)->cost),
          whole(BestRuns(slots, task)->cost)};
}

// The same by sums and a sort.
inline Costs Sorted(const std::vector<int64_t>& year, size_t start,
                    size_t job_h, size_t slack_h) {
  const size_t end = std::min(start + job_h + slack_h, year.size());
  std::vector<int64_t> window(year.begin() + static_cast<std::ptrdiff_t>(start),
                              year.begin() + static_cast<std::ptrdiff_t>(end));
  Costs costs;
  int64_t sum = 0;
  for (size_t h = 0; h < window.size(); ++h) {
    sum += window[h];
    if (h >= job_h) sum -= window[h - job_h];
    if (h + 1 == job_h) costs.immediate = costs.unbroken = sum;
    if (h + 1 > job_h) costs.unbroken = std::min(costs.unbroken, sum);
  }
  std::sort(window.begin(), window.end());
  for (size_t h = 0; h < job_h; ++h) costs.pausing += window[h];
  return costs;
}

// The means over all start hours against a published row.
inline void ExpectMeans(const Data& data, const Expected& row) {
  SCOPED_TRACE(row.zone + " J=" + std::to_string(row.job_h) +
               " S=" + std::to_string(row.slack_h));
  const std::vector<int64_t>& year = data.zones.at(row.zone);
  double immediate = 0, unbroken = 0, pausing = 0;
  for (size_t start = 0; start < row.starts; ++start) {
    const Costs costs = Solve(year, start, row.job_h, row.slack_h);
    immediate += static_cast<double>(costs.immediate);
    unbroken += static_cast<double>(costs.unbroken);
    pausing += static_cast<double>(costs.pausing);
  }
  const double scale = 100.0 * static_cast<double>(row.starts);
  EXPECT_NEAR(immediate / scale / row.immediate, 1, 1e-5);
  EXPECT_NEAR(unbroken / scale / row.unbroken, 1, 1e-5);
  EXPECT_NEAR(pausing / scale / row.pausing, 1, 1e-5);
}

inline constexpr const char* kAbsent =
    "the hourly intensity of 2022 is absent: set CARBOND_SHARED_DATA to a "
    "folder that holds reference/data/electricitymaps_2022_hourly_4zones.csv";

}  // namespace carbond::sukprasert
