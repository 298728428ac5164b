#pragma once
// Folders below shared_dir that belong to the user whose job writes there. On
// the way to them nothing can be moved or replaced but by carbond and root.
// Stateless.

#include <sys/types.h>

#include <string>

#include "scheduler/result.h"

namespace carbond {

// Is it so of `path`, an absolute one that exists, and may all users pass
// through it? The error names the folder and what mends it.
Status CheckPathIsOurs(const std::string& path);

// Of a folder of ours: all may pass through it, none but us may look or write.
Status LetPass(const std::string& path);

// Makes `path` and gives it to the user, who alone can enter it; that he has it
// already is fine.
Status HandFolder(const std::string& path, uid_t uid, gid_t gid);

}  // namespace carbond
