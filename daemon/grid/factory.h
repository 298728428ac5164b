#pragma once
#include <map>
#include <memory>
#include <vector>

#include "daemon/clock.h"
#include "daemon/config.h"
#include "daemon/grid/provider_report.h"
#include "daemon/grid/source.h"
#include "scheduler/ports.h"

namespace carbond {

class Board;
class Fetcher;

// The grid that a configuration names, and what can be told of its providers.
class ConfiguredGrid : public Grid {
 public:
  struct Described {
    ProviderReport what;
    const Fetcher* fetcher = nullptr;  // null: it asks nobody
  };
  ConfiguredGrid(std::unique_ptr<Board> board, std::vector<Described> providers,
                 std::map<std::string, Duration> stale_after);
  ~ConfiguredGrid() override;

  GridNews Poll(Instant now) override;
  std::optional<Instant> NextNews(Instant now) override;
  // From any thread, in the configuration's order.
  std::vector<ProviderReport> Report() const;
  // By the providers' names as forecasts carry them.
  const std::map<std::string, Duration>& stale_after() const {
    return stale_after_;
  }

 private:
  const std::unique_ptr<Board> board_;
  const std::vector<Described> providers_;
  const std::map<std::string, Duration> stale_after_;
};

// The grid of a configuration: all its providers behind one board; those behind
// HTTP begin to fetch at once, each on its own thread, until the grid dies. An
// instant of the day on which the daemon's clock first began anchors what is
// replayed as if it were today's; it must be the same after a restart. The
// clock lives longer. The error names the provider that cannot be used and why.
Result<std::unique_ptr<ConfiguredGrid>> MakeGrid(const Config& config,
                                                 Instant replay_anchor,
                                                 const Clock& clock);

// A provider behind HTTP, for who asks it himself; without a source when it is
// none. The error names the provider.
struct HttpService {
  std::unique_ptr<Source> source;
  std::unique_ptr<HttpDoor> door;
};
Result<HttpService> MakeService(const ProviderConfig& provider);

// Whether MakeGrid would succeed as far as the recorded files decide it; asks
// nobody.
Status CheckRecordings(const Config& config, Instant replay_anchor);
// The secrets that could not be fetched by this process: of a provider in use
// none may be missing when the daemon starts.
std::vector<Status> MissingSecrets(const Config& config);

}  // namespace carbond
