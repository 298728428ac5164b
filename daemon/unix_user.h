#pragma once
// Users of this machine, as its user database names them, which may be one over
// the network: never to be asked on the engine's thread. Stateless.

#include <sys/types.h>

#include <string>

#include "scheduler/result.h"

namespace carbond {

struct UnixUser {
  std::string name;
  uid_t uid = 0;
  gid_t gid = 0;  // the primary group
  std::string home;
  std::string shell;
};

// NotFound: there is no such user. Unavailable: the database gave no answer.
Result<UnixUser> FindUser(uid_t uid);

}  // namespace carbond
