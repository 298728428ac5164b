#pragma once
// A job as people describe it: flags of the command line and keys of a job file
// share one table of names, and become a JobSpec here.

#include <carbond/v1/carbond.pb.h>

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/local_time.h"

namespace carbond::client {

// One thing that can be said about a job.
struct JobField {
  std::string name;  // of the flag, without dashes; the key has `_` for `-`
  std::string metavar;
  std::string help;
  bool repeats = false;  // may be given several times
  // Replaces what `spec` has of it by `values` (at least one).
  std::function<absl::Status(const std::vector<std::string>& values,
                             const Here& here, v1::JobSpec& spec)>
      set;
};

std::span<const JobField> JobFields();
const JobField* FindJobField(const std::string& name);  // `-` and `_` alike

// A field as it was given.
struct Said {
  const JobField* field = nullptr;
  std::vector<std::string> values;
  int line = 0;  // in the job file; 0: a flag
};

// What is known of the one who submits; a job starts out from it.
struct Submitter {
  std::string user;
  std::string directory;  // absolute
};

struct Mistake {
  int line = 0;      // in the job file; 0: on the command line
  std::string text;  // with its line
};

// A job as it was described, in full: nothing is computed yet.
struct JobWords {
  std::vector<Said> said;            // in order; later ones win
  std::vector<std::string> command;  // empty: none given
  int line = 0;                      // where the job begins in its file
  std::vector<Mistake> mistakes;     // what of its file was not understood
  bool command_said = false;         // though perhaps not understood
};

// Whether any instant was given as a distance from now or as a clock time.
bool DependsOnNow(const JobWords& words);

// The spec that the words describe, or all their mistakes, a line each. What
// the words alone can tell is checked here; what depends on the time, on the
// regions or on the machine (can the deadline be met?) by the daemon.
absl::StatusOr<v1::JobSpec> MakeSpec(const JobWords& words,
                                     const Submitter& submitter,
                                     const Here& here);

// The words of a file, with the flags given beside it on top.
JobWords Overridden(JobWords file, const JobWords& flags);

}  // namespace carbond::client
