#include "client/footprint.h"

#include <cmath>

namespace carbond::client {
namespace {

double Round2(double value) { return std::round(value * 100) / 100; }

}  // namespace

double EnergyKwh(const TrainingRun& run) {
  const double watts = run.accelerators * run.power_w + run.host_power_w;
  return run.time_h * watts * run.pue / 1000;
}

double EmissionsG(double energy_kwh, double intensity_g_per_kwh) {
  return energy_kwh * intensity_g_per_kwh;
}

MlCo2Impact MlCo2OfRegion(double tdp_w, double time_h,
                          double region_g_per_kwh) {
  return MlCo2OfTyped(tdp_w, time_h,
                      Round2(std::trunc(region_g_per_kwh) / 1000));
}

MlCo2Impact MlCo2OfTyped(double tdp_w, double time_h, double kg_per_kwh) {
  MlCo2Impact impact;
  impact.energy_kwh = Round2(tdp_w * time_h / 1000);
  impact.intensity_kg_per_kwh = kg_per_kwh;
  impact.emissions_kg = Round2(impact.energy_kwh * kg_per_kwh);
  return impact;
}

double EmbodiedG(const EmbodiedShare& share) {
  return share.total_g * (share.reserved_h / share.lifetime_h) *
         (share.reserved / share.of_resources);
}

double SoftwareCarbonIntensity(double operational_g, double embodied_g,
                               double units) {
  return (operational_g + embodied_g) / units;
}

}  // namespace carbond::client
