#pragma once
// The Carbon Intensity API of Great Britain's National Energy System Operator:
// average, generation-based, CO2 alone, in g/kWh, half-hourly; no key.
// https://carbon-intensity.github.io/api-definitions
//
// The zone is GB for the nation or a region's number, 1 (North Scotland) to 17
// (Wales). The nation has measured values. A region has none: the service's
// own last estimates of the half hours that are over stand in for them, and are
// never called final. Answers name no issue, so one counts from when it was
// fetched. Data: CC BY 4.0, National Energy System Operator.

#include <string>

#include "daemon/config.h"
#include "daemon/grid/source.h"

namespace carbond {

class CarbonIntensityUk : public Source {
 public:
  explicit CarbonIntensityUk(const HttpConfig& config);

  const std::string& signal() const override { return signal_; }
  const Manners& manners() const override { return manners_; }
  Interval FirstPart(Interval wanted) const override;
  std::optional<Duration> FinalAfter(const std::string& zone) const override;
  HttpRequest Request(const Want& want) const override;
  OrFailure<Told> Parse(const Want& want,
                        const HttpAnswer& answer) const override;

 private:
  // Fixed after construction
  const std::string base_url_;
  const std::string signal_;
  Manners manners_;
};

}  // namespace carbond
