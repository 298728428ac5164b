#pragma once
// The RPCs: translate, hand over, translate. No handler blocks and none knows a
// rule: commands go to the engine's thread, questions to the reading threads.

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "carbond/v1/carbond.grpc.pb.h"
#include "daemon/auth/authenticator.h"
#include "daemon/clock.h"
#include "daemon/config.h"
#include "daemon/grid/provider_report.h"
#include "daemon/hub.h"
#include "daemon/loop.h"
#include "daemon/reads.h"

namespace carbond {

struct ServiceOptions {
  std::string logs_dir;                                    // state_dir/logs
  std::map<std::string, std::string> executor_of;          // by region
  std::map<std::string, EmbodiedConfig> embodied_of = {};  // by region
  // May be called from any thread; none: there is nothing to tell.
  std::function<std::vector<ProviderReport>()> providers = {};
  // Who calls has to prove it; null: nobody is asked. Outlives the service.
  Authenticator* authenticator = nullptr;
};

class Service final : public v1::Carbond::CallbackService {
 public:
  // What is handed over must outlive the server that runs this service.
  Service(Loop& loop, Hub& hub, Reads& reads, const SystemClock& clock,
          ServiceOptions options);

  grpc::ServerUnaryReactor* SubmitJobs(
      grpc::CallbackServerContext* context,
      const v1::SubmitJobsRequest* request,
      v1::SubmitJobsResponse* response) override;
  grpc::ServerUnaryReactor* PlanJob(grpc::CallbackServerContext* context,
                                    const v1::PlanJobRequest* request,
                                    v1::PlanJobResponse* response) override;
  grpc::ServerUnaryReactor* GetJob(grpc::CallbackServerContext* context,
                                   const v1::GetJobRequest* request,
                                   v1::Job* response) override;
  grpc::ServerUnaryReactor* ListJobs(grpc::CallbackServerContext* context,
                                     const v1::ListJobsRequest* request,
                                     v1::ListJobsResponse* response) override;
  grpc::ServerWriteReactor<v1::WatchJobsResponse>* WatchJobs(
      grpc::CallbackServerContext* context,
      const v1::WatchJobsRequest* request) override;
  grpc::ServerWriteReactor<v1::ReadLogsResponse>* ReadLogs(
      grpc::CallbackServerContext* context,
      const v1::ReadLogsRequest* request) override;
  grpc::ServerUnaryReactor* CancelJob(grpc::CallbackServerContext* context,
                                      const v1::CancelJobRequest* request,
                                      v1::Job* response) override;
  grpc::ServerUnaryReactor* PauseJob(grpc::CallbackServerContext* context,
                                     const v1::PauseJobRequest* request,
                                     v1::Job* response) override;
  grpc::ServerUnaryReactor* ResumeJob(grpc::CallbackServerContext* context,
                                      const v1::ResumeJobRequest* request,
                                      v1::Job* response) override;
  grpc::ServerUnaryReactor* WaitJobs(grpc::CallbackServerContext* context,
                                     const v1::WaitJobsRequest* request,
                                     v1::WaitJobsResponse* response) override;
  grpc::ServerUnaryReactor* ReportEmissions(
      grpc::CallbackServerContext* context,
      const v1::ReportEmissionsRequest* request,
      v1::ReportEmissionsResponse* response) override;
  grpc::ServerUnaryReactor* GetForecast(grpc::CallbackServerContext* context,
                                        const v1::GetForecastRequest* request,
                                        v1::Forecast* response) override;
  grpc::ServerUnaryReactor* ListRegions(
      grpc::CallbackServerContext* context,
      const v1::ListRegionsRequest* request,
      v1::ListRegionsResponse* response) override;
  grpc::ServerUnaryReactor* ListProviders(
      grpc::CallbackServerContext* context,
      const v1::ListProvidersRequest* request,
      v1::ListProvidersResponse* response) override;
  grpc::ServerUnaryReactor* ListBudgets(
      grpc::CallbackServerContext* context,
      const v1::ListBudgetsRequest* request,
      v1::ListBudgetsResponse* response) override;

 private:
  // Runs `answer(reader) -> Status` on a reading thread and finishes with it.
  template <typename Answer>
  void Read(grpc::ServerUnaryReactor* reactor, Answer answer);
  // The same, with a look at all regions before; `answer(reader, regions)`.
  template <typename Answer>
  void ReadWithRegions(grpc::ServerUnaryReactor* reactor, Answer answer);
  // Finds out who calls, and goes on with `then(caller)`: null where nobody is
  // asked, an error where nothing is proven.
  template <typename Request, typename Then>
  void WithCaller(grpc::CallbackServerContext* context, const Request* request,
                  Then then);
  // Posts a command about a job and answers with the job after it.
  template <typename Wish, typename Request>
  grpc::ServerUnaryReactor* Change(grpc::CallbackServerContext* context,
                                   const Request* request, v1::Job* response);
  void DryRun(SubmitCommand::Entry entry, grpc::ServerUnaryReactor* reactor,
              v1::PlanJobResponse* response);
  Status Draw(LedgerReader& reader, const RegionView& region, Interval within,
              v1::Forecast* to) const;
  Status DrawJob(LedgerReader& reader, const std::vector<RegionView>& regions,
                 const Job& job, v1::Job* to) const;

  // Fixed after construction
  Loop& loop_;
  Hub& hub_;
  Reads& reads_;
  const SystemClock& clock_;
  const ServiceOptions options_;
};

}  // namespace carbond
