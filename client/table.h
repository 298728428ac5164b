#pragma once

#include <string>
#include <vector>

#include "client/console.h"

namespace carbond::client {

// Rows under headings, in columns just wide enough.
class Table {
 public:
  enum class Align { kLeft, kRight };
  struct Column {
    std::string heading;
    Align align = Align::kLeft;
    bool elastic = false;  // cut first where the terminal is too narrow
  };

  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  // One cell for each column; an empty one shows as `-`.
  void Add(std::vector<std::string> cells);
  bool empty() const { return rows_.empty(); }

  std::string Render(const Look& look, const std::string& indent = "") const;

 private:
  std::vector<int> Widths(const Look& look, int indent) const;

  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace carbond::client
