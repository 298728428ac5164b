#pragma once
// A source of grid data, as the board sees it: it answers from memory what is
// known of a zone at an instant, and never waits.
//
// A recorded file is in memory as a whole. A provider behind HTTP is made of
// two parts: the source, one file that turns a zone into requests (URL and
// headers out) and an answer into values (a pure parse), and a fetcher, which
// runs sources on its own thread and is itself a Provider that answers with
// what has been fetched so far. Its lock is then the only one.

#include <memory>
#include <optional>
#include <string>

#include "scheduler/ports.h"

namespace carbond {

// Called from the engine's thread. Answers leave the field `zone` as it was
// asked; the board replaces it by its own key.
class Provider {
 public:
  virtual ~Provider() = default;

  // As reports show it: the configured name, and what a reader must know to
  // not take these values for something else.
  virtual const std::string& name() const = 0;
  // A forecast, or the last observed value, older than this is no news of now.
  virtual Duration stale_after() const = 0;

  // The newest forecast known at `now`, if any is. It is asked for much more
  // often than there is a new one, so it is not copied: who asks looks whether
  // it is news.
  virtual std::shared_ptr<const Forecast> NewestForecast(
      const std::string& zone, Instant now) = 0;
  // Observed values that became known, or were revised, after `since` and are
  // known at `now`.
  virtual std::optional<Observed> ObservedSince(const std::string& zone,
                                                Instant since, Instant now) = 0;
  // When one of the two may have more to say; after `now`.
  virtual Instant NextNews(const std::string& zone, Instant now) = 0;
};

}  // namespace carbond
