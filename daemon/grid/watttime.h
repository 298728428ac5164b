#pragma once
// WattTime, API v3: marginal intensities in lb/MWh, every five minutes.
// https://docs.watttime.org
//
// Credentials buy a token for half an hour at /login; the data stand below /v3.
// Wrong credentials are a 403 with an HTML page, a token that has expired is a
// 401 or such a page as well, a region that the plan does not hold is a 403
// with JSON that says "Invalid scope". Both ends of a question for observed
// values are inclusive.
//
// The region of a place depends on the signal: those of co2_moer are finer.
// /v3/signal-index (a percentile) is no intensity, and not asked.

#include <string>

#include "daemon/config.h"
#include "daemon/grid/source.h"

namespace carbond {

class WattTime : public Source {
 public:
  WattTime(const HttpConfig& config, Secret username, Secret password);

  const std::string& signal() const override { return signal_; }
  const Manners& manners() const override { return manners_; }
  HttpRequest Request(const Want& want) const override;
  OrFailure<Told> Parse(const Want& want,
                        const HttpAnswer& answer) const override;
  std::optional<HttpRequest> AccessRequest() const override;
  OrFailure<Access> ParseAccess(const HttpAnswer& answer) const override;
  std::optional<HttpRequest> PlaceRequest(double latitude,
                                          double longitude) const override;
  OrFailure<std::string> ParsePlace(const HttpAnswer& answer) const override;
  std::unique_ptr<Login> login() const override;

 private:
  // Fixed after construction
  const std::string base_url_;
  const std::string signal_;
  const Secret username_;
  const Secret password_;
  Manners manners_;
};

}  // namespace carbond
