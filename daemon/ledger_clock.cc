#include "daemon/ledger_clock.h"

#include <charconv>

namespace carbond {
namespace {

constexpr char kSpeed[] = "clock.speed";
constexpr char kRealAnchor[] = "clock.real_anchor_ms";
constexpr char kAnchor[] = "clock.anchor_ms";
constexpr char kBegan[] = "clock.began_ms";

template <typename Number>
Result<Number> Read(SqliteLedger& ledger, const char* key) {
  CARBOND_ASSIGN_OR_RETURN(std::optional<std::string> text,
                           ledger.GetSetting(key));
  Number number{};
  if (text) {
    const char* end = text->data() + text->size();
    auto [at, error] = std::from_chars(text->data(), end, number);
    if (error == std::errc() && at == end) return number;
  }
  return absl::DataLossError(
      fmt::format("the ledger's setting {} is `{}`, which is no number", key,
                  text.value_or("")));
}

Result<Instant> ReadInstant(SqliteLedger& ledger, const char* key) {
  CARBOND_ASSIGN_OR_RETURN(int64_t ms, Read<int64_t>(ledger, key));
  return Instant::FromMillis(ms);
}

Status Write(SqliteLedger& ledger, const char* key, Instant t) {
  return ledger.PutSetting(key, std::to_string(t.millis()));
}

// The speed last: while it is missing, the clock has not begun.
Status WriteClock(SqliteLedger& ledger, double speed, Instant real_anchor,
                  Instant anchor) {
  CARBOND_RETURN_IF_ERROR(Write(ledger, kRealAnchor, real_anchor));
  CARBOND_RETURN_IF_ERROR(Write(ledger, kAnchor, anchor));
  return ledger.PutSetting(kSpeed, fmt::format("{}", speed));
}

Result<LedgerClock> Begin(SqliteLedger& ledger, const ClockConfig& config,
                          Instant real_now) {
  Instant anchor = real_now;
  if (config.start) {
    constexpr int64_t kDay = Duration(hours(24)).count();
    anchor =
        Instant::FromMillis(real_now.millis() / kDay * kDay) + *config.start;
  }
  CARBOND_RETURN_IF_ERROR(Write(ledger, kBegan, anchor));
  CARBOND_RETURN_IF_ERROR(WriteClock(ledger, config.speed, real_now, anchor));
  return LedgerClock{SystemClock(config.speed, real_now, anchor), anchor};
}

}  // namespace

Result<LedgerClock> OpenLedgerClock(SqliteLedger& ledger,
                                    const ClockConfig& config,
                                    Instant real_now) {
  CARBOND_ASSIGN_OR_RETURN(std::optional<std::string> known,
                           ledger.GetSetting(kSpeed));
  if (!known) return Begin(ledger, config, real_now);

  CARBOND_ASSIGN_OR_RETURN(double speed, Read<double>(ledger, kSpeed));
  CARBOND_ASSIGN_OR_RETURN(Instant began_at, ReadInstant(ledger, kBegan));
  CARBOND_ASSIGN_OR_RETURN(Instant real_anchor,
                           ReadInstant(ledger, kRealAnchor));
  CARBOND_ASSIGN_OR_RETURN(Instant anchor, ReadInstant(ledger, kAnchor));
  SystemClock clock(speed, real_anchor, anchor);
  if (speed == config.speed) return LedgerClock{clock, began_at};
  if (speed == 1 || config.speed == 1) {
    return NotNow(
        "the ledger was begun with clock speed {}, the configuration says {}: "
        "their instants would not compare; give another state_dir, or go back "
        "to clock: {{speed: {}}}",
        speed, config.speed, speed);
  }
  Instant now = clock.FromReal(real_now);
  CARBOND_RETURN_IF_ERROR(WriteClock(ledger, config.speed, real_now, now));
  return LedgerClock{SystemClock(config.speed, real_now, now), began_at};
}

}  // namespace carbond
