#include "client/console.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

namespace carbond::client {
namespace {

// 0 when all was written, else the errno.
int WriteAll(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno;
    text.remove_prefix(static_cast<size_t>(n));
  }
  return 0;
}

bool IsUtf8(const std::string& locale) {
  std::string name;
  for (const char c : locale) {
    if (c >= 'a' && c <= 'z') name += static_cast<char>(c - 'a' + 'A');
    if ((c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) name += c;
  }
  return name.find("UTF8") != std::string::npos;
}

int ColumnsOf(int fd, const std::string& declared) {
  int columns = 0;
  std::from_chars(declared.data(), declared.data() + declared.size(), columns);
  if (columns > 0) return columns;
  winsize size{};
  if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return 80;
}

}  // namespace

Look LookOf(int fd, const Environment& environment, bool ascii) {
  const bool terminal = isatty(fd) == 1;
  const bool dumb = environment.term == "dumb";
  Look look;
  look.unicode = !ascii && !dumb && IsUtf8(environment.locale);
  look.colour = terminal && !dumb && !environment.no_colour;
  look.trim = terminal;
  look.width = std::max(40, ColumnsOf(fd, environment.columns));
  return look;
}

void FdConsole::Print(std::string_view text) {
  if (error_ == 0) error_ = WriteAll(out_, text);
}

void FdConsole::Complain(std::string_view text) {
  // There is nobody to tell when standard error cannot be written.
  WriteAll(err_, text);
}

int FdConsole::failure() const { return error_ == EPIPE ? 0 : error_; }

std::string Printable(std::string_view text) {
  std::string safe;
  safe.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte == '\n' || byte == '\t') {
      safe += ' ';
    } else if (byte < 0x20 || byte == 0x7f) {
      safe += '?';
    } else if (byte >= 0x80 && byte < 0xa0 && !safe.empty() &&
               safe.back() == '\xc2') {
      safe.back() = '?';  // a C1 control: U+0080 to U+009F
    } else {
      safe += c;
    }
  }
  while (!safe.empty() && safe.back() == ' ') safe.pop_back();
  return safe;
}

int Width(std::string_view text) {
  return static_cast<int>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

std::string Cut(const std::string& text, int width, const Look& look) {
  if (Width(text) <= width) return text;
  std::string cut;
  int columns = 0;
  for (const char c : text) {
    const bool begins = (static_cast<unsigned char>(c) & 0xc0) != 0x80;
    if (begins && ++columns == width) break;
    cut += c;
  }
  return cut + (look.unicode ? "…" : "~");
}

}  // namespace carbond::client
