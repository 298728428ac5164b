#pragma once
// What must be known after a restart: how far each job was looked at, and which
// notices are owed to whom. A file of lines that is appended to, and written
// anew (write, fsync, rename) when most of it is past.
//
// It may lag behind the ledger by whatever a crash took of it, and never run
// ahead: what it does not know of is derived from the ledger again. So nothing
// that was committed is lost, and a notice may be sent twice, with the same id.
//
// Safe to call from any thread.

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "daemon/exec/descriptor.h"
#include "daemon/notify/notice.h"

namespace carbond {

struct Owed {
  Notice notice;
  Instant since;  // the machine's time at which it was noticed
};

struct JournalState {
  std::string instance;  // of this ledger's notices, part of their ids
  JobId next{1};         // jobs from here on were never looked at
  std::map<JobId, SeenOfJob> live;  // those below that were not done
  // By receiver's key.
  std::map<std::string, std::map<Notice, Instant>> owed;
};

class Journal {
 public:
  // Nothing: there is none yet, or what is there makes no sense (the log says
  // so, and keeps the file aside).
  static std::optional<JournalState> Load(const std::string& path);

  Journal(std::string path, JournalState state);

  // Copies, for who begins.
  JournalState state() const;

  // All jobs below `next` are known; the new ones as live, with nothing looked
  // at. Gives the first that is new, or `next`.
  JobId SawNewJobs(JobId next);
  // Looked at, with what is owed for it. `done`: nothing more comes.
  void Saw(JobId job, const SeenOfJob& seen, bool done,
           const std::vector<std::pair<std::string, Owed>>& owed);
  // No longer owed: taken, or given up.
  void Settle(const std::string& receiver, const Notice& notice);

 private:
  void Append(const std::string& lines);  // under mutex_
  void RewriteLocked();
  void Complain(const char* what, int error);

  // Fixed after construction
  const std::string path_;

  // Guarded by mutex_
  mutable std::mutex mutex_;
  JournalState state_;
  UniqueFd file_;
  size_t lines_ = 0;         // in the file
  bool in_trouble_ = false;  // the file lacks lines: it is to be rewritten
};

}  // namespace carbond
