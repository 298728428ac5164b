// Passwords and tokens: where they come from, and that nothing prints them.
#include "daemon/secret.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <type_traits>

#include "tests/daemon/scratch_folder.h"

namespace carbond {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

template <typename T>
concept Streamable = requires(std::ostream& out, const T& value) {
  out << value;
};
static_assert(!Streamable<Secret>);
static_assert(!fmt::is_formattable<Secret>::value);

class SecretTest : public testing::Test {
 protected:
  SecretPlace FileOf(const std::string& text, mode_t mode) {
    const std::string path = folder_.Write("secret", text);
    EXPECT_EQ(chmod(path.c_str(), mode), 0);
    return {"", path};
  }
  static std::string Why(const SecretPlace& place) {
    const auto secret = FetchSecret(place);
    EXPECT_FALSE(secret.ok());
    const std::string why = Message(secret.status());
    EXPECT_THAT(why, Not(HasSubstr("hunter2"))) << "the secret itself";
    return why;
  }
  ScratchFolder folder_;
};

TEST_F(SecretTest, ComesFromTheEnvironment) {
  setenv("CARBOND_TEST_SECRET", "hunter2", 1);
  EXPECT_EQ(FetchSecret({"CARBOND_TEST_SECRET", ""})->Reveal(), "hunter2");
  unsetenv("CARBOND_TEST_SECRET");
  EXPECT_EQ(Why({"CARBOND_TEST_SECRET", ""}),
            "the environment variable CARBOND_TEST_SECRET is not set; set it "
            "for carbond, or name a file instead");
  setenv("CARBOND_TEST_SECRET", "", 1);
  EXPECT_THAT(Why({"CARBOND_TEST_SECRET", ""}), HasSubstr("is empty"));
  unsetenv("CARBOND_TEST_SECRET");
}

TEST_F(SecretTest, ComesFromAFileWithoutItsNewline) {
  EXPECT_EQ(FetchSecret(FileOf("hunter2\n", 0600))->Reveal(), "hunter2");
  EXPECT_EQ(FetchSecret(FileOf(" hunter2\r\n", 0640))->Reveal(), " hunter2");
}

TEST_F(SecretTest, IsRefusedFromAFileThatEverybodyMayReadOrWrite) {
  for (const mode_t mode : {0644, 0604, 0602, 0666}) {
    EXPECT_THAT(Why(FileOf("hunter2", mode)),
                AllOf(HasSubstr("by every user (mode "), HasSubstr("chmod o=")))
        << mode;
  }
}

TEST_F(SecretTest, IsRefusedWhereThereIsNone) {
  EXPECT_THAT(Why({"", folder_.path() + "/none"}),
              HasSubstr("none cannot be read: No such file"));
  EXPECT_THAT(Why({"", folder_.path()}), HasSubstr("is no file"));
  EXPECT_THAT(Why(FileOf("\n", 0600)), HasSubstr("is empty"));
}

TEST_F(SecretTest, IsOneLineSinceAHeaderIsMadeOfIt) {
  for (const char* text :
       {"hunter2\nX: y", "hunter2\r\n\r\nx", "hunt\ter2", "hunter2\xC3\xA4"}) {
    EXPECT_THAT(Why(FileOf(text, 0600)),
                HasSubstr("must hold one line of printable ASCII"));
  }
  EXPECT_THAT(Why(FileOf(std::string(17 * 1024, 'x'), 0600)),
              HasSubstr("holds more than 16 KiB"));
}

TEST_F(SecretTest, LeavesNothingInWhatItWasMovedFrom) {
  Secret one("hunter2");
  Secret two(std::move(one));
  EXPECT_TRUE(one.empty());  // NOLINT(bugprone-use-after-move): that is asked
  one = std::move(two);
  EXPECT_EQ(one.Reveal(), "hunter2");
  const Secret copy = one;
  one = copy;
  EXPECT_EQ(one.Reveal(), "hunter2");
}

}  // namespace
}  // namespace carbond
