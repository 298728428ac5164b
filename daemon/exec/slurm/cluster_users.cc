// Runs of other users than carbond's own: what belongs to whom on disk and in
// Slurm. Where a user can write, carbond reads as he does, writes as he does,
// and only before his run is handed over; the folders on the way there are
// carbond's alone.

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <set>

#include "daemon/exec/directory.h"
#include "daemon/exec/handed_folder.h"
#include "daemon/exec/run_paths.h"
#include "daemon/exec/slurm/cluster.h"

namespace carbond {
namespace {

// With a command's 10 s, one who has his own commands hang takes a seventh of
// the cluster's thread.
constexpr Duration kHungRest = minutes(1);

template <typename N>
bool ReadNumber(const TextRecord& record, const char* key, N& number) {
  const auto found = record.find(key);
  if (found == record.end()) return false;
  const std::string& text = found->second;
  const auto read =
      std::from_chars(text.data(), text.data() + text.size(), number);
  return read.ec == std::errc() && read.ptr == text.data() + text.size();
}

}  // namespace

void SlurmCluster::Held::HandTo(UnixUser owner) {
  user = std::move(owner);
  work = dir + '/' + kHandedFolder;
  progress = ProgressReader(work + '/' + kProgressFile);
}

// A user who is gone meanwhile, or whose name another has now, ends the run:
// that is no trouble that goes by.
Status SlurmCluster::FindOwner(ProcessId id, Held& held, const JobSpec& spec) {
  if (!options_.run_as) return Ok();
  Status allowed = CheckSubmitter(spec, *options_.run_as);
  if (allowed.ok()) {
    Result<UnixUser> user = FindUser(static_cast<uid_t>(*spec.uid));
    if (absl::IsUnavailable(user.status())) return user.status();
    if (user.ok() && user->name == spec.user) {
      held.HandTo(*std::move(user));
      return Ok();
    }
    allowed = user.ok() ? Refused(
                              "uid {} is {} now, and was {} when the job "
                              "was submitted: submit it again",
                              *spec.uid, user->name, spec.user)
                        : user.status();
  }
  held.facts.refusal = Message(allowed);
  held.facts.submitted = true;  // as far as it ever will be
  spdlog::warn("job {} run {}: {}", Number(id.job), id.process,
               held.facts.refusal);
  return Ok();
}

// Of a run that an earlier daemon handed over.
Status SlurmCluster::ReadOwner(Held& held, const TextRecord& submission) {
  UnixUser user;
  if (!ReadNumber(submission, "uid", user.uid)) return Ok();
  Result<UnixUser> known = FindUser(user.uid);
  if (absl::IsUnavailable(known.status())) return known.status();
  if (known.ok()) {
    held.HandTo(*std::move(known));
    return Ok();
  }
  // Gone since; what is his is still looked at with his rights.
  if (!ReadNumber(submission, "gid", user.gid)) {
    return Trouble("{}/{}: it names no group of uid {}", held.dir,
                   kSubmissionFile, user.uid);
  }
  const auto name = submission.find("user");
  if (name != submission.end()) user.name = name->second;
  user.home = "/";
  user.shell = "/bin/sh";
  held.HandTo(std::move(user));
  return Ok();
}

Status SlurmCluster::MakeFolders(ProcessId id, const Held& held) {
  const std::string& shared = options_.shared_dir;
  CARBOND_RETURN_IF_ERROR(MakeDirectory(held.dir, 0700));
  if (!held.user) return MakeJobDirectories(shared, id.job);
  CARBOND_RETURN_IF_ERROR(LetPass(held.dir));
  for (const std::string& folder :
       {held.work, LogDir(shared, id.job), CheckpointDir(shared, id.job)}) {
    CARBOND_RETURN_IF_ERROR(HandFolder(folder, held.user->uid, held.user->gid));
  }
  return Ok();
}

Result<std::optional<FilesAs>> SlurmCluster::AsOwner(const Held& held) const {
  std::optional<FilesAs> files;
  if (!held.user) return files;
  CARBOND_ASSIGN_OR_RETURN(FilesAs theirs,
                           FilesAs::Of(held.user->uid, held.user->gid));
  files.emplace(std::move(theirs));
  return files;
}

Result<ProgramEnd> SlurmCluster::CallFor(
    const Held& held, const std::string& program,
    const std::vector<std::string>& arguments) {
  if (!held.user) return Call(program, arguments);
  const UnixUser& user = *held.user;
  Duration& hung_until = hung_until_[user.uid];
  if (Now() < hung_until) {
    return Trouble("commands of {} hang, none is begun for a while", user.name);
  }
  auto end = RunProgramAs(
      user, {program, arguments, environment_, options_.command_limit});
  // A process of his own he can stop: then it is he who waits, and not all.
  if (end.ok() && end->timed_out && trouble_.empty()) {
    hung_until = Now() + kHungRest;
  }
  return end;
}

std::vector<std::string> SlurmCluster::Owners() const {
  std::set<std::string> owners;
  for (const auto& [id, held] : held_) {
    if (held.final || held.is_entry() || !held.user) continue;
    // Of a user who is gone squeue would answer nothing at all.
    if (absl::IsNotFound(FindUser(held.user->uid).status())) continue;
    owners.insert(std::to_string(held.user->uid));
  }
  owners.insert(options_.user);
  return {owners.begin(), owners.end()};
}

// Of a run by its name in Slurm; -1: there is none of that name.
int64_t SlurmCluster::OwnerOf(const std::string& name) const {
  const std::string prefix = fmt::format("carbond.{}.", options_.instance);
  if (!name.starts_with(prefix)) return -1;
  int64_t job = 0;
  ProcessId id;
  const char* end = name.data() + name.size();
  const auto first = std::from_chars(name.data() + prefix.size(), end, job);
  if (first.ec != std::errc() || first.ptr == end || *first.ptr != '.') {
    return -1;
  }
  const auto second = std::from_chars(first.ptr + 1, end, id.process);
  if (second.ec != std::errc() || second.ptr != end) return -1;
  id.job = JobId{job};
  const auto held = held_.find(id);
  if (held == held_.end()) return -1;
  return held->second.user ? held->second.user->uid : ::geteuid();
}

// What is in the user's folder goes by his own hand, within its time, whatever
// he put there. False, and told, when something stays.
bool SlurmCluster::RemoveWork(ProcessId id, const Held& held) {
  if (!held.user) return true;
  const auto end =
      CallFor(held, "find", {held.work, "-xdev", "-mindepth", "1", "-delete"});
  if (::rmdir(held.work.c_str()) == 0 || errno == ENOENT) return true;
  const std::string why = std::strerror(errno);
  spdlog::warn("job {} run {}: cannot remove {}: {}; its user has to",
               Number(id.job), id.process, held.work,
               !end.ok()          ? Message(end.status())
               : end->timed_out   ? "it takes too long"
               : end->err.empty() ? why
                                  : LastComplaint(end->err));
  return false;
}

}  // namespace carbond
