#include "daemon/exec/files_as.h"

#include <sys/fsuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace carbond {
namespace {

// glibc's setgroups() would change all threads.
bool SetOwnGroups(const std::vector<gid_t>& groups) {
  return ::syscall(SYS_setgroups, groups.size(), groups.data()) == 0;
}

// Neither call says whether it worked: asked for nobody, they tell who is.
bool Become(uid_t uid, gid_t gid) {
  ::setfsgid(gid);
  ::setfsuid(uid);
  constexpr auto kNobody = static_cast<uid_t>(-1);
  return static_cast<gid_t>(::setfsgid(kNobody)) == gid &&
         static_cast<uid_t>(::setfsuid(kNobody)) == uid;
}

}  // namespace

Result<FilesAs> FilesAs::Of(uid_t uid, gid_t gid) {
  FilesAs files;
  const auto failed = [&] {
    return Trouble(
        "carbond may not touch files as uid {}: {}; it must be root "
        "or hold CAP_SETUID and CAP_SETGID",
        uid, std::strerror(EPERM));
  };
  const int count = ::getgroups(0, nullptr);
  files.before_.resize(static_cast<size_t>(std::max(0, count)));
  if (count < 0 || ::getgroups(count, files.before_.data()) != count ||
      !SetOwnGroups({})) {
    return failed();
  }
  files.active_ = true;
  if (!Become(uid, gid)) return failed();
  return files;
}

FilesAs::~FilesAs() {
  if (!active_) return;
  // To go on as somebody else would put our own files into his hands.
  CARBOND_INVARIANT(Become(::geteuid(), ::getegid()) && SetOwnGroups(before_),
                    "could not become itself again");
}

}  // namespace carbond
