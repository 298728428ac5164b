#include "daemon/exec/slurm/entry.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <set>
#include <utility>

#include "daemon/exec/slurm/room.h"

namespace carbond {
namespace {

constexpr char kField = '\x1f';

// Columns of fixed width, since a value may be empty.
enum Column : size_t {
  kId,
  kSubmitted,
  kState,
  kPriority,
  kStart,
  kEnd,
  kStatus,
  kRestarts,
  kLimit,
  kCpus,
  kNodeCount,
  kTasks,
  kGpusOfJob,
  kGpusOfNode,
  kGpusOfTask,
  kUser,
  kAccount,
  kReason,
  kNodes,
  kColumns
};
constexpr std::array<std::pair<const char*, size_t>, kColumns> kFormat = {
    {{"JobArrayID", 32},
     {"SubmitTime", 20},
     {"State", 32},
     {"PriorityLong", 20},
     {"StartTime", 20},
     {"EndTime", 20},
     {"exit_code", 16},
     {"RestartCnt", 16},
     {"TimeLimit", 24},
     {"NumCPUs", 16},
     {"NumNodes", 16},
     {"NumTasks", 16},
     {"tres-per-job", 256},
     {"tres-per-node", 256},
     {"tres-per-task", 256},
     {"UserName", 128},
     {"Account", 256},
     {"Reason", 128},
     {"NodeList", 256}}};

std::string_view Trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(' ');
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(' ') + 1 - begin);
}

std::optional<int64_t> Count(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return {};
  return value;
}

// `123`, `123_4` or `123+1`.
bool IsId(std::string_view text) {
  const size_t end = text.find_first_of("_+");
  return Count(text.substr(0, end)) &&
         (end == std::string_view::npos || Count(text.substr(end + 1)));
}

std::optional<Instant> Epoch(std::string_view text) {
  const auto seconds = Count(text);
  if (!seconds || *seconds <= 0) return std::nullopt;
  return Instant::FromSeconds(*seconds);
}

// `5:00`, `2:30:00`, `1-00:00:00`; 0 for words such as UNLIMITED.
Duration Limit(std::string_view text) {
  int64_t days = 0;
  if (const size_t dash = text.find('-'); dash != std::string_view::npos) {
    const auto count = Count(text.substr(0, dash));
    if (!count) return Duration(0);
    days = *count;
    text.remove_prefix(dash + 1);
  }
  int64_t total = 0;
  while (true) {
    const size_t colon = text.find(':');
    const auto part = Count(text.substr(0, colon));
    if (!part || *part < 0) return Duration(0);
    total = total * 60 + *part;
    if (colon == std::string_view::npos) break;
    text.remove_prefix(colon + 1);
  }
  return hours(24 * days) + seconds(total);
}

// 2^32-2 is Slurm's "not said".
int AtLeastOne(std::string_view text) {
  const auto count = Count(text);
  return count && *count > 0 && *count < 10'000'000 ? static_cast<int>(*count)
                                                    : 1;
}

std::string Said(std::string_view text) {
  return text == "(null)" || text == "N/A" ? std::string() : std::string(text);
}

std::string_view TakeLine(std::string_view& text) {
  const size_t end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

std::string JobWord(const std::string& id) { return "JobId=" + id; }

}  // namespace

std::vector<std::string> EntryArguments(const std::vector<std::string>& ids) {
  std::string format;
  for (const auto& [name, width] : kFormat) {
    if (!format.empty()) format += ',';
    format += fmt::format("{}:{}", name, width);
  }
  std::set<std::string> bases;
  for (const std::string& id : ids) bases.insert(BaseOf(id));
  return {"--noheader", "--array", "--states=all",
          fmt::format("--jobs={}", fmt::join(bases, ",")),
          "--Format=" + format};
}

std::vector<SlurmEntry> ParseEntries(std::string_view text) {
  std::vector<SlurmEntry> entries;
  while (!text.empty()) {
    const std::string_view line = TakeLine(text);
    std::array<std::string_view, kColumns> cell;
    size_t at = 0;
    for (size_t i = 0; i < kColumns; ++i) {
      cell[i] =
          Trimmed(line.substr(std::min(at, line.size()), kFormat[i].second));
      at += kFormat[i].second;
    }
    // A row that was cut off; blanks at its end may be.
    if (line.size() < at - kFormat[kNodes].second) continue;
    const auto submitted = Epoch(cell[kSubmitted]);
    if (!IsId(cell[kId]) || !submitted || cell[kState].empty()) continue;
    SlurmEntry entry;
    entry.id = cell[kId];
    entry.submitted_at = *submitted;
    entry.state = cell[kState];
    entry.reason = cell[kReason];
    entry.held = entry.state == "PENDING" && cell[kPriority] == "0";
    entry.restarts = static_cast<int>(Count(cell[kRestarts]).value_or(0));
    entry.start = Epoch(cell[kStart]);
    entry.end = Epoch(cell[kEnd]);
    entry.wait_status = static_cast<int>(Count(cell[kStatus]).value_or(0));
    entry.limit = Limit(cell[kLimit]);
    entry.need.cpus = AtLeastOne(cell[kCpus]);
    entry.need.gpus = GpusOf(cell[kGpusOfJob]) +
                      GpusOf(cell[kGpusOfNode]) * AtLeastOne(cell[kNodeCount]) +
                      GpusOf(cell[kGpusOfTask]) * AtLeastOne(cell[kTasks]);
    entry.user = cell[kUser];
    entry.account = Said(cell[kAccount]);
    entry.nodes = cell[kNodes];
    entries.push_back(std::move(entry));
  }
  return entries;
}

std::string BaseOf(const std::string& id) {
  return id.substr(0, id.find_first_of("_+"));
}

bool IsTask(const std::string& id) { return id.find('_') != std::string::npos; }

bool IsHeterogeneous(const std::string& id) {
  return id.find('+') != std::string::npos;
}

bool IsSame(const SlurmEntry& row, const QueueEntry& entry) {
  if (row.id != entry.number) return false;
  return row.submitted_at == entry.entered_at ||
         (row.restarts > 0 && row.submitted_at > entry.entered_at);
}

std::vector<std::string> HeldArguments(const std::string& partition,
                                       const std::string& mark) {
  std::string format = mark;
  for (const char* column : {"%i", "%Q", "%j", "%o", "%Z", "%k"}) {
    format += kField;
    format += column;
  }
  return {"--noheader", "--array", "--states=PENDING",
          "--partition=" + partition, "--format=" + format};
}

std::vector<SlurmWords> ParseHeld(std::string_view text,
                                  std::string_view mark) {
  std::vector<SlurmWords> held;
  const std::string begin = std::string(mark) + kField;
  bool inside = false;
  while (!text.empty()) {
    std::string_view line = TakeLine(text);
    if (!line.starts_with(begin)) {  // the comment goes on
      if (inside) (held.back().comment += '\n') += line;
      continue;
    }
    line.remove_prefix(begin.size());
    std::array<std::string_view, 6> fields;
    size_t field = 0;
    for (; field < fields.size(); ++field) {
      const bool last = field + 1 == fields.size();
      const size_t end = last ? line.size() : line.find(kField);
      if (end == std::string_view::npos) break;
      fields[field] = line.substr(0, end);
      line.remove_prefix(std::min(end + 1, line.size()));
    }
    inside = field == fields.size() && fields[1] == "0";
    if (!inside) continue;
    SlurmWords words;
    words.id = fields[0];
    words.name = fields[2];
    words.script = Said(fields[3]);
    words.workdir = fields[4];
    words.comment = fields[5];
    held.push_back(std::move(words));
  }
  return held;
}

std::vector<std::string> BeginArguments(const std::string& id,
                                        std::optional<Instant> begin) {
  // Whole seconds, and rather late than early. One that is past means now.
  return {"update", JobWord(id),
          begin ? fmt::format("StartTime=uts{}", (begin->millis() + 999) / 1000)
                : "StartTime=now"};
}

std::vector<std::string> ReleaseArguments(const std::string& id) {
  return {"release", id};
}

std::vector<std::string> HoldArguments(const std::string& id) {
  return {"uhold", id};
}

std::vector<std::string> TellArguments(const std::string& id,
                                       const std::string& words) {
  return {"update", JobWord(id), "AdminComment=carbond: " + words};
}

std::vector<std::string> OwnerArguments() { return {"show", "config"}; }

SlurmOwner ParseOwner(std::string_view text) {
  SlurmOwner owner;
  while (!text.empty()) {
    const std::string_view line = TakeLine(text);
    const size_t equals = line.find('=');
    if (equals == std::string_view::npos) continue;
    const std::string_view key = Trimmed(line.substr(0, equals));
    const std::string_view value = Trimmed(line.substr(equals + 1));
    if (key == "ClusterName") owner.cluster = value;
    // `slurm(64030)`
    if (key == "SlurmUser") owner.user = value.substr(0, value.find('('));
  }
  return owner;
}

}  // namespace carbond
