#include "daemon/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/daemon/scratch_folder.h"

namespace carbond {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// A log in a file of its own.
class LogFile {
 public:
  explicit LogFile(const std::string& level = "info") {
    auto log = Log::Open({.level = level, .file = path()});
    EXPECT_TRUE(log.ok()) << log.status();
    log_ = *std::move(log);
  }
  std::string path() const { return folder_.path() + "/carbond.log"; }
  Log& log() { return *log_; }
  std::string Text() const { return Read(path()); }
  static std::string Read(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  }

 private:
  ScratchFolder folder_;
  std::unique_ptr<Log> log_;
};

Event SubmittedAs(int id, const std::string& name) {
  JobSpec spec;
  spec.name = name;
  spec.command = {"/bin/train", "--token=hunter2"};
  spec.env = {{"API_KEY", "hunter2"}};
  return {JobId(id), 1, Instant(), Submitted{spec}};
}

TEST(Log, SaysWhatHappenedToWhichJob) {
  LogFile file;
  Job done;
  done.id = JobId{7};
  done.state = State::kDone;
  done.outcome = Outcome::kFailed;
  done.exit_code = 3;
  Batch batch;
  batch.events = {
      SubmittedAs(7, "my job"),
      {JobId{7}, 2, Instant(), RunStarted{1}},
      {JobId{7}, 3, Instant(), RunEnded{1, RunEnd::kFailed, 3, {}, {}}}};
  batch.jobs = {&done};
  LogBatch(batch);
  EXPECT_THAT(file.Text(), HasSubstr("submitted job=7 name=\"my job\""));
  EXPECT_THAT(file.Text(), HasSubstr("runs job=7 run=1\n"));
  EXPECT_THAT(file.Text(),
              HasSubstr("run ended job=7 run=1 end=failed exit_code=3\n"));
  EXPECT_THAT(file.Text(), HasSubstr("done job=7 outcome=failed exit_code=3"));
}

TEST(Log, SaysNothingOfWhatIsNotThere) {
  LogFile file;
  Allotment none;
  none.cpus = 2;
  Allotment some = none;
  some.gpus = {0, 3};
  Batch batch;
  batch.events = {
      {JobId{7}, 2, Instant(), StartIssued{1, "eu", 1, none, false, {}, {}}},
      {JobId{8}, 2, Instant(), StartIssued{1, "eu", 1, some, false, {}, {}}}};
  LogBatch(batch);
  EXPECT_THAT(file.Text(),
              HasSubstr("starting job=7 run=1 region=eu cpus=2\n"));
  EXPECT_THAT(file.Text(),
              HasSubstr("job=8 run=1 region=eu gpus=0,3 cpus=2\n"));
}

TEST(Log, KeepsSecretsToItself) {
  LogFile file("debug");
  Batch batch;
  batch.events = {SubmittedAs(1, "a")};
  LogBatch(batch);
  EXPECT_THAT(file.Text(), HasSubstr("job=1"));
  EXPECT_THAT(file.Text(), Not(HasSubstr("hunter2")));
}

TEST(Log, LetsNobodyForgeALine) {
  LogFile file;
  Batch batch;
  batch.events = {{JobId{1}, 2, Instant(), Held{"eve\ndone job=2"}}};
  LogBatch(batch);
  EXPECT_THAT(file.Text(), HasSubstr("by=\"eve done job=2\"\n"));
}

TEST(Log, MakesOneLineOfManySubmissions) {
  LogFile file;
  Batch batch;
  for (int id = 11; id <= 60; ++id)
    batch.events.push_back(SubmittedAs(id, "a"));
  batch.events.push_back({JobId{3}, 9, Instant(), Held{"ada"}});
  LogBatch(batch);
  std::string text = file.Text();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2);
  EXPECT_THAT(text, HasSubstr("submitted 50 jobs first_job=11 last_job=60"));
  EXPECT_THAT(text, HasSubstr("held by its user job=3 by=ada"));
}

TEST(Log, BeginsAnewAfterItsFileWasMovedAway) {
  LogFile file;
  Batch batch;
  batch.events = {SubmittedAs(1, "a")};
  LogBatch(batch);
  std::filesystem::rename(file.path(), file.path() + ".1");
  file.log().Reopen();
  batch.events = {SubmittedAs(2, "b")};
  LogBatch(batch);
  EXPECT_THAT(LogFile::Read(file.path() + ".1"), Not(HasSubstr("job=2")));
  EXPECT_THAT(file.Text(), HasSubstr("job=2"));
}

TEST(Log, RefusesAFileThatCannotBeWritten) {
  auto log = Log::Open({.level = "info", .file = "/proc/none/carbond.log"});
  ASSERT_FALSE(log.ok());
  EXPECT_THAT(Message(log.status()),
              HasSubstr("cannot write the log /proc/none/carbond.log"));
}

TEST(TroubleLog, SaysATroubleWhenItBegins) {
  LogFile file;
  TroubleLog troubles;
  Status trouble = Trouble("cannot start job 4");
  for (int i = 0; i < 5; ++i) troubles.Log(std::vector<Status>{trouble});
  std::string text = file.Text();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
  EXPECT_THAT(text, HasSubstr("cannot start job 4; trying again"));
}

}  // namespace
}  // namespace carbond
