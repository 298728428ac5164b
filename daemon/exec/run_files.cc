#include "daemon/exec/run_files.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

#include <cerrno>
#include <charconv>
#include <string_view>

namespace carbond {
namespace {

// ---- Lines of `key value` ---------------------------------------------------

class RecordText {
 public:
  void Add(const char* key, const std::string& value) {
    text_ += key;
    text_ += ' ';
    // One line each, whatever a file name or a message holds.
    for (const char c : value) text_ += c == '\n' ? ' ' : c;
    text_ += '\n';
  }
  void Add(const char* key, int64_t value) { Add(key, std::to_string(value)); }
  void Add(const char* key, const ProcessIdentity& who) {
    Add(key, std::to_string(who.pid) + ' ' + std::to_string(who.start_ticks));
  }
  std::string Close() { return text_ + "end\n"; }

 private:
  std::string text_;
};

class RecordFields {
 public:
  // Nothing unless the closing line is there.
  static std::optional<RecordFields> Parse(std::string_view text) {
    RecordFields fields;
    while (!text.empty()) {
      const size_t line_end = text.find('\n');
      if (line_end == std::string_view::npos) return std::nullopt;
      const std::string_view line = text.substr(0, line_end);
      if (line == "end") return fields;
      const size_t space = line.find(' ');
      if (space == std::string_view::npos) return std::nullopt;
      fields.values_[std::string(line.substr(0, space))] =
          line.substr(space + 1);
      text.remove_prefix(line_end + 1);
    }
    return std::nullopt;
  }

  bool Get(const char* key, std::string& value) const {
    const auto found = values_.find(key);
    if (found == values_.end()) return false;
    value = found->second;
    return true;
  }
  template <typename N>
  bool Get(const char* key, N& number) const {
    std::string text;
    return Get(key, text) && ParseWhole(text, number);
  }
  bool Get(const char* key, ProcessIdentity& who) const {
    std::string text;
    if (!Get(key, text)) return false;
    const size_t space = text.find(' ');
    return space != std::string::npos &&
           ParseWhole(std::string_view(text).substr(0, space), who.pid) &&
           ParseWhole(std::string_view(text).substr(space + 1),
                      who.start_ticks) &&
           who.pid > 0;
  }
  bool Has(const char* key) const { return values_.contains(key); }
  TextRecord Take() && { return std::move(values_); }

 private:
  template <typename N>
  static bool ParseWhole(std::string_view text, N& number) {
    const auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc() && end == text.data() + text.size();
  }

  TextRecord values_;
};

Found<RecordFields> ReadFields(const std::string& dir, const char* file) {
  const auto text = ReadPlainFile(dir + '/' + file);
  if (!text.value) return {std::nullopt, text.error};
  return {RecordFields::Parse(*text.value), 0};
}

constexpr mode_t kForUs = 0600;

// ---- Files that appear whole ------------------------------------------------

int SyncDirectory(const std::string& dir) {
  UniqueFd fd(::open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return errno;
  return ::fsync(fd.get()) == 0 ? 0 : errno;
}

int WriteFile(const std::string& path, const std::string& text, bool durable,
              mode_t mode = kForUs) {
  UniqueFd fd(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, kForUs));
  if (!fd) return errno;
  // Whatever the mask of the process takes away.
  if (mode != kForUs && ::fchmod(fd.get(), mode) != 0) return errno;
  if (const int error = WriteAll(fd.get(), text.data(), text.size())) {
    return error;
  }
  return durable && ::fsync(fd.get()) != 0 ? errno : 0;
}

int ReplaceFile(const std::string& dir, const char* file,
                const std::string& text, bool durable, mode_t mode = kForUs) {
  const std::string path = dir + '/' + file;
  const std::string draft = path + ".tmp";
  if (const int error = WriteFile(draft, text, durable, mode)) return error;
  if (::rename(draft.c_str(), path.c_str()) != 0) return errno;
  return durable ? SyncDirectory(dir) : 0;
}

}  // namespace

int ControlSignal() { return SIGRTMIN; }

Found<StartedRecord> ReadStarted(const std::string& dir) {
  const auto fields = ReadFields(dir, kStartedFile);
  StartedRecord record;
  if (!fields.value || !fields.value->Get("runner", record.runner) ||
      !fields.value->Get("boot", record.boot_id) ||
      !fields.value->Get("at_ms", record.at_ms)) {
    return {std::nullopt, fields.error};
  }
  fields.value->Get("place", record.place);
  return {std::move(record), 0};
}

Found<MainProcess> ReadJob(const std::string& dir) {
  const auto fields = ReadFields(dir, kJobFile);
  MainProcess record;
  if (!fields.value || !fields.value->Get("main", record.main) ||
      !fields.value->Get("began_ms", record.began_ms)) {
    return {std::nullopt, fields.error};
  }
  record.before = fields.value->Has("before");
  return {record, 0};
}

Found<ExitRecord> ReadExit(const std::string& dir) {
  const auto fields = ReadFields(dir, kExitFile);
  if (!fields.value) return {std::nullopt, fields.error};
  ExitRecord record;
  int number = 0;
  if (fields.value->Get("code", number)) record.code = number;
  if (fields.value->Get("signal", number)) record.signal = number;
  record.recalled = fields.value->Has("recalled");
  if ((!record.code && !record.signal && !record.recalled) ||
      !fields.value->Get("began_ms", record.began_ms) ||
      !fields.value->Get("ended_ms", record.ended_ms)) {
    return {};
  }
  fields.value->Get("exec_errno", record.exec_errno);
  fields.value->Get("user_cpu_ms", record.user_cpu_ms);
  fields.value->Get("system_cpu_ms", record.system_cpu_ms);
  fields.value->Get("detail", record.detail);
  record.before_failed = fields.value->Has("before_failed");
  record.stopped = fields.value->Has("stopped");
  return {std::move(record), 0};
}

Found<bool> IsSuspended(const std::string& dir) {
  struct stat info = {};
  if (::lstat((dir + '/' + kSuspendedFile).c_str(), &info) == 0) {
    return {S_ISREG(info.st_mode), 0};
  }
  if (errno == ENOENT) return {false, 0};
  return {std::nullopt, errno};
}

Found<bool> IsLocked(const std::string& dir) {
  UniqueFd fd(::open((dir + '/' + kLockFile).c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd && errno == ENOENT) return {false, 0};
  if (!fd) return {std::nullopt, errno};
  struct flock lock = {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  if (::fcntl(fd.get(), F_OFD_GETLK, &lock) != 0) return {std::nullopt, errno};
  return {lock.l_type != F_UNLCK, 0};
}

int TakeLock(const std::string& dir, UniqueFd& lock_file) {
  UniqueFd fd(::open((dir + '/' + kLockFile).c_str(),
                     O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd) return errno;
  struct flock lock = {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  if (::fcntl(fd.get(), F_OFD_SETLK, &lock) != 0) {
    return errno == EACCES ? EAGAIN : errno;
  }
  lock_file = std::move(fd);
  return 0;
}

int ClaimStarted(const std::string& dir, const StartedRecord& record) {
  RecordText text;
  text.Add("runner", record.runner);
  text.Add("boot", record.boot_id);
  text.Add("at_ms", record.at_ms);
  if (!record.place.empty()) text.Add("place", record.place);
  const std::string path = dir + '/' + kStartedFile;
  // Another runner may be here at the same time, perhaps on another node.
  const std::string draft = path + '.' + record.boot_id + '.' +
                            std::to_string(record.runner.pid) + ".tmp";
  if (const int error = WriteFile(draft, text.Close(), true)) return error;
  // link() refuses where O_EXCL would, and the file is complete from its first
  // instant: a runner killed half-way has not taken the run.
  const int error = ::link(draft.c_str(), path.c_str()) == 0 ? 0 : errno;
  ::unlink(draft.c_str());
  return error != 0 ? error : SyncDirectory(dir);
}

int WriteJob(const std::string& dir, const MainProcess& record) {
  RecordText text;
  text.Add("main", record.main);
  text.Add("began_ms", record.began_ms);
  if (record.before) text.Add("before", 1);
  // Not forced to disk: after a power cut nobody needs it.
  return ReplaceFile(dir, kJobFile, text.Close(), false);
}

int WriteExit(const std::string& dir, const ExitRecord& record) {
  RecordText text;
  if (record.code) text.Add("code", *record.code);
  if (record.signal) text.Add("signal", *record.signal);
  text.Add("began_ms", record.began_ms);
  text.Add("ended_ms", record.ended_ms);
  if (record.exec_errno != 0) text.Add("exec_errno", record.exec_errno);
  if (record.before_failed) text.Add("before_failed", 1);
  if (record.stopped) text.Add("stopped", 1);
  if (record.recalled) text.Add("recalled", 1);
  text.Add("user_cpu_ms", record.user_cpu_ms);
  text.Add("system_cpu_ms", record.system_cpu_ms);
  if (!record.detail.empty()) text.Add("detail", record.detail);
  return ReplaceFile(dir, kExitFile, text.Close(), true);
}

int SetSuspended(const std::string& dir, bool suspended) {
  const std::string path = dir + '/' + kSuspendedFile;
  if (suspended) return WriteFile(path, "", false);
  return ::unlink(path.c_str()) == 0 || errno == ENOENT ? 0 : errno;
}

// ---- Of a runner that a cluster starts --------------------------------------

Found<Orders> ReadOrders(const std::string& dir) {
  const auto fields = ReadFields(dir, kOrdersFile);
  if (!fields.value) return {std::nullopt, fields.error};
  Orders orders;
  orders.suspend = fields.value->Has("suspend");
  fields.value->Get("checkpoint_attempt", orders.checkpoint_attempt);
  orders.stop = fields.value->Has("stop");
  orders.recall = fields.value->Has("recall");
  orders.abandon = fields.value->Has("abandon");
  return {orders, 0};
}

int WriteOrders(const std::string& dir, const Orders& orders, mode_t mode) {
  RecordText text;
  if (orders.suspend) text.Add("suspend", 1);
  text.Add("checkpoint_attempt", orders.checkpoint_attempt);
  if (orders.stop) text.Add("stop", 1);
  if (orders.recall) text.Add("recall", 1);
  if (orders.abandon) text.Add("abandon", 1);
  return ReplaceFile(dir, kOrdersFile, text.Close(), orders.abandon, mode);
}

Found<int64_t> ReadHeartbeat(const std::string& dir) {
  const auto fields = ReadFields(dir, kHeartbeatFile);
  int64_t at_ms = 0;
  if (!fields.value || !fields.value->Get("at_ms", at_ms)) {
    return {std::nullopt, fields.error};
  }
  return {at_ms, 0};
}

int WriteHeartbeat(const std::string& dir, int64_t at_ms) {
  RecordText text;
  text.Add("at_ms", at_ms);
  return ReplaceFile(dir, kHeartbeatFile, text.Close(), false);
}

int WriteTexts(const std::string& dir, const char* file,
               const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& text : texts) all += text + '\0';
  return ReplaceFile(dir, file, all, true);
}

Found<std::vector<std::string>> ReadTexts(const std::string& dir,
                                          const char* file) {
  constexpr size_t kLimit = 4 * 1024 * 1024;  // what exec takes is less
  const auto all = ReadPlainFile(dir + '/' + file, kLimit);
  if (!all.value) return {std::nullopt, all.error};
  std::vector<std::string> texts;
  size_t begin = 0;
  for (size_t end; (end = all.value->find('\0', begin)) != std::string::npos;
       begin = end + 1) {
    texts.push_back(all.value->substr(begin, end - begin));
  }
  return {std::move(texts), 0};
}

int WriteText(const std::string& dir, const char* file,
              const std::string& text) {
  return ReplaceFile(dir, file, text, true);
}

int WriteRecord(const std::string& dir, const char* file,
                const TextRecord& record) {
  RecordText text;
  for (const auto& [key, value] : record) text.Add(key.c_str(), value);
  return ReplaceFile(dir, file, text.Close(), true);
}

Found<TextRecord> ReadRecord(const std::string& dir, const char* file) {
  auto fields = ReadFields(dir, file);
  if (!fields.value) return {std::nullopt, fields.error};
  return {std::move(*fields.value).Take(), 0};
}

void TouchDirectory(const std::string& dir) {
  ::utimensat(AT_FDCWD, dir.c_str(), nullptr, 0);
}

}  // namespace carbond
