#pragma once
// May carbond hold, release and cancel other users' jobs? Slurm allows it to
// root, to SlurmUser, and to whom its database calls an operator.

#include <string>

#include "daemon/exec/command.h"
#include "daemon/exec/slurm/entry.h"
#include "scheduler/result.h"

namespace carbond {

// `levels`: what sacctmgr prints of the user's AdminLevel, if it was asked.
bool MayManage(const SlurmOwner& owner, const std::string& user,
               const std::string& levels);

// Asks the cluster whose slurm.conf is in `environment`; takes as long as that
// does. The error says what to grant.
Status CheckRights(const std::string& user, const Environment& environment,
                   Duration limit);

}  // namespace carbond
