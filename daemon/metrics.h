#pragma once
// What Prometheus may scrape: jobs, regions, providers and emissions, as they
// are at that moment. Names and units follow
// https://prometheus.io/docs/practices/naming.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "daemon/clock.h"
#include "daemon/grid/provider_report.h"
#include "daemon/loop.h"
#include "daemon/notify/sender.h"
#include "daemon/reads.h"

namespace carbond {

class Metrics {
 public:
  struct Sources {  // all outlive this
    Loop& loop;
    Reads& reads;
    const SystemClock& clock;
    std::function<std::vector<ProviderReport>()> providers;
    std::function<std::vector<NotifyReport>()> notices = {};
  };
  // Serves http://ADDRESS/metrics, on threads of its own, until it dies. The
  // error names the address.
  static Result<std::unique_ptr<Metrics>> Serve(const std::string& address,
                                                Sources sources);
  ~Metrics();

  // Port 0 of the address is any free one: which one it became.
  int port() const;

 private:
  class Impl;
  explicit Metrics(std::unique_ptr<Impl> impl);
  const std::unique_ptr<Impl> impl_;
};

}  // namespace carbond
