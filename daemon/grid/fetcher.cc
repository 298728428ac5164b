#include "daemon/grid/fetcher.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "daemon/grid/json_answer.h"
#include "daemon/grid/timeline.h"

namespace carbond {
namespace {

using What = Want::What;

constexpr Duration kFirstWait = seconds(30);
constexpr Duration kLongestWait = minutes(30);
constexpr Duration kWaitForAccess = hours(24);
constexpr Duration kWaitForCredentials = hours(1);
// Polls spread over at most this much of their period.
constexpr Duration kLongestSpread = minutes(5);
// Observed values serve accounts and learning, which are in no hurry.
constexpr Duration kObservedPoll = minutes(15);
constexpr Duration kFullRound = hours(6);
constexpr Duration kOverlap = hours(1);
constexpr Duration kRevisedFor = hours(48);  // where values are never final
// So that the news of many zones come together, and not one by one.
constexpr Duration kNewsGrid = seconds(5);
constexpr Duration kOverdueGrid = seconds(1);
constexpr Duration kJudgedForJumps = hours(12);
constexpr Duration kKeptAfterHanding = hours(1);
// A jump of the machine's clock is noticed within this.
constexpr Duration kLongestSleep = seconds(5);

// FNV-1a: the same on every machine and in every version.
uint64_t HashOf(std::initializer_list<std::string> texts) {
  uint64_t hash = 14695981039346656037u;
  for (const std::string& text : texts) {
    for (const char c : text + '\n') {
      hash = (hash ^ static_cast<uint8_t>(c)) * 1099511628211u;
    }
  }
  return hash ^ (hash >> 29);
}

Instant NextOn(Instant t, Duration grid) { return FloorTo(t, grid) + grid; }

Failure FailureOf(const Status& status) {
  using Kind = Failure::Kind;
  switch (status.code()) {
    case absl::StatusCode::kUnauthenticated:
      return {Kind::kBadCredentials, Message(status), {}, true};
    case absl::StatusCode::kResourceExhausted:
      return {Kind::kBadData, Message(status), {}, false};
    default:
      return {Kind::kTemporary, Message(status), {}, true};
  }
}

}  // namespace

// Counts what really goes out, logins as well.
class Fetcher::CountedDoor : public HttpDoor {
 public:
  explicit CountedDoor(Fetcher& fetcher) : fetcher_(fetcher) {}
  Result<HttpAnswer> Send(const HttpRequest& request) override {
    fetcher_.budget_.Count(fetcher_.clock_.Now());
    Result<HttpAnswer> answer = fetcher_.door_->Send(request);
    if (answer.ok()) {
      fetcher_.log_.SawClock(ClockAhead(*answer, fetcher_.clock_.Now()));
    }
    return answer;
  }
  void Abort() override { fetcher_.door_->Abort(); }

 private:
  Fetcher& fetcher_;
};

Fetcher::Fetcher(Options options, std::unique_ptr<Source> source,
                 std::unique_ptr<HttpDoor> door, const Clock& clock,
                 TokenDoor::SinceBoot since_boot)
    : options_(std::move(options)),
      source_(std::move(source)),
      door_(std::move(door)),
      clock_(clock),
      counted_(std::make_unique<CountedDoor>(*this)),
      // A fifth is left to whoever else uses the account.
      budget_(source_->manners().requests * 4 / 5, source_->manners().per),
      log_(options_.name) {
  if (auto login = source_->login()) {
    with_token_ = std::make_unique<TokenDoor>(*counted_, std::move(login),
                                              std::move(since_boot));
  }
  const Instant now = clock_.Now();
  for (const std::string& name : options_.zones) {
    Zone zone;
    zone.name = name;
    zone.forecast.due = now;
    // All forecasts first.
    zone.observed.due =
        source_->manners().observes ? now + Duration(1) : Instant::Never();
    Publish(zone);
    zones_.push_back(std::move(zone));
  }
}

Fetcher::~Fetcher() { Stop(); }

void Fetcher::Start() {
  thread_ = std::thread([this] { Run(); });
}

void Fetcher::Stop() {
  {
    std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  door_->Abort();
  stopping_.notify_all();
  if (thread_.joinable()) thread_.join();
}

bool Fetcher::IsStopped() const {
  std::lock_guard lock(mutex_);
  return stopped_;
}

// ---- Any thread: what is on the shelf --------------------------------------

std::shared_ptr<const Forecast> Fetcher::NewestForecast(const std::string& zone,
                                                        Instant) {
  std::lock_guard lock(mutex_);
  const auto shelf = shelves_.find(zone);
  if (shelf == shelves_.end()) return nullptr;
  return shelf->second.forecast;
}

std::optional<Observed> Fetcher::ObservedSince(const std::string& zone,
                                               Instant since, Instant now) {
  std::lock_guard lock(mutex_);
  const auto shelf = shelves_.find(zone);
  if (shelf == shelves_.end()) return std::nullopt;
  std::optional<Observed> all;
  for (Batch& batch : shelf->second.batches) {
    // What was never handed out is news, whatever a clock that was set says.
    if (batch.handed && batch.observed.fetched_at <= since) continue;
    batch.handed = true;
    if (!all) {
      all = batch.observed;
    } else {
      all->series = all->series.Under(batch.observed.series);
      all->final_until = std::max(all->final_until, batch.observed.final_until);
      all->fetched_at = std::max(all->fetched_at, batch.observed.fetched_at);
    }
  }
  std::erase_if(shelf->second.batches, [&](const Batch& batch) {
    return batch.handed &&
           batch.observed.fetched_at < since - kKeptAfterHanding;
  });
  if (all) all->fetched_at = std::min(all->fetched_at, now);
  return all;
}

Instant Fetcher::NextNews(const std::string& zone, Instant now) {
  std::lock_guard lock(mutex_);
  const auto shelf = shelves_.find(zone);
  if (shelf == shelves_.end()) return Instant::Never();
  if (shelf->second.next_fetch <= now) return NextOn(now, kOverdueGrid);
  return NextOn(shelf->second.next_fetch + seconds(1), kNewsGrid);
}

FetchReport Fetcher::Report() const {
  FetchReport report;
  report.most_requests = source_->manners().requests;
  report.per = source_->manners().per;
  std::lock_guard lock(mutex_);
  report.requests_today = requests_today_;
  report.requests_yesterday = requests_yesterday_;
  for (const auto& [name, shelf] : shelves_) {
    FetchReport::Zone zone{
        name,
        {},
        {},
        shelf.observed_until,
        shelf.trouble.empty() ? trouble_of_all_ : shelf.trouble};
    if (shelf.forecast) {
      zone.issued_at = shelf.forecast->issued_at;
      zone.fetched_at = shelf.forecast->fetched_at;
    }
    report.zones.push_back(std::move(zone));
  }
  return report;
}

// ---- The fetching thread ---------------------------------------------------

void Fetcher::Run() {
  for (;;) {
    const Instant next = Step();
    const Duration sleep =
        std::clamp(next - clock_.Now(), Duration(0), kLongestSleep);
    std::unique_lock lock(mutex_);
    if (stopping_.wait_for(lock, sleep, [this] { return stopped_; })) return;
  }
}

Instant Fetcher::Step() {
  const Instant now = clock_.Now();
  NoticeClockSetBack(now);
  auto [zone, what] = MostDue();
  if (zone == nullptr) return Instant::Never();
  const Errand& errand =
      what == What::kForecast ? zone->forecast : zone->observed;
  const Instant at = std::max({errand.due, held_until_, budget_.FreeAt(now)});
  if (at > now) return at;
  Fetch(*zone, what, now);
  return now;  // perhaps more is due
}

// What was planned by the old time may be far away by the new one.
void Fetcher::NoticeClockSetBack(Instant now) {
  if (now + kLongestSleep < last_step_) {
    held_until_ = std::min(held_until_, now);
    for (Zone& zone : zones_) {
      zone.forecast.due = std::min(zone.forecast.due, now);
      if (source_->manners().observes) {
        zone.observed.due = std::min(zone.observed.due, now);
      }
      if (zone.round)
        zone.round->began_at = std::min(zone.round->began_at, now);
      if (zone.full_round_at > now) zone.full_round_at.reset();
    }
  }
  last_step_ = now;
}

std::pair<Fetcher::Zone*, What> Fetcher::MostDue() {
  Zone* most = nullptr;
  What what = What::kForecast;
  Instant due = Instant::Never();
  for (Zone& zone : zones_) {
    if (zone.forecast.due < due) {
      most = &zone;
      what = What::kForecast;
      due = zone.forecast.due;
    }
    if (zone.observed.due < due) {
      most = &zone;
      what = What::kObserved;
      due = zone.observed.due;
    }
  }
  return {most, what};
}

Want Fetcher::WantOf(Zone& zone, What what, Instant now) {
  if (what == What::kForecast) {
    return {what, zone.name, {now, now + options_.horizon}};
  }
  if (!zone.round) zone.round = NextRound(zone, now);
  return {what, zone.name,
          source_->FirstPart({zone.round->cursor, zone.round->began_at})};
}

// What was observed last is asked for again, since values come late; four times
// a day also all that may have been revised. In whole seconds, which every
// service reads.
Fetcher::Round Fetcher::NextRound(const Zone& zone, Instant now) const {
  const Instant until = FloorTo(now, seconds(1));
  const bool full =
      !zone.full_round_at || now - *zone.full_round_at >= kFullRound;
  Instant from = zone.observed_until.value_or(Instant()) - kOverlap;
  if (full && zone.observed_until) {
    const bool ends = source_->FinalAfter(zone.name).has_value();
    from = std::min(from, ends ? zone.final_until : until - kRevisedFor);
  }
  from = FloorTo(std::max(from, until - source_->manners().reach), seconds(1));
  return {until, std::min(from, until - minutes(1)), full};
}

void Fetcher::Fetch(Zone& zone, What what, Instant now) {
  Errand& errand = what == What::kForecast ? zone.forecast : zone.observed;
  const Want want = WantOf(zone, what, now);
  OrFailure<Checked> outcome = Ask(want);
  if (IsStopped()) return;  // an abort is no trouble of the service's
  const Instant then = clock_.Now();
  if (auto* failure = std::get_if<Failure>(&outcome)) {
    Fail(zone, want, *failure, then);
  } else {
    Checked& checked = std::get<Checked>(outcome);
    if (const auto jump = HoldJumpBack(zone, errand, checked.series)) {
      Fail(zone, want, *jump, then);
      errand.due = NextPoll(zone.name, what, then);
    } else {
      errand.failures = failures_ = 0;
      errand.due = NextPoll(zone.name, what, then);
      log_.Succeeded(want, checked.notes, then);
      Keep(zone, want, std::move(checked));
    }
  }
  Publish(zone);
}

OrFailure<Checked> Fetcher::Ask(const Want& want) {
  HttpDoor& door = with_token_ ? static_cast<HttpDoor&>(*with_token_)
                               : static_cast<HttpDoor&>(*counted_);
  const Result<HttpAnswer> answer = door.Send(source_->Request(want));
  if (!answer.ok()) return FailureOf(answer.status());
  OrFailure<Told> told = source_->Parse(want, *answer);
  if (auto* failure = std::get_if<Failure>(&told)) return *std::move(failure);
  return Check(want, source_->manners(), std::get<Told>(std::move(told)),
               clock_.Now());
}

std::optional<Failure> Fetcher::HoldJumpBack(Zone& zone, Errand& errand,
                                             const Series& series) {
  if (series.empty() || series.end() - series.begin() < kJudgedForJumps) {
    return std::nullopt;
  }
  const auto now_usual = UsualOf(series);
  if (!now_usual) return std::nullopt;
  const bool jumps = zone.usual && IsJump(*zone.usual, *now_usual);
  const bool confirmed = errand.jump && !IsJump(*errand.jump, *now_usual);
  if (jumps && !confirmed) {
    errand.jump = now_usual;
    return BadData(fmt::format(
        "values about {:.0f} g/kWh, where {:.0f} were usual: held back until "
        "the next answer says the same",
        now_usual->value(), zone.usual->value()));
  }
  errand.jump.reset();
  zone.usual = now_usual;
  return std::nullopt;
}

void Fetcher::Keep(Zone& zone, const Want& want, Checked checked) {
  if (want.what == What::kObserved) {
    return KeepObserved(zone, want, std::move(checked.series));
  }
  std::lock_guard lock(mutex_);
  Shelf& shelf = shelves_[zone.name];
  // An answer from behind some cache must not undo a newer one; what is dated
  // in the future since the clock was set back is none.
  const Instant now = clock_.Now();
  if (shelf.forecast && checked.issued_at < shelf.forecast->issued_at &&
      shelf.forecast->issued_at <= now) {
    return;
  }
  shelf.forecast = std::make_shared<const Forecast>(
      Forecast{zone.name, options_.name, source_->signal(), checked.issued_at,
               now, std::move(checked.series)});
}

void Fetcher::KeepObserved(Zone& zone, const Want& want, Series series) {
  Round& round = *zone.round;
  const auto final_after = source_->FinalAfter(zone.name);
  if (round.full && final_after) {
    zone.final_until =
        std::max(zone.final_until,
                 std::min(want.during.end, round.began_at - *final_after));
  }
  if (!series.empty()) {
    zone.observed_until =
        std::max(zone.observed_until.value_or(series.end()), series.end());
  }
  round.cursor = want.during.end;
  if (round.cursor < round.began_at) {
    zone.observed.due = clock_.Now();  // the next part
  } else {
    if (round.full) zone.full_round_at = round.began_at;
    zone.round.reset();
  }
  if (series.empty()) return;
  std::lock_guard lock(mutex_);
  // Stamped under the lock: nobody can have looked for it later than that.
  shelves_[zone.name].batches.push_back(
      {Observed{zone.name, options_.name, source_->signal(), clock_.Now(),
                zone.final_until, std::move(series)},
       false});
}

void Fetcher::Fail(Zone& zone, const Want& want, const Failure& failure,
                   Instant now) {
  Errand& errand = want.what == What::kForecast ? zone.forecast : zone.observed;
  const Duration wait = WaitAfter(failure, ++errand.failures, zone.name);
  errand.due = now + wait;
  if (failure.of_all_zones) {
    held_until_ = now + WaitAfter(failure, ++failures_, zone.name);
  }
  log_.Failed(want, failure, now, wait);
}

Duration Fetcher::WaitAfter(const Failure& failure, int failures,
                            const std::string& zone) const {
  using Kind = Failure::Kind;
  if (failure.kind == Kind::kNotPermitted) return kWaitForAccess;
  if (failure.kind == Kind::kBadCredentials) return kWaitForCredentials;
  Duration wait = std::min(kFirstWait, options_.poll);
  for (int i = 1; i < failures && wait < kLongestWait; ++i) wait *= 2;
  if (failure.kind == Kind::kRateLimited && !failure.retry_after) {
    wait = std::max(wait, source_->manners().per);
  }
  wait = std::min(wait, kLongestWait);
  // Up to a quarter more, so that not all of a fleet come back at once.
  const uint64_t share =
      HashOf({options_.host, options_.name, zone, std::to_string(failures)}) %
      256;
  wait += wait * static_cast<int64_t>(share) / 1024;
  return std::max(wait, failure.retry_after.value_or(Duration(0)));
}

Instant Fetcher::NextPoll(const std::string& zone, What what,
                          Instant now) const {
  const Manners& manners = source_->manners();
  const Duration period = what == What::kForecast
                              ? options_.poll
                              : std::max(options_.poll, kObservedPoll);
  const Duration spread = std::min(period * 4 / 5, kLongestSpread);
  const uint64_t hash =
      HashOf({options_.host, options_.name, zone,
              what == What::kForecast ? "forecast" : "observed"});
  const Duration offset =
      manners.publish_delay +
      Duration(static_cast<int64_t>(hash %
                                    static_cast<uint64_t>(spread.count() + 1)));
  return FloorTo(now - offset, period) + period + offset;
}

// What other threads may see of a zone beside its data.
void Fetcher::Publish(const Zone& zone) {
  const Instant now = clock_.Now();
  const Instant next = std::min(zone.forecast.due, zone.observed.due);
  std::string trouble = log_.TroubleOf({What::kForecast, zone.name, {}});
  if (trouble.empty()) {
    trouble = log_.TroubleOf({What::kObserved, zone.name, {}});
  }
  std::lock_guard lock(mutex_);
  Shelf& shelf = shelves_[zone.name];
  shelf.next_fetch = std::max(next, held_until_);
  shelf.observed_until = zone.observed_until;
  shelf.trouble = std::move(trouble);
  trouble_of_all_ = log_.TroubleOfAll();
  requests_today_ = budget_.today(now);
  requests_yesterday_ = budget_.yesterday(now);
}

}  // namespace carbond
