#include "daemon/meter/factory.h"

#include "daemon/meter/modelled.h"

namespace carbond {

// One line for each kind of meter.
std::unique_ptr<Meter> MakeMeter(const Config& config) {
  return std::make_unique<ModelledMeter>(config.meter);
}

}  // namespace carbond
