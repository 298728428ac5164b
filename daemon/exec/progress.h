#pragma once
// Follows a job's progress file: JSON lines the job appends, such as
// `{"ready":true}` or `{"progress":0.42,"checkpoint":true}`. Reads only what is
// new. Not thread-safe.

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

namespace carbond {

struct Progress {
  bool ready = false;  // the job has written anything sensible
  std::optional<double> fraction;
  bool checkpoint = false;  // `fraction` is saved
};

class ProgressReader {
 public:
  explicit ProgressReader(std::string path) : path_(std::move(path)) {}

  // What is known after reading what was appended since the last look. When
  // the job saved and went on meanwhile, the saved state is told first and the
  // later one at the next look: none of both should be lost. A file that is
  // not there or cannot be read tells nothing new.
  const Progress& Look();

 private:
  void ReadOn();
  void TakeLine(std::string_view line);

  std::string path_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
  off_t offset_ = 0;
  std::string rest_;       // of a line not yet ended
  bool too_long_ = false;  // the line in `rest_` is dropped up to its end
  Progress told_;
  std::optional<Progress> saved_;  // a checkpoint not told yet
  std::optional<Progress> later_;  // news after it
};

}  // namespace carbond
