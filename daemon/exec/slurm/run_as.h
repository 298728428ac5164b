#pragma once
// Slurm's commands as the user who submitted a job, and never as root by
// accident: who may have jobs run under his own name, what carbond needs for
// it, and how a command becomes his. setpriv(1) drops what carbond is, since a
// process of many threads cannot fork safely and do so itself. Stateless.

#include <string>
#include <vector>

#include "daemon/exec/slurm/program.h"
#include "daemon/unix_user.h"
#include "scheduler/job.h"

namespace carbond {

// Which of those who submit may have their jobs run.
struct RunAsPolicy {
  int64_t min_uid = 1000;   // below are users of the system: login.defs(5)
  bool allow_root = false;  // uid 0, whatever min_uid says
};

// Pure: asks no user database.
Status CheckSubmitter(const JobSpec& spec, const RunAsPolicy& policy);

// May this process become other users? The error says what to grant.
Status CheckMayBecomeOthers(const Environment& environment);
// The same of the effective capabilities, as /proc/self/status shows them.
Status CheckCapabilities(const std::string& status);

// What a command of the user's is given in place of `own`: his home and names,
// and the mask for the files of his jobs, which sbatch hands on.
Environment EnvironmentOf(const UnixUser& user, Environment own);

// The words for setpriv that make it run `program` as the user.
std::vector<std::string> SetprivArguments(
    const UnixUser& user, const std::string& program,
    const std::vector<std::string>& arguments);

// As RunProgram, as the user.
Result<ProgramEnd> RunProgramAs(const UnixUser& user, ProgramCall call);

}  // namespace carbond
