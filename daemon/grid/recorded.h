#pragma once
// Recorded files as a provider: as they were, or replayed as if they began now.

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/config.h"
#include "daemon/grid/provider.h"
#include "daemon/grid/recording.h"
#include "daemon/grid/timeline.h"

namespace carbond {

// What is known when: a value when its step has ended, and then for good; a
// forecast from its issue. Without recorded forecasts the recorded values of
// the coming `horizon` serve as one, issued anew at every poll; the provider's
// name says so, since nobody forecasts that well.
class Recorded : public Provider {
 public:
  // `anchor` lies on the day the daemon's clock began; with `replay: now` that
  // day shows the day of `from`, or the first day of the file. `zones` are
  // those that will be asked for; a file of several locations must hold each of
  // them (emissions_file.h), any other file serves whatever zone is asked for.
  static Result<std::unique_ptr<Recorded>> Open(
      const std::string& name, const RecordedConfig& config, Instant anchor,
      const std::vector<std::string>& zones = {});

  const std::string& name() const override { return name_; }
  Duration stale_after() const override { return config_.stale_after; }
  std::shared_ptr<const Forecast> NewestForecast(const std::string& zone,
                                                 Instant now) override;
  std::optional<Observed> ObservedSince(const std::string& zone, Instant since,
                                        Instant now) override;
  Instant NextNews(const std::string& zone, Instant now) override;

 private:
  // Of zones; "" stands for any.
  using Recordings = std::map<std::string, Recording>;

  Recorded(std::string name, RecordedConfig config, Recordings actual,
           std::optional<RecordedForecasts> forecasts, Timeline timeline);

  static Result<Recordings> ReadActual(const RecordedConfig& config,
                                       std::vector<std::string> zones);

  // The values whose steps overlap an interval of the daemon's time, uncut.
  std::vector<Slot> ValuesDuring(const std::string& zone, Interval live) const;
  // Which forecast is the newest: one of the recorded ones, moved by an offset,
  // or without any the values to come.
  struct Newest {
    Instant issued_at;
    const RecordedIssue* issue = nullptr;
    Duration offset{0};
  };
  std::optional<Newest> NewestAt(Instant now) const;
  std::vector<Slot> SlotsOf(const RecordedIssue& issue, Duration offset) const;

  // Fixed after construction
  std::string name_;
  RecordedConfig config_;
  Recordings actual_;
  std::optional<RecordedForecasts> forecasts_;
  Timeline timeline_;

  // Only the engine's thread
  std::map<std::string, std::shared_ptr<const Forecast>> newest_;  // by zone
};

}  // namespace carbond
