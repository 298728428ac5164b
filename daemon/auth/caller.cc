#include "daemon/auth/caller.h"

namespace carbond {

Status SubmitAs(const Caller& caller, JobSpec& spec) {
  if (!spec.user.empty() && spec.user != caller.name) {
    return absl::PermissionDeniedError(fmt::format(
        "the job says that its user is {}, and it was submitted by {}: submit "
        "it as {}",
        spec.user, caller.name, spec.user));
  }
  spec.user = caller.name;
  spec.uid = caller.uid;
  return Ok();
}

Status SubmitAs(const Caller& caller, SubmitCommand& command) {
  for (SubmitCommand::Entry& entry : command.jobs) {
    CARBOND_RETURN_IF_ERROR(SubmitAs(caller, entry.spec));
  }
  // Each has ids of his own: nobody can use up another's.
  if (!command.request_id.empty()) {
    command.request_id += fmt::format("@{}", caller.uid);
  }
  return Ok();
}

}  // namespace carbond
