// Who calls: what of a credential is believed, and what follows from it. That
// real ones are made and read is tried in tests/slurm/users_test.py.

#include "daemon/auth/munge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>

#include "carbond/v1/carbond.pb.h"
#include "daemon/auth/authenticator.h"
#include "proto/request_digest.h"

namespace carbond {
namespace {

using ::testing::HasSubstr;

ProgramEnd Said(int code, const std::string& out, const std::string& err = "") {
  ProgramEnd end;
  end.code = code;
  end.out = out;
  end.err = err;
  return end;
}

// As unmunge 0.5.15 prints it.
std::string Decoded(const std::string& status, const std::string& user,
                    const std::string& payload) {
  return "STATUS:          " + status + "\nUID:             " + user + "\n\n" +
         payload;
}

TEST(Munge, NamesWhoMadeTheCredentialForThisRequest) {
  const auto uid = CheckCredential(
      Said(0, Decoded("Success (0)", "ana (1000)", "words")), "words");
  ASSERT_TRUE(uid.ok()) << uid.status();
  EXPECT_EQ(*uid, 1000u);
  // A uid without a name here, and a name that looks like root's number.
  EXPECT_EQ(
      *CheckCredential(Said(0, Decoded("Success (0)", "??? (4242)", "words")),
                       "words"),
      4242u);
  EXPECT_EQ(
      *CheckCredential(Said(0, Decoded("Success (0)", "x (0) (33)", "words")),
                       "words"),
      33u);
}

TEST(Munge, BelievesNoneThatIsOldUsedOrOfAnotherRequest) {
  struct Case {
    ProgramEnd end;
    const char* why;
  };
  for (const auto& [end, why] : std::vector<Case>{
           {Said(15, Decoded("Expired credential (15)", "ana (1000)", "words")),
            "Expired credential (15)"},
           {Said(17,
                 Decoded("Replayed credential (17)", "ana (1000)", "words")),
            "Replayed credential (17)"},
           {Said(0, Decoded("Success (0)", "ana (1000)", "others")),
            "another request"},
           {Said(0, Decoded("Success (0)", "ana (1000)", "")),
            "another request"},
           {Said(0, Decoded("Success (0)", "ana (1000)", "words\nmore")),
            "another request"},
           {Said(0, Decoded("Success (0)", "ana", "words")), "names no user"},
           {Said(0, Decoded("Success (0)", "ana (-1)", "words")),
            "names no user"},
           {Said(0, "words"), "no status"},
           {Said(8, "", "unmunge: Error: Failed to match armor prefix\n"),
            "Failed to match armor prefix"},
           {Said(18, "",
                 "unmunge: Error: Unauthorized credential for client UID=0\n"),
            "Unauthorized credential"}}) {
    const auto uid = CheckCredential(end, "words");
    EXPECT_TRUE(absl::IsUnauthenticated(uid.status())) << uid.status();
    EXPECT_THAT(Message(uid.status()), HasSubstr(why));
  }
}

TEST(Munge, ThatMungedIsAwayIsNoFaultOfTheCallers) {
  ProgramEnd hangs;
  hangs.timed_out = true;
  for (const ProgramEnd& end :
       {hangs, Said(6, "",
                    "unmunge: Error: Failed to access \"/run/munge\": No such "
                    "file or directory (Did you start munged?)\n")}) {
    const auto uid = CheckCredential(end, "words");
    EXPECT_TRUE(absl::IsUnavailable(uid.status())) << uid.status();
  }
}

TEST(RequestDigest, VouchesForOneRequestAndNoOther) {
  v1::CancelJobRequest cancel;
  cancel.set_job_id("17");
  v1::PauseJobRequest pause;
  pause.set_job_id("17");
  EXPECT_THAT(
      SignedWords(cancel),
      ::testing::MatchesRegex("carbond.v1.CancelJobRequest [0-9a-f]{64}"));
  EXPECT_NE(SignedWords(cancel), SignedWords(pause));
  v1::CancelJobRequest other;
  other.set_job_id("18");
  EXPECT_NE(SignedWords(cancel), SignedWords(other));
}

TEST(RequestDigest, IsTheSameHoweverTheEnvironmentWasPutTogether) {
  v1::SubmitJobsRequest there;
  v1::SubmitJobsRequest back;
  for (int i = 0; i < 50; ++i) {
    (*there.mutable_jobs()->Add()->mutable_env())["A"] = "1";
    (*back.mutable_jobs()->Add()->mutable_env())["A"] = "1";
    for (int j = 0; j < 20; ++j) {
      (*there.mutable_jobs(i)->mutable_env())[std::to_string(j)] = "x";
      (*back.mutable_jobs(i)->mutable_env())[std::to_string(19 - j)] = "x";
    }
  }
  EXPECT_EQ(SignedWords(there), SignedWords(back));
}

TEST(Caller, IsTheUserOfHisJobs) {
  const Caller ana{1000, "ana", false};
  SubmitCommand command;
  command.request_id = "once";
  command.jobs.resize(2);
  command.jobs[1].spec.user = "ana";
  ASSERT_TRUE(SubmitAs(ana, command).ok());
  for (const SubmitCommand::Entry& entry : command.jobs) {
    EXPECT_EQ(entry.spec.user, "ana");
    EXPECT_EQ(entry.spec.uid, 1000);
  }
  EXPECT_EQ(command.request_id, "once@1000") << "not Bob's";
  EXPECT_EQ(ana.only_of(), "ana");
}

TEST(Caller, IsNobodyElseNotEvenAnAdmin) {
  for (const bool is_admin : {false, true}) {
    SubmitCommand command;
    command.jobs.resize(2);
    command.jobs[1].spec.user = "bob";
    const Status status = SubmitAs({1000, "ana", is_admin}, command);
    EXPECT_TRUE(absl::IsPermissionDenied(status)) << status;
    EXPECT_THAT(Message(status), HasSubstr("submit it as bob"));
  }
  EXPECT_EQ((Caller{0, "root", true}.only_of()), "");
}

Result<Caller> Ask(Authenticator& authenticator, std::string credential) {
  std::promise<Result<Caller>> answer;
  authenticator.Identify(
      std::move(credential), [] { return std::string("words"); },
      [&answer](const Result<Caller>& caller) { answer.set_value(caller); });
  return answer.get_future().get();
}

TEST(Authenticator, SaysWhatIsMissing) {
  AuthenticatorOptions options;
  options.environment["PATH"] = "/nowhere";
  Authenticator authenticator(std::move(options));
  EXPECT_THAT(Message(Ask(authenticator, "MUNGE:x:").status()),
              HasSubstr("unmunge was not found in PATH"));
  const Status longest = Ask(authenticator, std::string(100'000, 'x')).status();
  EXPECT_TRUE(absl::IsUnauthenticated(longest)) << longest;
}

TEST(Authenticator, AnswersEachOnceWhenItStopsAndAfterwards) {
  AuthenticatorOptions options;
  options.environment["PATH"] = "/nowhere";
  options.threads = 2;
  Authenticator authenticator(std::move(options));
  std::atomic<int> answers = 0;
  for (int i = 0; i < 100; ++i) {
    authenticator.Identify(
        "MUNGE:x:", [] { return std::string("words"); },
        [&answers](const Result<Caller>& caller) {
          EXPECT_FALSE(caller.ok());
          ++answers;
        });
  }
  authenticator.Stop();
  EXPECT_EQ(answers, 100);
  EXPECT_TRUE(absl::IsUnavailable(Ask(authenticator, "MUNGE:x:").status()));
}

}  // namespace
}  // namespace carbond
