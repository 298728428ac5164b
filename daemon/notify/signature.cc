#include "daemon/notify/signature.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <vector>

namespace carbond {
namespace {

constexpr char kPrefix[] = "whsec_";
constexpr size_t kLeastKey = 24;
constexpr size_t kMostKey = 64;

const unsigned char* Bytes(const std::string& text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

// Nothing when it is no base64.
Secret FromBase64(const std::string& text) {
  if (text.empty() || text.size() % 4 != 0) return Secret();
  std::string plain(text.size() / 4 * 3, '\0');
  const int size =
      EVP_DecodeBlock(reinterpret_cast<unsigned char*>(plain.data()),
                      Bytes(text), static_cast<int>(text.size()));
  if (size < 0) return Secret();
  // It counts the bytes of the padding.
  const size_t padding = text.ends_with("==") ? 2 : text.ends_with("=") ? 1 : 0;
  plain.resize(static_cast<size_t>(size) - padding);
  return Secret(std::move(plain));
}

}  // namespace

Result<Secret> SigningKey(const Secret& secret) {
  const std::string& text = secret.Reveal();
  Secret key;
  if (text.starts_with(kPrefix)) {
    key = FromBase64(Secret(text.substr(sizeof kPrefix - 1)).Reveal());
  }
  if (key.Reveal().size() >= kLeastKey && key.Reveal().size() <= kMostKey) {
    return key;
  }
  return Refused(
      "the secret is not whsec_ and base64 of {} to {} bytes; make one with: "
      "echo whsec_$(openssl rand -base64 32)",
      kLeastKey, kMostKey);
}

std::string SignatureOf(const Secret& key, const std::string& id,
                        int64_t timestamp_s, const std::string& body) {
  const std::string signed_text =
      fmt::format("{}.{}.{}", id, timestamp_s, body);
  std::array<unsigned char, EVP_MAX_MD_SIZE> mac;
  unsigned int size = 0;
  const auto* done = HMAC(
      EVP_sha256(), key.Reveal().data(), static_cast<int>(key.Reveal().size()),
      Bytes(signed_text), signed_text.size(), mac.data(), &size);
  CARBOND_INVARIANT(done != nullptr, "HMAC-SHA256 failed");
  std::array<unsigned char, 2 * EVP_MAX_MD_SIZE> base64;
  const int length =
      EVP_EncodeBlock(base64.data(), mac.data(), static_cast<int>(size));
  return "v1," + std::string(base64.begin(), base64.begin() + length);
}

}  // namespace carbond
