#include "daemon/exec/slurm/rights.h"

#include "daemon/exec/slurm/commands.h"
#include "daemon/exec/slurm/program.h"

namespace carbond {

bool MayManage(const SlurmOwner& owner, const std::string& user,
               const std::string& levels) {
  return user == "root" || user == owner.user ||
         levels.find("Operator") != std::string::npos ||
         levels.find("Administrator") != std::string::npos;
}

Status CheckRights(const std::string& user, const Environment& environment,
                   Duration limit) {
  CARBOND_ASSIGN_OR_RETURN(
      const ProgramEnd config,
      RunProgram("scontrol", OwnerArguments(), environment, limit));
  if (config.code != 0) {
    return Trouble("scontrol show config: {}",
                   config.timed_out ? "no answer" : LastComplaint(config.err));
  }
  const SlurmOwner owner = ParseOwner(config.out);
  if (MayManage(owner, user, "")) return Ok();
  // Only where there is a database; elsewhere it says so and fails.
  CARBOND_ASSIGN_OR_RETURN(
      const ProgramEnd levels,
      RunProgram("sacctmgr",
                 {"--noheader", "--parsable2", "show", "user", "name=" + user,
                  "format=AdminLevel"},
                 environment, limit));
  if (levels.code == 0 && MayManage(owner, user, levels.out)) return Ok();
  return Status(
      absl::StatusCode::kPermissionDenied,
      fmt::format("carbond runs as {}, who may not release other users' jobs "
                  "of cluster {}: make it an operator (sacctmgr modify user {} "
                  "set AdminLevel=Operator), or run carbond as SlurmUser {}",
                  user, owner.cluster, user, owner.user));
}

}  // namespace carbond
