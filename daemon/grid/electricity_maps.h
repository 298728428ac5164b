#pragma once
// Electricity Maps, API v3 and v4 (the version is a part of the base URL):
// average intensities, flow-traced, in g CO2eq/kWh, hourly.
//
// A key is sent with every request. A plan holds zones and endpoints; the free
// one has the last 24 hours of one zone and no forecast. With `horizon: 0h` the
// running hour alone is asked for, which every plan holds, and serves as a
// forecast of that hour. When no location is recognised, the service answers
// for the caller's own: that is switched off, and the zone is compared as well.

#include <string>

#include "daemon/config.h"
#include "daemon/grid/source.h"

namespace carbond {

class ElectricityMaps : public Source {
 public:
  ElectricityMaps(const HttpConfig& config, Secret token);

  const std::string& signal() const override { return signal_; }
  const Manners& manners() const override { return manners_; }
  // Then it leaves the 24 hours that every plan may ask for.
  std::optional<Duration> FinalAfter(const std::string&) const override {
    return hours(23);
  }
  HttpRequest Request(const Want& want) const override;
  OrFailure<Told> Parse(const Want& want,
                        const HttpAnswer& answer) const override;
  std::optional<HttpRequest> AccessRequest() const override;
  OrFailure<Access> ParseAccess(const HttpAnswer& answer) const override;
  std::optional<HttpRequest> PlaceRequest(double latitude,
                                          double longitude) const override;
  OrFailure<std::string> ParsePlace(const HttpAnswer& answer) const override;

 private:
  // Fixed after construction
  const std::string base_url_;
  const std::string signal_;
  const Secret token_;
  Manners manners_;
};

}  // namespace carbond
