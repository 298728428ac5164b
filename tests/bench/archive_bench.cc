// How the archive of grid data grows, and what storing a forecast costs:
// forecasts of 72 hours in steps of five minutes, issued every five minutes,
// each value observed once its step has ended. All values are recorded ones.
//   archive_bench [--zones N] [--days N] [--values FILE.csv.gz] [--folder F]

#include <fmt/format.h>
#include <zlib.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <filesystem>

#include "storage/series_codec.h"
#include "storage/sqlite_ledger.h"
#include "tests/storage/raw_ledger.h"

namespace carbond {
namespace {

constexpr size_t kStepsADay = 288;
constexpr size_t kStepsAForecast = 3 * kStepsADay;
constexpr Duration kStep = minutes(5);

std::vector<double> ReadValues(const std::string& path) {
  std::vector<double> values;
  gzFile file = gzopen(path.c_str(), "rb");
  if (file == nullptr) return values;
  char line[128];
  while (gzgets(file, line, sizeof line) != nullptr) {
    const std::string text(line);
    const size_t comma = text.find(',');
    if (comma == std::string::npos || text[0] == 't') continue;
    values.push_back(std::atof(text.c_str() + comma + 1));
  }
  gzclose(file);
  return values;
}

class Archive {
 public:
  Archive(const std::string& path, std::vector<double> values, int zones)
      : ledger_(*SqliteLedger::Open(path)),
        values_(std::move(values)),
        zones_(zones) {}

  Forecast Issued(size_t step, int zone) const {
    const Instant at = begin_ + kStep * static_cast<int64_t>(step);
    return {"zone-" + std::to_string(zone),
            "wt",
            "co2_moer",
            at,
            at + seconds(40 + zone),
            Values(step, kStepsAForecast, zone)};
  }

  // What is stored at one step: of each zone a forecast and a value.
  double StoreStep(size_t step) {
    Batch batch;
    for (int zone = 0; zone < zones_; ++zone) {
      Forecast forecast = Issued(step, zone);
      if (step > 0) {
        batch.observed.push_back({forecast.zone, forecast.provider,
                                  forecast.signal, forecast.fetched_at,
                                  forecast.issued_at,
                                  Values(step - 1, 1, zone)});
      }
      batch.forecasts.push_back(std::move(forecast));
    }
    const auto begin = std::chrono::steady_clock::now();
    const Status status = ledger_->Append(batch);
    const std::chrono::duration<double, std::milli> took =
        std::chrono::steady_clock::now() - begin;
    CARBOND_INVARIANT(status.ok(), "{}", Message(status));
    return took.count();
  }

 private:
  Series Values(size_t step, size_t count, int zone) const {
    std::vector<Slot> slots;
    Instant at = begin_ + kStep * static_cast<int64_t>(step);
    // Zones lie some days apart in the recording.
    const size_t first = step + static_cast<size_t>(zone) * 5 * kStepsADay;
    for (size_t i = first; i < first + count; ++i, at += kStep) {
      slots.push_back(
          {{at, at + kStep}, GramsPerKwh::Of(values_[i % values_.size()])});
    }
    return *Series::Make(std::move(slots));
  }

  const Instant begin_ = *ParseInstant("2026-01-01T00:00:00Z");
  std::unique_ptr<SqliteLedger> ledger_;
  const std::vector<double> values_;
  const int zones_;
};

int64_t Ask(RawLedger& ledger, const std::string& sql) {
  return std::stoll(ledger.Ask(sql));
}

int64_t PagesOf(RawLedger& ledger, const std::string& table) {
  return Ask(ledger,
             "SELECT coalesce(sum(pgsize), 0) FROM dbstat WHERE name IN "
             "(SELECT name FROM sqlite_master WHERE tbl_name = '" +
                 table + "')");
}

void ShowSizes(const std::string& path, int day, int zones) {
  RawLedger ledger(path);
  const double feeds = zones;
  fmt::print(
      "day {:3}: {:9.0f} bytes of forecasts a zone ({:.0f} issues), {:7.0f} of "
      "observed values, {:6.2f} MB of free pages, file {:7.1f} MB\n",
      day, static_cast<double>(PagesOf(ledger, "forecasts")) / feeds,
      static_cast<double>(Ask(ledger, "SELECT count(*) FROM forecasts")) /
          feeds,
      static_cast<double>(PagesOf(ledger, "intensities")) / feeds,
      static_cast<double>(Ask(ledger, "PRAGMA freelist_count")) * 4096 / 1e6,
      static_cast<double>(Ask(ledger, "PRAGMA page_count")) * 4096 / 1e6);
}

void Measure(const std::string& path, std::vector<double> values, int zones,
             int days) {
  Archive archive(path, std::move(values), zones);
  size_t bytes = 0;
  for (size_t i = 0; i < 100; ++i) {
    bytes += EncodeSeries(archive.Issued(i * 13, 0).series).size();
  }
  fmt::print("a forecast of {} values: {:.0f} bytes, packed\n", kStepsAForecast,
             static_cast<double>(bytes) / 100);
  for (int day = 1; day <= days; ++day) {
    std::vector<double> took;
    for (size_t step = 0; step < kStepsADay; ++step) {
      took.push_back(
          archive.StoreStep(static_cast<size_t>(day - 1) * kStepsADay + step));
    }
    std::sort(took.begin(), took.end());
    fmt::print(
        "append of {} zones: p50 {:.2f} ms, p99 {:.2f} ms, most {:.2f} "
        "ms; ",
        zones, took[took.size() / 2], took[took.size() * 99 / 100],
        took.back());
    ShowSizes(path, day, zones);
  }
}

}  // namespace
}  // namespace carbond

int main(int argc, char** argv) {
  int zones = 5;
  int days = 20;
  std::string values = std::string(CARBOND_SHARED_DATA) +
                       "/traces/actual/US-CAL-CISO-PGE.moer.csv.gz";
  std::string folder = std::filesystem::temp_directory_path();
  CLI::App app("how the archive grows");
  app.add_option("--zones", zones);
  app.add_option("--days", days);
  app.add_option("--values", values);
  app.add_option("--folder", folder);
  CLI11_PARSE(app, argc, argv);
  std::vector<double> read = carbond::ReadValues(values);
  if (read.empty()) {
    fmt::print("{}: no values; name another with --values\n", values);
    return 1;
  }
  const std::string path = folder + "/archive-bench.db";
  for (const char* end : {"", "-wal", "-shm"}) {
    std::filesystem::remove(path + end);
  }
  carbond::Measure(path, std::move(read), zones, days);
}
