#include "daemon/exec/slurm/run_as.h"

#include <linux/capability.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <utility>

#include "daemon/exec/descriptor.h"

namespace carbond {
namespace {

constexpr char kDropPrivileges[] = "setpriv";
// What a login gives, where nothing else is said: login.defs(5).
constexpr char kUmask[] = "0022";

// To give folders away, to end a command of another user's that hangs, and to
// become him.
constexpr std::array<std::pair<int, const char*>, 4> kNeeded = {
    {{CAP_CHOWN, "CAP_CHOWN"},
     {CAP_KILL, "CAP_KILL"},
     {CAP_SETGID, "CAP_SETGID"},
     {CAP_SETUID, "CAP_SETUID"}}};

template <typename... A>
Status Denied(fmt::format_string<A...> text, A&&... args) {
  return absl::PermissionDeniedError(
      fmt::format(text, std::forward<A>(args)...));
}

}  // namespace

Status CheckSubmitter(const JobSpec& spec, const RunAsPolicy& policy) {
  if (!spec.uid) {
    return Denied(
        "jobs run here as the user who submitted them, and nobody has proven "
        "who submitted this one (its user is said to be `{}`): submit it again",
        spec.user);
  }
  if (*spec.uid == 0 && policy.allow_root) return Ok();
  if (*spec.uid == 0) {
    return Denied(
        "the job would run as root, who submitted it: submit it as an ordinary "
        "user, or have slurm: {{allow_root: true}} configured");
  }
  if (*spec.uid >= policy.min_uid) return Ok();
  return Denied(
      "the job would run as {} (uid {}), a user of the system: submit it as an "
      "ordinary user, or have slurm: {{min_uid: {}}} configured",
      spec.user, *spec.uid, *spec.uid);
}

Status CheckCapabilities(const std::string& status) {
  constexpr std::string_view kLine = "CapEff:";
  const size_t line = status.find(kLine);
  uint64_t held = 0;
  if (line != std::string::npos) {
    const size_t begin = status.find_first_not_of(" \t", line + kLine.size());
    if (begin != std::string::npos) {
      std::from_chars(status.data() + begin, status.data() + status.size(),
                      held, 16);
    }
  }
  std::string missing;
  for (const auto& [bit, name] : kNeeded) {
    if ((held >> bit & 1) != 0) continue;
    missing += (missing.empty() ? "" : ", ") + std::string(name);
  }
  if (missing.empty()) return Ok();
  return Denied(
      "slurm: run_as: submitter needs carbond to become its users, and it "
      "lacks {}: run it as root, or with these as AmbientCapabilities of its "
      "unit",
      missing);
}

Status CheckMayBecomeOthers(const Environment& environment) {
  const auto status = ReadSmallFile("/proc/self/status");
  if (!status.value) return Trouble("cannot read /proc/self/status");
  CARBOND_RETURN_IF_ERROR(CheckCapabilities(*status.value));
  if (!FindInPath(kDropPrivileges, environment).empty()) return Ok();
  return Missing("{} was not found in PATH: install util-linux",
                 kDropPrivileges);
}

Environment EnvironmentOf(const UnixUser& user, Environment own) {
  own["HOME"] = user.home;
  own["USER"] = user.name;
  own["LOGNAME"] = user.name;
  own["SHELL"] = user.shell;
  own["SLURM_UMASK"] = kUmask;
  return own;
}

std::vector<std::string> SetprivArguments(
    const UnixUser& user, const std::string& program,
    const std::vector<std::string>& arguments) {
  std::vector<std::string> words = {
      fmt::format("--reuid={}", user.uid), fmt::format("--regid={}", user.gid),
      "--init-groups",
      // Kept over a change of user who is not
      // root, and by exec where they are ambient.
      "--inh-caps=-all", "--ambient-caps=-all", "--", program};
  words.insert(words.end(), arguments.begin(), arguments.end());
  return words;
}

Result<ProgramEnd> RunProgramAs(const UnixUser& user, ProgramCall call) {
  const std::string file = FindInPath(call.program, call.environment);
  if (file.empty()) return Missing("{} was not found in PATH", call.program);
  call.arguments = SetprivArguments(user, file, call.arguments);
  call.program = kDropPrivileges;
  call.environment = EnvironmentOf(user, std::move(call.environment));
  return RunProgram(call);
}

}  // namespace carbond
