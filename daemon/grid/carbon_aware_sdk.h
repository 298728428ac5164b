#pragma once
// The WebAPI of the Green Software Foundation's Carbon Aware SDK, which
// operators run themselves in front of another service: g/kWh of whatever that
// gives.
//
// Without `windowSize` a forecast's points are those of the source behind it;
// with it they would be means that overlap. A location inside a point is the
// grid's, outside it is the one that was asked for. No emissions at all is a
// 204, a source that cannot forecast a 501. A rating of 0 has meant "could not
// be read" in a whole answer of zeros; such an answer is refused.

#include <string>

#include "daemon/config.h"
#include "daemon/grid/source.h"

namespace carbond {

class CarbonAwareSdk : public Source {
 public:
  explicit CarbonAwareSdk(const HttpConfig& config);

  const std::string& signal() const override { return signal_; }
  const Manners& manners() const override { return manners_; }
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
