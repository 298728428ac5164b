// From a committed batch to a receiver: over real sockets and real commands,
// and across a restart.
#include "daemon/notify/notifier.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "daemon/hub.h"
#include "daemon/notify/signature.h"
#include "tests/daemon/log_of_test.h"
#include "tests/daemon/scratch_folder.h"
#include "tests/daemon/socket_server.h"
#include "tests/storage/ledger_world.h"

namespace carbond {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using Json = nlohmann::json;

constexpr char kSecret[] = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
constexpr std::chrono::seconds kPatience{60};

struct Post {
  std::string headers;
  std::string body;
  Json json() const { return Json::parse(body); }
  std::string Header(const std::string& name) const {
    const size_t at = headers.find("\r\n" + name + ": ");
    if (at == std::string::npos) return "";
    const size_t begin = at + name.size() + 4;
    return headers.substr(begin, headers.find('\r', begin) - begin);
  }
};

// A webhook that answers as it is told, in turn, and then with 200.
class Hook {
 public:
  explicit Hook(std::vector<std::string> answers = {})
      : answers_(std::move(answers)), server_([this](const Peer& peer) {
          const std::string headers = peer.ReadRequest();
          const std::string body = peer.ReadBody(headers);
          peer.Write(Take({headers, body}));
        }) {}

  // Waits for as many.
  std::vector<Post> Posts(size_t count) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(
        came_.wait_for(lock, kPatience, [&] { return posts_.size() >= count; }))
        << posts_.size() << " came";
    return posts_;
  }
  std::vector<std::string> Events(size_t count) {
    std::vector<std::string> events;
    for (const Post& post : Posts(count)) {
      const Json json = post.json();
      events.push_back(json["job"]["id"].get<std::string>() + " " +
                       json["event"].get<std::string>());
    }
    return events;
  }
  std::string url() const { return server_.url() + "/hooks/T0PSECRET"; }

 private:
  std::string Take(Post post) {
    std::lock_guard lock(mutex_);
    const size_t number = posts_.size();
    posts_.push_back(std::move(post));
    came_.notify_all();
    return number < answers_.size() ? answers_[number]
                                    : AnswerOf("200 OK", "", "");
  }

  const std::vector<std::string> answers_;
  std::mutex mutex_;
  std::condition_variable came_;
  std::vector<Post> posts_;  // guarded by mutex_
  SocketServer server_;
};

class NotifierTest : public testing::Test {
 protected:
  NotifierTest() {
    config_.state_dir = folder_.path();
    const std::string secret = folder_.Write("secret", kSecret);
    std::filesystem::permissions(secret, std::filesystem::perms::owner_read);
    secret_.file = secret;
  }

  NotifyConfig& Webhook(const std::string& url) {
    NotifyConfig notify;
    notify.name = fmt::format("hook-{}", config_.notify.size());
    notify.webhook = url;
    notify.secret = secret_;
    notify.on = {std::begin(kAllNotices), std::end(kAllNotices)};
    return config_.notify.emplace_back(notify);
  }
  NotifyConfig& Command(const std::string& line) {
    NotifyConfig& notify = Webhook("");
    notify.name = "tell";
    notify.secret = {};
    notify.command = {"/bin/sh", "-c", line};
    return notify;
  }
  void Open() {
    auto opened = Notifier::Open(config_, path_, clock_);
    ASSERT_TRUE(opened.ok()) << opened.status();
    notifier_ = *std::move(opened);
    notifier_->Start();
  }
  // As kill -9 does it: nothing more is heeded, the journal stays as it is.
  void Close() { notifier_.reset(); }

  JobId Submit(const std::string& user = "anna") {
    const JobId id = lives_.Submit(SmallSpec(user), 0);
    lives_.Commit();
    return id;
  }
  void Begin(JobId id) {
    lives_.Start(id, 1);
    lives_.Commit();
  }
  void End(JobId id) {
    lives_.Meter(id, 1, 30, 50);
    lives_.End(id, 30, RunEnd::kSucceeded, 0);
    lives_.Account(id, 300, Quality::kSettled, Grams::Of(30));
    lives_.Commit();
  }
  NotifyReport ReportOf(size_t i) { return notifier_->Report().at(i); }

  ScratchFolder folder_;
  const std::string path_ = folder_.path() + "/ledger.db";
  std::unique_ptr<SqliteLedger> ledger_ = OpenLedger(path_);
  const SystemClock clock_;
  Config config_;
  SecretPlace secret_;
  std::unique_ptr<Notifier> notifier_;
  WatchedLedger watched_{*ledger_, [this](const Batch& batch) {
                           if (notifier_) notifier_->Heed(batch);
                         }};
  Lives lives_{watched_};
};

TEST_F(NotifierTest, PostsWhatHappensSigned) {
  Hook hook;
  Webhook(hook.url());
  Open();
  const JobId id = Submit();
  Begin(id);
  End(id);
  EXPECT_THAT(hook.Events(2), ElementsAre("1 started", "1 ended"));
  const Post post = hook.Posts(2)[1];
  EXPECT_THAT(post.headers,
              AllOf(HasSubstr("POST /hooks/T0PSECRET HTTP/1.1\r\n"),
                    HasSubstr("Content-Type: application/json\r\n"),
                    HasSubstr("User-Agent: carbond/")));
  EXPECT_EQ(post.Header("webhook-id"), post.json()["id"]);
  EXPECT_EQ(
      post.Header("webhook-signature"),
      SignatureOf(*SigningKey(Secret(kSecret)), post.Header("webhook-id"),
                  std::stoll(post.Header("webhook-timestamp")), post.body));
  EXPECT_EQ(post.json()["emissions"]["baseline_g"], 30);
  EXPECT_EQ(post.json()["emissions"]["quality"], "settled");
}

TEST_F(NotifierTest, RunsACommandWithTheSameOnItsInput) {
  const std::string out = folder_.path() + "/told";
  Command("cat >> " + out + "; echo \" $CARBON_EVENT $CARBON_JOB_ID\" >> " +
          out + "; echo > " + folder_.path() + "/done-$CARBON_EVENT");
  Hook hook;  // after the command, by its place: to know that it was told
  Webhook(hook.url());
  Open();
  const JobId id = Submit();
  Begin(id);
  End(id);
  hook.Events(2);
  for (const Duration began = SystemClock::SinceBoot();
       ReportOf(0).delivered < 2 &&
       SystemClock::SinceBoot() - began < minutes(1);) {
    std::this_thread::yield();
  }
  std::ifstream in(out);
  std::string line;
  std::vector<std::string> tails;
  while (std::getline(in, line)) {
    const size_t end = line.rfind("} ");
    EXPECT_EQ(Json::parse(line.substr(0, end + 1))["job"]["name"], "small");
    tails.push_back(line.substr(end + 2));
  }
  EXPECT_THAT(tails, ElementsAre("started 1", "ended 1"));
}

TEST_F(NotifierTest, TriesAgainWithTheSameIdAndTheSameBody) {
  LogOfTest log;
  Hook hook({AnswerOf("503 Busy", "", ""), AnswerOf("500 Oops", "", "")});
  Webhook(hook.url());
  Open();
  Begin(Submit());
  const std::vector<Post> posts = hook.Posts(3);
  EXPECT_EQ(posts[0].body, posts[1].body);
  EXPECT_EQ(posts[0].body, posts[2].body);
  EXPECT_EQ(posts[0].Header("webhook-id"), posts[2].Header("webhook-id"));
  while (ReportOf(0).delivered < 1) std::this_thread::yield();
  Close();
  const auto lines = log.Take();
  EXPECT_THAT(lines, Contains(HasSubstr("hook-0: it answers with HTTP 503; "
                                        "trying again for 1h")));
  EXPECT_THAT(lines, Contains(HasSubstr("hook-0: takes notices again")));
  EXPECT_THAT(lines, Not(Contains(HasSubstr("T0PSECRET"))));
}

TEST_F(NotifierTest, ToldByOneThatIsDeadAreTheOthersAllTheSame) {
  LogOfTest log;
  std::string dead;
  { dead = Hook().url(); }
  Webhook(dead);
  Command("sleep 1000").timeout = hours(1);
  Hook hook;
  Webhook(hook.url());
  Open();
  const JobId id = Submit();
  Begin(id);
  End(id);
  EXPECT_THAT(hook.Events(2), ElementsAre("1 started", "1 ended"));
  Close();  // ends at once what would run for an hour
  EXPECT_THAT(log.Take(), Contains(AllOf(HasSubstr("hook-0: "),
                                         HasSubstr("cannot be connected to"),
                                         Not(HasSubstr("T0PSECRET")))));
}

TEST_F(NotifierTest, SendsNothingMoreToOneThatIsGone) {
  LogOfTest log;
  Hook gone({AnswerOf("410 Gone", "", "")});
  Hook hook;
  Webhook(gone.url());
  Webhook(hook.url());
  Open();
  const JobId id = Submit();
  Begin(id);
  gone.Posts(1);
  hook.Posts(1);
  while (ReportOf(0).failed == 0) std::this_thread::yield();
  End(id);
  hook.Posts(2);
  while (ReportOf(0).failed < 2) std::this_thread::yield();
  EXPECT_EQ(gone.Posts(1).size(), 1u);
  Close();
  EXPECT_THAT(log.Take(), Contains(HasSubstr("nothing more is told there")));
}

TEST_F(NotifierTest, FollowsNoRedirect) {
  Hook elsewhere;
  Hook hook(
      {AnswerOf("307 Moved", "Location: " + elsewhere.url() + "\r\n", "")});
  Webhook(hook.url());
  Open();
  Begin(Submit());
  EXPECT_THAT(hook.Events(2), ElementsAre("1 started", "1 started"));
  EXPECT_THAT(elsewhere.Posts(0), testing::IsEmpty());
}

TEST_F(NotifierTest, TellsAfterARestartWhatItMissed) {
  Hook hook;
  Webhook(hook.url());
  Open();
  const JobId one = Submit();
  const JobId two = Submit();
  Begin(one);
  EXPECT_THAT(hook.Events(1), ElementsAre("1 started"));
  while (ReportOf(0).delivered < 1) std::this_thread::yield();
  Close();
  End(one);
  Begin(two);
  End(two);
  const JobId three = Submit();
  Begin(three);
  Open();
  EXPECT_THAT(hook.Events(5),
              testing::UnorderedElementsAre("1 started", "1 ended", "2 started",
                                            "2 ended", "3 started"));
  while (ReportOf(0).delivered < 4) std::this_thread::yield();
  Close();
  Open();  // and nothing again
  End(three);
  EXPECT_THAT(hook.Events(6).back(), "3 ended");
  EXPECT_EQ(hook.Posts(6).size(), 6u);
}

TEST_F(NotifierTest, OwesAfterARestartWhatWasNotTaken) {
  std::string dead;
  { dead = Hook().url(); }
  Webhook(dead);
  Open();
  const JobId id = Submit();
  Begin(id);
  End(id);
  while (ReportOf(0).waiting < 2) std::this_thread::yield();
  Close();
  Hook hook;
  config_.notify[0].webhook = hook.url();
  Open();
  EXPECT_THAT(hook.Events(2), ElementsAre("1 started", "1 ended"));
}

TEST_F(NotifierTest, BeginsWithWhatHappensFromThenOn) {
  const JobId before = Submit();
  Begin(before);
  Hook hook;
  Webhook(hook.url());
  Open();
  End(before);
  EXPECT_THAT(hook.Events(1), ElementsAre("1 ended"));
}

TEST_F(NotifierTest, TellsEachOnlyWhatItAskedFor) {
  Hook ends, all;
  NotifyConfig& first = Webhook(ends.url());
  first.on = {NoticeKind::kEnded};
  first.user = "ben";
  Webhook(all.url());
  Open();
  for (const char* user : {"anna", "ben"}) {
    const JobId id = Submit(user);
    Begin(id);
    End(id);
  }
  all.Posts(4);
  EXPECT_THAT(ends.Events(1), ElementsAre("2 ended"));
  while (ReportOf(0).delivered < 1) std::this_thread::yield();
  EXPECT_EQ(ReportOf(0).waiting, 0u);
  EXPECT_EQ(ends.Posts(1).size(), 1u);
}

TEST_F(NotifierTest, GoesOnWhenItsJournalCannotBeWritten) {
  LogOfTest log;
  std::filesystem::create_directory(folder_.path() + "/notify.journal.tmp");
  Hook hook;
  Webhook(hook.url());
  Open();
  const JobId id = Submit();
  Begin(id);
  End(id);
  EXPECT_THAT(hook.Events(2), ElementsAre("1 started", "1 ended"));
  Close();
  EXPECT_THAT(log.Take(), Contains(HasSubstr("notices go on")));
}

TEST_F(NotifierTest, ForgetsItsJournalWhereNobodyIsTold) {
  Hook hook;
  Webhook(hook.url());
  Open();
  Close();
  EXPECT_TRUE(std::filesystem::exists(folder_.path() + "/notify.journal"));
  config_.notify.clear();
  const auto none = Notifier::Open(config_, path_, clock_);
  ASSERT_TRUE(none.ok());
  EXPECT_EQ(*none, nullptr);
  EXPECT_FALSE(std::filesystem::exists(folder_.path() + "/notify.journal"));
}

TEST_F(NotifierTest, RefusesASecretThatIsNone) {
  Webhook("http://127.0.0.1:1/x").secret.file =
      folder_.Write("short", "whsec_c2hvcnQ=");
  std::filesystem::permissions(folder_.path() + "/short",
                               std::filesystem::perms::owner_read);
  const auto opened = Notifier::Open(config_, path_, clock_);
  ASSERT_FALSE(opened.ok());
  EXPECT_THAT(Message(opened.status()),
              AllOf(HasSubstr("notify hook-0: the secret is not whsec_"),
                    Not(HasSubstr("c2hvcnQ"))));
}

}  // namespace
}  // namespace carbond
