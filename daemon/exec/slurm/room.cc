#include "daemon/exec/slurm/room.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>

namespace carbond {
namespace {

constexpr char kField = '\x1f';
// Ends are taken for as late as this grid says: fewer steps, steadier plans.
constexpr Duration kGrid = minutes(15);
constexpr Duration kUnknown = hours(1);

std::vector<std::string_view> Split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::vector<std::string_view> Words(std::string_view line) {
  std::vector<std::string_view> words;
  for (const std::string_view word : Split(line, ' ')) {
    if (!word.empty()) words.push_back(word);
  }
  return words;
}

template <typename T>
std::optional<T> Number(std::string_view text) {
  T value = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return {};
  return value;
}

// The man page's "NODE STATE CODES". A `*` means that it does not answer, `@`
// and `^` that it is about to be started anew; `~`, `#`, `!` that power saving
// has it off or is waking it, which a job brings back. What is reserved is
// taken by the reservation.
bool IsUsable(std::string_view state) {
  constexpr std::array<std::string_view, 8> kUsable = {
      "idle",    "mixed",       "allocated", "completing",
      "planned", "powering_up", "maint",     "reserved"};
  const size_t end = state.find_first_not_of("abcdefghijklmnopqrstuvwxyz_");
  const std::string_view word = state.substr(0, end);
  const std::string_view flags =
      end == std::string_view::npos ? std::string_view() : state.substr(end);
  return std::ranges::find(kUsable, word) != kUsable.end() &&
         flags.find_first_of("*@^") == std::string_view::npos;
}

std::optional<Instant> Epoch(std::string_view text) {
  const auto seconds = Number<int64_t>(text);
  if (!seconds) return std::nullopt;
  return Instant::FromSeconds(*seconds);
}

Instant OnGrid(Instant t) {
  const int64_t step = kGrid.count();
  return Instant::FromMillis((t.millis() + step - 1) / step * step);
}

Resources AtLeastNothing(Resources r) {
  return {std::max(r.gpus, 0), std::max(r.cpus, 0)};
}

}  // namespace

int GpusOf(std::string_view gres) {
  int gpus = 0;
  while (!gres.empty()) {
    // A comma within brackets, as of `(IDX:0,2)`, separates nothing.
    size_t end = 0;
    for (int depth = 0; end < gres.size(); ++end) {
      if (gres[end] == '(') ++depth;
      if (gres[end] == ')') --depth;
      if (gres[end] == ',' && depth == 0) break;
    }
    std::string_view one = gres.substr(0, end);
    gres.remove_prefix(std::min(end + 1, gres.size()));
    one = one.substr(0, one.find('('));
    for (const std::string_view kind : {"gres:", "gres/"}) {
      if (one.substr(0, kind.size()) == kind) one.remove_prefix(kind.size());
    }
    if (one.substr(0, 3) != "gpu") continue;
    if (one.size() > 3 && one[3] != ':' && one[3] != '=') continue;
    const size_t last = one.find_last_of(":=");
    const auto count = last == std::string_view::npos
                           ? std::nullopt
                           : Number<int>(one.substr(last + 1));
    gpus += count.value_or(1);  // `gpu` and `gpu:a100` mean one
  }
  return gpus;
}

std::vector<std::string> SinfoArguments(const SlurmPlace& place) {
  std::vector<std::string> arguments = {
      "--noheader", "--Node",
      // Widths, since without them each is cut after twenty.
      "--Format=NodeList:256,StateLong:64,CPUsState:64,Gres:512,GresUsed:512,"
      "Partition:256"};
  if (!place.partition.empty()) {
    arguments.push_back("--partition=" + place.partition);
  }
  return arguments;
}

std::vector<SlurmNode> ParseSinfo(std::string_view text,
                                  const SlurmPlace& place,
                                  std::string* partition) {
  std::vector<SlurmNode> nodes;
  for (const std::string_view line : Split(text, '\n')) {
    const auto words = Words(line);
    if (words.size() != 6) continue;
    std::string_view in = words[5];
    const bool is_default = in.ends_with('*');
    if (is_default) in.remove_suffix(1);
    if (place.partition.empty() ? !is_default : in != place.partition) continue;
    // allocated/idle/other/total
    const auto cpus = Split(words[2], '/');
    if (cpus.size() != 4) continue;
    SlurmNode node;
    node.name = words[0];
    node.usable = IsUsable(words[1]);
    node.has = {GpusOf(words[3]), Number<int>(cpus[3]).value_or(0)};
    node.used = {GpusOf(words[4]), Number<int>(cpus[0]).value_or(0)};
    *partition = in;
    nodes.push_back(std::move(node));
  }
  return nodes;
}

std::vector<std::string> UseArguments(const std::string& partition) {
  std::string format;
  for (const char* column : {"%j", "%C", "%b", "%D", "%e", "%i"}) {
    if (!format.empty()) format += kField;
    format += column;
  }
  return {"--noheader",
          "--states=RUNNING,SUSPENDED,STOPPED,COMPLETING,CONFIGURING",
          "--partition=" + partition, "--format=" + format};
}

std::vector<SlurmUse> ParseUse(std::string_view text) {
  std::vector<SlurmUse> uses;
  for (const std::string_view line : Split(text, '\n')) {
    const auto fields = Split(line, kField);
    if (fields.size() != 6) continue;
    SlurmUse use;
    use.name = fields[0];
    use.need.cpus = Number<int>(fields[1]).value_or(0);
    // GPUs are asked for by node.
    use.need.gpus = GpusOf(fields[2]) * Number<int>(fields[3]).value_or(1);
    use.end = Epoch(fields[4]);
    use.id = fields[5];
    uses.push_back(std::move(use));
  }
  return uses;
}

std::vector<std::string> ReservationArguments() {
  return {"--oneliner", "show", "reservation"};
}

std::vector<SlurmReservation> ParseReservations(std::string_view text) {
  std::vector<SlurmReservation> reservations;
  for (const std::string_view line : Split(text, '\n')) {
    std::map<std::string_view, std::string_view> fields;
    for (const std::string_view word : Words(line)) {
      const size_t equals = word.find('=');
      if (equals == std::string_view::npos) continue;
      fields.emplace(word.substr(0, equals), word.substr(equals + 1));
    }
    const auto begin = Epoch(fields["StartTime"]);
    const auto end = Epoch(fields["EndTime"]);
    if (!begin || !end || fields["Nodes"].empty()) continue;
    reservations.push_back({std::string(fields["ReservationName"]),
                            {*begin, *end},
                            std::string(fields["Nodes"]),
                            {}});
  }
  return reservations;
}

std::vector<std::string> ParseHostnames(std::string_view text) {
  std::vector<std::string> names;
  for (const std::string_view line : Split(text, '\n')) {
    if (!line.empty()) names.emplace_back(line);
  }
  return names;
}

namespace {

bool IsOwn(const SlurmUse& use, const SlurmCensus& census,
           const std::string& prefix) {
  return use.name.starts_with(prefix) || census.adopted.contains(use.id);
}

}  // namespace

Resources OwnUse(const SlurmCensus& census, const std::string& prefix) {
  Resources own;
  for (const SlurmUse& use : census.uses) {
    if (IsOwn(use, census, prefix)) own += use.need;
  }
  return own;
}

Room Closed(const Room& room, const Resources& own, Instant until) {
  Room closed;
  closed.total = room.total;
  Resources rest = room.total;
  rest -= own;
  closed.taken.push_back({{Instant(), until}, AtLeastNothing(rest)});
  return closed;
}

Room MakeRoom(const SlurmCensus& census, const SlurmPlace& place,
              const std::string& prefix, Instant now) {
  Room room;
  Resources unexplained;
  for (const SlurmNode& node : census.nodes) {
    if (!node.usable) continue;
    room.total += node.has;
    unexplained += node.used;
  }
  std::map<Instant, Resources> until;
  const Instant soon = OnGrid(now + kUnknown);
  for (const SlurmUse& use : census.uses) {
    unexplained -= use.need;
    if (IsOwn(use, census, prefix)) continue;
    // One that is over by its limit and still there will be for a little.
    const Instant end = std::max(use.end.value_or(soon), now + kGrid);
    until[OnGrid(end)] += use.need;
  }
  until[soon] += AtLeastNothing(unexplained);
  for (const auto& [end, need] : until) {
    if (need != Resources()) room.taken.push_back({{Instant(), end}, need});
  }
  for (const SlurmReservation& reservation : census.reservations) {
    const auto is_ours = [&](const std::string& option) {
      return option == "--reservation=" + reservation.name;
    };
    if (std::ranges::any_of(place.options, is_ours)) continue;
    Resources set_aside;
    for (const SlurmNode& node : census.nodes) {
      const bool in = std::ranges::find(reservation.names, node.name) !=
                      reservation.names.end();
      if (in && node.usable) set_aside += node.has;
    }
    if (set_aside != Resources()) {
      room.taken.push_back({reservation.during, set_aside});
    }
  }
  return room;
}

}  // namespace carbond
