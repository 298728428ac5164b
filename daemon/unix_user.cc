#include "daemon/unix_user.h"

#include <pwd.h>

#include <cerrno>
#include <cstring>
#include <vector>

namespace carbond {

Result<UnixUser> FindUser(uid_t uid) {
  passwd entry = {};
  passwd* found = nullptr;
  std::vector<char> texts(4096);
  int error = 0;
  while ((error = ::getpwuid_r(uid, &entry, texts.data(), texts.size(),
                               &found)) == ERANGE &&
         texts.size() < (1 << 20)) {
    texts.resize(texts.size() * 2);
  }
  if (found != nullptr) {
    return UnixUser{entry.pw_name, uid, entry.pw_gid, entry.pw_dir,
                    entry.pw_shell};
  }
  // getpwnam(3): these too are ways to say that there is none.
  if (error == 0 || error == ENOENT || error == ESRCH) {
    return Missing(
        "uid {} has no name on this machine: carbond must run where its users "
        "are known (getent passwd {})",
        uid, uid);
  }
  return Trouble("cannot look up uid {}: {}", uid, std::strerror(error));
}

}  // namespace carbond
