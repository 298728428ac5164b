#pragma once
// A small carbond in memory, on a unix socket: takes jobs, lists, watches and
// waits, and fails where a test wants it to. It plans and runs nothing; a test
// says what happens to a job.

#include <carbond/v1/carbond.grpc.pb.h>
#include <grpcpp/server.h>

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace carbond::client {

// Safe to call from any thread.
class FakeCarbond : public v1::Carbond::Service {
 public:
  ~FakeCarbond() override { Stop(); }

  // Listens; what it knew before, it still knows.
  void Start(const std::string& address);
  // Cancels what is under way, as a daemon that dies would.
  void Stop();

  // Makes the job what it is now, and tells the watchers.
  void Put(const v1::Job& job, const std::string& event = "");
  // The next `times` calls of SubmitJobs take the jobs and then fail, as when
  // the connection breaks before the answer.
  void LoseAnswers(int times);
  // Calls of this method are refused.
  void Refuse(const std::string& method, grpc::Status status);
  // Ends all watches as if nothing more could happen.
  void EndWatches();
  // How often a job was asked for.
  int lookups() const;
  // Waits until so many watches or waits are under way.
  void AwaitWaiting(int count);

  void set_forecast(const v1::Forecast& forecast);
  void set_regions(const v1::ListRegionsResponse& regions);
  void set_providers(const v1::ListProvidersResponse& providers);
  void set_report(const v1::ReportEmissionsResponse& report);
  void set_log(std::vector<v1::ReadLogsResponse> log);
  void set_plan(const v1::PlanJobResponse& plan);
  // Jobs submitted get this plan; none: they stay without.
  void set_plan_of_new_jobs(const v1::Plan& plan);

  std::vector<v1::SubmitJobsRequest> submits() const;
  std::vector<v1::ListJobsRequest> lists() const;
  v1::PlanJobRequest last_plan() const;
  v1::ReportEmissionsRequest last_report() const;
  v1::GetForecastRequest last_forecast() const;
  v1::ReadLogsRequest last_logs() const;
  std::string last_act() const;  // "cancel 17 by ada"

  grpc::Status SubmitJobs(grpc::ServerContext* context,
                          const v1::SubmitJobsRequest* request,
                          v1::SubmitJobsResponse* answer) override;
  grpc::Status PlanJob(grpc::ServerContext* context,
                       const v1::PlanJobRequest* request,
                       v1::PlanJobResponse* answer) override;
  grpc::Status GetJob(grpc::ServerContext* context,
                      const v1::GetJobRequest* request,
                      v1::Job* answer) override;
  grpc::Status ListJobs(grpc::ServerContext* context,
                        const v1::ListJobsRequest* request,
                        v1::ListJobsResponse* answer) override;
  grpc::Status WatchJobs(
      grpc::ServerContext* context, const v1::WatchJobsRequest* request,
      grpc::ServerWriter<v1::WatchJobsResponse>* writer) override;
  grpc::Status ReadLogs(
      grpc::ServerContext* context, const v1::ReadLogsRequest* request,
      grpc::ServerWriter<v1::ReadLogsResponse>* writer) override;
  grpc::Status CancelJob(grpc::ServerContext* context,
                         const v1::CancelJobRequest* request,
                         v1::Job* answer) override;
  grpc::Status PauseJob(grpc::ServerContext* context,
                        const v1::PauseJobRequest* request,
                        v1::Job* answer) override;
  grpc::Status ResumeJob(grpc::ServerContext* context,
                         const v1::ResumeJobRequest* request,
                         v1::Job* answer) override;
  grpc::Status WaitJobs(grpc::ServerContext* context,
                        const v1::WaitJobsRequest* request,
                        v1::WaitJobsResponse* answer) override;
  grpc::Status ReportEmissions(grpc::ServerContext* context,
                               const v1::ReportEmissionsRequest* request,
                               v1::ReportEmissionsResponse* answer) override;
  grpc::Status GetForecast(grpc::ServerContext* context,
                           const v1::GetForecastRequest* request,
                           v1::Forecast* answer) override;
  grpc::Status ListRegions(grpc::ServerContext* context,
                           const v1::ListRegionsRequest* request,
                           v1::ListRegionsResponse* answer) override;
  grpc::Status ListProviders(grpc::ServerContext* context,
                             const v1::ListProvidersRequest* request,
                             v1::ListProvidersResponse* answer) override;

 private:
  // The refusal a test asked for, else OK. Needs mutex_.
  grpc::Status Allowed(const std::string& method) const;
  grpc::Status Find(const std::string& id, v1::Job* answer) const;
  grpc::Status Act(const std::string& verb, const std::string& id,
                   const std::string& by,
                   const std::function<void(v1::Job&)>& act, v1::Job* answer);
  void PutLocked(const v1::Job& job, const std::string& event);
  // Waits for `ready`; false when the server stops before.
  bool Await(std::unique_lock<std::mutex>& lock,
             const std::function<bool()>& ready);

  std::unique_ptr<grpc::Server> server_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_.
  bool stopping_ = false;
  bool watches_end_ = false;
  int waiting_ = 0;
  int lookups_ = 0;
  int answers_to_lose_ = 0;
  int64_t next_id_ = 1;
  std::map<int64_t, v1::Job> jobs_;
  std::map<std::string, v1::SubmitJobsResponse> requests_;
  std::vector<v1::WatchJobsResponse> happenings_;
  std::map<std::string, grpc::Status> refusals_;
  v1::Forecast forecast_;
  v1::ListRegionsResponse regions_;
  v1::ListProvidersResponse providers_;
  v1::ReportEmissionsResponse report_;
  std::vector<v1::ReadLogsResponse> log_;
  v1::PlanJobResponse plan_;
  v1::Plan plan_of_new_jobs_;
  bool plans_new_jobs_ = false;
  std::vector<v1::SubmitJobsRequest> submits_;
  std::vector<v1::ListJobsRequest> lists_;
  v1::PlanJobRequest last_plan_;
  v1::ReportEmissionsRequest last_report_;
  v1::GetForecastRequest last_forecast_;
  v1::ReadLogsRequest last_logs_;
  std::string last_act_;
};

}  // namespace carbond::client
