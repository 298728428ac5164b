#include "daemon/exec/progress.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <array>
#include <nlohmann/json.hpp>

#include "daemon/exec/descriptor.h"

namespace carbond {
namespace {

constexpr size_t kLongestLine = 64 * 1024;
// Of one look. A job that writes faster is read the rest of at the next.
constexpr size_t kMostAtOnce = 4 * 1024 * 1024;

}  // namespace

const Progress& ProgressReader::Look() {
  ReadOn();
  if (saved_) {
    told_ = *std::exchange(saved_, std::nullopt);
  } else if (later_) {
    told_ = *std::exchange(later_, std::nullopt);
  }
  return told_;
}

void ProgressReader::ReadOn() {
  struct stat now = {};
  if (::lstat(path_.c_str(), &now) != 0 || !S_ISREG(now.st_mode)) return;
  const bool other = now.st_dev != device_ || now.st_ino != inode_;
  if (other || now.st_size < offset_) {  // written anew instead of appended to
    device_ = now.st_dev;
    inode_ = now.st_ino;
    offset_ = 0;
    rest_.clear();
    too_long_ = false;
  }
  if (now.st_size == offset_) return;
  const UniqueFd fd(
      ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW));
  if (!fd) return;
  std::array<char, 16 * 1024> buffer;
  for (size_t total = 0; total < kMostAtOnce;) {
    const ssize_t n = ::pread(fd.get(), buffer.data(), buffer.size(), offset_);
    if (n <= 0) return;
    offset_ += n;
    total += static_cast<size_t>(n);
    std::string_view text(buffer.data(), static_cast<size_t>(n));
    for (size_t end; (end = text.find('\n')) != std::string_view::npos;) {
      if (!too_long_) TakeLine(rest_.append(text.substr(0, end)));
      rest_.clear();
      too_long_ = false;
      text.remove_prefix(end + 1);
    }
    if (!too_long_) rest_.append(text);
    if (rest_.size() > kLongestLine) {
      rest_.clear();
      too_long_ = true;
    }
  }
}

// Whatever else a job writes there is no business of ours.
void ProgressReader::TakeLine(std::string_view line) {
  const auto json = nlohmann::json::parse(line, nullptr, false);
  if (!json.is_object()) return;
  Progress news = later_ ? *later_ : saved_ ? *saved_ : told_;
  const auto ready = json.find("ready");
  if (ready == json.end() || *ready != false) news.ready = true;
  const auto fraction = json.find("progress");
  if (fraction != json.end() && fraction->is_number()) {
    const double value = fraction->get<double>();
    if (!(value >= 0 && value <= 1)) return;
    news.fraction = value;
    const auto checkpoint = json.find("checkpoint");
    news.checkpoint = checkpoint != json.end() && *checkpoint == true;
  }
  if (news.checkpoint && fraction != json.end()) {
    saved_ = news;
    later_.reset();
  } else {
    later_ = news;
  }
}

}  // namespace carbond
