// carbon-meter: measures what one run of one job draws, beside it and not
// beside the daemon, so that energy is measured while the daemon is away.
//
// carbon-runner starts it before the job and holds the other end of descriptor
// 3: it says `s` when all of the job was stopped in memory, `c` when it goes on
// and `e` when nothing of it is left, and hears `k` when the first and the last
// sample are written. If the runner goes without a word, the socket's end is
// the end too. It is a program of its own, since counters may be slow to
// answer, or hang in a driver, and the runner must be free for the job; and
// since it loads NVIDIA's library, which the runner, linked statically, cannot.
// It is no child of the runner's: the job's processes are those below it.
//
//   carbon-meter --check ...   says what works here, and leaves

#include <signal.h>

#include <cstdio>
#include <cstring>

#include "daemon/meter/sampler.h"

namespace {

constexpr int kControl = 3;

}  // namespace

int main(int argc, char** argv) {
  ::signal(SIGPIPE, SIG_IGN);
  const bool check = argc > 1 && std::strcmp(argv[1], "--check") == 0;
  carbond::MeterOptions options;
  std::string mistake;
  const std::vector<std::string> arguments(argv + (check ? 2 : 1), argv + argc);
  if (!carbond::ParseMeterOptions(arguments, options, mistake) ||
      (!check && (options.dir.empty() || options.root <= 0))) {
    if (mistake.empty()) mistake = "--dir and --root are needed";
    std::fprintf(stderr,
                 "carbon-meter: %s; it is started by carbon-runner, not by "
                 "hand\n",
                 mistake.c_str());
    return 2;
  }
  if (!check) return carbond::Sample(options, kControl);
  for (const std::string& line : carbond::CheckMeters(options)) {
    std::printf("%s\n", line.c_str());
  }
  return 0;
}
