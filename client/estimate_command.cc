// `carbonctl estimate`: reads the user's table of regions, and speaks.

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "client/commands.h"
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
  session.console.Print(table == "hardware" ? HardwarePage(session.look)
                                            : PlacesPage(own, session.look));
  return kDone;
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
  const auto own = ReadPlaces(options.regions_file);
  if (!own.ok()) return Fail(session, own.status());
  if (!options.list.empty()) return List(session, options.list, *own);
  const auto estimate = MakeEstimate(options.words, *own);
  if (!estimate.ok()) return Fail(session, estimate.status(), kMisused);
  WarnOfKilograms(session, *estimate);
  session.console.Print(session.json ? Pretty(ToJson(*estimate))
                                     : EstimatePage(*estimate));
  return kDone;
}

}  // namespace carbond::client
