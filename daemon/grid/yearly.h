#pragma once
// Yearly averages as a provider, where nothing better can be had: the same
// number at every hour. Grams can be accounted with it, and regions compared;
// it is no forecast, and no hour is better than another by it.

#include <string>

#include "daemon/config.h"
#include "daemon/grid/provider.h"

namespace carbond {

// A zone is a name of `factors`, a cloud region ("aws/eu-north-1") or a country
// ("DE"). Values come in steps of five minutes, each known for good at its
// begin.
class Yearly : public Provider {
 public:
  // The zones must be known: CheckZone has said so.
  Yearly(std::string name, StaticConfig config);

  const std::string& name() const override { return name_; }
  Duration stale_after() const override { return config_.stale_after; }
  std::shared_ptr<const Forecast> NewestForecast(const std::string& zone,
                                                 Instant now) override;
  std::optional<Observed> ObservedSince(const std::string& zone, Instant since,
                                        Instant now) override;
  Instant NextNews(const std::string& zone, Instant now) override;

 private:
  const std::string name_;
  const StaticConfig config_;
};

// The factor of a zone; nothing when the zone is unknown.
std::optional<GramsPerKwh> FactorOf(const StaticConfig& config,
                                    const std::string& zone);

}  // namespace carbond
