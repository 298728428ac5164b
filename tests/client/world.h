#pragma once
// A small made-up world for the client's tests: one region, one November day
// with a morning and an evening peak, and a job that waits for the hours
// between them.

#include <carbond/v1/carbond.pb.h>

#include <string>

#include "client/console.h"
#include "client/local_time.h"

namespace carbond::client {

absl::Time At(const std::string& rfc3339);
void Set(google::protobuf::Timestamp* field, const std::string& rfc3339);
absl::TimeZone Berlin();

// Ten o'clock in Berlin on 21 November 2026.
Here Morning();

// Hourly, 08:00Z to 08:00Z of the next day, the last six hours climatology.
v1::Forecast NovemberDay();
// Runs from 12:00Z to 14:00Z, a third less than at once.
v1::Plan MiddayPlan();
v1::Job WaitingJob(const std::string& id = "17");
// The same job after two runs with a pause between them.
v1::Job FinishedJob(const std::string& id = "17");

inline const Look kPlainAscii{};
inline const Look kPlainUnicode{.unicode = true};
inline const Look kColourful{.unicode = true, .colour = true, .trim = true};

// Keeps what is printed.
class StringConsole : public Console {
 public:
  void Print(std::string_view text) override {
    out += text;
    ++prints;
  }
  void Complain(std::string_view text) override { err += text; }
  bool IsRead() const override { return prints < reader_leaves_after; }

  std::string out;
  std::string err;
  int prints = 0;
  int reader_leaves_after = 1 << 30;
};

// A folder that goes away with its content.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace carbond::client
