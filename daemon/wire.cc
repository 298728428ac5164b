#include "daemon/wire.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "daemon/digest.h"

namespace carbond {
namespace {

// Bounds of what a value may say. They are far outside of anything meant, and
// near enough that no sum of the domain can overflow.
constexpr int64_t kLongestSeconds = int64_t{3650} * 24 * 3600;  // ten years
constexpr int64_t kLastSecond = 253402300799;  // 9999-12-31T23:59:59Z
constexpr double kMostWatts = 1e9;
constexpr double kMostGramsPerKwh = 1e5;
constexpr double kMostGigabytes = 1e9;
constexpr double kMostGrams = 1e6;
constexpr int kMostResources = 1'000'000;
constexpr size_t kMostJobsPerRequest = 100'000;
constexpr size_t kLongestRequestId = 256;

Status CheckNumber(double value, double most, const char* field) {
  if (!std::isfinite(value)) {
    return Refused("{} is {}: give a finite number", field, value);
  }
  if (value < 0) {
    return Refused("{} {} is negative: give 0 or more", field, value);
  }
  if (value > most) {
    return Refused("{} {} is more than {}", field, value, most);
  }
  return Ok();
}

Status CheckCount(int64_t value, int64_t most, const char* field) {
  if (value < 0) {
    return Refused("{} {} is negative: give 0 or more", field, value);
  }
  if (value > most) {
    return Refused("{} {} is more than {}", field, value, most);
  }
  return Ok();
}

// A C string ends at its first NUL: what stands behind it would vanish when
// the job is started.
Status CheckText(const std::string& text, const char* field) {
  if (text.find('\0') == std::string::npos) return Ok();
  return Refused("{} holds a NUL byte, which no program can be given", field);
}

Result<PauseMode> PauseFromWire(v1::PauseMode mode) {
  switch (mode) {
    case v1::PAUSE_MODE_UNSPECIFIED:
    case v1::PAUSE_MODE_NONE:
      return PauseMode::kNone;
    case v1::PAUSE_MODE_SUSPEND:
      return PauseMode::kSuspend;
    case v1::PAUSE_MODE_CHECKPOINT:
      return PauseMode::kCheckpoint;
    default:
      return Refused(
          "pause {} is unknown to this carbond: it knows none, suspend and "
          "checkpoint",
          static_cast<int>(mode));
  }
}

Result<State> StateFromWire(int state) {
  switch (state) {
    case v1::JOB_STATE_WAITING:
      return State::kWaiting;
    case v1::JOB_STATE_STARTING:
      return State::kStarting;
    case v1::JOB_STATE_RUNNING:
      return State::kRunning;
    case v1::JOB_STATE_PAUSED:
      return State::kPaused;
    case v1::JOB_STATE_DONE:
      return State::kDone;
    default:
      return Refused("job state {} is unknown to this carbond", state);
  }
}

Status ReadTexts(const v1::JobSpec& from, JobSpec& to) {
  CARBOND_RETURN_IF_ERROR(CheckText(from.workdir(), "workdir"));
  CARBOND_RETURN_IF_ERROR(CheckText(from.on_pause(), "on_pause"));
  CARBOND_RETURN_IF_ERROR(CheckText(from.on_resume(), "on_resume"));
  to.name = from.name();
  to.project = from.project();
  to.user = from.user();
  to.command.assign(from.command().begin(), from.command().end());
  to.env.insert(from.env().begin(), from.env().end());
  to.workdir = from.workdir();
  to.regions.assign(from.regions().begin(), from.regions().end());
  to.home_region = from.home_region();
  if (!from.checkpoint_signal().empty()) {
    to.checkpoint_signal = from.checkpoint_signal();
  }
  to.on_pause = from.on_pause();
  to.on_resume = from.on_resume();
  return Ok();
}

Status ReadNumbers(const v1::JobSpec& from, JobSpec& to, Unset& unset) {
  CARBOND_RETURN_IF_ERROR(CheckCount(from.gpus(), kMostResources, "gpus"));
  CARBOND_RETURN_IF_ERROR(CheckCount(from.cpus(), kMostResources, "cpus"));
  CARBOND_RETURN_IF_ERROR(
      CheckCount(from.retries(), kMostResources, "retries"));
  CARBOND_RETURN_IF_ERROR(CheckNumber(from.power_w(), kMostWatts, "power_w"));
  CARBOND_RETURN_IF_ERROR(
      CheckNumber(from.idle_power_w(), kMostWatts, "idle_power_w"));
  CARBOND_RETURN_IF_ERROR(CheckNumber(from.max_intensity_g_per_kwh(),
                                      kMostGramsPerKwh,
                                      "max_intensity_g_per_kwh"));
  CARBOND_RETURN_IF_ERROR(
      CheckNumber(from.min_saving_fraction(), 1, "min_saving_fraction"));
  CARBOND_RETURN_IF_ERROR(
      CheckNumber(from.data_gb(), kMostGigabytes, "data_gb"));
  CARBOND_RETURN_IF_ERROR(
      CheckNumber(from.delay_cost_g_per_h(), kMostGrams, "delay_cost_g_per_h"));
  to.delay_cost_per_hour = Grams::Of(from.delay_cost_g_per_h());
  if (from.has_max_pauses()) to.max_pauses = from.max_pauses();
  to.need = {.gpus = from.gpus(), .cpus = from.cpus()};
  to.power = Watts::Of(from.power_w());
  to.power_declared = from.has_power_w();
  to.idle_power = Watts::Of(from.idle_power_w());
  unset.idle_power = !from.has_idle_power_w();
  if (from.has_max_intensity_g_per_kwh()) {
    to.max_intensity = GramsPerKwh::Of(from.max_intensity_g_per_kwh());
  }
  to.min_saving = from.min_saving_fraction();
  unset.min_saving = !from.has_min_saving_fraction();
  to.priority = from.priority();
  to.retries = from.retries();
  to.data_gb = from.data_gb();
  return Ok();
}

Status ReadTimes(const v1::JobSpec& from, JobSpec& to, Unset& unset) {
  CARBOND_ASSIGN_OR_RETURN(to.duration,
                           DurationFromWire(from.duration(), "duration"));
  // Only one that is not given is learnt.
  if (from.has_duration() && to.duration == Duration(0)) {
    return Refused(
        "duration 0s is not positive: say how long the job runs, such as "
        "--duration 2h");
  }
  CARBOND_ASSIGN_OR_RETURN(
      to.checkpoint_cost,
      DurationFromWire(from.checkpoint_cost(), "checkpoint_cost"));
  CARBOND_ASSIGN_OR_RETURN(to.resume_cost,
                           DurationFromWire(from.resume_cost(), "resume_cost"));
  CARBOND_ASSIGN_OR_RETURN(
      to.checkpoint_timeout,
      DurationFromWire(from.checkpoint_timeout(), "checkpoint_timeout"));
  CARBOND_ASSIGN_OR_RETURN(to.min_run,
                           DurationFromWire(from.min_run(), "min_run"));
  CARBOND_ASSIGN_OR_RETURN(to.min_pause,
                           DurationFromWire(from.min_pause(), "min_pause"));
  unset.checkpoint_cost = !from.has_checkpoint_cost();
  unset.resume_cost = !from.has_resume_cost();
  unset.checkpoint_timeout = !from.has_checkpoint_timeout();
  unset.min_run = !from.has_min_run();
  unset.min_pause = !from.has_min_pause();
  if (from.has_time_limit()) {
    CARBOND_ASSIGN_OR_RETURN(to.time_limit,
                             DurationFromWire(from.time_limit(), "time_limit"));
  }
  if (from.has_earliest()) {
    CARBOND_ASSIGN_OR_RETURN(to.earliest,
                             InstantFromWire(from.earliest(), "earliest"));
  }
  if (from.has_deadline()) {
    CARBOND_ASSIGN_OR_RETURN(to.deadline,
                             InstantFromWire(from.deadline(), "deadline"));
  }
  to.deadline_declared = from.has_deadline();
  return Ok();
}

// What was asked for: instants that were meant from the moment of asking count
// as they were put.
v1::JobSpec AsSaid(const v1::JobSpec& from) {
  v1::JobSpec said = from;
  if (!from.earliest_said().empty()) said.clear_earliest();
  if (!from.deadline_said().empty()) said.clear_deadline();
  return said;
}

// The same content gives the same bytes: the entries of `env` come sorted.
std::string DigestOf(const v1::SubmitJobsRequest& from) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream sink(&bytes);
    google::protobuf::io::CodedOutputStream out(&sink);
    out.SetSerializationDeterministic(true);
    for (const v1::JobSpec& each : from.jobs()) {
      const v1::JobSpec job = AsSaid(each);
      // Its length parts each job from the next.
      out.WriteVarint64(job.ByteSizeLong());
      job.SerializeWithCachedSizes(&out);
    }
  }
  return Digest128(bytes);
}

Result<std::vector<JobId>> JobIdsFromWire(
    const google::protobuf::RepeatedPtrField<std::string>& from) {
  std::vector<JobId> ids;
  ids.reserve(from.size());
  for (const std::string& text : from) {
    CARBOND_ASSIGN_OR_RETURN(ids.emplace_back(), JobIdFromWire(text));
  }
  return ids;
}

}  // namespace

Result<JobId> JobIdFromWire(const std::string& text) {
  int64_t number = 0;
  auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size() && number > 0) {
    return JobId{number};
  }
  return Missing("no job is called `{}`: job ids are numbers", text);
}

Result<Duration> DurationFromWire(const google::protobuf::Duration& from,
                                  const char* field) {
  int64_t nanos = from.nanos();
  if (std::abs(nanos) > 999'999'999 || (from.seconds() > 0 && nanos < 0) ||
      (from.seconds() < 0 && nanos > 0)) {
    return Refused("{} is no duration: {} seconds and {} nanoseconds", field,
                   from.seconds(), nanos);
  }
  if (from.seconds() < 0 || nanos < 0) {
    return Refused(
        "{} {} is negative: give 0 or more", field,
        FormatDuration(seconds(std::max(from.seconds(), -kLongestSeconds))));
  }
  if (from.seconds() > kLongestSeconds) {
    return Refused("{} of {} seconds is longer than ten years", field,
                   from.seconds());
  }
  return seconds(from.seconds()) + Duration(nanos / 1'000'000);
}

Result<Instant> InstantFromWire(const google::protobuf::Timestamp& from,
                                const char* field) {
  if (from.nanos() < 0 || from.nanos() > 999'999'999) {
    return Refused("{} is no instant: it has {} nanoseconds", field,
                   from.nanos());
  }
  if (from.seconds() < 0 || from.seconds() > kLastSecond) {
    return Refused("{} is outside of the years 1970 to 9999", field);
  }
  return Instant::FromSeconds(from.seconds()) +
         Duration(from.nanos() / 1'000'000);
}

Result<SubmitCommand::Entry> SpecFromWire(const v1::JobSpec& from) {
  SubmitCommand::Entry entry;
  CARBOND_RETURN_IF_ERROR(ReadTexts(from, entry.spec));
  CARBOND_RETURN_IF_ERROR(ReadNumbers(from, entry.spec, entry.unset));
  CARBOND_RETURN_IF_ERROR(ReadTimes(from, entry.spec, entry.unset));
  CARBOND_ASSIGN_OR_RETURN(entry.spec.pause, PauseFromWire(from.pause()));
  return entry;
}

Result<SubmitCommand> SubmitFromWire(const v1::SubmitJobsRequest& from) {
  size_t jobs = static_cast<size_t>(from.jobs_size());
  if (jobs == 0) return Refused("the request holds no job: give at least one");
  if (jobs > kMostJobsPerRequest) {
    return Refused("the request holds {} jobs: at most {} go into one", jobs,
                   kMostJobsPerRequest);
  }
  if (from.request_id().size() > kLongestRequestId) {
    return Refused("request_id has {} bytes: at most {} are allowed",
                   from.request_id().size(), kLongestRequestId);
  }
  SubmitCommand command;
  command.jobs.reserve(jobs);
  for (int i = 0; i < from.jobs_size(); ++i) {
    Result<SubmitCommand::Entry> entry = SpecFromWire(from.jobs(i));
    if (!entry.ok() && jobs > 1) {
      return Refused("job {} of {}: {}", i + 1, jobs, Message(entry.status()));
    }
    CARBOND_RETURN_IF_ERROR(entry.status());
    command.jobs.push_back(*std::move(entry));
  }
  command.request_id = from.request_id();
  if (!command.request_id.empty()) command.digest = DigestOf(from);
  return command;
}

Result<Page> PageFromWire(const v1::ListJobsRequest& from) {
  constexpr int kUsual = 100;
  constexpr int kMost = 1000;
  if (from.page_size() < 0) {
    return Refused("page_size {} is negative: give 1 to {}, or 0 for {}",
                   from.page_size(), kMost, kUsual);
  }
  Page page;
  page.size =
      from.page_size() == 0 ? kUsual : std::min(from.page_size(), kMost);
  page.filter.limit = page.size + 1;
  page.filter.user = from.user();
  page.filter.project = from.project();
  page.filter.region = from.region();
  page.filter.name = from.name();
  page.filter.live_only = from.live_only();
  for (int state : from.states()) {
    CARBOND_ASSIGN_OR_RETURN(page.filter.states.emplace_back(),
                             StateFromWire(state));
  }
  if (!from.page_token().empty()) {
    Result<JobId> before = JobIdFromWire(from.page_token());
    if (!before.ok()) {
      return Refused(
          "page_token `{}` is none of this daemon's: take next_page_token of "
          "an earlier answer",
          from.page_token());
    }
    page.filter.before = *before;
  }
  return page;
}

Result<ReportFilter> ReportFromWire(const v1::ReportEmissionsRequest& from) {
  ReportFilter filter;
  CARBOND_ASSIGN_OR_RETURN(filter.jobs, JobIdsFromWire(from.job_ids()));
  switch (from.by()) {
    case v1::GROUP_BY_UNSPECIFIED:
      filter.by = ReportKey::kTotal;
      break;
    case v1::GROUP_BY_JOB:
      filter.by = ReportKey::kJob;
      break;
    case v1::GROUP_BY_USER:
      filter.by = ReportKey::kUser;
      break;
    case v1::GROUP_BY_PROJECT:
      filter.by = ReportKey::kProject;
      break;
    case v1::GROUP_BY_REGION:
      filter.by = ReportKey::kRegion;
      break;
    case v1::GROUP_BY_DAY:
      filter.by = ReportKey::kDay;
      break;
    default:
      return Refused(
          "by {} is unknown to this carbond: it knows job, user, project, "
          "region and day",
          static_cast<int>(from.by()));
  }
  if (from.has_since()) {
    CARBOND_ASSIGN_OR_RETURN(filter.since,
                             InstantFromWire(from.since(), "since"));
  }
  if (from.has_until()) {
    CARBOND_ASSIGN_OR_RETURN(filter.until,
                             InstantFromWire(from.until(), "until"));
  }
  if (filter.since && filter.until && *filter.until <= *filter.since) {
    return Refused("until {} is not after since {}",
                   FormatInstant(*filter.until), FormatInstant(*filter.since));
  }
  return filter;
}

grpc::Status ToGrpc(const Status& status) {
  if (status.ok()) return grpc::Status::OK;
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()),
                      Message(status));
}

}  // namespace carbond
