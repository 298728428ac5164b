#include "storage/series_codec.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string_view>

namespace carbond {
namespace {

// The layout, all numbers variable-length (7 bits a byte, lowest first), signed
// ones zigzagged:
//
//   format (1 byte, 1)
//   for each stretch of slots of one length that follow each other:
//     gap      signed, milliseconds from the end of the stretch before (from
//              the epoch for the first)
//     length   of a slot, milliseconds
//     count    of slots
//     count x difference to the slot before, signed, mg/kWh (to 0 at first)
//
// Differences wrap around in 64 bits, so that every value fits.
constexpr char kFormat = 1;

void PutUnsigned(std::string& out, uint64_t v) {
  while (v >= 0x80) {
    out += static_cast<char>(v | 0x80);
    v >>= 7;
  }
  out += static_cast<char>(v);
}

void PutSigned(std::string& out, uint64_t v) {
  const uint64_t sign = static_cast<uint64_t>(static_cast<int64_t>(v) >> 63);
  PutUnsigned(out, (v << 1) ^ sign);
}

class Bytes {
 public:
  explicit Bytes(std::string_view left) : left_(left) {}

  bool empty() const { return left_.empty(); }
  size_t size() const { return left_.size(); }
  bool ok() const { return ok_; }

  uint64_t Unsigned() {
    uint64_t v = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (left_.empty()) break;
      const auto byte = static_cast<unsigned char>(left_.front());
      left_.remove_prefix(1);
      if (shift == 63 && byte > 1) break;
      v |= static_cast<uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) return v;
    }
    ok_ = false;
    return 0;
  }
  uint64_t Signed() {
    const uint64_t v = Unsigned();
    return (v >> 1) ^ (~(v & 1) + 1);
  }

 private:
  std::string_view left_;
  bool ok_ = true;
};

Status Torn() { return absl::DataLossError("a stored series is damaged"); }

// Wrapping arithmetic: a damaged blob may hold any number.
Instant Later(Instant t, uint64_t by) {
  return Instant::FromMillis(
      static_cast<int64_t>(static_cast<uint64_t>(t.millis()) + by));
}

// Appends one stretch to `slots`; false when the bytes do not hold one.
bool TakeStretch(Bytes& bytes, Instant& at, uint64_t& value,
                 std::vector<Slot>& slots) {
  at = Later(at, bytes.Signed());
  const uint64_t length = bytes.Unsigned();
  const uint64_t count = bytes.Unsigned();
  // Each slot takes a byte or more: a count beyond that asks for memory only.
  if (!bytes.ok() || count == 0 || count > bytes.size()) return false;
  slots.reserve(slots.size() + count);
  for (uint64_t i = 0; i < count; ++i) {
    value += bytes.Signed();
    const Instant end = Later(at, length);
    slots.push_back(
        {{at, end}, GramsPerKwh::FromThousandths(static_cast<int64_t>(value))});
    at = end;
  }
  return bytes.ok();
}

}  // namespace

std::string EncodeSeries(const Series& series) {
  const std::vector<Slot>& slots = series.slots();
  std::string out(1, kFormat);
  out.reserve(16 + slots.size() * 3);
  Instant at;
  uint64_t value = 0;
  for (auto first = slots.begin(); first != slots.end();) {
    const Duration length = first->interval.length();
    auto last = first + 1;
    while (last != slots.end() && last->interval.length() == length &&
           last->interval.begin == (last - 1)->interval.end) {
      ++last;
    }
    PutSigned(out, static_cast<uint64_t>(first->interval.begin.millis()) -
                       static_cast<uint64_t>(at.millis()));
    PutUnsigned(out, static_cast<uint64_t>(length.count()));
    PutUnsigned(out, static_cast<uint64_t>(last - first));
    for (; first != last; ++first) {
      const auto next = static_cast<uint64_t>(first->intensity.thousandths());
      PutSigned(out, next - value);
      value = next;
    }
    at = (last - 1)->interval.end;
  }
  return out;
}

Result<Series> DecodeSeries(const std::string& blob) {
  if (blob.empty() || blob[0] != kFormat) return Torn();
  Bytes bytes(std::string_view(blob).substr(1));
  std::vector<Slot> slots;
  Instant at;
  uint64_t value = 0;
  while (!bytes.empty()) {
    if (!TakeStretch(bytes, at, value, slots)) return Torn();
  }
  Result<Series> series = Series::Make(std::move(slots));
  if (!series.ok()) return Torn();
  return series;
}

}  // namespace carbond
