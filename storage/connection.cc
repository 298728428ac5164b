#include "storage/connection.h"

#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <exception>

namespace carbond {
namespace {

// How long to wait for another program that holds the ledger, such as an open
// transaction in a sqlite3 shell.
constexpr int kBusyTimeoutMs = 5000;

// One thread uses a connection: no lock within SQLite is needed.
int OpenFlags(Connection::Access access) {
  return SQLite::OPEN_NOMUTEX |
         (access == Connection::Access::kRead
              ? SQLite::OPEN_READONLY
              : SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
}

struct Cure {
  int code;
  absl::StatusCode status;
  const char* mend;
};

constexpr Cure kCures[] = {
    {SQLITE_FULL, absl::StatusCode::kUnavailable,
     "free space on its disk and start carbond again"},
    {SQLITE_IOERR, absl::StatusCode::kUnavailable,
     "mend its disk and start carbond again"},
    {SQLITE_READONLY, absl::StatusCode::kUnavailable,
     "let carbond's user write to it and to its folder"},
    {SQLITE_PERM, absl::StatusCode::kUnavailable,
     "let carbond's user write to it and to its folder"},
    {SQLITE_CANTOPEN, absl::StatusCode::kUnavailable,
     "see that its folder exists and that carbond's user may write there"},
    {SQLITE_BUSY, absl::StatusCode::kUnavailable,
     "close the program that holds it, such as a sqlite3 shell"},
    {SQLITE_LOCKED, absl::StatusCode::kUnavailable,
     "close the program that holds it, such as a sqlite3 shell"},
    {SQLITE_NOTADB, absl::StatusCode::kDataLoss,
     "name a carbond ledger, or restore a backup"},
    {SQLITE_CORRUPT, absl::StatusCode::kDataLoss, "restore a backup"},
};

}  // namespace

Status SqliteFailure(const std::string& doing, const std::string& path,
                     const SQLite::Exception& error, int system_errno) {
  absl::StatusCode code = absl::StatusCode::kInternal;
  const char* mend = "report this as a bug in carbond, with the ledger's copy";
  for (const Cure& cure : kCures) {
    if ((error.getErrorCode() & 0xff) != cure.code) continue;
    code = cure.status;
    mend = cure.mend;
  }
  // SQLite says "disk I/O error" for everything that the system refused.
  std::string what = error.what();
  if (system_errno != 0 && (error.getErrorCode() & 0xff) == SQLITE_IOERR) {
    what += fmt::format(" ({})", std::strerror(system_errno));
  }
  return Status(code, fmt::format("cannot {} ledger {}: {}; {}", doing, path,
                                  what, mend));
}

Connection::Connection(std::string path, Access access)
    : path_(std::move(path)),
      access_(access),
      database_(path_, OpenFlags(access), kBusyTimeoutMs) {
  database_.exec("PRAGMA foreign_keys = ON");
}

Result<std::unique_ptr<Connection>> Connection::Open(const std::string& path,
                                                     Access access) {
  if (access == Access::kRead && ::access(path.c_str(), F_OK) != 0) {
    return Missing("ledger {} does not exist: name another, or start carbond",
                   path);
  }
  try {
    std::unique_ptr<Connection> opened(new Connection(path, access));
    // SQLite opens what it may only read without a word.
    if (access == Access::kWrite &&
        sqlite3_db_readonly(opened->database_.getHandle(), "main") == 1) {
      return Trouble(
          "cannot write ledger {}: it is read-only; let carbond's user write "
          "to it and to its folder",
          path);
    }
    return opened;
  } catch (const SQLite::Exception& error) {
    return SqliteFailure("open", path, error);
  }
}

SQLite::Statement& Connection::Prepared(const std::string& sql) {
  const auto found = statements_.find(sql);
  if (found != statements_.end()) return found->second;
  return statements_.try_emplace(sql, database_, sql).first->second;
}

Status Connection::Guarded(const std::function<Status()>& body) {
  errno = 0;
  try {
    return body();
  } catch (const SQLite::Exception& error) {
    // SQLite keeps the system's reason of most failures, not of a commit's.
    const int last = errno;
    const int kept = sqlite3_system_errno(database_.getHandle());
    return SqliteFailure(access_ == Access::kWrite ? "write" : "read", path_,
                         error, kept != 0 ? kept : last);
  } catch (const std::exception& error) {
    return Damaged("{}", error.what());
  }
}

Status Connection::InTransaction(SQLite::TransactionBehavior behavior,
                                 const std::function<Status()>& body) {
  return Guarded([&] {
    // Rolls back when it is left without a commit. The failure is put into
    // words before that, while the system's reason is still known.
    SQLite::Transaction transaction(database_, behavior);
    return Guarded([&] {
      Status status = body();
      if (status.ok()) transaction.commit();
      return status;
    });
  });
}

Status Connection::Write(const std::function<Status()>& body) {
  return InTransaction(SQLite::TransactionBehavior::IMMEDIATE, body);
}

Status Connection::Read(const std::function<Status()>& body) {
  return InTransaction(SQLite::TransactionBehavior::DEFERRED, body);
}

Status Connection::Bare(const std::function<Status()>& body) {
  return Guarded(body);
}

}  // namespace carbond
