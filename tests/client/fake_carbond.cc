#include "tests/client/fake_carbond.h"

#include <grpc/support/time.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>

#include <algorithm>
#include <stdexcept>

#include "tests/client/world.h"

namespace carbond::client {
namespace {

using Lock = std::lock_guard<std::mutex>;

bool Matches(const v1::Job& job, const v1::ListJobsRequest& request) {
  const auto& states = request.states();
  const auto is = [](const std::string& wanted, const std::string& value) {
    return wanted.empty() || wanted == value;
  };
  return (states.empty() || std::find(states.begin(), states.end(),
                                      job.state()) != states.end()) &&
         is(request.user(), job.spec().user()) &&
         is(request.project(), job.spec().project()) &&
         is(request.region(), job.region()) &&
         is(request.name(), job.spec().name()) &&
         !(request.live_only() && job.state() == v1::JOB_STATE_DONE);
}

}  // namespace

void FakeCarbond::Start(const std::string& address) {
  {
    const Lock lock(mutex_);
    stopping_ = false;
  }
  grpc::ServerBuilder builder;
  builder.AddListeningPort(address, grpc::InsecureServerCredentials());
  builder.RegisterService(this);
  server_ = builder.BuildAndStart();
  if (server_ == nullptr) throw std::runtime_error("cannot bind " + address);
}

void FakeCarbond::Stop() {
  if (server_ == nullptr) return;
  {
    const Lock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  server_->Shutdown(gpr_time_0(GPR_CLOCK_MONOTONIC));
  server_.reset();
}

void FakeCarbond::Put(const v1::Job& job, const std::string& event) {
  const Lock lock(mutex_);
  PutLocked(job, event);
}

void FakeCarbond::PutLocked(const v1::Job& job, const std::string& event) {
  jobs_[std::stoll(job.id())] = job;
  next_id_ = std::max(next_id_, static_cast<int64_t>(std::stoll(job.id()) + 1));
  if (!event.empty()) {
    v1::WatchJobsResponse happening;
    *happening.mutable_job() = job;
    happening.set_event(event);
    Set(happening.mutable_at(), "2026-11-21T12:00:05Z");
    happenings_.push_back(happening);
  }
  changed_.notify_all();
}

void FakeCarbond::LoseAnswers(int times) {
  const Lock lock(mutex_);
  answers_to_lose_ = times;
}

void FakeCarbond::Refuse(const std::string& method, grpc::Status status) {
  const Lock lock(mutex_);
  refusals_[method] = std::move(status);
}

void FakeCarbond::EndWatches() {
  const Lock lock(mutex_);
  watches_end_ = true;
  changed_.notify_all();
}

int FakeCarbond::lookups() const {
  const Lock lock(mutex_);
  return lookups_;
}

void FakeCarbond::AwaitWaiting(int count) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return waiting_ >= count; });
}

void FakeCarbond::set_forecast(const v1::Forecast& forecast) {
  const Lock lock(mutex_);
  forecast_ = forecast;
}
void FakeCarbond::set_providers(const v1::ListProvidersResponse& providers) {
  const Lock lock(mutex_);
  providers_ = providers;
}

void FakeCarbond::set_regions(const v1::ListRegionsResponse& regions) {
  const Lock lock(mutex_);
  regions_ = regions;
}
void FakeCarbond::set_report(const v1::ReportEmissionsResponse& report) {
  const Lock lock(mutex_);
  report_ = report;
}
void FakeCarbond::set_log(std::vector<v1::ReadLogsResponse> log) {
  const Lock lock(mutex_);
  log_ = std::move(log);
}
void FakeCarbond::set_plan(const v1::PlanJobResponse& plan) {
  const Lock lock(mutex_);
  plan_ = plan;
}
void FakeCarbond::set_plan_of_new_jobs(const v1::Plan& plan) {
  const Lock lock(mutex_);
  plan_of_new_jobs_ = plan;
  plans_new_jobs_ = true;
}

std::vector<v1::SubmitJobsRequest> FakeCarbond::submits() const {
  const Lock lock(mutex_);
  return submits_;
}
std::vector<v1::ListJobsRequest> FakeCarbond::lists() const {
  const Lock lock(mutex_);
  return lists_;
}
v1::PlanJobRequest FakeCarbond::last_plan() const {
  const Lock lock(mutex_);
  return last_plan_;
}
v1::ReportEmissionsRequest FakeCarbond::last_report() const {
  const Lock lock(mutex_);
  return last_report_;
}
v1::GetForecastRequest FakeCarbond::last_forecast() const {
  const Lock lock(mutex_);
  return last_forecast_;
}
v1::ReadLogsRequest FakeCarbond::last_logs() const {
  const Lock lock(mutex_);
  return last_logs_;
}
std::string FakeCarbond::last_act() const {
  const Lock lock(mutex_);
  return last_act_;
}

grpc::Status FakeCarbond::Allowed(const std::string& method) const {
  const auto found = refusals_.find(method);
  return found == refusals_.end() ? grpc::Status::OK : found->second;
}

grpc::Status FakeCarbond::Find(const std::string& id, v1::Job* answer) const {
  const bool number =
      !id.empty() && id.find_first_not_of("0123456789") == std::string::npos;
  const auto found = number ? jobs_.find(std::stoll(id)) : jobs_.end();
  if (found == jobs_.end()) {
    return {grpc::StatusCode::NOT_FOUND, "job `" + id + "` does not exist"};
  }
  *answer = found->second;
  return grpc::Status::OK;
}

bool FakeCarbond::Await(std::unique_lock<std::mutex>& lock,
                        const std::function<bool()>& ready) {
  ++waiting_;
  changed_.notify_all();
  changed_.wait(lock, [&] { return stopping_ || ready(); });
  --waiting_;
  return !stopping_;
}

grpc::Status FakeCarbond::SubmitJobs(grpc::ServerContext*,
                                     const v1::SubmitJobsRequest* request,
                                     v1::SubmitJobsResponse* answer) {
  const Lock lock(mutex_);
  submits_.push_back(*request);
  if (grpc::Status status = Allowed("SubmitJobs"); !status.ok()) return status;
  const auto known = requests_.find(request->request_id());
  if (known != requests_.end()) {
    *answer = known->second;
    answer->set_repeated_request(true);
  } else {
    for (const v1::JobSpec& spec : request->jobs()) {
      v1::Job job;
      job.set_id(std::to_string(next_id_));
      *job.mutable_spec() = spec;
      job.set_state(v1::JOB_STATE_WAITING);
      Set(job.mutable_submitted_at(), "2026-11-21T09:00:00Z");
      if (plans_new_jobs_) *job.mutable_plan() = plan_of_new_jobs_;
      PutLocked(job, "Submitted");
      answer->add_job_ids(job.id());
    }
    requests_[request->request_id()] = *answer;
  }
  if (answers_to_lose_ > 0) {
    --answers_to_lose_;
    return {grpc::StatusCode::UNAVAILABLE, "Socket closed"};
  }
  return grpc::Status::OK;
}

grpc::Status FakeCarbond::PlanJob(grpc::ServerContext*,
                                  const v1::PlanJobRequest* request,
                                  v1::PlanJobResponse* answer) {
  const Lock lock(mutex_);
  last_plan_ = *request;
  *answer = plan_;
  return Allowed("PlanJob");
}

grpc::Status FakeCarbond::GetJob(grpc::ServerContext*,
                                 const v1::GetJobRequest* request,
                                 v1::Job* answer) {
  const Lock lock(mutex_);
  ++lookups_;
  if (grpc::Status status = Allowed("GetJob"); !status.ok()) return status;
  const grpc::Status status = Find(request->job_id(), answer);
  if (status.ok() && request->with_intensity()) {
    *answer->mutable_intensity() = forecast_;
  }
  return status;
}

grpc::Status FakeCarbond::ListJobs(grpc::ServerContext*,
                                   const v1::ListJobsRequest* request,
                                   v1::ListJobsResponse* answer) {
  const Lock lock(mutex_);
  lists_.push_back(*request);
  if (grpc::Status status = Allowed("ListJobs"); !status.ok()) return status;
  const int64_t before = request->page_token().empty()
                             ? next_id_
                             : std::stoll(request->page_token());
  for (auto i = jobs_.rbegin(); i != jobs_.rend(); ++i) {
    if (i->first >= before || !Matches(i->second, *request)) continue;
    if (answer->jobs_size() == request->page_size()) {
      answer->set_next_page_token(std::to_string(i->first + 1));
      break;
    }
    *answer->add_jobs() = i->second;
  }
  return grpc::Status::OK;
}

grpc::Status FakeCarbond::WatchJobs(
    grpc::ServerContext*, const v1::WatchJobsRequest* request,
    grpc::ServerWriter<v1::WatchJobsResponse>* writer) {
  std::unique_lock lock(mutex_);
  if (grpc::Status status = Allowed("WatchJobs"); !status.ok()) return status;
  const std::string wanted =
      request->job_ids().empty() ? "" : request->job_ids(0);
  const auto told = [&](const v1::Job& job) {
    return wanted.empty() || job.id() == wanted;
  };
  v1::Job known;
  if (!wanted.empty()) {
    if (const auto status = Find(wanted, &known); !status.ok()) return status;
  }
  size_t next = happenings_.size();
  for (const auto& [id, job] : jobs_) {
    if (!told(job) || (wanted.empty() && job.state() == v1::JOB_STATE_DONE)) {
      continue;
    }
    v1::WatchJobsResponse is;
    *is.mutable_job() = job;
    writer->Write(is);
  }
  v1::WatchJobsResponse caught_up;
  caught_up.set_caught_up(true);
  writer->Write(caught_up);
  for (;;) {
    const bool alive =
        Await(lock, [&] { return watches_end_ || next < happenings_.size(); });
    if (!alive) return {grpc::StatusCode::UNAVAILABLE, "Socket closed"};
    if (next == happenings_.size()) return grpc::Status::OK;
    const v1::WatchJobsResponse happening = happenings_[next++];
    if (told(happening.job()) && !writer->Write(happening)) {
      return grpc::Status::CANCELLED;
    }
  }
}

grpc::Status FakeCarbond::ReadLogs(
    grpc::ServerContext*, const v1::ReadLogsRequest* request,
    grpc::ServerWriter<v1::ReadLogsResponse>* writer) {
  const Lock lock(mutex_);
  last_logs_ = *request;
  v1::Job job;
  if (const auto status = Find(request->job_id(), &job); !status.ok()) {
    return status;
  }
  for (const v1::ReadLogsResponse& piece : log_) {
    if (!writer->Write(piece)) return grpc::Status::CANCELLED;
  }
  return Allowed("ReadLogs");
}

grpc::Status FakeCarbond::Act(const std::string& verb, const std::string& id,
                              const std::string& by,
                              const std::function<void(v1::Job&)>& act,
                              v1::Job* answer) {
  const Lock lock(mutex_);
  last_act_ = verb + " " + id + " by " + by;
  if (const auto status = Find(id, answer); !status.ok()) return status;
  if (answer->state() == v1::JOB_STATE_DONE) {
    return {grpc::StatusCode::FAILED_PRECONDITION,
            "job " + id + " is done: it cannot be changed"};
  }
  act(*answer);
  PutLocked(*answer, verb);
  return grpc::Status::OK;
}

grpc::Status FakeCarbond::CancelJob(grpc::ServerContext*,
                                    const v1::CancelJobRequest* request,
                                    v1::Job* answer) {
  return Act(
      "cancel", request->job_id(), request->by(),
      [](v1::Job& job) {
        job.set_state(v1::JOB_STATE_DONE);
        job.set_outcome(v1::OUTCOME_CANCELLED);
      },
      answer);
}

grpc::Status FakeCarbond::PauseJob(grpc::ServerContext*,
                                   const v1::PauseJobRequest* request,
                                   v1::Job* answer) {
  return Act(
      "pause", request->job_id(), request->by(),
      [](v1::Job& job) { job.set_held(true); }, answer);
}

grpc::Status FakeCarbond::ResumeJob(grpc::ServerContext*,
                                    const v1::ResumeJobRequest* request,
                                    v1::Job* answer) {
  return Act(
      "resume", request->job_id(), request->by(),
      [](v1::Job& job) { job.set_held(false); }, answer);
}

grpc::Status FakeCarbond::WaitJobs(grpc::ServerContext*,
                                   const v1::WaitJobsRequest* request,
                                   v1::WaitJobsResponse* answer) {
  std::unique_lock lock(mutex_);
  if (grpc::Status status = Allowed("WaitJobs"); !status.ok()) return status;
  for (const std::string& id : request->job_ids()) {
    v1::Job job;
    if (const auto status = Find(id, &job); !status.ok()) return status;
  }
  const bool alive = Await(lock, [&] {
    answer->clear_jobs();
    for (const std::string& id : request->job_ids()) {
      v1::Job* job = answer->add_jobs();
      if (!Find(id, job).ok() || job->state() != v1::JOB_STATE_DONE) {
        return false;
      }
    }
    return true;
  });
  return alive ? grpc::Status::OK
               : grpc::Status(grpc::StatusCode::UNAVAILABLE, "Socket closed");
}

grpc::Status FakeCarbond::ReportEmissions(
    grpc::ServerContext*, const v1::ReportEmissionsRequest* request,
    v1::ReportEmissionsResponse* answer) {
  const Lock lock(mutex_);
  last_report_ = *request;
  *answer = report_;
  return Allowed("ReportEmissions");
}

grpc::Status FakeCarbond::GetForecast(grpc::ServerContext*,
                                      const v1::GetForecastRequest* request,
                                      v1::Forecast* answer) {
  const Lock lock(mutex_);
  last_forecast_ = *request;
  *answer = forecast_;
  return Allowed("GetForecast");
}

grpc::Status FakeCarbond::ListRegions(grpc::ServerContext*,
                                      const v1::ListRegionsRequest*,
                                      v1::ListRegionsResponse* answer) {
  const Lock lock(mutex_);
  *answer = regions_;
  return Allowed("ListRegions");
}

grpc::Status FakeCarbond::ListProviders(grpc::ServerContext*,
                                        const v1::ListProvidersRequest*,
                                        v1::ListProvidersResponse* answer) {
  const Lock lock(mutex_);
  *answer = providers_;
  return Allowed("ListProviders");
}

}  // namespace carbond::client
