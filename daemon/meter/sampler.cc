#include "daemon/meter/sampler.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <sstream>

#include "daemon/meter/nvml.h"
#include "daemon/meter/procfs.h"

namespace carbond {
namespace {

constexpr off_t kMostBytes = 128 * 1024;
constexpr size_t kNewest = 400;  // samples that are not thinned out

int64_t RealMillis() {
  timespec now = {};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

std::string BookFile(const MeterOptions& options) {
  if (!options.book.empty()) return options.book;
  // Counters of another place are not to be mixed up with these.
  const size_t place = std::hash<std::string>()(options.powercap);
  return "/dev/shm/carbon-meter." + std::to_string(::geteuid()) + "/book." +
         std::to_string(place);
}

std::string Library(const MeterOptions& options) {
  return options.nvml_library.empty() ? NvmlCounter::kLibrary
                                      : options.nvml_library;
}

uint64_t StartTicks(pid_t pid) {
  const auto line = ReadText("/proc/" + std::to_string(pid) + "/stat");
  if (!line) return 0;
  const auto times = ParseProcessTimes(*line, ::sysconf(_SC_CLK_TCK));
  return times ? times->start_ticks : 0;
}

GpuNames Devices(const MeterOptions& options) {
  if (!options.devices.empty()) return ParseGpuNames(options.devices);
  const char* given = std::getenv("CUDA_VISIBLE_DEVICES");
  return ParseGpuNames(given == nullptr ? "" : given);
}

void AddName(std::string& names, const char* name) {
  names += names.empty() ? name : std::string("+") + name;
}

// While a counter is silent: in the share of its power that idling takes.
StandIn Idling(const MeterOptions& options, int64_t running_mw) {
  return {running_mw, running_mw * options.cpu.idle_thousandths / 1000};
}

// Of all that the run draws.
StandIn WholeRun(const MeterOptions& options) {
  if (options.power_mw > 0) return {options.power_mw, options.idle_mw};
  return Idling(options, options.per_gpu_mw * options.gpus +
                             options.cpu.per_cpu_mw * options.cpu.cpus);
}

bool AddGpus(const MeterOptions& options, RunMeters& meters) {
  const GpuNames devices = Devices(options);
  if (!options.nvml) return false;
  if (static_cast<int>(devices.size()) != options.gpus) {
    meters.complaint = "the run has " + std::to_string(options.gpus) +
                       " GPUs, and CUDA_VISIBLE_DEVICES names " +
                       std::to_string(devices.size());
    return false;
  }
  auto gpus = NvmlCounter::Open(Library(options), devices, meters.complaint);
  if (!gpus) return false;
  meters.sum.Add(std::move(gpus), true,
                 Idling(options, options.per_gpu_mw * options.gpus),
                 SinceBootMillis());
  AddName(meters.names, "nvml");
  return true;
}

bool AddPackages(const MeterOptions& options, RunMeters& meters) {
  if (!options.rapl) return false;
  RaplDomains rapl = FindRapl(options.powercap);
  meters.complaint = rapl.complaint;
  if (rapl.domains.empty()) return false;
  BookPlace place;
  place.file = BookFile(options);
  place.fresh_ms = options.period_ms / 2;
  auto book = MachineBook::Open(place, std::move(rapl), options.root,
                                StartTicks(options.root), options.cpu.cpus,
                                meters.complaint);
  if (!book) return false;
  meters.book = book.get();
  meters.sum.Add(
      std::move(book), true,
      Idling(options, options.cpu.per_cpu_mw * std::max(options.cpu.cpus, 1)),
      SinceBootMillis());
  AddName(meters.names, "rapl");
  return true;
}

// Of all that the run draws.
void AddCommand(const MeterOptions& options, std::vector<std::string> command,
                CommandShare share, const char* name, RunMeters& meters) {
  const int64_t now = SinceBootMillis();
  meters.sum.Add(
      CommandCounter::Open(std::move(command), share, meters.complaint), true,
      WholeRun(options), now);
  meters.names = name;
}

// What Slurm's AcctGatherEnergyType counted for the batch step, in which all of
// the run is. sstat(1): that is the job's own energy only where it has its
// nodes to itself. Steps of one job would count the same nodes again.
bool AddSlurm(const MeterOptions& options, RunMeters& meters) {
  const char* job = std::getenv("SLURM_JOB_ID");
  if (job == nullptr || *job == '\0') {
    meters.complaint = "slurm: the run is no job of Slurm's";
    return false;
  }
  CommandShare share;
  share.most_mw = options.share.most_mw;
  share.bare_joules = true;
  AddCommand(
      options,
      {"sstat", "--noheader", "--parsable2", "--format=ConsumedEnergyRaw",
       "--jobs=" + std::string(job) + ".batch"},
      share, "slurm", meters);
  return true;
}

}  // namespace

RunMeters OpenMeters(const MeterOptions& options) {
  RunMeters meters(3 * options.period_ms);
  if (!options.command.empty()) {
    AddCommand(options, options.command, options.share, "command", meters);
    return meters;
  }
  if (options.slurm && AddSlurm(options, meters)) return meters;
  if (options.gpus > 0 && !AddGpus(options, meters)) return meters;
  if (AddPackages(options, meters)) return meters;
  if (!options.cpu_time && options.gpus == 0) return meters;
  const int64_t now = SinceBootMillis();
  meters.sum.Add(
      std::make_unique<CpuTimeCounter>(options.cpu, "/proc", options.root,
                                       StartTicks(options.root)),
      false, Idling(options, options.cpu.per_cpu_mw * options.cpu.cpus), now);
  AddName(meters.names, "cpu_time");
  return meters;
}

// ---- The file ---------------------------------------------------------------

int EnergyFile::Begin(const std::string& meters, const EnergySample& sample) {
  return Write(FormatMeters(meters) + Format(sample));
}

int EnergyFile::Append(const EnergySample& sample) {
  struct stat info = {};
  if (::stat(path_.c_str(), &info) == 0 && info.st_size > kMostBytes) Thin();
  return Write(Format(sample));
}

// In one write, so that a line is there or not, or torn at the very end.
int EnergyFile::Write(const std::string& text) {
  const int fd =
      ::open(path_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) return errno;
  // What was torn before is closed off, so that it spoils no line but its own.
  char last = '\n';
  const off_t size = ::lseek(fd, 0, SEEK_END);
  if (size > 0 && ::pread(fd, &last, 1, size - 1) != 1) last = '\n';
  const std::string line = last == '\n' ? text : '\n' + text;
  const ssize_t n = ::write(fd, line.data(), line.size());
  const int error = n < 0 ? errno : 0;
  ::close(fd);
  if (error != 0) return error;
  return n == static_cast<ssize_t>(line.size()) ? 0 : ENOSPC;
}

int EnergyFile::Thin() {
  const auto text = ReadText(path_);
  if (!text) return errno;
  const std::string draft = path_ + ".tmp";
  ::unlink(draft.c_str());
  if (const int error = EnergyFile(draft).Write(
          Format(Thinned(ParseEnergyLog(*text), kNewest)))) {
    ::unlink(draft.c_str());
    return error;
  }
  return ::rename(draft.c_str(), path_.c_str()) == 0 ? 0 : errno;
}

// ---- Sampling ---------------------------------------------------------------

namespace {

class Sampler {
 public:
  Sampler(const MeterOptions& options, RunMeters meters)
      : options_(options),
        meters_(std::move(meters)),
        file_(options.dir + '/' + kEnergyFile) {}

  int Begin() {
    next_tick_ = SinceBootMillis() + options_.period_ms;
    return file_.Begin(meters_.names, Look(EnergyMark::kBegin));
  }

  // False when the run's directory is gone: nobody wants to know.
  bool Write(EnergyMark mark) {
    const int error = file_.Append(Look(mark));
    if (error != 0 && error != told_) {
      std::fprintf(stderr, "carbon-meter: cannot write %s/%s: %s\n",
                   options_.dir.c_str(), kEnergyFile, std::strerror(error));
    }
    told_ = error;
    return error != ENOENT;
  }

  int PatienceMs() const {
    int64_t until = next_tick_ - SinceBootMillis();
    if (const int64_t gap = meters_.sum.longest_gap_ms()) {
      until = std::min(until, gap);
    }
    return static_cast<int>(std::max<int64_t>(until, 0));
  }

  // Nobody said anything for as long as that.
  bool OnTime() {
    if (SinceBootMillis() < next_tick_) {
      meters_.sum.Look(SinceBootMillis());
      return true;
    }
    // After a standstill one tick is enough.
    next_tick_ = std::max(next_tick_ + options_.period_ms, SinceBootMillis());
    return Write(EnergyMark::kTick);
  }

 private:
  EnergySample Look(EnergyMark mark) {
    const bool change = mark != EnergyMark::kTick;
    if (meters_.book != nullptr && change) meters_.book->LookAnew();
    const EnergyTotal total =
        meters_.sum.Look(SinceBootMillis(), mark == EnergyMark::kEnd);
    if (change) meters_.sum.SetStopped(mark == EnergyMark::kSuspend);
    return {RealMillis(), mark, total.total_uj, total.measured_uj};
  }

  const MeterOptions& options_;
  RunMeters meters_;
  EnergyFile file_;
  int64_t next_tick_ = 0;
  int told_ = 0;
};

void Tell(int control) {
  (void)::send(control, "k", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

}  // namespace

int Sample(const MeterOptions& options, int control) {
  RunMeters meters = OpenMeters(options);
  if (meters.sum.empty()) {
    // Its runner's log; the daemon said it at its start.
    std::fprintf(stderr, "carbon-meter: this run's energy is modelled: %s\n",
                 meters.complaint.c_str());
    return 0;
  }
  if (!meters.complaint.empty()) {
    std::fprintf(stderr, "carbon-meter: %s\n", meters.complaint.c_str());
  }
  Sampler sampler(options, std::move(meters));
  if (const int error = sampler.Begin()) {
    std::fprintf(stderr, "carbon-meter: cannot write %s/%s: %s\n",
                 options.dir.c_str(), kEnergyFile, std::strerror(error));
    return 1;
  }
  Tell(control);
  while (true) {
    pollfd ready = {control, POLLIN, 0};
    const int n = ::poll(&ready, 1, sampler.PatienceMs());
    if (n == 0) {
      if (!sampler.OnTime()) return 0;
      continue;
    }
    char word = 0;
    const ssize_t got = n < 0 ? -1 : ::recv(control, &word, 1, 0);
    if (got < 0 && errno == EINTR) continue;
    const bool ends = got <= 0 || word == 'e';
    const EnergyMark mark = ends          ? EnergyMark::kEnd
                            : word == 's' ? EnergyMark::kSuspend
                                          : EnergyMark::kContinue;
    if (!sampler.Write(mark) || ends) {
      Tell(control);
      return 0;
    }
  }
}

// ---- Checking ---------------------------------------------------------------

namespace {

std::string Words(const std::optional<PrintedEnergy>& seen) {
  if (!seen) return "nothing";
  std::ostringstream text;
  text << seen->amount / 1e6 << (seen->is_power ? " W" : " J");
  return text.str();
}

}  // namespace

std::vector<std::string> CheckMeters(const MeterOptions& options) {
  std::vector<std::string> lines;
  const auto say = [&](const std::string& what, const std::string& good,
                       const std::string& complaint) {
    lines.push_back(complaint.empty() ? "good " + what + ": " + good
                                      : "none " + what + ": " + complaint);
  };
  if (!options.command.empty()) {
    std::string complaint;
    const auto counter =
        CommandCounter::Open(options.command, options.share, complaint);
    say("command",
        "`" + options.command[0] + "` says " + Words(counter->last()),
        complaint);
    return lines;  // it takes the place of all others
  }
  if (options.nvml && options.gpus > 0) {
    std::string complaint;
    const int count = NvmlCounter::CountDevices(Library(options), complaint);
    GpuNames all;
    for (int i = 0; i < std::min(count, options.gpus); ++i) {
      all.push_back(std::to_string(i));
    }
    const auto gpus = count < 0
                          ? nullptr
                          : NvmlCounter::Open(Library(options), all, complaint);
    say("nvml",
        std::to_string(all.size()) + " GPUs " +
            (gpus && gpus->longest_gap_ms() > 0 ? "tell their power"
                                                : "count their energy"),
        complaint);
  }
  if (options.rapl) {
    const RaplDomains rapl = FindRapl(options.powercap);
    say("rapl",
        std::to_string(rapl.domains.size()) +
            " CPU packages and memories count their energy",
        rapl.complaint);
  }
  return lines;
}

}  // namespace carbond
