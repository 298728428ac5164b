#include "proto/request_digest.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <openssl/evp.h>

#include <array>
#include <cstdlib>

namespace carbond {
namespace {

// The same content gives the same bytes: the entries of maps come sorted.
std::string Bytes(const google::protobuf::Message& message) {
  std::string bytes;
  google::protobuf::io::StringOutputStream sink(&bytes);
  google::protobuf::io::CodedOutputStream out(&sink);
  out.SetSerializationDeterministic(true);
  message.SerializeToCodedStream(&out);
  out.Trim();
  return bytes;
}

std::string Sha256(const std::string& bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> sum;
  unsigned int size = 0;
  // Fails only for want of memory; an empty sum would vouch for everything.
  if (EVP_Digest(bytes.data(), bytes.size(), sum.data(), &size, EVP_sha256(),
                 nullptr) != 1) {
    std::abort();
  }
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (unsigned int i = 0; i < size; ++i) {
    text += kDigits[sum[i] >> 4];
    text += kDigits[sum[i] & 15];
  }
  return text;
}

}  // namespace

std::string SignedWords(const google::protobuf::Message& request) {
  return request.GetTypeName() + ' ' + Sha256(Bytes(request));
}

}  // namespace carbond
