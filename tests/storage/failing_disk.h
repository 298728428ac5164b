#pragma once
// A disk under SQLite that does what disks do on bad days: it fills up, it
// fails to sync, it loses power with what was not synced half written. Stands
// before the real file system for ledgers opened while it lives. One at a time;
// for one thread.

#include <sqlite3.h>

#include <map>
#include <random>
#include <string>
#include <vector>

namespace carbond {

class FailingDisk {
 public:
  FailingDisk();
  ~FailingDisk();
  FailingDisk(const FailingDisk&) = delete;
  FailingDisk& operator=(const FailingDisk&) = delete;

  // From the n-th write from now on (0: the next) every write is answered with
  // this code, until Mend.
  void FailWritesFrom(int n, int code);
  void FailSyncs(int code) { sync_code_ = code; }
  void Mend();
  int writes() const { return writes_; }

  // Copies what would be on the disk had the power gone at this instant into
  // `folder`: all that was synced, and of the rest whatever chance left.
  void CutPower(const std::string& folder, std::mt19937_64& chance) const;
  // The same at the n-th write from now, before it happens.
  void CutPowerAtWrite(int n, const std::string& folder,
                       std::mt19937_64& chance);
  bool cut() const { return cut_folder_.empty(); }

  // ---- For the functions that SQLite calls ----
  int Write(const std::string& path, const void* data, int size, int64_t at);
  void Truncate(const std::string& path, int64_t size);
  int Sync(const std::string& path);
  void Delete(const std::string& path) { files_.erase(path); }
  sqlite3_vfs* real() const { return real_; }

 private:
  // A write since the last sync; a truncation has no data.
  struct Change {
    int64_t at = 0;
    std::string data;
    bool truncates = false;
  };
  struct File {
    std::string durable;
    std::vector<Change> pending;
  };
  static void Make(std::string& content, const Change& change);

  sqlite3_vfs* const real_;
  sqlite3_vfs vfs_;
  std::map<std::string, File> files_;
  int writes_ = 0;
  int fail_from_ = -1;
  int write_code_ = SQLITE_OK;
  int sync_code_ = SQLITE_OK;
  int cut_at_ = -1;
  std::string cut_folder_;
  std::mt19937_64* cut_chance_ = nullptr;
};

}  // namespace carbond
