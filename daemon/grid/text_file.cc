#include "daemon/grid/text_file.h"

#include <zlib.h>

#include <cerrno>
#include <cstring>

namespace carbond {
namespace {

// Also the longest line: whatever is longer is no table of numbers.
constexpr size_t kBufferSize = 128 * 1024;
constexpr const char* kByteOrderMark = "\xEF\xBB\xBF";

}  // namespace

void TextFile::Close::operator()(gzFile_s* file) const { gzclose_r(file); }

TextFile::TextFile(std::string path, gzFile_s* file)
    : path_(std::move(path)), file_(file), buffer_(kBufferSize, '\0') {}

Result<TextFile> TextFile::Open(const std::string& path) {
  errno = 0;
  gzFile file = gzopen(path.c_str(), "rbe");
  if (file == nullptr) {
    return Missing("{}: cannot be opened: {}", path,
                   std::strerror(errno != 0 ? errno : ENOMEM));
  }
  gzbuffer(file, kBufferSize);
  return TextFile(path, file);
}

Result<bool> TextFile::Fill() {
  if (at_end_) return false;
  std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
  end_ -= begin_;
  begin_ = 0;
  const int got = gzread(file_.get(), buffer_.data() + end_,
                         static_cast<unsigned>(buffer_.size() - end_));
  int code = Z_OK;
  const char* text = gzerror(file_.get(), &code);
  // A stream that was cut off reads like an end, but leaves this code.
  if (got < 0 || code == Z_BUF_ERROR) {
    return absl::DataLossError(fmt::format(
        "{}: damaged or cut off{}: {}; get the file again", path_,
        in_lines_ ? fmt::format(" after line {}", line_number_) : "",
        code == Z_ERRNO ? std::strerror(errno) : text));
  }
  if (got == 0) at_end_ = true;
  end_ += static_cast<size_t>(got);
  return got > 0;
}

Result<std::string> TextFile::ReadAll(const std::string& path, size_t longest) {
  CARBOND_ASSIGN_OR_RETURN(TextFile file, Open(path));
  file.in_lines_ = false;
  while (true) {
    if (file.end_ == file.buffer_.size()) file.buffer_.resize(2 * file.end_);
    CARBOND_ASSIGN_OR_RETURN(const bool more, file.Fill());
    if (!more) break;
    if (file.end_ > longest) {
      return Refused("{}: longer than {} MiB; cut it in pieces", path,
                     longest >> 20);
    }
  }
  file.buffer_.resize(file.end_);
  if (file.buffer_.starts_with(kByteOrderMark)) file.buffer_.erase(0, 3);
  return std::move(file.buffer_);
}

Result<bool> TextFile::Next(std::string_view& line) {
  size_t searched = begin_;
  const char* newline = nullptr;
  while ((newline = static_cast<const char*>(std::memchr(
              buffer_.data() + searched, '\n', end_ - searched))) == nullptr) {
    const size_t pending = end_ - begin_;
    if (pending == buffer_.size()) {
      return Refused("{}:{}: longer than {} KiB; this is no table of numbers",
                     path_, line_number_ + 1, kBufferSize / 1024);
    }
    CARBOND_ASSIGN_OR_RETURN(const bool more, Fill());
    if (!more) break;
    searched = begin_ + pending;
  }
  if (newline == nullptr && begin_ == end_) return false;
  const char* const start = buffer_.data() + begin_;
  size_t length =
      newline != nullptr ? static_cast<size_t>(newline - start) : end_ - begin_;
  begin_ += newline != nullptr ? length + 1 : length;
  if (length > 0 && start[length - 1] == '\r') --length;
  line = std::string_view(start, length);
  if (++line_number_ == 1 && line.starts_with(kByteOrderMark)) {
    line.remove_prefix(3);
  }
  return true;
}

}  // namespace carbond
