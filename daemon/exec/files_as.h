#pragma once
// While it lives, this thread, and it alone, touches files as another user
// would: whatever stands in that user's folders, a link to anywhere included,
// leads to nothing that he could not touch himself. setfsuid(2). A thread that is
// begun meanwhile begins so, a program does not.

#include <sys/types.h>

#include <utility>
#include <vector>

#include "scheduler/result.h"

namespace carbond {

class FilesAs {
 public:
  // Needs CAP_SETUID and CAP_SETGID, which root has.
  static Result<FilesAs> Of(uid_t uid, gid_t gid);
  FilesAs(FilesAs&& other) noexcept
      : before_(std::move(other.before_)),
        active_(std::exchange(other.active_, false)) {}
  FilesAs& operator=(FilesAs&&) = delete;
  ~FilesAs();

 private:
  FilesAs() = default;

  std::vector<gid_t> before_;  // our own groups
  bool active_ = false;
};

}  // namespace carbond
