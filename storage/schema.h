#pragma once
// The ledger's tables, as numbered migrations that only go forward. A ledger
// says its schema in `PRAGMA user_version`, and that it is one in
// `application_id`. Private to storage/.

#include <span>

#include "storage/connection.h"

namespace carbond {

// "CBON": what `file` and sqlite3 show of a ledger.
inline constexpr int64_t kApplicationId = 0x43424f4e;

// The SQL that leads to schema 1, 2, 3, ...: entry n-1 makes schema n.
std::span<const char* const> Migrations();

// For the writer: creates the tables of a new file, and brings an older schema
// forward in one transaction after keeping a copy beside the ledger, named
// LEDGER.schema-N.bak. Refuses a newer schema and what is no ledger. Sets WAL
// and synchronous=FULL. Tests hand in migrations of their own.
Status PrepareSchema(Connection& connection,
                     std::span<const char* const> migrations = Migrations());

// For readers: refuses all but this program's schema.
Status CheckSchema(Connection& connection);

}  // namespace carbond
