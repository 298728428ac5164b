#include "daemon/grid/fetch_log.h"

#include <spdlog/spdlog.h>

namespace carbond {
namespace {

const char* NameOf(Want::What what) {
  return what == Want::What::kForecast ? "forecast" : "observed values";
}

// Some troubles are the operator's to mend, others pass by themselves.
spdlog::level::level_enum LevelOf(Failure::Kind kind) {
  return kind == Failure::Kind::kBadCredentials ||
                 kind == Failure::Kind::kNotPermitted
             ? spdlog::level::err
             : spdlog::level::warn;
}

}  // namespace

void FetchLog::Failed(const Want& want, const Failure& failure, Instant now,
                      Duration next_try) {
  const Errand errand{want.zone, want.what};
  Ongoing* known = nullptr;
  if (failure.of_all_zones) {
    if (of_all_) known = &*of_all_;
  } else if (const auto found = troubles_.find(errand);
             found != troubles_.end()) {
    known = &found->second;
  }
  if (known != nullptr && known->kind == failure.kind) {
    known->sentence = failure.sentence;
    return;
  }
  const Instant since = known == nullptr ? now : known->since;
  Ongoing trouble{failure.kind, failure.sentence, since, errand};
  if (failure.of_all_zones) {
    of_all_ = std::move(trouble);
  } else {
    troubles_[errand] = std::move(trouble);
  }
  const std::string whose =
      failure.of_all_zones
          ? ""
          : fmt::format(" zone={} ({})", want.zone, NameOf(want.what));
  spdlog::log(LevelOf(failure.kind),
              "no grid data: {}; asked again in {} provider={}{}",
              failure.sentence, FormatDuration(next_try), provider_, whose);
}

void FetchLog::Succeeded(const Want& want, const std::vector<Note>& notes,
                         Instant now) {
  const Errand errand{want.zone, want.what};
  if (of_all_ && of_all_->of == errand) {
    spdlog::info("grid data again, after {} provider={}",
                 FormatDuration(now - of_all_->since), provider_);
    of_all_.reset();
  }
  if (const auto found = troubles_.find(errand); found != troubles_.end()) {
    spdlog::info("grid data again, after {} provider={} zone={} ({})",
                 FormatDuration(now - found->second.since), provider_,
                 want.zone, NameOf(want.what));
    troubles_.erase(found);
  }
  std::set<Note::Kind> kinds;
  std::set<Note::Kind>& before = noted_[errand];
  for (const Note& note : notes) {
    kinds.insert(note.kind);
    if (before.contains(note.kind)) continue;
    spdlog::info("{}: {} provider={} zone={}", NameOf(want.what), note.text,
                 provider_, want.zone);
  }
  before = std::move(kinds);
}

void FetchLog::SawClock(std::optional<Duration> ahead) {
  if (ahead.has_value() == clock_is_off_) return;
  clock_is_off_ = ahead.has_value();
  if (!ahead) {
    spdlog::info("this machine's clock agrees with the provider's provider={}",
                 provider_);
    return;
  }
  spdlog::warn(
      "this machine's clock is {} {} the provider's: set it (by NTP), or hours "
      "are taken for others provider={}",
      FormatDuration(std::chrono::abs(*ahead)),
      *ahead > Duration(0) ? "ahead of" : "behind", provider_);
}

std::string FetchLog::TroubleOf(const Want& want) const {
  const auto found = troubles_.find({want.zone, want.what});
  return found == troubles_.end() ? "" : found->second.sentence;
}

std::string FetchLog::TroubleOfAll() const {
  return of_all_ ? of_all_->sentence : "";
}

}  // namespace carbond
