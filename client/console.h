#pragma once
// Where the words go, and how they may look there.

#include <string>
#include <string_view>

#include "absl/time/time.h"

namespace carbond::client {

// What the reader's terminal can show.
struct Look {
  bool unicode = false;  // else plain ASCII
  bool colour = false;
  bool trim = false;  // cut tables to `width`: a terminal, not a pipe
  int width = 80;     // columns
};

// The environment as far as it says how to write; read by main.
struct Environment {
  std::string locale{};  // LC_ALL, LC_CTYPE or LANG, the first that is set
  std::string term{};
  std::string columns{};
  bool no_colour = false;
};

// The look of a file descriptor's terminal; `ascii` rules out Unicode.
Look LookOf(int fd, const Environment& environment, bool ascii);

// Standard output and standard error. For one thread.
class Console {
 public:
  virtual ~Console() = default;
  virtual void Print(std::string_view text) = 0;
  virtual void Complain(std::string_view text) = 0;
  // False once nobody reads what is printed: time to stop.
  virtual bool IsRead() const = 0;
};

// Writes at once, without a buffer: a watcher sees each line as it happens.
class FdConsole : public Console {
 public:
  FdConsole(int out, int err) : out_(out), err_(err) {}
  void Print(std::string_view text) override;
  void Complain(std::string_view text) override;
  bool IsRead() const override { return error_ == 0; }
  // Why printing failed, as an errno; 0 where it did not, or where the reader
  // merely went away (`| head`).
  int failure() const;

 private:
  const int out_;
  const int err_;
  int error_ = 0;
};

// Text from elsewhere made harmless for a terminal: one line, no control
// characters.
std::string Printable(std::string_view text);

// Columns that UTF-8 text takes, one for each code point.
int Width(std::string_view text);

// The first `width` columns of it, the last one a mark where it was cut.
std::string Cut(const std::string& text, int width, const Look& look);

}  // namespace carbond::client
