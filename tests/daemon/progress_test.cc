#include "daemon/exec/progress.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/daemon/scratch_folder.h"

namespace carbond {
namespace {

class ProgressFile {
 public:
  void Append(const std::string& text) {
    std::ofstream(path_, std::ios::app | std::ios::binary) << text;
  }
  void Replace(const std::string& text) {
    std::ofstream(path_, std::ios::trunc | std::ios::binary) << text;
  }
  const std::string& path() const { return path_; }

 private:
  ScratchFolder folder_;
  std::string path_ = folder_.path() + "/progress";
};

TEST(Progress, IsNothingWithoutAFile) {
  ProgressFile file;
  ProgressReader reader(file.path());
  EXPECT_FALSE(reader.Look().ready);
  EXPECT_EQ(reader.Look().fraction, std::nullopt);
}

TEST(Progress, ReadsOnWhereItStopped) {
  ProgressFile file;
  ProgressReader reader(file.path());
  file.Append("{\"ready\":true}\n");
  EXPECT_TRUE(reader.Look().ready);
  EXPECT_EQ(reader.Look().fraction, std::nullopt);
  file.Append("{\"progress\":0.25}\n{\"progress\":0.5}\n");
  EXPECT_EQ(reader.Look().fraction, 0.5);
  EXPECT_FALSE(reader.Look().checkpoint);
}

TEST(Progress, WaitsForTheEndOfALine) {
  ProgressFile file;
  ProgressReader reader(file.path());
  file.Append("{\"progress\":0.25}\n{\"progress\":0.");
  EXPECT_EQ(reader.Look().fraction, 0.25);
  EXPECT_EQ(reader.Look().fraction, 0.25);
  file.Append("75}\n");
  EXPECT_EQ(reader.Look().fraction, 0.75);
}

TEST(Progress, TakesNoHarmFromWhatIsNoProgress) {
  ProgressFile file;
  ProgressReader reader(file.path());
  file.Append(
      "epoch 3 of 10\n\n[1]\n7\nnull\n{\"progress\":1.5}\n{\"progress\":-1}\n"
      "{\"progress\":\n\xff\xfe\n" +
      std::string("\0\n", 2) + std::string(300'000, '{') + "\n");
  EXPECT_EQ(reader.Look().fraction, std::nullopt);
  EXPECT_FALSE(reader.Look().ready);
  file.Append("{\"progress\":0.1,\"loss\":3}\n{\"progress\":\"0.9\"}\n");
  EXPECT_EQ(reader.Look().fraction, 0.1);
  EXPECT_TRUE(reader.Look().ready);
}

TEST(Progress, BelievesAJobThatIsNotReady) {
  ProgressFile file;
  ProgressReader reader(file.path());
  file.Append("{\"ready\":false}\n");
  EXPECT_FALSE(reader.Look().ready);
}

TEST(Progress, TellsOfACheckpointThoughTheJobWentOn) {
  ProgressFile file;
  ProgressReader reader(file.path());
  file.Append(
      "{\"progress\":0.4,\"checkpoint\":true}\n"
      "{\"progress\":0.6,\"checkpoint\":true}\n{\"progress\":0.7}\n");
  const Progress saved = reader.Look();
  EXPECT_EQ(saved.fraction, 0.6);
  EXPECT_TRUE(saved.checkpoint);
  const Progress later = reader.Look();
  EXPECT_EQ(later.fraction, 0.7);
  EXPECT_FALSE(later.checkpoint);
}

TEST(Progress, DropsALineWithoutEnd) {
  ProgressFile file;
  ProgressReader reader(file.path());
  file.Append("{\"progress\":0.1}\n" + std::string(9'000'000, 'x'));
  for (int look = 0; look < 4; ++look) EXPECT_EQ(reader.Look().fraction, 0.1);
  file.Append("\n{\"progress\":0.2}\n");
  EXPECT_EQ(reader.Look().fraction, 0.2);
}

TEST(Progress, FollowsAFileWrittenAnew) {
  ProgressFile file;
  ProgressReader reader(file.path());
  file.Append("{\"progress\":0.1}\n{\"progress\":0.2}\n{\"prog");
  EXPECT_EQ(reader.Look().fraction, 0.2);
  file.Replace("{\"progress\":0.3}\n");
  EXPECT_EQ(reader.Look().fraction, 0.3);
  // Put in its place, as large as what was read.
  std::ofstream(file.path() + ".new") << "{\"progress\":0.4}\n";
  std::filesystem::rename(file.path() + ".new", file.path());
  EXPECT_EQ(reader.Look().fraction, 0.4);
}

TEST(Progress, DoesNotHangOnWhatIsNoFile) {
  ScratchFolder folder;
  ProgressReader directory(folder.path());
  EXPECT_FALSE(directory.Look().ready);
  ASSERT_EQ(::mkfifo((folder.path() + "/fifo").c_str(), 0600), 0);
  ProgressReader fifo(folder.path() + "/fifo");
  EXPECT_FALSE(fifo.Look().ready);
}

}  // namespace
}  // namespace carbond
