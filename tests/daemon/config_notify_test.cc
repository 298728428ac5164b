// `notify:` in carbond.yaml, and what is said of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/daemon/config_world.h"

namespace carbond {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class NotifyConfigTest : public ConfigTest {
 protected:
  static std::string Notify(const std::string& entry) {
    return std::string(kGood) + "notify:\n  - {" + entry + "}\n";
  }
  std::string About(const std::string& entry) { return Mistake(Notify(entry)); }
};

TEST_F(NotifyConfigTest, IsReadWithItsDefaults) {
  const Config config = Good(
      std::string(kGood) +
      "notify:\n"
      "  - command: [bin/tell, --quiet]\n"
      "  - {webhook: 'https://hooks.example.org/T/S?x=1', secret_env: HOOK,\n"
      "     on: [late, ended], user: anna, project: vision, retry_for: 2d,\n"
      "     timeout: 5s}\n"
      "  - {command: /bin/true, name: other}\n");
  ASSERT_EQ(config.notify.size(), 3u);
  const NotifyConfig& command = config.notify[0];
  EXPECT_EQ(command.name, "tell");
  EXPECT_THAT(command.command,
              ElementsAre(folder_.path() + "/bin/tell", "--quiet"));
  EXPECT_EQ(command.on.size(), 5u);
  EXPECT_EQ(command.retry_for, hours(1));
  EXPECT_EQ(command.timeout, seconds(30));
  const NotifyConfig& hook = config.notify[1];
  EXPECT_EQ(hook.name, "hooks.example.org");
  EXPECT_EQ(hook.webhook, "https://hooks.example.org/T/S?x=1");
  EXPECT_THAT(hook.on, ElementsAre(NoticeKind::kEnded, NoticeKind::kLate));
  EXPECT_EQ(hook.user, "anna");
  EXPECT_EQ(hook.project, "vision");
  EXPECT_EQ(hook.retry_for, hours(48));
  EXPECT_TRUE(SecretVariables(config).contains("HOOK"));
  EXPECT_EQ(config.notify[2].name, "other");
}

TEST_F(NotifyConfigTest, SaysWhatIsMissing) {
  EXPECT_THAT(About("on: [late]"),
              AllOf(HasSubstr("notify[0].webhook"), HasSubstr("`command:")));
  EXPECT_THAT(About("webhook: 'https://a/b'"), HasSubstr("secret_env"));
  EXPECT_THAT(About("webhook: 'https://a/b', secret: whsec_x"),
              HasSubstr("a secret is never in the file itself"));
  EXPECT_THAT(Mistake(std::string(kGood) + "notify: {command: x}\n"),
              HasSubstr("where a list (`- command: [...]`) is owed"));
}

TEST_F(NotifyConfigTest, TakesNoAddressThatEverybodyCouldRead) {
  const auto with = [&](const std::string& url) {
    return About("webhook: '" + url + "', secret_env: S");
  };
  EXPECT_THAT(with("http://hooks.example.org/T0PSECRET"),
              AllOf(HasSubstr("write https://"), Not(HasSubstr("T0PSECRET"))));
  EXPECT_THAT(with("ftp://a/b"), HasSubstr("neither with https://"));
  EXPECT_THAT(
      with("https://u:word@a/b"),
      AllOf(HasSubstr("no user name or password"), Not(HasSubstr("word@"))));
  EXPECT_THAT(with("https:///b"), HasSubstr("is no address"));
  Good(Notify("webhook: 'http://127.0.0.1:8080/x', secret_env: S"));
}

TEST_F(NotifyConfigTest, NamesWhatItDoesNotKnow) {
  EXPECT_THAT(About("command: /bin/true, on: [begun]"),
              HasSubstr("notify[0].on: `begun` is none of started, paused"));
  EXPECT_THAT(About("command: /bin/true, retry: 5m"), HasSubstr("retry"));
  EXPECT_THAT(About("command: /bin/true, timeout: 0s"), HasSubstr("timeout"));
  EXPECT_THAT(About("command: /bin/true, webhook: 'https://a'"),
              HasSubstr("write two entries"));
}

TEST_F(NotifyConfigTest, WantsNamesThatDiffer) {
  EXPECT_THAT(Mistake(std::string(kGood) + "notify:\n  - command: /bin/true\n"
                                           "  - command: /usr/bin/true\n"),
              HasSubstr("has the name `true` as well"));
}

}  // namespace
}  // namespace carbond
