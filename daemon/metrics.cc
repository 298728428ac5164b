#include "daemon/metrics.h"

#include <prometheus/client_metric.h>
#include <prometheus/collectable.h>
#include <prometheus/exposer.h>
#include <prometheus/metric_family.h>
#include <prometheus/metric_type.h>

#include <future>
#include <map>
#include <mutex>

namespace carbond {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<ClientMetric::Label>;

// A scrape that had to wait longer goes without what it waited for.
constexpr std::chrono::seconds kPatience{5};

// One family of values, most of them of one kind of thing.
class Family {
 public:
  Family(std::string name, std::string help, MetricType type) {
    family_.name = std::move(name);
    family_.help = std::move(help);
    family_.type = type;
  }
  void Add(double value, Labels labels = {}) {
    ClientMetric metric;
    metric.label = std::move(labels);
    if (family_.type == MetricType::Counter) {
      metric.counter.value = value;
    } else {
      metric.gauge.value = value;
    }
    family_.metric.push_back(std::move(metric));
  }
  void To(std::vector<MetricFamily>& all) {
    if (!family_.metric.empty()) all.push_back(std::move(family_));
  }

 private:
  MetricFamily family_;
};

Family Gauge(const char* name, const char* help) {
  return {name, help, MetricType::Gauge};
}

struct EngineView {
  std::map<State, int> jobs;
  std::vector<RegionView> regions;
};

void TellRegions(const std::vector<RegionView>& regions, Instant now,
                 std::vector<MetricFamily>& all) {
  Family intensity =
      Gauge("carbond_region_intensity_grams_per_kilowatt_hour",
            "Carbon intensity of the region's grid now, PUE left out.");
  Family age = Gauge("carbond_region_forecast_age_seconds",
                     "Time since the newest forecast was issued.");
  Family mode = Gauge("carbond_region_forecast_mode",
                      "1 for the mode the region's forecast is in.");
  Family capacity = Gauge("carbond_region_capacity",
                          "What jobs may use together now, by resource.");
  Family used =
      Gauge("carbond_region_used", "What jobs hold now, by resource.");
  for (const RegionView& view : regions) {
    const ZoneView& zone = view.zone;
    const ClientMetric::Label region{"region", view.region.name};
    auto value = zone.observed.At(now);
    if (!value) value = zone.outlook.At(now);
    if (value) {
      intensity.Add(
          value->value(),
          {region, {"signal", zone.signal}, {"provider", zone.provider}});
    }
    if (zone.issued_at) {
      const Duration old = std::max(now - *zone.issued_at, Duration(0));
      age.Add(static_cast<double>(old.count()) / 1000, {region});
    }
    for (const ForecastMode each :
         {ForecastMode::kFresh, ForecastMode::kLate, ForecastMode::kStale,
          ForecastMode::kClimatology, ForecastMode::kNone}) {
      mode.Add(each == zone.mode, {region, {"mode", Name(each)}});
    }
    const Resources has = view.region.CapacityAt(now);
    capacity.Add(has.gpus, {region, {"resource", "gpu"}});
    capacity.Add(has.cpus, {region, {"resource", "cpu"}});
    used.Add(view.used.gpus, {region, {"resource", "gpu"}});
    used.Add(view.used.cpus, {region, {"resource", "cpu"}});
  }
  for (Family* each : {&intensity, &age, &mode, &capacity, &used}) {
    each->To(all);
  }
}

void TellJobs(const std::map<State, int>& jobs,
              std::vector<MetricFamily>& all) {
  Family live = Gauge("carbond_jobs", "Jobs that are not done, by state.");
  for (const State state :
       {State::kWaiting, State::kStarting, State::kRunning, State::kPaused}) {
    const auto found = jobs.find(state);
    live.Add(found == jobs.end() ? 0 : found->second, {{"state", Name(state)}});
  }
  live.To(all);
}

void TellProviders(const std::vector<ProviderReport>& providers,
                   std::vector<MetricFamily>& all) {
  Family requests =
      Gauge("carbond_provider_requests_today",
            "Requests sent since midnight, UTC, or since the last start.");
  Family trouble = Gauge("carbond_provider_zone_in_trouble",
                         "1 while no data of the zone can be had.");
  for (const ProviderReport& provider : providers) {
    if (!provider.fetched) continue;
    requests.Add(provider.fetched->requests_today,
                 {{"provider", provider.name}});
    for (const FetchReport::Zone& zone : provider.fetched->zones) {
      trouble.Add(!zone.trouble.empty(),
                  {{"provider", provider.name}, {"zone", zone.name}});
    }
  }
  requests.To(all);
  trouble.To(all);
}

void TellNotices(const std::vector<NotifyReport>& reports,
                 std::vector<MetricFamily>& all) {
  Family told("carbond_notices_total",
              "Notices delivered and given up since the last start.",
              MetricType::Counter);
  Family waiting = Gauge("carbond_notices_waiting",
                         "Notices that a receiver has not taken yet.");
  for (const NotifyReport& report : reports) {
    const ClientMetric::Label receiver{"receiver", report.receiver};
    told.Add(static_cast<double>(report.delivered),
             {receiver, {"result", "delivered"}});
    told.Add(static_cast<double>(report.failed),
             {receiver, {"result", "failed"}});
    waiting.Add(static_cast<double>(report.waiting), {receiver});
  }
  told.To(all);
  waiting.To(all);
}

// Sums over all jobs of the ledger. Revised figures may lower them, so they are
// gauges.
void TellEmissions(const std::vector<ReportRow>& rows,
                   std::vector<MetricFamily>& all) {
  Family energy = Gauge("carbond_energy_kilowatt_hours",
                        "Energy of all jobs so far, PUE included.");
  Family grams =
      Gauge("carbond_emissions_grams", "CO2e emitted by all jobs so far.");
  Family baseline = Gauge(
      "carbond_baseline_grams",
      "CO2e of the same jobs, each run at once in its home region; absent "
      "while it is not known of every job.");
  for (const ReportRow& row : rows) {
    const Labels signal{{"signal", row.signal}};
    energy.Add(static_cast<double>(row.facility_energy.thousandths()) / 1e6,
               signal);
    grams.Add(row.grams.value(), signal);
    if (row.baseline) baseline.Add(row.baseline->value(), signal);
  }
  for (Family* each : {&energy, &grams, &baseline}) each->To(all);
}

// Waits for what another thread gives; nothing when that takes too long or does
// not come to pass.
template <typename T>
std::optional<T> Await(std::future<std::optional<T>> coming) {
  if (coming.wait_for(kPatience) != std::future_status::ready) {
    return std::nullopt;
  }
  return coming.get();
}

class Collector : public prometheus::Collectable {
 public:
  explicit Collector(Metrics::Sources sources) : sources_(std::move(sources)) {}

  std::vector<MetricFamily> Collect() const override {
    std::vector<MetricFamily> all;
    Family version = Gauge("carbond_build_info", "1, by the version.");
    version.Add(1, {{"version", CARBOND_VERSION}});
    version.To(all);
    if (const auto view = LookAtEngine()) {
      TellJobs(view->jobs, all);
      TellRegions(view->regions, sources_.clock.Now(), all);
    }
    TellProviders(sources_.providers(), all);
    if (sources_.notices) TellNotices(sources_.notices(), all);
    if (const auto rows = RecentTotals()) TellEmissions(*rows, all);
    return all;
  }

 private:
  std::optional<EngineView> LookAtEngine() const {
    auto promise = std::make_shared<std::promise<std::optional<EngineView>>>();
    auto coming = promise->get_future();
    sources_.loop.Inspect([promise](const Engine* engine) {
      if (engine == nullptr) return promise->set_value(std::nullopt);
      EngineView view;
      for (const auto& [id, job] : engine->live()) ++view.jobs[job.state];
      view.regions = engine->Regions();
      promise->set_value(std::move(view));
    });
    return Await(std::move(coming));
  }

  // Sums over a million jobs take a second, so they are made again when they
  // are a hundred times as old as they took: that is 1 % of a core at most.
  std::optional<std::vector<ReportRow>> RecentTotals() const {
    constexpr int kTimesItsCost = 100;
    std::lock_guard lock(mutex_);
    const Duration age = SystemClock::SinceBoot() - totals_.made_at;
    if (age >= totals_.cost * kTimesItsCost) {
      auto totals = ReadTotals();
      if (!totals) return std::nullopt;
      totals_ = *std::move(totals);
    }
    return totals_.rows;
  }

  struct Totals {
    std::vector<ReportRow> rows;
    Duration made_at{0};  // since boot
    Duration cost{0};
  };

  std::optional<Totals> ReadTotals() const {
    auto promise = std::make_shared<std::promise<std::optional<Totals>>>();
    auto coming = promise->get_future();
    const bool taken = sources_.reads.Post([promise](LedgerReader& reader) {
      const Duration begin = SystemClock::SinceBoot();
      Result<std::vector<ReportRow>> rows = reader.Report({});
      if (!rows.ok()) return promise->set_value(std::nullopt);
      const Duration end = SystemClock::SinceBoot();
      promise->set_value(Totals{*std::move(rows), end, end - begin});
    });
    if (!taken) return std::nullopt;
    return Await(std::move(coming));
  }

  const Metrics::Sources sources_;
  mutable std::mutex mutex_;
  mutable Totals totals_;
};

}  // namespace

class Metrics::Impl {
 public:
  Impl(const std::string& address, Sources sources)
      : exposer(address, 1),
        collector(std::make_shared<Collector>(std::move(sources))) {
    exposer.RegisterCollectable(collector);
  }
  prometheus::Exposer exposer;
  const std::shared_ptr<Collector> collector;
};

Metrics::Metrics(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Metrics::~Metrics() = default;

int Metrics::port() const { return impl_->exposer.GetListeningPorts().at(0); }

Result<std::unique_ptr<Metrics>> Metrics::Serve(const std::string& address,
                                                Sources sources) {
  try {
    auto impl = std::make_unique<Impl>(address, std::move(sources));
    return std::unique_ptr<Metrics>(new Metrics(std::move(impl)));
  } catch (const std::exception& error) {
    return NotNow(
        "metrics cannot be served at {}: the address is in use, or not this "
        "machine's; choose another one in `metrics` ({})",
        address, error.what());
  }
}

}  // namespace carbond
