// What of a job's life is told, in which words, and how it is signed.
#include "daemon/notify/notice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "daemon/notify/payload.h"
#include "daemon/notify/signature.h"
#include "storage/ledger_reader.h"
#include "tests/storage/ledger_world.h"

namespace carbond {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Json = nlohmann::json;

// Lives written to a ledger, and what is noticed of them.
class NoticeTest : public testing::Test {
 protected:
  std::vector<Event> EventsOf(JobId id, int after = 0) {
    return *(*LedgerReader::Open(path_))->EventsOf(id, after);
  }
  std::vector<std::string> Noticed(JobId id, const SeenOfJob& seen = {},
                                   const JobPlan* plan = nullptr) {
    std::vector<std::string> words;
    for (const Notice& notice :
         NoticesOf(lives_.job(id), EventsOf(id, seen.seq), plan, seen)) {
      words.push_back(fmt::format("{} {}", notice.seq, Name(notice.kind)));
    }
    return words;
  }
  Telling Tell(JobId id, int seq, NoticeKind kind) {
    Telling telling;
    telling.notice = {id, seq, kind};
    telling.id = IdOf("abcd1234", telling.notice);
    telling.at = At(seq);
    telling.job = *JobAt(EventsOf(id), seq);
    return telling;
  }

  LedgerFolder folder_;
  const std::string path_ = folder_ / "ledger.db";
  std::unique_ptr<SqliteLedger> ledger_ = OpenLedger(path_);
  Lives lives_{*ledger_};
};

TEST_F(NoticeTest, AreTheStartThePausesTheResumesAndTheEnd) {
  const JobId id = WholeLife(lives_);
  EXPECT_THAT(Noticed(id), ElementsAre("5 started", "14 paused", "16 resumed",
                                       "19 paused", "21 resumed", "23 ended"));
}

TEST_F(NoticeTest, AreOnlyThoseThatWereNotSeen) {
  const JobId id = WholeLife(lives_);
  EXPECT_THAT(Noticed(id, {19}), ElementsAre("21 resumed", "23 ended"));
  EXPECT_THAT(Noticed(id, {23}), IsEmpty());
}

TEST_F(NoticeTest, KnowAProcessThatIsStoppedInMemory) {
  const JobId id = SuspendedLife(lives_);
  EXPECT_THAT(Noticed(id),
              ElementsAre("3 started", "6 paused", "9 resumed", "13 ended"));
}

TEST_F(NoticeTest, AreNotOfARunThatDidNotBegin) {
  const JobId id = lives_.Submit(SmallSpec(), 0);
  lives_.Tell(id, 1, StartIssued{1, "here", 1, {{0}, 4}});
  lives_.Tell(id, 2, StopIssued{1, RunEnd::kRecalled});
  lives_.Tell(id, 3, RunEnded{1, RunEnd::kRecalled, {}, {}, ""});
  lives_.Commit();
  EXPECT_THAT(Noticed(id), IsEmpty());
  lives_.Tell(id, 4, CancelRequested{"anna"});
  lives_.Commit();
  EXPECT_THAT(Noticed(id), ElementsAre("5 ended"));
}

TEST_F(NoticeTest, AreOnceOfADeadlineThatCannotBeMet) {
  JobSpec spec = SmallSpec();
  JobPlan late;
  late.late = true;
  const JobId undeclared = lives_.Submit(spec, 0);
  spec.deadline_declared = true;
  const JobId id = lives_.Submit(spec, 0);
  lives_.Commit();
  EXPECT_THAT(Noticed(undeclared, {}, &late), IsEmpty());
  EXPECT_THAT(Noticed(id, {}, &late), ElementsAre("1 late"));
  EXPECT_THAT(Noticed(id, {1, true}, &late), IsEmpty());
  late.late = false;
  EXPECT_THAT(Noticed(id, {}, &late), IsEmpty());
}

TEST_F(NoticeTest, SayBeforeItsEndThatADeadlineWasMissed) {
  JobSpec spec = SmallSpec();
  spec.deadline = At(60);
  spec.deadline_declared = true;
  const JobId id = lives_.Submit(spec, 0);
  lives_.Start(id, 1);
  lives_.Meter(id, 1, 90, 100);
  lives_.End(id, 90, RunEnd::kSucceeded, 0);
  lives_.Commit();
  EXPECT_THAT(Noticed(id), ElementsAre("3 started", "5 late", "5 ended"));
  EXPECT_THAT(SentenceOf(Tell(id, 5, NoticeKind::kLate)),
              HasSubstr("missed its deadline 2026-11-21T09:00:00"));
}

// ---- What is told ----------------------------------------------------------

TEST_F(NoticeTest, TellTheJobAsItWasThen) {
  const JobId id = WholeLife(lives_);
  const Json paused = Json::parse(PayloadOf(Tell(id, 14, NoticeKind::kPaused)));
  EXPECT_EQ(paused["id"], "abcd1234-1-14");
  EXPECT_EQ(paused["event"], "paused");
  const Json& job = paused["job"];
  EXPECT_EQ(job["id"], "1");
  EXPECT_EQ(job["user"], "anna");
  EXPECT_EQ(job["state"], "paused");
  EXPECT_EQ(job["region"], "here");
  EXPECT_EQ(job["end"], "checkpointed");
  EXPECT_TRUE(job["outcome"].is_null());
  EXPECT_TRUE(job["finished_at"].is_null());
  EXPECT_TRUE(paused["emissions"].is_null());

  Telling end = Tell(id, 23, NoticeKind::kEnded);
  end.figures = JobEmissions();
  end.figures->facility_energy = WattHours::Of(2520);
  end.figures->grams = Grams::Of(25);
  end.figures->baseline = Grams::Of(100);
  end.figures->signal = "co2_moer";
  const Json ended = Json::parse(PayloadOf(end));
  EXPECT_EQ(ended["job"]["outcome"], "succeeded");
  EXPECT_EQ(ended["job"]["exit_code"], 0);
  EXPECT_EQ(ended["job"]["region"], "eu");
  EXPECT_EQ(ended["emissions"]["energy_kwh"], 2.52);
  EXPECT_EQ(ended["emissions"]["saved_fraction"], 0.75);
  EXPECT_THAT(ended["text"].get<std::string>(),
              HasSubstr("succeeded; 2.52 kWh, 25 g CO2e, 75 g (75 %) less "
                        "than run at once"));
}

TEST_F(NoticeTest, AreWordsThatPeopleUnderstand) {
  const JobId id = WholeLife(lives_);
  const auto says = [&](int seq, NoticeKind kind) {
    return SentenceOf(Tell(id, seq, kind));
  };
  EXPECT_THAT(says(5, NoticeKind::kStarted),
              AllOf(HasSubstr("job 1 (train"), HasSubstr("started in here")));
  EXPECT_THAT(says(14, NoticeKind::kPaused),
              HasSubstr("saved itself and paused in here"));
  EXPECT_THAT(says(16, NoticeKind::kResumed), HasSubstr("goes on in eu"));
  EXPECT_THAT(says(19, NoticeKind::kPaused),
              HasSubstr("ended a run in eu as lost, and is tried again"));
}

TEST_F(NoticeTest, CannotBeOfAnEventThatTheLedgerLacks) {
  const JobId id = SuspendedLife(lives_);
  EXPECT_FALSE(JobAt(EventsOf(id), 14).ok());
  EXPECT_FALSE(JobAt({}, 1).ok());
}

TEST_F(NoticeTest, HoldBytesThatAreNoTextWithoutHarm) {
  JobSpec spec = SmallSpec();
  spec.name = "caf\xe9";
  Telling telling;
  telling.job.spec = spec;
  EXPECT_NO_THROW(Json::parse(PayloadOf(telling)));
}

// ---- Signatures ------------------------------------------------------------

// The example of the standard's own libraries; made again with Python's hmac.
TEST(NoticeSignature, IsThatOfStandardWebhooks) {
  const auto key = SigningKey(Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));
  ASSERT_TRUE(key.ok()) << key.status();
  EXPECT_EQ(SignatureOf(*key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330,
                        R"({"test": 2432232314})"),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

TEST(NoticeSignature, TakesNoKeyThatIsTooShortOrNoBase64) {
  for (const char* bad : {"", "whsec_", "sesame", "whsec_c2hvcnQ=",
                          "whsec_!!!!", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}) {
    const auto key = SigningKey(Secret(bad));
    ASSERT_FALSE(key.ok()) << bad;
    EXPECT_THAT(Message(key.status()), HasSubstr("openssl rand -base64 32"));
  }
  // 32 bytes, with padding.
  const auto key =
      SigningKey(Secret("whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="));
  ASSERT_TRUE(key.ok());
  EXPECT_EQ(key->Reveal(), "01234567890123456789012345678901");
}

}  // namespace
}  // namespace carbond
