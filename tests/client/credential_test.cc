#include "client/credential.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace carbond::client {
namespace {

using ::testing::ElementsAre;

TEST(Credential, IsMadeForCarbondsOwnUserToRead) {
  const auto words = MungeWords("munge uid=998", "what is said", "");
  ASSERT_TRUE(words.ok()) << words.status();
  EXPECT_THAT(*words, ElementsAre("munge", "--string=what is said",
                                  "--restrict-uid=998"));
  EXPECT_THAT(MungeWords("munge uid=0", "x", "/run/m")->back(),
              "--socket=/run/m");
}

// What carbond, or who stands in its place, says becomes no option of munge's.
TEST(Credential, IsNotMadeForAChallengeOfAnotherKind) {
  for (const char* challenge :
       {"", "munge", "munge uid=", "munge uid=-1", "munge uid=0 --ttl=9",
        "munge uid=12345678901", "kerberos realm=x"}) {
    const auto words = MungeWords(challenge, "x", "");
    EXPECT_TRUE(absl::IsUnauthenticated(words.status())) << challenge;
  }
}

}  // namespace
}  // namespace carbond::client
