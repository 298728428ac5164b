#pragma once
// One SQLite connection to a ledger: opened with the settings that every
// connection needs, its statements kept, its errors turned into words. Private
// to storage/. For one thread.

#include <SQLiteCpp/SQLiteCpp.h>

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "scheduler/result.h"

namespace carbond {

class Connection {
 public:
  enum class Access { kRead, kWrite };

  // Opens the file; for writing, creates it when it is not there. Neither the
  // journal mode nor the schema is touched: see schema.h.
  static Result<std::unique_ptr<Connection>> Open(const std::string& path,
                                                  Access access);

  // Runs `body` in one transaction, which is committed only when the body
  // returns OK. Whatever the body throws becomes a Status here.
  Status Write(const std::function<Status()>& body);  // BEGIN IMMEDIATE
  Status Read(const std::function<Status()>& body);   // one snapshot
  // The same without a transaction, for pragmas and VACUUM.
  Status Bare(const std::function<Status()>& body);

  // Prepared at the first call and kept. May throw.
  SQLite::Statement& Prepared(const std::string& sql);
  SQLite::Database& database() { return database_; }
  const std::string& path() const { return path_; }

  // A fault in what the ledger holds.
  template <typename... A>
  Status Damaged(fmt::format_string<A...> text, A&&... args) const {
    return absl::DataLossError(
        fmt::format("ledger {}: {}; restore a backup, or report this as a bug",
                    path_, fmt::format(text, std::forward<A>(args)...)));
  }

 private:
  Connection(std::string path, Access access);
  Status InTransaction(SQLite::TransactionBehavior behavior,
                       const std::function<Status()>& body);
  Status Guarded(const std::function<Status()>& body);

  // Fixed after construction
  const std::string path_;
  const Access access_;

  // What is built last must go first: statements before their database.
  SQLite::Database database_;
  std::map<std::string, SQLite::Statement> statements_;
};

// What a file's name and SQLite's complaint say together, and what mends it.
// `doing` is a verb: "write", "read", "open".
Status SqliteFailure(const std::string& doing, const std::string& path,
                     const SQLite::Exception& error, int system_errno = 0);

}  // namespace carbond
