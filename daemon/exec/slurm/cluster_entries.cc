// Jobs that users sent to the cluster themselves: found while they are held,
// looked at, let go, held again, ended.

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstring>

#include "daemon/exec/directory.h"
#include "daemon/exec/slurm/cluster.h"
#include "daemon/exec/slurm/rights.h"

namespace carbond {
namespace {

// Of a sighting: shorter than Slurm remembers what has ended (MinJobAge).
constexpr Duration kRecently = minutes(1);

std::string KeyOf(const std::string& number, Instant entered_at) {
  return fmt::format("{}@{}", number, entered_at.millis() / 1000);
}
std::string KeyOf(const QueueEntry& entry) {
  return KeyOf(entry.number, entry.entered_at);
}

std::optional<Instant> Seconds(const TextRecord& record, const char* key) {
  const auto found = record.find(key);
  if (found == record.end() || found->second.empty()) return std::nullopt;
  return Instant::FromSeconds(std::atoll(found->second.c_str()));
}

std::string InSeconds(std::optional<Instant> t) {
  return t ? std::to_string((t->millis() + 999) / 1000) : std::string();
}

}  // namespace

// ---- For the engine's thread ------------------------------------------------

Standing SlurmCluster::StandingOf(const QueueEntry& entry) {
  const std::lock_guard lock(mutex_);
  const auto [found, is_new] = watched_.try_emplace(KeyOf(entry));
  if (is_new) {
    found->second.entry = entry;
    look_soon_ = true;
    changed_.notify_all();
  }
  return found->second.standing;
}

void SlurmCluster::Withdraw(const QueueEntry& entry) {
  const std::lock_guard lock(mutex_);
  Watched& watched = watched_[KeyOf(entry)];
  watched.entry = entry;
  if (watched.withdraw) return;
  watched.withdraw = true;
  look_soon_ = true;
  changed_.notify_all();
}

// It is a run from now on.
bool SlurmCluster::Unwatch(const QueueEntry& entry) {
  const auto watched = watched_.find(KeyOf(entry));
  if (watched == watched_.end()) return false;
  const auto held_at = watched->second.held_at;
  watched_.erase(watched);
  return held_at && Now() - *held_at < kRecently;
}

// ---- What stands on disk ----------------------------------------------------

Status SlurmCluster::PrepareEntry(ProcessId id, Held& held,
                                  const Errand& errand) {
  CARBOND_RETURN_IF_ERROR(MakeDirectory(held.dir, 0700));
  held.entry = errand.start->spec.entry;
  held.begin = errand.times.begin;
  held.was_held = errand.was_held;
  const int error = WriteRecord(held.dir, kSubmissionFile,
                                {{"conf", conf_},
                                 {"name", NameOf(id)},
                                 {"entry", held.entry.number},
                                 {"queue", held.entry.queue},
                                 {"entered", InSeconds(held.entry.entered_at)},
                                 {"begin", InSeconds(held.begin)},
                                 {"held", held.was_held ? "1" : ""}});
  if (error != 0) {
    return Trouble("cannot write {}/{}: {}", held.dir, kSubmissionFile,
                   std::strerror(error));
  }
  held.facts.submitted = true;
  held.asked_at = Now();
  next_entries_ = Duration(0);
  return Ok();
}

Status SlurmCluster::ReadEntryFirst(Held& held, const TextRecord& submission) {
  const auto number = submission.find("entry");
  if (number == submission.end()) return Ok();
  held.entry.number = number->second;
  held.entry.entered_at = Seconds(submission, "entered").value_or(Instant());
  held.begin = Seconds(submission, "begin");
  held.was_held = Seconds(submission, "held").has_value();
  const auto seen = ReadRecord(held.dir, kSeenFile);
  if (seen.error != 0) {
    return Trouble("cannot read {}/{}: {}", held.dir, kSeenFile,
                   std::strerror(seen.error));
  }
  if (seen.value) {
    held.let_go = true;
    held.began = Seconds(*seen.value, "began");
    held.seen_at = Seconds(*seen.value, "seen").value_or(Instant());
  }
  next_entries_ = Duration(0);
  return Ok();
}

// That it was let go, and when it began, would be forgotten by a restart.
void SlurmCluster::KeepSeen(ProcessId id, Held& held) {
  const int error = WriteRecord(
      held.dir, kSeenFile,
      {{"began", InSeconds(held.began)}, {"seen", InSeconds(held.seen_at)}});
  if (error == 0) return;
  spdlog::warn("job {} run {}: cannot write {}/{}: {}", Number(id.job),
               id.process, held.dir, kSeenFile, std::strerror(error));
}

// ---- Looking ----------------------------------------------------------------

std::vector<std::string> SlurmCluster::EntryNumbers() {
  std::set<std::string> numbers;
  for (const auto& [id, held] : held_) {
    if (held.is_entry() && !held.final) numbers.insert(held.entry.number);
  }
  const std::lock_guard lock(mutex_);
  look_soon_ = false;
  for (auto& [key, watched] : watched_) {
    numbers.insert(watched.entry.number);
    watched.asked = true;
  }
  return {numbers.begin(), numbers.end()};
}

// One question for all of them. What Slurm does not name any more is gone.
bool SlurmCluster::ReadEntries() {
  const std::vector<std::string> numbers = EntryNumbers();
  if (numbers.empty()) {
    next_entries_ = Now() + options_.poll;
    return false;
  }
  const Duration asked = Now();
  const auto text = Ask("squeue", EntryArguments(numbers));
  next_entries_ = Now() + options_.poll;
  if (!text) return false;
  entries_at_ = asked;
  entries_.clear();
  for (SlurmEntry& entry : ParseEntries(*text)) {
    entries_.insert_or_assign(entry.id, std::move(entry));
  }
  return LookAtWatched();
}

std::optional<SlurmEntry> SlurmCluster::RowOf(const QueueEntry& entry) const {
  const auto row = entries_.find(entry.number);
  if (row == entries_.end() || !IsSame(row->second, entry)) return {};
  return row->second;
}

bool SlurmCluster::LookAtWatched() {
  std::vector<std::string> to_cancel;
  bool changed = false;
  {
    const std::lock_guard lock(mutex_);
    for (auto& [key, watched] : watched_) {
      // Of one that came while Slurm answered, the answer says nothing.
      if (!watched.asked) continue;
      const auto row = RowOf(watched.entry);
      const Standing seen = StandingIn(row);
      if (seen.what == Standing::What::kHeld) watched.held_at = entries_at_;
      changed = changed || seen.what != watched.standing.what;
      watched.standing = seen;
      if (watched.withdraw && seen.what == Standing::What::kHeld) {
        to_cancel.push_back(row->id);
      }
    }
  }
  for (const std::string& number : to_cancel) {
    if (Control(number, "scancel", {"--quiet", number})) {
      next_entries_ = Duration(0);
    }
  }
  return changed;
}

Sight SlurmCluster::LookAtEntry(ProcessId id, Held& held) {
  EntryFacts facts;
  facts.number = held.entry.number;
  facts.orders = held.facts.orders;
  facts.known = entries_at_ && held.asked_at && *entries_at_ > *held.asked_at;
  facts.fresh =
      facts.known && (!held.acted_at || *entries_at_ > *held.acted_at);
  facts.row = RowOf(held.entry);
  facts.let_go = held.let_go;
  facts.began = held.began;
  facts.seen_at = held.seen_at;
  facts.was_held = held.was_held;
  EntryVerdict verdict = JudgeEntry(facts);
  using What = Sight::What;
  const bool runs = verdict.sight.what == What::kRunning;
  // Nobody holds it now: from here on, whoever does is not carbond.
  const bool goes = facts.known && facts.row && !facts.row->held;
  const bool news = (goes && !held.let_go) || (runs && !held.began);
  if (goes) held.let_go = true;
  if (runs) {
    held.began = verdict.sight.began_at;
    held.seen_at = SystemClock::RealNow();
  }
  if (news) KeepSeen(id, held);
  Act(held, verdict.next);
  held.final =
      verdict.sight.what == What::kEnded || verdict.sight.what == What::kLost;
  return std::move(verdict.sight);
}

// ---- Acts -------------------------------------------------------------------

// False, and told once, when Slurm would not.
bool SlurmCluster::Control(const std::string& number,
                           const std::string& program,
                           const std::vector<std::string>& arguments) {
  const auto end = Call(program, arguments);
  if (end.ok() && end->code == 0) {
    complaints_.erase(number);
    return true;
  }
  const std::string why = !end.ok()        ? Message(end.status())
                          : end->timed_out ? "no answer"
                                           : LastComplaint(end->err);
  std::string& told = complaints_[number];
  if (told != why) {
    spdlog::warn("Slurm job {}: {} {}: {}{}", number, program,
                 arguments.front(), why,
                 why.find("denied") != std::string::npos ||
                         why.find("Invalid user") != std::string::npos
                     ? "; carbond must be SlurmUser, root or an operator of "
                       "this cluster (`carbond doctor` tells)"
                     : "");
    told = why;
  }
  return false;
}

void SlurmCluster::Act(Held& held, EntryVerdict::Next next) {
  using Next = EntryVerdict::Next;
  if (next == Next::kNothing) return;
  const std::string& number = held.entry.number;
  held.acted_at = Now();
  if (next == Next::kHold) {
    Control(number, "scontrol", HoldArguments(number));
  } else if (next == Next::kCancel) {
    Control(number, "scancel", {"--quiet", number});
  } else if (Control(number, "scontrol", BeginArguments(number, held.begin)) &&
             Control(number, "scontrol", ReleaseArguments(number))) {
    spdlog::info("let go in Slurm slurm_job={} begin={}", number,
                 held.begin ? FormatInstant(*held.begin) : "now");
  }
}

// ---- Intake -----------------------------------------------------------------

bool SlurmCluster::KnowCluster() {
  if (!cluster_.empty()) return true;
  const auto config = Ask("scontrol", OwnerArguments());
  if (!config) return false;
  cluster_ = ParseOwner(*config).cluster;
  const Status rights =
      CheckRights(options_.user, environment_, options_.command_limit);
  if (!rights.ok()) {
    spdlog::warn("jobs sent with sbatch cannot be deferred: {}",
                 Message(rights));
  }
  return !cluster_.empty();
}

bool SlurmCluster::IsOurs(const SlurmEntry& entry) {
  for (const auto& [id, held] : held_) {
    if (held.is_entry() && IsSame(entry, held.entry)) return true;
  }
  const std::lock_guard lock(mutex_);
  return std::ranges::any_of(watched_, [&](const auto& each) {
    return IsSame(entry, each.second.entry);
  });
}

// Those that are held with the comment, and that nobody here knows yet.
void SlurmCluster::ReadHeld(const std::string& region,
                            const std::string& partition) {
  if (!hand_in_ || !KnowCluster()) return;
  const std::string mark = MakeMark();
  const auto text = Ask("squeue", HeldArguments(partition, mark));
  if (!text) return;
  std::map<std::string, SlurmWords> asking;
  std::vector<std::string> numbers;
  for (SlurmWords& words : ParseHeld(*text, mark)) {
    if (!AsksForDeferral(words.comment)) continue;
    numbers.push_back(words.id);
    asking.emplace(words.id, std::move(words));
  }
  if (asking.empty()) return;
  const auto facts = Ask("squeue", EntryArguments(numbers));
  if (!facts) return;
  std::map<std::string, int> tasks;
  for (const std::string& id : numbers) ++tasks[BaseOf(id)];
  for (SlurmEntry& entry : ParseEntries(*facts)) {
    const auto words = asking.find(entry.id);
    if (words == asking.end() || !entry.held || IsOurs(entry)) continue;
    const int of_array = tasks[BaseOf(entry.id)];
    HeldJob job{std::move(entry), words->second,
                ParseWishes(words->second.comment), cluster_, region};
    HandOver(std::move(job), of_array);
  }
}

void SlurmCluster::HandOver(HeldJob job, int tasks) {
  const std::string key = KeyOf(job.entry.id, job.entry.submitted_at);
  const std::string why_not = WhyNotAdopted(job.entry, tasks);
  {
    const std::lock_guard lock(mutex_);
    const auto [asked, is_new] = asked_.try_emplace(key);
    if (!is_new) return;
    asked->second.number = job.entry.id;
    asked->second.remark = job.wishes.remark;
    if (!why_not.empty()) {
      asked->second.reply.emplace().status = Refused("{}", why_not);
      return;
    }
  }
  hand_in_(job, [this, key](Reply reply) {
    const std::lock_guard lock(mutex_);
    asked_[key].reply = std::move(reply);
    look_soon_ = true;
    changed_.notify_all();
  });
}

// Each user is told once, where `scontrol show job` shows it: of an array when
// all its tasks are answered, since it has one such line. A job that cannot be
// deferred is let go: held for ever it would be worse off.
void SlurmCluster::TellAnswers() {
  std::map<std::string, std::vector<Asked>> adopted;
  std::map<std::string, std::vector<Asked>> refused;
  {
    const std::lock_guard lock(mutex_);
    std::set<std::string> open;
    for (const auto& [key, asked] : asked_) {
      if (!asked.reply) open.insert(BaseOf(asked.number));
    }
    for (auto each = asked_.begin(); each != asked_.end();) {
      Asked& asked = each->second;
      const std::string base = BaseOf(asked.number);
      const bool news = asked.reply && !asked.told && !open.contains(base);
      // What was refused is not asked for again; what was adopted is known by
      // its standing.
      const bool no =
          asked.reply && absl::IsInvalidArgument(asked.reply->status);
      if (news) (no ? refused : adopted)[base].push_back(asked);
      asked.told = asked.told || news;
      each = news && !no ? asked_.erase(each) : std::next(each);
    }
  }
  for (const auto& [base, tasks] : adopted) TellAdopted(base, tasks);
  for (const auto& [base, tasks] : refused) {
    if (!adopted.contains(base)) {
      TellRefused(base, tasks.front());
      continue;
    }
    for (const Asked& task : tasks) TellRefused(task.number, task);
  }
}

void SlurmCluster::TellAdopted(const std::string& base,
                               const std::vector<Asked>& adopted) {
  std::vector<int64_t> jobs;
  std::string remark;
  for (const Asked& asked : adopted) {
    const Status& status = asked.reply->status;
    if (!status.ok()) {
      // As when carbond begins, or ends: it is found again.
      spdlog::debug("Slurm job {} is not adopted yet: {}", asked.number,
                    Message(status));
    } else if (!asked.reply->repeated) {
      jobs.push_back(carbond::Number(asked.reply->jobs.front()));
      remark = asked.remark;
    }
  }
  if (jobs.empty()) return;
  const auto [first, last] = std::ranges::minmax(jobs);
  const std::string words =
      (jobs.size() == 1
           ? fmt::format("job {}", first)
           : fmt::format("{} jobs, {} to {}", jobs.size(), first, last)) +
      (remark.empty() ? "" : "; " + remark);
  spdlog::info("adopted from Slurm slurm_job={} {}", base, words);
  Control(base, "scontrol", TellArguments(base, words));
}

void SlurmCluster::TellRefused(const std::string& number,
                               const Asked& refused) {
  const std::string why = Message(refused.reply->status);
  spdlog::warn("Slurm job {} is not deferred and let go at once: {}", number,
               why);
  Control(number, "scontrol", TellArguments(number, "not deferred: " + why));
  Control(number, "scontrol", ReleaseArguments(number));
}

}  // namespace carbond
