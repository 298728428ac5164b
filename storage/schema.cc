#include "storage/schema.h"

#include "storage/backup.h"

namespace carbond {
namespace {

int64_t Pragma(Connection& connection, const char* name) {
  return connection.database()
      .execAndGet(std::string("PRAGMA ") + name)
      .getInt64();
}

// The file's schema; 0 of a file that is new.
Result<int64_t> SchemaOf(Connection& connection) {
  const int64_t application = Pragma(connection, "application_id");
  const int64_t schema = Pragma(connection, "user_version");
  const bool blank = connection.database()
                         .execAndGet("SELECT count(*) FROM sqlite_master")
                         .getInt64() == 0;
  if (blank && application == 0 && schema == 0) return 0;
  if (application != kApplicationId) {
    return NotNow(
        "{} is an SQLite database, but no carbond ledger; name another file",
        connection.path());
  }
  return schema;
}

Status RefuseNewer(const std::string& path, int64_t schema, size_t known) {
  return NotNow(
      "ledger {} has schema {}, this carbond knows up to {}: run the newer "
      "carbond, or restore a backup",
      path, schema, known);
}

Status Migrate(Connection& connection,
               std::span<const char* const> migrations) {
  return connection.Write([&]() -> Status {
    // Read again under the lock: another process may have been faster.
    CARBOND_ASSIGN_OR_RETURN(const int64_t from, SchemaOf(connection));
    for (size_t n = static_cast<size_t>(from); n < migrations.size(); ++n) {
      connection.database().exec(migrations[n]);
    }
    connection.database().exec(
        fmt::format("PRAGMA application_id = {}", kApplicationId));
    connection.database().exec(
        fmt::format("PRAGMA user_version = {}", migrations.size()));
    return Ok();
  });
}

Status SetDurability(Connection& connection) {
  return connection.Bare([&]() -> Status {
    const std::string mode = connection.database()
                                 .execAndGet("PRAGMA journal_mode = WAL")
                                 .getString();
    if (mode != "wal") {
      return Trouble(
          "cannot write ledger {}: its file system has no shared memory for "
          "SQLite's write-ahead log; move state_dir to a local disk",
          connection.path());
    }
    connection.database().exec("PRAGMA synchronous = FULL");
    connection.database().exec("PRAGMA wal_autocheckpoint = 1000");
    return Ok();
  });
}

}  // namespace

Status PrepareSchema(Connection& connection,
                     std::span<const char* const> migrations) {
  int64_t schema = 0;
  CARBOND_RETURN_IF_ERROR(connection.Bare([&]() -> Status {
    CARBOND_ASSIGN_OR_RETURN(schema, SchemaOf(connection));
    return Ok();
  }));
  const auto known = static_cast<int64_t>(migrations.size());
  if (schema > known) {
    return RefuseNewer(connection.path(), schema, migrations.size());
  }
  CARBOND_RETURN_IF_ERROR(SetDurability(connection));
  if (schema == known) return Ok();
  if (schema > 0) {
    CARBOND_RETURN_IF_ERROR(
        KeepCopy(connection,
                 fmt::format("{}.schema-{}.bak", connection.path(), schema)));
  }
  return Migrate(connection, migrations);
}

Status CheckSchema(Connection& connection) {
  return connection.Read([&]() -> Status {
    CARBOND_ASSIGN_OR_RETURN(const int64_t schema, SchemaOf(connection));
    const auto known = static_cast<int64_t>(Migrations().size());
    if (schema > known) {
      return RefuseNewer(connection.path(), schema, Migrations().size());
    }
    if (schema == 0) {
      return NotNow("{} is empty, no carbond ledger yet: start carbond first",
                    connection.path());
    }
    if (schema < known) {
      return NotNow(
          "ledger {} has schema {}, this carbond needs {}: start carbond once, "
          "which brings it forward",
          connection.path(), schema, known);
    }
    return Ok();
  });
}

}  // namespace carbond
