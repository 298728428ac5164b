#pragma once
// All zones at once: which provider speaks for each of them, and what of it is
// news. Used from the engine's thread alone.

#include <memory>
#include <string>
#include <vector>

#include "daemon/grid/provider.h"

namespace carbond {

// A zone and the providers to ask for it, in order of preference. All must give
// the same signal.
struct BoardZone {
  struct Link {
    size_t provider = 0;  // its index
    std::string zone;     // as this provider names it
  };
  std::string key;          // of its data everywhere else
  std::vector<Link> chain;  // at least one
};

// A zone's forecast comes from the first provider of its chain that has a fresh
// one. When none is fresh the zone keeps what it had; a zone that had nothing
// gets the newest forecast there is, with its age.
//
// Observed values of a provider stand up to where they end; only what comes
// later, and only while they are not fresh, is taken from the next in the
// chain. A provider that comes back is asked for all it missed, and its values
// then replace those of the ones behind it.
class Board : public Grid {
 public:
  // What has been observed before the daemon began, so that climatology has
  // something to stand on.
  static constexpr Duration kHistory = hours(24 * 36);

  Board(std::vector<std::unique_ptr<Provider>> providers,
        const std::vector<BoardZone>& zones);

  GridNews Poll(Instant now) override;
  std::optional<Instant> NextNews(Instant now) override;

 private:
  struct Link {  // a provider in a zone's chain
    Provider* provider;
    std::string zone;
    std::optional<Instant> taken_at;      // when it last gave observed values
    std::optional<Instant> observed_end;  // of those handed on
  };
  struct Zone {
    std::string key;
    std::vector<Link> chain;
    std::optional<Instant> polled_at;
    Instant next_poll;
    // The forecast handed on last.
    std::string forecast_provider;
    std::optional<Instant> forecast_issued_at;

    bool DueAt(Instant now) const;
  };

  static void PollZone(Zone& zone, Instant now, GridNews& news);
  static void PollForecast(Zone& zone, Instant now, GridNews& news);
  static void PollObserved(Zone& zone, Instant now, GridNews& news);

  // Fixed after construction
  std::vector<std::unique_ptr<Provider>> providers_;

  // Only the engine's thread
  std::vector<Zone> zones_;
};

}  // namespace carbond
