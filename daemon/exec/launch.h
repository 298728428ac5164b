#pragma once
// Starts a runner. Stateless.

#include <string>
#include <vector>

#include "daemon/exec/command.h"
#include "daemon/exec/process.h"
#include "scheduler/result.h"

namespace carbond {

// As exec wants them: ended by a null. The texts must outlive it.
std::vector<char*> Pointers(const std::vector<std::string>& texts);

// `program` with these arguments and nothing of ours: no descriptor but
// /dev/null and, for complaints, `log`; a session of its own; every signal
// blocked, so that one sent at once waits until the runner is ready for it. It
// becomes a child of this process. InvalidArgument means it never will start.
Result<ProcessIdentity> LaunchRunner(const std::string& program,
                                     const std::vector<std::string>& arguments,
                                     const Environment& environment,
                                     const std::string& log);

}  // namespace carbond
