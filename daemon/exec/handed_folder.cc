#include "daemon/exec/handed_folder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "daemon/exec/descriptor.h"

namespace carbond {
namespace {

Status CheckStep(const std::string& path) {
  struct stat info = {};
  if (::lstat(path.c_str(), &info) != 0) {
    return Trouble("{}: {}", path, std::strerror(errno));
  }
  const bool ours = info.st_uid == 0 || info.st_uid == ::geteuid();
  // In a sticky folder, such as /tmp, only the owner of a thing may move it.
  const bool shut = S_ISLNK(info.st_mode) ||
                    (info.st_mode & (S_IWGRP | S_IWOTH)) == 0 ||
                    (info.st_mode & S_ISVTX) != 0;
  if (ours && shut && !S_ISLNK(info.st_mode) && (info.st_mode & S_IXOTH) == 0) {
    return NotNow(
        "{} cannot be passed through by the users whose jobs run below it: "
        "chmod o+x",
        path);
  }
  if (ours && shut) return Ok();
  return NotNow(
      "{} {}, who could put folders of their own in the place of carbond's: "
      "shared_dir must lie where only root and carbond write (chown root, "
      "chmod go-w)",
      path,
      ours ? "can be written by other users"
           : fmt::format("belongs to uid {}", info.st_uid));
}

Status CheckSteps(const std::filesystem::path& path) {
  std::filesystem::path step;
  for (const auto& part : path) {
    step /= part;
    CARBOND_RETURN_IF_ERROR(CheckStep(step.string()));
  }
  return Ok();
}

}  // namespace

Status CheckPathIsOurs(const std::string& path) {
  std::error_code error;
  const auto canonical = std::filesystem::canonical(path, error);
  if (error) return Trouble("{}: {}", path, error.message());
  // As it is written, with the links in it, and where they lead.
  CARBOND_RETURN_IF_ERROR(CheckSteps(path));
  return CheckSteps(canonical);
}

Status LetPass(const std::string& path) {
  if (::chmod(path.c_str(), 0711) == 0) return Ok();
  return Trouble("cannot set the mode of {}: {}", path, std::strerror(errno));
}

Status HandFolder(const std::string& path, uid_t uid, gid_t gid) {
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
    return Trouble("cannot make directory {}: {}", path, std::strerror(errno));
  }
  // A look that needs no leave to enter it.
  const UniqueFd there(
      ::open(path.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  struct stat info = {};
  if (!there || ::fstat(there.get(), &info) != 0) {
    return Trouble("{}: {}", path, std::strerror(errno));
  }
  if (info.st_uid == uid) return Ok();
  if (info.st_uid != ::geteuid()) {
    return NotNow("{} belongs to uid {}, and is needed for uid {}: remove it",
                  path, info.st_uid, uid);
  }
  const UniqueFd fd(
      ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (fd && ::fchmod(fd.get(), 0700) == 0 &&
      ::fchown(fd.get(), uid, gid) == 0) {
    return Ok();
  }
  return Trouble(
      "cannot give {} to uid {}: {}; carbond needs CAP_CHOWN, and storage that "
      "lets it give folders away (NFS: no_root_squash for this machine)",
      path, uid, std::strerror(errno));
}

}  // namespace carbond
