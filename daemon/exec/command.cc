#include "daemon/exec/command.h"

#include <fcntl.h>
#include <fmt/ranges.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace carbond {
namespace {

constexpr char kProgressVariable[] = "CARBON_PROGRESS_FILE";
// Where exec looks when there is no PATH.
constexpr char kStandardPath[] = "/bin:/usr/bin";

enum class FileKind { kNone, kDirectory, kNotExecutable, kExecutable, kOther };

FileKind KindOf(const std::string& path) {
  struct stat info = {};
  if (::stat(path.c_str(), &info) != 0) return FileKind::kNone;
  if (S_ISDIR(info.st_mode)) return FileKind::kDirectory;
  if (!S_ISREG(info.st_mode)) return FileKind::kOther;
  return ::faccessat(AT_FDCWD, path.c_str(), X_OK, AT_EACCESS) == 0
             ? FileKind::kExecutable
             : FileKind::kNotExecutable;
}

std::string Absolute(const std::string& path, const std::string& workdir) {
  return path.starts_with('/') ? path : workdir + '/' + path;
}

Status CheckWorkdir(const std::string& workdir) {
  if (!workdir.starts_with('/')) {
    return Refused("working directory `{}` is not absolute: begin it with /",
                   workdir);
  }
  struct stat info = {};
  if (::stat(workdir.c_str(), &info) != 0) {
    return Refused("working directory {}: {}", workdir, std::strerror(errno));
  }
  if (!S_ISDIR(info.st_mode)) {
    return Refused("working directory {} is not a directory", workdir);
  }
  if (::faccessat(AT_FDCWD, workdir.c_str(), X_OK, AT_EACCESS) != 0) {
    return Refused("working directory {} cannot be entered by user {}: {}",
                   workdir, ::geteuid(), std::strerror(errno));
  }
  return Ok();
}

// A name without a slash: the first executable file of that name in PATH, as
// exec would find it.
Status CheckInPath(const std::string& name, const std::string& path,
                   const std::string& workdir) {
  std::string unusable;
  for (size_t begin = 0; begin <= path.size();) {
    const size_t end = std::min(path.find(':', begin), path.size());
    const std::string folder = path.substr(begin, end - begin);
    const std::string file =
        Absolute(folder.empty() ? "." : folder, workdir) + '/' + name;
    const FileKind kind = KindOf(file);
    if (kind == FileKind::kExecutable) return Ok();
    if (kind == FileKind::kNotExecutable && unusable.empty()) unusable = file;
    begin = end + 1;
  }
  if (!unusable.empty()) {
    return Refused("command {} is not executable: chmod +x it", unusable);
  }
  if (KindOf(workdir + '/' + name) != FileKind::kNone) {
    return Refused(
        "command `{}` was not found in PATH; the one in {} is called `./{}`",
        name, workdir, name);
  }
  return Refused("command `{}` was not found in PATH nor in {}: give its path",
                 name, workdir);
}

Status CheckFile(const std::string& command, const std::string& workdir) {
  const std::string file = Absolute(command, workdir);
  switch (KindOf(file)) {
    case FileKind::kExecutable:
      return Ok();
    case FileKind::kNone:
      return Refused("command {}: {}", file,
                     std::strerror(errno != 0 ? errno : ENOENT));
    case FileKind::kDirectory:
      return Refused("command {} is a directory: name the program in it", file);
    case FileKind::kOther:
      return Refused("command {} is not a regular file", file);
    case FileKind::kNotExecutable:
      break;
  }
  return Refused(
      "command {} is not executable: chmod +x it, or name its interpreter "
      "before it",
      file);
}

}  // namespace

// What exec would cut short or mistake.
Status CheckCommandText(const JobSpec& spec) {
  const auto has_nul = [](const std::string& s) {
    return s.find('\0') != std::string::npos;
  };
  for (const std::string& word : spec.command) {
    if (has_nul(word)) return Refused("command holds a NUL character");
  }
  if (has_nul(spec.on_pause) || has_nul(spec.on_resume) ||
      has_nul(spec.workdir)) {
    return Refused("on_pause, on_resume and workdir may hold no NUL character");
  }
  for (const auto& [name, value] : spec.env) {
    if (name.empty() || name.find('=') != std::string::npos || has_nul(name) ||
        has_nul(value)) {
      return Refused(
          "env `{}`: a name may not be empty nor hold `=`, and nothing may "
          "hold a NUL character",
          name);
    }
  }
  return Ok();
}

Environment OwnEnvironment() {
  Environment own;
  for (char** entry = ::environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const size_t equals = text.find('=', 1);
    if (equals == std::string::npos) continue;
    own.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return own;
}

Status CheckCommand(const JobSpec& spec, const Environment& inherited) {
  CARBOND_RETURN_IF_ERROR(CheckCommandText(spec));
  CARBOND_RETURN_IF_ERROR(CheckWorkdir(spec.workdir));
  if (spec.command.empty() || spec.command[0].empty()) {
    return Refused("command is empty: say what to run after `--`");
  }
  const std::string& name = spec.command[0];
  if (name.find('/') != std::string::npos) {
    return CheckFile(name, spec.workdir);
  }
  std::string path = kStandardPath;
  if (const auto found = inherited.find("PATH"); found != inherited.end()) {
    path = found->second;
  }
  if (const auto found = spec.env.find("PATH"); found != spec.env.end()) {
    path = found->second;
  }
  return CheckInPath(name, path, spec.workdir);
}

Environment JobEnvironment(Environment inherited, const StartOrder& order,
                           const RunPaths& paths, bool manages_gpus) {
  Environment env = std::move(inherited);
  for (const auto& [name, value] : order.spec.env) env[name] = value;
  env["CARBON_JOB_ID"] = std::to_string(Number(order.id.job));
  env["CARBON_RUN"] = std::to_string(order.id.process);
  env["CARBON_REGION"] = order.region;
  env["CARBON_RESUME"] = order.resume ? "1" : "0";
  if (!order.move.from.empty()) env["CARBON_DATA_FROM"] = order.move.from;
  env["CARBON_CHECKPOINT_DIR"] = paths.checkpoint_dir;
  env[kProgressVariable] = paths.progress_file;
  if (manages_gpus) {
    // Empty for a run that was given none: without the variable CUDA would
    // show it all devices, and it would draw on those of other jobs.
    env["CUDA_VISIBLE_DEVICES"] =
        fmt::format("{}", fmt::join(order.allotment.gpus, ","));
    // Count devices as nvidia-smi does; CUDA's own order is by speed.
    env.emplace("CUDA_DEVICE_ORDER", "PCI_BUS_ID");
  }
  // Numeric libraries otherwise start a thread for each core of the machine,
  // those of other jobs included.
  if (order.allotment.cpus > 0 && !order.spec.env.contains("OMP_NUM_THREADS")) {
    env["OMP_NUM_THREADS"] = std::to_string(order.allotment.cpus);
  }
  return env;
}

std::string RunMark(const RunPaths& paths) {
  return std::string(kProgressVariable) + '=' + paths.progress_file;
}

}  // namespace carbond
