#include "daemon/meter/machine_book.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <sstream>
#include <utility>

namespace carbond {
namespace {

constexpr char kVersion[] = "carbon-meter-book-1";
// No CPU package draws more: the largest are rated 0.5 kW, with memory.
constexpr int64_t kMostKilowatts = 3;
constexpr int kLockTries = 200;
constexpr long kLockPauseNs = 5'000'000;

int64_t Share(int64_t energy, int64_t part, int64_t whole) {
  if (whole == 0) return 0;
  return static_cast<int64_t>(static_cast<__int128>(energy) * part / whole);
}

int64_t Drawn(const BookPage& page, const MachineLook& look) {
  const int64_t most = MostMicrojoules(kMostKilowatts, look.at_ms - page.at_ms);
  int64_t drawn = 0;
  for (const auto& [domain, now] : look.counts_uj) {
    const auto last = page.counts_uj.find(domain);
    if (last == page.counts_uj.end()) continue;
    const auto wrap = look.wraps_uj.find(domain);
    drawn += Advanced(last->second, now,
                      wrap == look.wraps_uj.end() ? 0 : wrap->second, most);
  }
  return drawn;
}

// Runs that are gone leave the page.
void DropGone(BookPage& page, std::vector<std::optional<int64_t>>& cpu_us) {
  std::vector<BookedRun> runs;
  for (size_t i = 0; i < page.runs.size(); ++i) {
    if (cpu_us[i]) runs.push_back(page.runs[i]);
  }
  page.runs = std::move(runs);
  std::erase(cpu_us, std::nullopt);
}

bool Same(const BookedRun& a, const BookedRun& b) {
  return a.root == b.root && a.start_ticks == b.start_ticks;
}

class LockedFile {
 public:
  explicit LockedFile(const std::string& path) {
    const std::string folder = path.substr(0, path.rfind('/'));
    if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) return;
    struct stat info = {};
    if (::lstat(folder.c_str(), &info) != 0) return;
    // In a place where anybody may make folders, it must be our own.
    if (!S_ISDIR(info.st_mode) || info.st_uid != ::geteuid()) {
      errno = EPERM;
      return;
    }
    fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    // Whoever holds it is done in milliseconds, or was stopped.
    for (int tries = 0; fd_ >= 0 && ::flock(fd_, LOCK_EX | LOCK_NB) != 0;) {
      if (errno != EWOULDBLOCK || ++tries == kLockTries) {
        Close();
        break;
      }
      const timespec pause = {0, kLockPauseNs};
      ::nanosleep(&pause, nullptr);
    }
  }
  ~LockedFile() { Close(); }
  LockedFile(const LockedFile&) = delete;
  LockedFile& operator=(const LockedFile&) = delete;

  bool good() const { return fd_ >= 0; }
  bool Write(const std::string& text) const {
    const auto size = static_cast<ssize_t>(text.size());
    return ::pwrite(fd_, text.data(), text.size(), 0) == size &&
           ::ftruncate(fd_, size) == 0;
  }

 private:
  void Close() {
    const int error = errno;
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
    errno = error;
  }
  int fd_ = -1;
};

}  // namespace

void ShareOut(BookPage& page, const MachineLook& look) {
  const int64_t busy = std::max<int64_t>(0, look.times.busy_us - page.busy_us);
  const int64_t idle = std::max<int64_t>(0, look.times.idle_us - page.idle_us);
  if (busy + idle == 0) return;
  const int64_t drawn = Drawn(page, look);
  std::vector<std::optional<int64_t>> cpu_us = look.cpu_us;
  cpu_us.resize(page.runs.size());
  DropGone(page, cpu_us);
  std::vector<int64_t> used;
  int64_t all_used = 0;
  int64_t all_cpus = 0;
  for (size_t i = 0; i < page.runs.size(); ++i) {
    used.push_back(std::max<int64_t>(0, *cpu_us[i] - page.runs[i].cpu_us));
    all_used += used.back();
    all_cpus += page.runs[i].cpus;
  }
  const int64_t busy_part = Share(drawn, busy, busy + idle);
  for (size_t i = 0; i < page.runs.size(); ++i) {
    BookedRun& run = page.runs[i];
    run.share_uj += Share(busy_part, used[i], std::max(busy, all_used));
    run.share_uj += Share(drawn - busy_part, run.cpus,
                          std::max<int64_t>(look.times.cpus, all_cpus));
    run.cpu_us = std::max(run.cpu_us, *cpu_us[i]);
  }
  page.at_ms = look.at_ms;
  page.busy_us = look.times.busy_us;
  page.idle_us = look.times.idle_us;
  for (const auto& [domain, count] : look.counts_uj) {
    page.counts_uj[domain] = count;
  }
}

std::string Format(const BookPage& page) {
  std::ostringstream text;
  text << kVersion << "\nlook " << page.at_ms << ' ' << page.busy_us << ' '
       << page.idle_us << '\n';
  for (const auto& [domain, count] : page.counts_uj) {
    text << "domain " << domain << ' ' << count << '\n';
  }
  for (const BookedRun& run : page.runs) {
    text << "run " << run.root << ' ' << run.start_ticks << ' ' << run.cpus
         << ' ' << run.cpu_us << ' ' << run.share_uj << '\n';
  }
  text << "end\n";
  return text.str();
}

std::optional<BookPage> ParseBookPage(const std::string& text) {
  std::istringstream in(text);
  std::string word;
  if (!(in >> word) || word != kVersion) return std::nullopt;
  BookPage page;
  while (in >> word) {
    if (word == "end") return page;
    if (word == "look") {
      in >> page.at_ms >> page.busy_us >> page.idle_us;
    } else if (word == "domain") {
      std::string name;
      in >> name;
      in >> page.counts_uj[name];
    } else if (word == "run") {
      BookedRun run;
      in >> run.root >> run.start_ticks >> run.cpus >> run.cpu_us >>
          run.share_uj;
      page.runs.push_back(run);
    } else {
      return std::nullopt;
    }
    if (!in) return std::nullopt;
  }
  return std::nullopt;  // torn
}

std::unique_ptr<MachineBook> MachineBook::Open(BookPlace place,
                                               RaplDomains rapl, pid_t root,
                                               uint64_t start_ticks, int cpus,
                                               std::string& complaint) {
  std::unique_ptr<MachineBook> book(
      new MachineBook(std::move(place), std::move(rapl),
                      BookedRun{root, start_ticks, cpus, 0, 0}));
  if (book->Turn(true)) return book;
  complaint = book->place_.file + ": " + std::strerror(errno);
  return nullptr;
}

std::optional<int64_t> MachineBook::Read() {
  if (!Turn(false)) return std::nullopt;
  return before_uj_ + self_.share_uj;
}

std::optional<MachineLook> MachineBook::Look(const BookPage& page) const {
  MachineLook look;
  const ProcessTable all = ReadProcesses(place_.proc);
  for (const BookedRun& run : page.runs) {
    look.cpu_us.push_back(TreeTime(all, run.root, run.start_ticks));
  }
  const auto times = ReadMachineTimes(place_.proc);
  if (!times) return std::nullopt;
  look.times = *times;
  look.counts_uj = ReadRapl(rapl_);
  for (const RaplDomain& domain : rapl_.domains) {
    look.wraps_uj[domain.name] = domain.wrap_uj;
  }
  look.at_ms = SinceBootMillis();
  return look;
}

bool MachineBook::Turn(bool join) {
  const LockedFile file(place_.file);
  if (!file.good()) return false;
  const auto text = ReadText(place_.file);
  if (!text) return false;
  const auto known = ParseBookPage(*text);
  BookPage page = known.value_or(BookPage{});
  const auto self = [&] {
    return std::find_if(page.runs.begin(), page.runs.end(),
                        [&](auto& run) { return Same(run, self_); });
  };
  const bool fresh = SinceBootMillis() - page.at_ms < place_.fresh_ms;
  if (known && !join && fresh && !anew_ && self() != page.runs.end()) {
    self_ = *self();
    return true;
  }
  auto look = Look(page);
  if (!look) return false;
  ShareOut(page, *look);
  const bool there = self() != page.runs.end();
  if (!there && !join) before_uj_ += std::exchange(self_.share_uj, 0);
  if (!there) {
    const auto used =
        TreeTime(ReadProcesses(place_.proc), self_.root, self_.start_ticks);
    if (used) {
      self_.cpu_us = *used;
      page.runs.push_back(self_);
    }
  } else {
    self_ = *self();
  }
  anew_ = false;
  return file.Write(Format(page));
}

}  // namespace carbond
