#include "daemon/doctor/users_checkup.h"

#include "daemon/auth/munge.h"
#include "daemon/exec/handed_folder.h"
#include "daemon/exec/slurm/run_as.h"

namespace carbond {
namespace {

constexpr Duration kLongest = seconds(10);

}  // namespace

Findings CheckUpUsers(const Config& config) {
  Findings findings{"users: authenticated by MUNGE"};
  const Environment environment = OwnEnvironment();
  const Status munge =
      TryMunge(config.users.munge_socket, environment, kLongest);
  if (munge.ok()) {
    findings.Good("munge made a credential, and unmunge read it");
  } else {
    findings.Bad("nobody can prove who he is: " + Message(munge));
  }
  if (!config.slurm.as_submitter) return findings;
  const Status may = CheckMayBecomeOthers(environment);
  if (may.ok()) {
    findings.Good("jobs can be run as the users who submit them");
  } else {
    findings.Bad(Message(may));
  }
  const Status ours = CheckPathIsOurs(config.shared_dir);
  if (ours.ok()) {
    findings.Good("nobody but root and carbond can replace shared_dir " +
                  config.shared_dir);
  } else {
    findings.Bad(Message(ours));
  }
  return findings;
}

}  // namespace carbond
