#include "daemon/doctor/grid_checkup.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "daemon/grid/cloud_regions.h"
#include "daemon/grid/quality.h"
#include "daemon/grid/recorded.h"
#include "daemon/grid/token_door.h"
#include "daemon/grid/yearly.h"

namespace carbond {
namespace {

using What = Want::What;

constexpr size_t kMostNamed = 6;
constexpr Duration kLookBack = hours(6);

std::string Ago(Instant then, Instant now) {
  // The answer came after the question.
  return now - then < seconds(1) ? "just now"
                                 : FormatDuration(now - then) + " ago";
}

// "CAISO_NORTH, DE and 12 more".
std::string Some(const std::set<std::string>& zones) {
  if (zones.empty()) return "no zone";
  std::vector<std::string> names;
  for (const std::string& zone : zones) {
    if (names.size() == kMostNamed) break;
    names.push_back(zone);
  }
  std::string text = fmt::format("{}", fmt::join(names, ", "));
  if (zones.size() > names.size()) {
    text += fmt::format(" and {} more", zones.size() - names.size());
  }
  return text;
}

std::string StepOf(const Series& series) {
  Duration shortest = hours(24);
  for (const Slot& slot : series.slots()) {
    shortest = std::min(shortest, slot.interval.length());
  }
  return FormatDuration(shortest);
}

class ServiceCheckup {
 public:
  ServiceCheckup(const ProviderConfig& provider, const HttpConfig& http,
                 const HttpService& service, const Clock& clock)
      : http_(http),
        source_(*service.source),
        door_(*service.door),
        clock_(clock) {
    findings_.title = fmt::format("{}: {} at {}, {}", provider.name,
                                  source_.manners().service,
                                  PlaceOf(http.base_url), source_.signal());
    if (auto login = source_.login()) {
      token_door_ = std::make_unique<TokenDoor>(door_, std::move(login),
                                                &SystemClock::SinceBoot);
    }
  }

  Findings Run(const std::vector<AskedZone>& zones) {
    if (zones.empty()) {
      findings_.Note("no region asks it for anything");
    }
    if (!LogIn()) return std::move(findings_);
    AskForAccess();
    std::set<std::string> asked;
    for (const AskedZone& each : zones) {
      if (gone_) break;
      if (asked.insert(each.zone).second) AskForZone(each);
      if (!each.cloud.empty()) AskForPlace(each);
    }
    TellOfUnasked(zones, asked);
    return std::move(findings_);
  }

 private:
  void TellOfUnasked(const std::vector<AskedZone>& zones,
                     const std::set<std::string>& asked) {
    std::set<std::string> left;
    for (const AskedZone& each : zones) {
      if (!asked.contains(each.zone)) left.insert(each.zone);
    }
    if (!left.empty()) findings_.Note("not tried any more: " + Some(left));
  }

  // Sends; a failure of the network becomes a finding, and ends the check.
  std::optional<HttpAnswer> Send(HttpDoor& door, const HttpRequest& request) {
    Result<HttpAnswer> answer = door.Send(request);
    if (!answer.ok()) {
      gone_ = true;
      findings_.Bad(fmt::format(
          "{}; {}", Message(answer.status()),
          answer.status().code() == absl::StatusCode::kUnauthenticated
              ? "see who the account belongs to"
              : "see base_url, the network, a proxy (https_proxy)"));
      return std::nullopt;
    }
    const auto ahead = ClockAhead(*answer, clock_.Now());
    if (ahead && !told_clock_) {
      told_clock_ = true;
      findings_.Bad(fmt::format(
          "this machine's clock is {} {} the service's: set it, or ages and "
          "deadlines mean nothing (timedatectl set-ntp true)",
          FormatDuration(std::chrono::abs(*ahead)),
          *ahead > Duration(0) ? "ahead of" : "behind"));
    }
    return *std::move(answer);
  }
  HttpDoor& Door() { return token_door_ ? *token_door_ : door_; }

  bool LogIn() {
    const auto login = source_.login();
    if (!login) return true;
    const auto answer = Send(door_, login->Request());
    if (!answer) return false;
    const auto token = login->Parse(*answer);
    if (const auto* failure = std::get_if<Failure>(&token)) {
      findings_.Bad(failure->sentence);
      return false;
    }
    findings_.Good(fmt::format("the login is accepted ({})",
                               FormatDuration(answer->took)));
    return true;
  }

  void AskForAccess() {
    const auto request = source_.AccessRequest();
    if (!request) return;
    const auto answer = Send(Door(), *request);
    if (!answer) return;
    auto access = source_.ParseAccess(*answer);
    if (const auto* failure = std::get_if<Failure>(&access)) {
      if (failure->of_all_zones) {  // its zones would fare no better
        gone_ = true;
        findings_.Bad(failure->sentence);
        return;
      }
      findings_.Note("what this account may read could not be had: " +
                     failure->sentence);
      return;
    }
    access_ = std::get<Access>(std::move(access));
    findings_.Good(fmt::format("this account may read forecasts of {} for {}{}",
                               source_.signal(), Some(access_->forecasts),
                               access_->forecasts.size() == 1 ? " only" : ""));
  }

  OrFailure<Checked> Ask(const Want& want, Duration& took) {
    const auto answer = Send(Door(), source_.Request(want));
    if (!answer) return Failure{Failure::Kind::kTemporary, "", {}, true};
    took = answer->took;
    auto told = source_.Parse(want, *answer);
    if (auto* failure = std::get_if<Failure>(&told)) return *std::move(failure);
    return Check(want, source_.manners(), std::get<Told>(std::move(told)),
                 clock_.Now());
  }

  void AskForZone(const AskedZone& each) {
    const Instant now = clock_.Now();
    const bool permitted = !access_ || access_->forecasts.contains(each.zone) ||
                           http_.horizon == Duration(0);
    if (!permitted) {
      findings_.Bad(fmt::format(
          "{} (region {}): not among the zones this account may read; take one "
          "of those, or ask {} for it",
          each.zone, each.region, source_.manners().service));
      return;
    }
    Duration took{0};
    const auto forecast =
        Ask({What::kForecast, each.zone, {now, now + http_.horizon}}, took);
    Tell(each, "forecast", forecast, took, now);
    if (gone_ || !source_.manners().observes) return;
    const Instant until = Instant::FromSeconds(now.millis() / 1000);
    const auto observed =
        Ask({What::kObserved, each.zone, {until - kLookBack, until}}, took);
    Tell(each, "observed values", observed, took, now);
  }

  void Tell(const AskedZone& each, const char* what,
            const OrFailure<Checked>& outcome, Duration took, Instant now) {
    if (const auto* failure = std::get_if<Failure>(&outcome)) {
      gone_ |= failure->of_all_zones;
      if (failure->sentence.empty()) return;  // the network's, told already
      findings_.Bad(
          fmt::format("{}, {}: {}", each.zone, what, failure->sentence));
      return;
    }
    const Checked& checked = std::get<Checked>(outcome);
    const Series& series = checked.series;
    if (series.empty()) {
      findings_.Note(fmt::format("{}, {}: none yet ({})", each.zone, what,
                                 FormatDuration(took)));
    } else if (series.end() <= now) {
      findings_.Good(fmt::format(
          "{}: observed up to {}, steps of {}, last {:.0f} g/kWh ({})",
          each.zone, Ago(series.end(), now), StepOf(series),
          series.slots().back().intensity.value(), FormatDuration(took)));
    } else {
      const std::string text = fmt::format(
          "{}: forecast issued {}, reaches {} ahead in steps of {}, now {} "
          "({})",
          each.zone, Ago(checked.issued_at, now),
          FormatDuration(series.end() - now), StepOf(series),
          NowOf(series, now), FormatDuration(took));
      const bool stale = now - checked.issued_at > http_.stale_after;
      stale
          ? findings_.Bad(text + fmt::format(", older than stale_after {}: "
                                             "not used",
                                             FormatDuration(http_.stale_after)))
          : findings_.Good(text);
    }
    for (const Note& note : checked.notes) {
      findings_.Note(fmt::format("{}, {}: {}", each.zone, what, note.text));
    }
  }

  static std::string NowOf(const Series& series, Instant now) {
    const auto intensity = series.At(now);
    return intensity ? fmt::format("{:.0f} g/kWh", intensity->value())
                     : "unknown";
  }

  void AskForPlace(const AskedZone& each) {
    const CloudRegion* cloud = FindCloudRegion(each.cloud);
    if (cloud == nullptr || gone_) return;
    const auto request =
        source_.PlaceRequest(cloud->latitude, cloud->longitude);
    if (!request) return;
    const auto answer = Send(Door(), *request);
    if (!answer) return;
    const auto zone = source_.ParsePlace(*answer);
    if (const auto* failure = std::get_if<Failure>(&zone)) {
      findings_.Note(fmt::format("the zone of {} ({}) could not be had: {}",
                                 cloud->place, cloud->name, failure->sentence));
      return;
    }
    const std::string& said = std::get<std::string>(zone);
    if (said == each.zone) {
      findings_.Good(
          fmt::format("{} ({}) lies in {}", cloud->place, cloud->name, said));
    } else if (each.is_hint) {
      findings_.Bad(fmt::format(
          "region {}: the table takes {} ({}) to lie in {}, the service says "
          "{}: write `zone: {}`",
          each.region, cloud->place, cloud->name, each.zone, said, said));
    } else {
      findings_.Note(
          fmt::format("region {}: its zone is {}, while {} ({}) lies in {}",
                      each.region, each.zone, cloud->place, cloud->name, said));
    }
  }

  const HttpConfig& http_;
  const Source& source_;
  HttpDoor& door_;
  const Clock& clock_;
  std::unique_ptr<TokenDoor> token_door_;  // null: no login is needed
  std::optional<Access> access_;
  bool gone_ = false;  // asking on is no use
  bool told_clock_ = false;
  Findings findings_;
};

const HttpConfig& HttpOf(const ProviderConfig& provider) {
  struct Http {
    const HttpConfig* operator()(const HttpConfig& http) { return &http; }
    const HttpConfig* operator()(const RecordedConfig&) { return nullptr; }
    const HttpConfig* operator()(const StaticConfig&) { return nullptr; }
  };
  const HttpConfig* http = std::visit(Http{}, provider.settings);
  CARBOND_INVARIANT(http != nullptr, "{} is no service", provider.name);
  return *http;
}

}  // namespace

std::vector<AskedZone> AskedZones(const Config& config,
                                  const std::string& provider) {
  std::vector<AskedZone> zones;
  for (const RegionConfig& region : config.regions) {
    for (const GridLink& link : region.links()) {
      if (link.provider != provider) continue;
      zones.push_back(
          {region.region.name, link.zone, link.is_hint, region.cloud});
    }
  }
  return zones;
}

Findings CheckUpService(const ProviderConfig& provider,
                        const HttpService& service,
                        const std::vector<AskedZone>& zones,
                        const Clock& clock) {
  return ServiceCheckup(provider, HttpOf(provider), service, clock).Run(zones);
}

Findings CheckUpRecorded(const ProviderConfig& provider,
                         const std::vector<AskedZone>& zones, Instant now) {
  const auto& config = std::get<RecordedConfig>(provider.settings);
  Findings findings{
      fmt::format("{}: recorded, {}", provider.name, config.signal)};
  std::vector<std::string> names;
  for (const AskedZone& each : zones) names.push_back(each.zone);
  auto opened = Recorded::Open(provider.name, config, now, names);
  if (!opened.ok()) {
    findings.Bad(Message(opened.status()));
    return findings;
  }
  const std::string zone = zones.empty() ? provider.name : zones[0].zone;
  const auto forecast = (*opened)->NewestForecast(zone, now);
  const auto observed = (*opened)->ObservedSince(zone, now - hours(24), now);
  if (observed && !observed->series.empty()) {
    findings.Good(fmt::format("observed up to {}, steps of {}",
                              Ago(observed->series.end(), now),
                              StepOf(observed->series)));
  } else {
    findings.Bad(fmt::format(
        "nothing is recorded of the last day: {}",
        config.replay == RecordedConfig::Replay::kNow
            ? "see `from` and `loop`"
            : "write `replay: now` to show an old recording as today's"));
  }
  if (forecast && forecast->series.end() > now) {
    findings.Good(fmt::format(
        "forecast issued {}, reaches {} ahead{}", Ago(forecast->issued_at, now),
        FormatDuration(forecast->series.end() - now),
        config.forecast.empty() ? ": the recorded values themselves" : ""));
  } else {
    findings.Bad(
        "no forecast is recorded of now: jobs run as no_forecast says");
  }
  return findings;
}

Findings CheckUpStatic(const ProviderConfig& provider,
                       const std::vector<AskedZone>& zones) {
  const auto& config = std::get<StaticConfig>(provider.settings);
  Findings findings{fmt::format("{}: yearly averages", provider.name)};
  for (const AskedZone& each : zones) {
    const auto factor = FactorOf(config, each.zone);
    if (!factor) {
      findings.Bad(fmt::format("{}: unknown", each.zone));
      continue;
    }
    const auto known = FindYearlyFactor(each.zone);
    const bool own = config.factors.contains(each.zone);
    findings.Note(fmt::format(
        "{} (region {}): {:.1f} g/kWh at every hour ({}): no job will wait for "
        "a cleaner one",
        each.zone, each.region, factor->value(),
        own || !known ? "your figure" : known->basis));
  }
  return findings;
}

}  // namespace carbond
