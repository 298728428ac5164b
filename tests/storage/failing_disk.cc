#include "tests/storage/failing_disk.h"

#include <cerrno>
#include <filesystem>
#include <fstream>

namespace carbond {
namespace {

// SQLite allocates this, and the real file behind it, as one piece.
struct Handle {
  sqlite3_file base;
  FailingDisk* disk;
  std::string* path;  // null: a temporary file of no interest
  sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};

Handle* Of(sqlite3_file* file) { return reinterpret_cast<Handle*>(file); }
sqlite3_file* Real(sqlite3_file* file) { return Of(file)->real(); }

int Close(sqlite3_file* file) {
  const int code = Real(file)->pMethods->xClose(Real(file));
  delete Of(file)->path;
  return code;
}
int Read(sqlite3_file* file, void* data, int size, sqlite3_int64 at) {
  return Real(file)->pMethods->xRead(Real(file), data, size, at);
}
int Write(sqlite3_file* file, const void* data, int size, sqlite3_int64 at) {
  if (Of(file)->path != nullptr) {
    const int code = Of(file)->disk->Write(*Of(file)->path, data, size, at);
    if (code != SQLITE_OK) return code;
  }
  return Real(file)->pMethods->xWrite(Real(file), data, size, at);
}
int Truncate(sqlite3_file* file, sqlite3_int64 size) {
  if (Of(file)->path != nullptr) {
    Of(file)->disk->Truncate(*Of(file)->path, size);
  }
  return Real(file)->pMethods->xTruncate(Real(file), size);
}
int Sync(sqlite3_file* file, int flags) {
  if (Of(file)->path != nullptr) {
    const int code = Of(file)->disk->Sync(*Of(file)->path);
    if (code != SQLITE_OK) return code;
  }
  return Real(file)->pMethods->xSync(Real(file), flags);
}
int FileSize(sqlite3_file* file, sqlite3_int64* size) {
  return Real(file)->pMethods->xFileSize(Real(file), size);
}
int Lock(sqlite3_file* file, int level) {
  return Real(file)->pMethods->xLock(Real(file), level);
}
int Unlock(sqlite3_file* file, int level) {
  return Real(file)->pMethods->xUnlock(Real(file), level);
}
int CheckReservedLock(sqlite3_file* file, int* out) {
  return Real(file)->pMethods->xCheckReservedLock(Real(file), out);
}
int FileControl(sqlite3_file* file, int op, void* arg) {
  return Real(file)->pMethods->xFileControl(Real(file), op, arg);
}
int SectorSize(sqlite3_file* file) {
  return Real(file)->pMethods->xSectorSize(Real(file));
}
int Characteristics(sqlite3_file* file) {
  return Real(file)->pMethods->xDeviceCharacteristics(Real(file));
}
int ShmMap(sqlite3_file* file, int page, int size, int extend,
           void volatile** out) {
  return Real(file)->pMethods->xShmMap(Real(file), page, size, extend, out);
}
int ShmLock(sqlite3_file* file, int offset, int n, int flags) {
  return Real(file)->pMethods->xShmLock(Real(file), offset, n, flags);
}
void ShmBarrier(sqlite3_file* file) {
  Real(file)->pMethods->xShmBarrier(Real(file));
}
int ShmUnmap(sqlite3_file* file, int remove) {
  return Real(file)->pMethods->xShmUnmap(Real(file), remove);
}

constexpr sqlite3_io_methods kMethods = {2,
                                         Close,
                                         Read,
                                         Write,
                                         Truncate,
                                         Sync,
                                         FileSize,
                                         Lock,
                                         Unlock,
                                         CheckReservedLock,
                                         FileControl,
                                         SectorSize,
                                         Characteristics,
                                         ShmMap,
                                         ShmLock,
                                         ShmBarrier,
                                         ShmUnmap,
                                         nullptr,
                                         nullptr};

FailingDisk* DiskOf(sqlite3_vfs* vfs) {
  return static_cast<FailingDisk*>(vfs->pAppData);
}

int OpenFile(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags,
             int* out_flags) {
  auto* handle = Of(file);
  handle->base.pMethods = nullptr;
  handle->disk = DiskOf(vfs);
  handle->path = nullptr;
  sqlite3_vfs* real = handle->disk->real();
  const int code = real->xOpen(real, name, handle->real(), flags, out_flags);
  if (code != SQLITE_OK) return code;
  if (name != nullptr && (flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL))) {
    handle->path = new std::string(name);
  }
  handle->base.pMethods = &kMethods;
  return SQLITE_OK;
}

int DeleteFile(sqlite3_vfs* vfs, const char* name, int sync) {
  DiskOf(vfs)->Delete(name);
  sqlite3_vfs* real = DiskOf(vfs)->real();
  return real->xDelete(real, name, sync);
}

}  // namespace

FailingDisk::FailingDisk() : real_(sqlite3_vfs_find(nullptr)), vfs_(*real_) {
  vfs_.zName = "failing";
  vfs_.pNext = nullptr;
  vfs_.pAppData = this;
  vfs_.szOsFile = static_cast<int>(sizeof(Handle)) + real_->szOsFile;
  vfs_.xOpen = OpenFile;
  vfs_.xDelete = DeleteFile;
  sqlite3_vfs_register(&vfs_, 1);
}

FailingDisk::~FailingDisk() {
  sqlite3_vfs_unregister(&vfs_);
  sqlite3_vfs_register(real_, 1);
}

void FailingDisk::FailWritesFrom(int n, int code) {
  fail_from_ = writes_ + n;
  write_code_ = code;
}

void FailingDisk::Mend() {
  fail_from_ = -1;
  sync_code_ = SQLITE_OK;
}

void FailingDisk::CutPowerAtWrite(int n, const std::string& folder,
                                  std::mt19937_64& chance) {
  cut_at_ = writes_ + n;
  cut_folder_ = folder;
  cut_chance_ = &chance;
}

int FailingDisk::Write(const std::string& path, const void* data, int size,
                       int64_t at) {
  if (writes_ == cut_at_ && !cut_folder_.empty()) {
    CutPower(cut_folder_, *cut_chance_);
    cut_folder_.clear();
  }
  if (fail_from_ >= 0 && writes_ >= fail_from_) return write_code_;
  ++writes_;
  files_[path].pending.push_back(
      {at,
       std::string(static_cast<const char*>(data), static_cast<size_t>(size)),
       false});
  return SQLITE_OK;
}

void FailingDisk::Truncate(const std::string& path, int64_t size) {
  files_[path].pending.push_back({size, "", true});
}

int FailingDisk::Sync(const std::string& path) {
  if (sync_code_ != SQLITE_OK) {
    errno = EIO;
    return sync_code_;
  }
  File& file = files_[path];
  for (const Change& change : file.pending) Make(file.durable, change);
  file.pending.clear();
  return SQLITE_OK;
}

void FailingDisk::Make(std::string& content, const Change& change) {
  const auto at = static_cast<size_t>(change.at);
  if (change.truncates) {
    content.resize(at);
    return;
  }
  if (content.size() < at + change.data.size()) {
    content.resize(at + change.data.size());
  }
  content.replace(at, change.data.size(), change.data);
}

void FailingDisk::CutPower(const std::string& folder,
                           std::mt19937_64& chance) const {
  for (const auto& [path, file] : files_) {
    std::string content = file.durable;
    for (const Change& change : file.pending) {
      if (chance() % 2 == 0) Make(content, change);
    }
    const auto name = std::filesystem::path(path).filename();
    std::ofstream(folder / name, std::ios::binary | std::ios::trunc) << content;
  }
}

}  // namespace carbond
