#include "daemon/exec/directory.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include "daemon/exec/run_paths.h"

namespace carbond {

Status MakeDirectory(const std::string& path, mode_t mode) {
  if (::mkdir(path.c_str(), mode) == 0 || errno == EEXIST) return Ok();
  return Trouble("cannot make directory {}: {}", path, std::strerror(errno));
}

Status MakeSharedDirectories(const std::string& shared_dir) {
  CARBOND_RETURN_IF_ERROR(MakeDirectory(shared_dir + "/logs", 0750));
  return MakeDirectory(shared_dir + "/checkpoints", 0700);
}

Status MakeJobDirectories(const std::string& shared_dir, JobId job) {
  CARBOND_RETURN_IF_ERROR(MakeDirectory(LogDir(shared_dir, job), 0750));
  return MakeDirectory(CheckpointDir(shared_dir, job), 0700);
}

}  // namespace carbond
