#include "client/table.h"

#include <algorithm>
#include <numeric>

namespace carbond::client {
namespace {

constexpr int kGap = 2;        // spaces between columns
constexpr int kNarrowest = 8;  // an elastic column keeps so much

}  // namespace

void Table::Add(std::vector<std::string> cells) {
  cells.resize(columns_.size());
  for (std::string& cell : cells) {
    cell = cell.empty() ? "-" : Printable(cell);
  }
  rows_.push_back(std::move(cells));
}

std::vector<int> Table::Widths(const Look& look, int indent) const {
  std::vector<int> widths;
  for (size_t i = 0; i < columns_.size(); ++i) {
    int width = Width(columns_[i].heading);
    for (const auto& row : rows_) width = std::max(width, Width(row[i]));
    widths.push_back(width);
  }
  if (!look.trim) return widths;
  const int total = indent + std::accumulate(widths.begin(), widths.end(), 0) +
                    kGap * (static_cast<int>(widths.size()) - 1);
  int excess = total - look.width;
  for (size_t i = columns_.size(); i-- > 0 && excess > 0;) {
    if (!columns_[i].elastic || widths[i] <= kNarrowest) continue;
    const int cut = std::min(excess, widths[i] - kNarrowest);
    widths[i] -= cut;
    excess -= cut;
  }
  return widths;
}

std::string Table::Render(const Look& look, const std::string& indent) const {
  const std::vector<int> widths = Widths(look, Width(indent));
  const auto line = [&](const auto& cell_of) {
    std::string text = indent;
    for (size_t i = 0; i < columns_.size(); ++i) {
      const std::string cell = Cut(cell_of(i), widths[i], look);
      const std::string pad(static_cast<size_t>(widths[i] - Width(cell)), ' ');
      text += columns_[i].align == Align::kLeft ? cell + pad : pad + cell;
      text += std::string(kGap, ' ');
    }
    text.erase(text.find_last_not_of(' ') + 1);
    return text;
  };
  const std::string headings =
      line([&](size_t i) { return columns_[i].heading; });
  std::string text =
      look.colour ? "\x1b[1m" + headings + "\x1b[0m\n" : headings + "\n";
  for (const auto& row : rows_) {
    text += line([&](size_t i) { return row[i]; }) + "\n";
  }
  return text;
}

}  // namespace carbond::client
