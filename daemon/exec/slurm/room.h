#pragma once
// What a partition has for carbond's jobs, from what Slurm says of its nodes,
// of other people's jobs and of reservations: sinfo(1), squeue(1), scontrol(1)
// of Slurm 22.05 and later, asked with SLURM_TIME_FORMAT=%s. Pure.

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/exec/slurm/place.h"
#include "scheduler/ports.h"

namespace carbond {

// GPUs of a list of generic resources: `gpu:2`, `gpu:a100:4(S:0-1)`,
// `gres:gpu:1`, `gres/gpu:a100:2(IDX:0-1)`, `(null)`.
int GpusOf(std::string_view gres);

struct SlurmNode {
  std::string name;
  bool usable = false;  // it runs jobs now, or would be woken for one
  Resources has;
  Resources used;  // by anybody
};
std::vector<std::string> SinfoArguments(const SlurmPlace& place);
// Of the place's partition, or where it names none of the cluster's default.
// `partition`: which that is.
std::vector<SlurmNode> ParseSinfo(std::string_view text,
                                  const SlurmPlace& place,
                                  std::string* partition);

// A job that runs, whoever's it is.
struct SlurmUse {
  std::string name;
  Resources need;
  std::optional<Instant> end;  // by its time limit, if it has one
  std::string id = {};
};
std::vector<std::string> UseArguments(const std::string& partition);
std::vector<SlurmUse> ParseUse(std::string_view text);

// Nodes set aside: nothing of ours begins there meanwhile.
struct SlurmReservation {
  std::string name;
  Interval during;
  std::string nodes;               // as Slurm writes lists of them
  std::vector<std::string> names;  // one by one
};
std::vector<std::string> ReservationArguments();
std::vector<SlurmReservation> ParseReservations(std::string_view text);
// One for each line; nothing of empty ones.
std::vector<std::string> ParseHostnames(std::string_view text);

struct SlurmCensus {
  std::vector<SlurmNode> nodes;
  std::vector<SlurmUse> uses;
  std::vector<SlurmReservation> reservations;
  std::set<std::string> adopted;  // jobs of others that carbond let go
};
// What carbond's own jobs use.
Resources OwnUse(const SlurmCensus& census, const std::string& prefix);

// `prefix`: how the names of this carbond's own jobs begin. What others use
// counts until the end that Slurm expects; where it knows of none, or of no job
// that uses it, for the next hour, and then it is looked at again.
Room MakeRoom(const SlurmCensus& census, const SlurmPlace& place,
              const std::string& prefix, Instant now);

// Of a cluster that does not answer, and so begins nothing: until then all that
// carbond's own jobs had not when it was last counted counts as taken. Not as
// having nothing, with which no plan could be made, and jobs whose hour is far
// would be handed over at once.
Room Closed(const Room& room, const Resources& own, Instant until);

}  // namespace carbond
