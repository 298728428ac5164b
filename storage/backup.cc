#include "storage/backup.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "storage/connection.h"
#include "storage/query.h"
#include "storage/schema.h"

// A copy is written under a temporary name beside its target, brought to disk,
// and only then given its name. VACUUM INTO reads one snapshot, so the daemon
// may go on writing; SQLite's step-wise backup API would start anew at each of
// its commits and never end.

namespace carbond {
namespace {

Status Failed(const std::string& what, const std::string& path) {
  return Trouble("cannot {} {}: {}; choose a folder that can be written", what,
                 path, std::strerror(errno));
}

std::string FolderOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

Status SyncToDisk(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return Failed("open", path);
  const bool synced = ::fsync(fd) == 0;
  const int error = errno;
  ::close(fd);
  errno = error;
  return synced ? Ok() : Failed("bring to disk", path);
}

// Removes the temporary file unless it has its name.
class Unfinished {
 public:
  explicit Unfinished(std::string path) : path_(std::move(path)) {}
  ~Unfinished() { ::unlink(path_.c_str()); }
  Unfinished(const Unfinished&) = delete;
  Unfinished& operator=(const Unfinished&) = delete;
  const std::string& path() const { return path_; }

 private:
  const std::string path_;
};

std::string TemporaryName(const std::string& target) {
  return fmt::format("{}.{}.tmp", target, ::getpid());
}

// An empty file that only those may read who may read the ledger: jobs'
// environments are in it.
Status CreateLike(const std::string& model, const std::string& path) {
  ::unlink(path.c_str());  // of an attempt that was killed
  struct stat like = {};
  if (::stat(model.c_str(), &like) != 0) return Failed("look at", model);
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
                        like.st_mode & 0777);
  if (fd < 0) return Failed("write", path);
  ::close(fd);
  return Ok();
}

Status WriteCopy(Connection& connection, const std::string& target) {
  CARBOND_RETURN_IF_ERROR(CreateLike(connection.path(), target));
  CARBOND_RETURN_IF_ERROR(connection.Bare([&]() -> Status {
    try {
      Query(connection, "VACUUM INTO ?", target).Run();
      return Ok();
    } catch (const SQLite::Exception& error) {
      return Trouble(
          "cannot copy ledger {} to {}: {}; see that there is space and that "
          "the folder can be written",
          connection.path(), target, error.what());
    }
  }));
  return SyncToDisk(target);
}

}  // namespace

Status KeepCopy(Connection& connection, const std::string& target) {
  const Unfinished copy(TemporaryName(target));
  CARBOND_RETURN_IF_ERROR(WriteCopy(connection, copy.path()));
  if (::rename(copy.path().c_str(), target.c_str()) != 0) {
    return Failed("write", target);
  }
  return SyncToDisk(FolderOf(target));
}

Status BackupLedger(const std::string& path, const std::string& target) {
  const auto taken = [&] {
    return Refused("{} exists already: name a file that does not", target);
  };
  if (::access(target.c_str(), F_OK) == 0) return taken();
  CARBOND_ASSIGN_OR_RETURN(const std::unique_ptr<Connection> connection,
                           Connection::Open(path, Connection::Access::kRead));
  CARBOND_RETURN_IF_ERROR(CheckSchema(*connection));
  const Unfinished copy(TemporaryName(target));
  CARBOND_RETURN_IF_ERROR(WriteCopy(*connection, copy.path()));
  // A link, unlike a rename, never replaces a file that came in between.
  if (::link(copy.path().c_str(), target.c_str()) != 0) {
    return errno == EEXIST ? taken() : Failed("write", target);
  }
  return SyncToDisk(FolderOf(target));
}

}  // namespace carbond
