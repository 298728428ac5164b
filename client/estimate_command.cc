// `carbonctl estimate`: reads the user's table of regions, asks carbond for one
// that no table has, and speaks.

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "client/commands.h"
#include "client/local_time.h"
#include "client/quantity.h"

namespace carbond::client {
namespace {

absl::StatusOr<std::vector<Place>> ReadPlaces(const std::string& path) {
  if (path.empty()) return std::vector<Place>();
  std::ifstream file(path);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  if (!file.is_open() || file.bad()) {
    return absl::NotFoundError(fmt::format("cannot read regions file {}: {}",
                                           path, std::strerror(errno)));
  }
  auto places = ParsePlaces(text);
  if (places.ok()) return places;
  return absl::InvalidArgumentError(
      fmt::format("{}: {}", path, std::string(places.status().message())));
}

int List(Session& session, const std::string& table,
         const std::vector<Place>& own) {
  const bool hardware = table == "hardware";
  if (session.json) {
    session.console.Print(Pretty(hardware ? HardwareJson() : PlacesJson(own)));
  } else {
    session.console.Print(hardware ? HardwarePage(session.look)
                                   : PlacesPage(own, session.look));
  }
  return kDone;
}

// The mean of what is expected from now on, for as long as the run takes or as
// far as it is known; and how far that is.
struct Expected {
  double g_per_kwh = 0;
  absl::Duration of;
};
std::optional<Expected> MeanOf(const v1::Forecast& forecast,
                               absl::Duration wanted) {
  const absl::Time now = FromProto(forecast.now());
  Expected mean;
  double sum = 0;
  for (const v1::IntensityPoint& point : forecast.points()) {
    const absl::Time begin = std::max(FromProto(point.begin()), now);
    const absl::Time end = std::min(FromProto(point.end()), now + wanted);
    if (end <= begin) continue;
    mean.of += end - begin;
    sum += absl::ToDoubleHours(end - begin) * point.intensity_g_per_kwh();
  }
  if (mean.of <= absl::ZeroDuration()) return std::nullopt;
  mean.g_per_kwh = sum / absl::ToDoubleHours(mean.of);
  return mean;
}

absl::StatusOr<Place> AskCarbond(Session& session, const std::string& name,
                                 absl::Duration wanted) {
  v1::ListRegionsResponse regions;
  absl::Status status =
      session.channel.Call(&v1::Carbond::StubInterface::ListRegions,
                           v1::ListRegionsRequest(), &regions);
  if (!status.ok()) return status;
  const auto region = std::ranges::find(regions.regions(), name,
                                        [](const auto& r) { return r.name(); });
  if (region == regions.regions().end()) {
    return absl::NotFoundError(
        fmt::format("carbond has no region `{}` either", name));
  }
  v1::GetForecastRequest request;
  request.set_region(name);
  v1::Forecast forecast;
  status = session.channel.Call(&v1::Carbond::StubInterface::GetForecast,
                                request, &forecast);
  if (!status.ok()) return status;
  const auto mean = MeanOf(forecast, wanted);
  if (!mean) {
    return absl::NotFoundError(
        fmt::format("carbond knows no intensity of {} from now on: --intensity "
                    "takes yours",
                    name));
  }
  return Place{name,
               "",
               mean->g_per_kwh,
               fmt::format("mean of what carbond expects for {} from now, "
                           "signal {} from {}",
                           FormatLength(mean->of), forecast.signal(),
                           forecast.provider()),
               region->pue(),
               "configured in carbond"};
}

// Adds the region to `own` where no table has it and carbond does.
absl::Status Complete(Session& session, const EstimateWords& words,
                      std::vector<Place>& own) {
  if (words.region.empty() || FindPlace(words.region, own).ok()) {
    return absl::OkStatus();
  }
  const auto hours = ParseHours(words.hours);
  const auto place =
      AskCarbond(session, words.region, absl::Hours(hours.ok() ? *hours : 24));
  if (place.ok()) own.push_back(*place);
  return place.status();
}

// Papers print kg/kWh, carbonctl takes g/kWh: a thousandfold error is easy.
void WarnOfKilograms(Session& session, const EstimatedRun& e) {
  const double g = e.intensity_g_per_kwh.value;
  if (e.method == EstimateMethod::kMlCo2 || g <= 0 || g >= 2) return;
  session.console.Complain(
      fmt::format("carbonctl: --intensity {:.10g} is in grams a kWh: if "
                  "kilograms were meant, write {:.10g}\n",
                  g, g * 1000));
}

}  // namespace

int Estimate(Session& session, const EstimateOptions& options) {
  auto own = ReadPlaces(options.regions_file);
  if (!own.ok()) return Fail(session, own.status());
  if (!options.list.empty()) return List(session, options.list, *own);
  const absl::Status asked = Complete(session, options.words, *own);
  const auto estimate = MakeEstimate(options.words, *own);
  if (!estimate.ok()) {
    const int exit_code = Fail(session, estimate.status(), kMisused);
    return asked.ok() ? exit_code : Fail(session, asked, exit_code);
  }
  WarnOfKilograms(session, *estimate);
  session.console.Print(session.json ? Pretty(ToJson(*estimate))
                                     : EstimatePage(*estimate));
  return kDone;
}

}  // namespace carbond::client
