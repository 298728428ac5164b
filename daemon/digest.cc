#include "daemon/digest.h"

#include <fmt/format.h>

#include <bit>
#include <cstdint>
#include <cstring>

namespace carbond {
namespace {

// After Austin Appleby's MurmurHash3_x64_128, which is in the public domain.
constexpr uint64_t kC1 = 0x87c37b91114253d5;
constexpr uint64_t kC2 = 0x4cf5ad432745937f;

uint64_t Scramble1(uint64_t k) { return std::rotl(k * kC1, 31) * kC2; }
uint64_t Scramble2(uint64_t k) { return std::rotl(k * kC2, 33) * kC1; }

uint64_t Finish(uint64_t k) {
  k ^= k >> 33;
  k *= 0xff51afd7ed558ccd;
  k ^= k >> 33;
  k *= 0xc4ceb9fe1a85ec53;
  k ^= k >> 33;
  return k;
}

// Little-endian, whatever the machine, since digests are kept in ledgers.
uint64_t Load(const char* from, size_t bytes) {
  uint64_t value = 0;
  for (size_t i = 0; i < bytes; ++i) {
    value |= uint64_t{static_cast<unsigned char>(from[i])} << (8 * i);
  }
  return value;
}

}  // namespace

std::string Digest128(std::string_view bytes) {
  uint64_t h1 = 0;
  uint64_t h2 = 0;
  const char* at = bytes.data();
  size_t left = bytes.size();
  for (; left >= 16; at += 16, left -= 16) {
    h1 ^= Scramble1(Load(at, 8));
    h1 = (std::rotl(h1, 27) + h2) * 5 + 0x52dce729;
    h2 ^= Scramble2(Load(at + 8, 8));
    h2 = (std::rotl(h2, 31) + h1) * 5 + 0x38495ab5;
  }
  if (left > 8) h2 ^= Scramble2(Load(at + 8, left - 8));
  if (left > 0) h1 ^= Scramble1(Load(at, left < 8 ? left : 8));
  h1 ^= bytes.size();
  h2 ^= bytes.size();
  h1 += h2;
  h2 += h1;
  h1 = Finish(h1);
  h2 = Finish(h2);
  h1 += h2;
  h2 += h1;
  return fmt::format("{:016x}{:016x}", h1, h2);
}

}  // namespace carbond
