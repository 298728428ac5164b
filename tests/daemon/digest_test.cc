#include "daemon/digest.h"

#include <gtest/gtest.h>

#include <set>

namespace carbond {
namespace {

// As other implementations of MurmurHash3_x64_128 have it.
TEST(Digest, IsThePublishedHash) {
  EXPECT_EQ(Digest128(""), "00000000000000000000000000000000");
  EXPECT_EQ(Digest128("hello"), "cbd8a7b341bd9b025b1e906a48ae1d19");
  EXPECT_EQ(Digest128("hello, world"), "342fac623a5ebc8e4cdcbc079642414d");
  EXPECT_EQ(Digest128("19 Jan 2038 at 3:14:07 AM"),
            "b89e5988b737affc664fc2950231b2cb");
  EXPECT_EQ(Digest128("The quick brown fox jumps over the lazy dog."),
            "cd99481f9ee902c9695da1a38987b6e7");
}

TEST(Digest, DependsOnEveryByteAndOnTheLength) {
  std::set<std::string> digests;
  for (size_t length = 0; length < 40; ++length) {
    digests.insert(Digest128(std::string(length, '\0')));
    for (size_t at = 0; at < length; ++at) {
      std::string bytes(length, '\0');
      bytes[at] = '\x80';
      digests.insert(Digest128(bytes));
    }
  }
  EXPECT_EQ(digests.size(), 40u + 39u * 40u / 2u);
}

}  // namespace
}  // namespace carbond
