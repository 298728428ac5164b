#include "client/picture.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <string_view>
#include <utility>

#include "client/axis.h"
#include "client/columns.h"
#include "client/local_time.h"

namespace carbond::client {
namespace {

constexpr int kWidest = 100;
constexpr int kMargin = 7;  // the labels of the vertical axis and its line
constexpr int kDayBeforeRows = 3;

// What stands for what. Heights grow by the fraction of a cell.
struct Signs {
  std::vector<std::string> heights;  // the last one is a full cell
  std::string tail;                  // a full cell of climatology
  std::string tick, line, corner, across, mark;
  std::string ran, paused, planned, now, deadline;
};

const Signs& SignsFor(const Look& look) {
  static const Signs unicode{
      .heights = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"},
      .tail = "▒",
      .tick = "┤",
      .line = "│",
      .corner = "┼",
      .across = "─",
      .mark = "┬",
      .ran = "█",
      .paused = "·",
      .planned = "░",
      .now = "▲",
      .deadline = "◆"};
  static const Signs ascii{.heights = {".", ":", "#"},
                           .tail = "+",
                           .tick = "+",
                           .line = "|",
                           .corner = "+",
                           .across = "-",
                           .mark = "+",
                           .ran = "#",
                           .paused = ".",
                           .planned = "=",
                           .now = "^",
                           .deadline = "!"};
  return look.unicode ? unicode : ascii;
}

// Colours of the 256-colour palette; 0 is the terminal's own.
constexpr int kPlain = 0;
constexpr int kGreen = 35;
constexpr int kGrey = 245;
constexpr int kAmber = 214;
constexpr int kPalette[] = {35, 71, 142, 178, 208};  // clean to dirty

// A line of cells that changes colour as seldom as it can.
class Line {
 public:
  explicit Line(const Look& look) : colourful_(look.colour) {}

  void Put(std::string_view text, int colour = kPlain) {
    if (colourful_ && colour != colour_ && text != " ") {
      text_ +=
          colour == kPlain ? "\x1b[0m" : fmt::format("\x1b[38;5;{}m", colour);
      colour_ = colour;
    }
    text_ += text;
  }

  std::string Finish() {
    if (colour_ == kPlain) {
      text_.erase(text_.find_last_not_of(' ') + 1);
    } else {
      text_ += "\x1b[0m";
    }
    return std::move(text_) + "\n";
  }

 private:
  bool colourful_;
  std::string text_;
  int colour_ = kPlain;
};

// Everything that is drawn.
struct Chart {
  const Picture& picture;
  const Look& look;
  const Signs& signs;
  absl::TimeZone zone;
  Columns columns;
  ValueAxis axis;
  double least = 0;  // of the values shown
  std::vector<TimeLabel> labels;

  int width() const { return static_cast<int>(columns.cells.size()); }
};

Chart MakeChart(const Picture& picture, const Look& look, absl::TimeZone zone) {
  Chart chart{picture, look, SignsFor(look), zone, {}, {}, HUGE_VAL, {}};
  chart.columns =
      MakeColumns(picture, std::min(look.width, kWidest) - kMargin - 1);
  double greatest = 0;
  for (const Column& column : chart.columns.cells) {
    greatest = std::max(greatest, column.day_before_g_per_kwh.value_or(0));
    if (!column.known) continue;
    greatest = std::max(greatest, column.intensity_g_per_kwh);
    chart.least = std::min(chart.least, column.intensity_g_per_kwh);
  }
  chart.axis = MakeValueAxis(greatest);
  chart.labels = MakeTimeLabels(picture.window.begin, chart.columns.width,
                                chart.width(), zone);
  return chart;
}

// Chosen hours stand out; where nothing is chosen, clean ones do.
int ColourOf(const Chart& chart, const Column& column) {
  const Picture& picture = chart.picture;
  if (column.chosen) return kGreen;
  if (!picture.ran.empty() || !picture.planned.empty()) return kGrey;
  const double range = chart.axis.top() - chart.least;
  const double level =
      range > 0 ? (column.intensity_g_per_kwh - chart.least) / range : 0;
  return kPalette[std::clamp(static_cast<int>(level * 5), 0, 4)];
}

// The sign of a value in one of so many rows, counted from the axis upwards.
const std::string& SignOf(const Chart& chart, double g_per_kwh, int row,
                          int rows, const std::string& full) {
  static const std::string blank = " ";
  const double row_height = chart.axis.top() / rows;
  const auto parts = static_cast<double>(chart.signs.heights.size());
  // Whole parts of a cell above the row's foot; the least value shows as one.
  const auto height =
      std::max<int64_t>(1, std::llround(g_per_kwh / row_height * parts));
  const int64_t above = height - row * static_cast<int64_t>(parts);
  if (above <= 0) return blank;
  if (above >= static_cast<int64_t>(parts)) return full;
  return chart.signs.heights[static_cast<size_t>(above - 1)];
}

std::string ChartRow(const Chart& chart, int row) {
  Line line(chart.look);
  const ValueAxis& axis = chart.axis;
  const bool labelled = (row + 1) % axis.rows_per_step == 0;
  line.Put(fmt::format(
      "{:>{}} {}",
      labelled ? ValueLabel(axis, (row + 1) / axis.rows_per_step) : "",
      kMargin - 2, labelled ? chart.signs.tick : chart.signs.line));
  for (const Column& column : chart.columns.cells) {
    if (!column.known) {
      line.Put(" ");
      continue;
    }
    line.Put(SignOf(chart, column.intensity_g_per_kwh, row, axis.rows(),
                    column.climatology ? chart.signs.tail
                                       : chart.signs.heights.back()),
             ColourOf(chart, column));
  }
  return line.Finish();
}

std::string AxisRow(const Chart& chart) {
  std::vector<std::string> cells(chart.columns.cells.size(),
                                 chart.signs.across);
  for (const TimeLabel& label : chart.labels) {
    cells[static_cast<size_t>(label.column)] = chart.signs.mark;
  }
  Line line(chart.look);
  line.Put(fmt::format("{:>{}} {}", "0", kMargin - 2, chart.signs.corner));
  for (const std::string& cell : cells) line.Put(cell);
  return line.Finish();
}

std::string LabelRow(const Chart& chart) {
  std::string text = FormatOffset(chart.picture.window.begin, chart.zone) + " ";
  for (const TimeLabel& label : chart.labels) {
    const int from =
        std::max(0, label.column - static_cast<int>(label.text.size()) / 2);
    text.resize(static_cast<size_t>(kMargin + from), ' ');
    text += label.text;
  }
  return text + "\n";
}

void PutMark(const Chart& chart, Mark mark, Line& line) {
  const Signs& signs = chart.signs;
  switch (mark) {
    case Mark::kNone:
      return line.Put(" ");
    case Mark::kRan:
      return line.Put(signs.ran, kGreen);
    case Mark::kPlanned:
      return line.Put(signs.planned, kGreen);
    case Mark::kPaused:
      return line.Put(signs.paused, kGrey);
    case Mark::kNow:
      return line.Put(signs.now, kAmber);
    case Mark::kDeadline:
      return line.Put(signs.deadline, kAmber);
  }
}

std::string BandRow(const Chart& chart) {
  Line line(chart.look);
  line.Put(std::string(kMargin, ' '));
  for (const Column& column : chart.columns.cells) {
    PutMark(chart, column.mark, line);
  }
  std::string text = line.Finish();
  return text == "\n" ? std::string() : text;
}

std::string DayBeforeRow(const Chart& chart, int row) {
  Line line(chart.look);
  const bool topmost = row == kDayBeforeRows - 1;
  line.Put(fmt::format(
      "{:>{}} {}", topmost ? ValueLabel(chart.axis, chart.axis.steps) : "",
      kMargin - 2, topmost ? chart.signs.tick : chart.signs.line));
  for (const Column& column : chart.columns.cells) {
    if (!column.day_before_g_per_kwh) {
      line.Put(" ");
      continue;
    }
    line.Put(SignOf(chart, *column.day_before_g_per_kwh, row, kDayBeforeRows,
                    chart.signs.heights.back()),
             kGrey);
  }
  return line.Finish();
}

// Low and dim, under the same hours and with the same top: whether the days to
// come repeat the last is seen at once.
std::string DayBeforeRows(const Chart& chart) {
  const auto& cells = chart.columns.cells;
  if (std::none_of(cells.begin(), cells.end(), [](const Column& column) {
        return column.day_before_g_per_kwh.has_value();
      })) {
    return "";
  }
  std::string text =
      Cut(std::string(kMargin, ' ') +
              "yesterday: the last 24 h as observed, at the same hours",
          std::min(chart.look.width, kWidest), chart.look) +
      "\n";
  for (int row = kDayBeforeRows; row-- > 0;) text += DayBeforeRow(chart, row);
  return text;
}

// What a sign means; empty words where the sign does not occur.
std::string Meaning(const Chart& chart, Mark mark) {
  const Picture& picture = chart.picture;
  const Here here{picture.now.value_or(picture.window.begin), chart.zone};
  const auto& cells = chart.columns.cells;
  if (std::none_of(cells.begin(), cells.end(),
                   [&](const Column& c) { return c.mark == mark; })) {
    return "";
  }
  switch (mark) {
    case Mark::kNone:
      return "";
    case Mark::kRan:
      return "ran";
    case Mark::kPlanned:
      return "planned";
    case Mark::kPaused:
      return "paused";
    case Mark::kNow:
      return "now " + FormatWhen(here.now, here);
    case Mark::kDeadline:
      return "deadline " + FormatWhen(*picture.deadline, here);
  }
  return "";
}

// A sign with its words, on a new line where this one is full.
class LegendLines {
 public:
  explicit LegendLines(const Look& look) : look_(look), line_(look) {}

  void Add(const std::function<void(Line&)>& put_sign, int sign_width,
           const std::string& words) {
    const int length = sign_width + 1 + Width(words);
    if (column_ > kMargin &&
        column_ + length > std::min(look_.width, kWidest)) {
      text_ += line_.Finish();
      line_ = Line(look_);
      column_ = 0;
    }
    if (column_ == 0) line_.Put(std::string(kMargin, ' '));
    if (column_ == 0) column_ = kMargin;
    put_sign(line_);
    line_.Put(" " + words + "  ");
    column_ += length + 2;
  }

  std::string Finish() { return column_ == 0 ? text_ : text_ + line_.Finish(); }

 private:
  const Look look_;
  Line line_;
  std::string text_;
  int column_ = 0;
};

std::string Legend(const Chart& chart) {
  LegendLines legend(chart.look);
  for (const Mark mark : {Mark::kRan, Mark::kPaused, Mark::kPlanned, Mark::kNow,
                          Mark::kDeadline}) {
    const std::string words = Meaning(chart, mark);
    if (words.empty()) continue;
    legend.Add([&](Line& line) { PutMark(chart, mark, line); }, 1, words);
  }
  const auto& cells = chart.columns.cells;
  if (std::any_of(cells.begin(), cells.end(),
                  [](const Column& c) { return c.known && c.climatology; })) {
    legend.Add([&](Line& line) { line.Put(chart.signs.tail); }, 1,
               "same hours of past days");
  }
  // Labels follow the clock when it is put forward or back; so must the offset.
  const std::string offset = FormatOffset(chart.picture.window.end, chart.zone);
  if (offset != FormatOffset(chart.picture.window.begin, chart.zone)) {
    legend.Add([](Line& line) { line.Put("later"); }, 5, offset);
  }
  return legend.Finish();
}

}  // namespace

std::string Draw(const Picture& picture, const Look& look,
                 absl::TimeZone zone) {
  const std::string title = Cut(Printable("g/kWh  " + picture.title),
                                std::min(look.width, kWidest), look) +
                            "\n";
  if (picture.window.end <= picture.window.begin || picture.points.empty()) {
    return title + "       no intensity is known for this time\n";
  }
  const Chart chart = MakeChart(picture, look, zone);
  std::string text = title;
  for (int row = chart.axis.rows(); row-- > 0;) text += ChartRow(chart, row);
  return text + AxisRow(chart) + BandRow(chart) + LabelRow(chart) +
         DayBeforeRows(chart) + Legend(chart);
}

}  // namespace carbond::client
