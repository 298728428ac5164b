#pragma once
// Who calls, where that was proven. Pure.

#include <string>

#include "scheduler/engine.h"

namespace carbond {

struct Caller {
  int64_t uid = -1;
  std::string name;
  bool is_admin = false;  // may act on everybody's jobs

  // For commands about a job: empty for an admin.
  std::string only_of() const { return is_admin ? std::string() : name; }
};

// Makes the caller the user of all jobs. Refused when one of them names
// another: who acts for somebody else has to become him first.
Status SubmitAs(const Caller& caller, SubmitCommand& command);
Status SubmitAs(const Caller& caller, JobSpec& spec);

}  // namespace carbond
