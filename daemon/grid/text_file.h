#pragma once
// Lines of a text file, plain or gzip'd, one at a time, so that a file of a few
// hundred thousand rows costs no memory but what is kept of it; or all of one
// that has no lines.

#include <memory>
#include <string>
#include <string_view>

#include "scheduler/result.h"

struct gzFile_s;

namespace carbond {

class TextFile {
 public:
  static Result<TextFile> Open(const std::string& path);
  // The whole text, without its byte order mark; refused when it is longer.
  static Result<std::string> ReadAll(const std::string& path, size_t longest);

  // The next line without its end (LF or CRLF; a byte order mark is passed
  // over), or false at the end of the file. The line lives until the next call.
  // DataLoss when the file is damaged, or cut off in the middle of a gzip
  // stream.
  Result<bool> Next(std::string_view& line);

  const std::string& path() const { return path_; }
  int64_t line_number() const {
    return line_number_;
  }  // of the last line, from 1

  // "ca.csv.gz:17: what is wrong"
  template <typename... A>
  Status Fault(fmt::format_string<A...> text, A&&... args) const {
    return Refused("{}:{}: {}", path_, line_number_,
                   fmt::format(text, std::forward<A>(args)...));
  }

 private:
  struct Close {
    void operator()(gzFile_s* file) const;
  };
  TextFile(std::string path, gzFile_s* file);
  // Moves what is left to the front and reads on; false at the end.
  Result<bool> Fill();

  std::string path_;
  std::unique_ptr<gzFile_s, Close> file_;
  std::string buffer_;
  size_t begin_ = 0;  // of what was not handed out yet
  size_t end_ = 0;
  bool at_end_ = false;
  bool in_lines_ = true;
  int64_t line_number_ = 0;
};

}  // namespace carbond
