#pragma once
// A ledger's file in the hands of somebody with sqlite3.

#include <SQLiteCpp/SQLiteCpp.h>

#include <string>

namespace carbond {

class RawLedger {
 public:
  explicit RawLedger(const std::string& path)
      : database_(path, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE, 5000) {}

  void Run(const std::string& sql) { database_.exec(sql); }
  // The first column of the first row, as text; "null" of a null.
  std::string Ask(const std::string& sql) {
    SQLite::Statement query(database_, sql);
    if (!query.executeStep()) return "no row";
    const SQLite::Column column = query.getColumn(0);
    return column.isNull() ? "null" : column.getString();
  }
  // What SQLite says to a statement that it refuses; empty when it does not.
  std::string Refusal(const std::string& sql) {
    try {
      database_.exec(sql);
      return "";
    } catch (const SQLite::Exception& error) {
      return error.what();
    }
  }
  std::string PlanOf(const std::string& sql) {
    std::string plan;
    SQLite::Statement query(database_, "EXPLAIN QUERY PLAN " + sql);
    while (query.executeStep()) plan += query.getColumn(3).getString() + "\n";
    return plan;
  }

 private:
  SQLite::Database database_;
};

}  // namespace carbond
