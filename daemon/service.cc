#include "daemon/service.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "daemon/service_logs.h"
#include "daemon/service_wait.h"
#include "daemon/service_watch.h"
#include "daemon/wire.h"
#include "proto/request_digest.h"

namespace carbond {
namespace {

constexpr int kMostNamed = 10'000;  // jobs in one WatchJobs or WaitJobs

grpc::ServerUnaryReactor* Refuse(grpc::CallbackServerContext* context,
                                 const Status& status) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(ToGrpc(status));
  return reactor;
}

// A stream that ends before it begins.
template <typename Response>
class RefusedStream final : public grpc::ServerWriteReactor<Response> {
 public:
  explicit RefusedStream(const Status& status) { this->Finish(ToGrpc(status)); }
  void OnDone() override { delete this; }
};

Status TooBusy() {
  return Trouble("too many requests wait: try again a little later");
}

template <typename Names>
Result<std::vector<JobId>> JobsNamed(const Names& names) {
  if (names.size() > kMostNamed) {
    return Refused("{} jobs are named: at most {} can be", names.size(),
                   kMostNamed);
  }
  std::vector<JobId> jobs;
  jobs.reserve(names.size());
  for (const std::string& name : names) {
    CARBOND_ASSIGN_OR_RETURN(jobs.emplace_back(), JobIdFromWire(name));
  }
  return jobs;
}

const RegionView* Find(const std::vector<RegionView>& regions,
                       const std::string& name) {
  for (const RegionView& region : regions) {
    if (region.region.name == name) return &region;
  }
  return nullptr;
}

Result<const RegionView*> Choose(const std::vector<RegionView>& regions,
                                 const std::string& name) {
  if (regions.empty()) return Missing("no region is configured");
  if (name.empty()) return &regions.front();
  if (const RegionView* found = Find(regions, name)) return found;
  std::string known;
  for (const RegionView& region : regions) {
    known += (known.empty() ? "" : ", ") + region.region.name;
  }
  return Missing("region `{}` does not exist: there is {}", name, known);
}

}  // namespace

Service::Service(Loop& loop, Hub& hub, Reads& reads, const SystemClock& clock,
                 ServiceOptions options)
    : loop_(loop),
      hub_(hub),
      reads_(reads),
      clock_(clock),
      options_(std::move(options)) {}

// ---- Ways to an answer -----------------------------------------------------

template <typename Answer>
void Service::Read(grpc::ServerUnaryReactor* reactor, Answer answer) {
  bool taken = reads_.Post(
      [reactor, answer = std::move(answer)](LedgerReader& reader) mutable {
        reactor->Finish(ToGrpc(answer(reader)));
      });
  if (!taken) reactor->Finish(ToGrpc(TooBusy()));
}

namespace {

int HeldFor(const Budget& budget, const std::string& name,
            const std::map<JobId, Job>& live) {
  return static_cast<int>(
      std::count_if(live.begin(), live.end(), [&](const auto& entry) {
        const Job& job = entry.second;
        const std::string& whose =
            budget.of == Budget::Of::kUser ? job.spec->user : job.spec->project;
        return job.held_for_budget && whose == name;
      }));
}

}  // namespace

template <typename Answer>
void Service::ReadWithRegions(grpc::ServerUnaryReactor* reactor,
                              Answer answer) {
  loop_.Inspect([this, reactor,
                 answer = std::move(answer)](const Engine* engine) mutable {
    if (engine == nullptr) {
      return reactor->Finish(ToGrpc(Trouble("carbond is stopping")));
    }
    Read(reactor,
         [regions = engine->Regions(), answer = std::move(answer)](
             LedgerReader& reader) mutable { return answer(reader, regions); });
  });
}

template <typename Request, typename Then>
void Service::WithCaller(grpc::CallbackServerContext* context,
                         const Request* request, Then then) {
  using Proven = Result<const Caller*>;
  if (options_.authenticator == nullptr) return then(Proven(nullptr));
  const auto& metadata = context->client_metadata();
  const auto found = metadata.find(kCredentialKey);
  if (found == metadata.end()) {
    context->AddTrailingMetadata(kChallengeKey, Authenticator::Challenge());
    return then(Proven(
        absl::UnauthenticatedError("carbond asks who calls: use a carbonctl "
                                   "that can tell it, on a machine "
                                   "with munge")));
  }
  options_.authenticator->Identify(
      {found->second.data(), found->second.size()},
      [request] { return SignedWords(*request); },
      [then = std::move(then)](const Result<Caller>& caller) mutable {
        then(caller.ok() ? Proven(&*caller) : Proven(caller.status()));
      });
}

template <typename Wish, typename Request>
grpc::ServerUnaryReactor* Service::Change(grpc::CallbackServerContext* context,
                                          const Request* request,
                                          v1::Job* response) {
  Result<JobId> id = JobIdFromWire(request->job_id());
  if (!id.ok()) return Refuse(context, id.status());
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  const auto answer = [this, reactor, response, id = *id](const Reply& reply) {
    if (!reply.status.ok()) return reactor->Finish(ToGrpc(reply.status));
    Read(reactor, [this, response, id](LedgerReader& reader) {
      CARBOND_ASSIGN_OR_RETURN(JobRecord record, reader.Get(id));
      ToWire(record, clock_.speed(), response);
      return Ok();
    });
  };
  WithCaller(context, request,
             [this, reactor, request, answer,
              id = *id](const Result<const Caller*>& proven) {
               if (!proven.ok()) {
                 return reactor->Finish(ToGrpc(proven.status()));
               }
               Wish wish{.job = id, .by = request->by()};
               if (const Caller* caller = *proven) {
                 wish.by = caller->name;
                 wish.only_of = caller->only_of();
               }
               loop_.Post(std::move(wish), answer);
             });
  return reactor;
}

// ---- Commands --------------------------------------------------------------

grpc::ServerUnaryReactor* Service::SubmitJobs(
    grpc::CallbackServerContext* context, const v1::SubmitJobsRequest* request,
    v1::SubmitJobsResponse* response) {
  Result<SubmitCommand> command = SubmitFromWire(*request);
  if (!command.ok()) return Refuse(context, command.status());
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  const auto answer = [reactor, response](const Reply& reply) {
    for (JobId id : reply.jobs) {
      response->add_job_ids(std::to_string(Number(id)));
    }
    response->set_repeated_request(reply.repeated);
    reactor->Finish(ToGrpc(reply.status));
  };
  WithCaller(context, request,
             [this, reactor, answer, command = *std::move(command)](
                 const Result<const Caller*>& proven) mutable {
               Status allowed = proven.status();
               if (proven.ok() && *proven != nullptr) {
                 allowed = SubmitAs(**proven, command);
               }
               if (!allowed.ok()) return reactor->Finish(ToGrpc(allowed));
               loop_.Post(std::move(command), answer);
             });
  return reactor;
}

grpc::ServerUnaryReactor* Service::PlanJob(grpc::CallbackServerContext* context,
                                           const v1::PlanJobRequest* request,
                                           v1::PlanJobResponse* response) {
  Result<SubmitCommand::Entry> entry = SpecFromWire(request->job());
  if (!entry.ok()) return Refuse(context, entry.status());
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  WithCaller(context, request,
             [this, reactor, response, entry = *std::move(entry)](
                 const Result<const Caller*>& proven) mutable {
               Status allowed = proven.status();
               if (proven.ok() && *proven != nullptr) {
                 allowed = SubmitAs(**proven, entry.spec);
               }
               if (!allowed.ok()) return reactor->Finish(ToGrpc(allowed));
               DryRun(std::move(entry), reactor, response);
             });
  return reactor;
}

void Service::DryRun(SubmitCommand::Entry entry,
                     grpc::ServerUnaryReactor* reactor,
                     v1::PlanJobResponse* response) {
  loop_.Post(
      PlanCommand{.spec = std::move(entry.spec), .unset = entry.unset},
      [this, reactor, response](const Reply& reply) {
        if (!reply.status.ok()) return reactor->Finish(ToGrpc(reply.status));
        if (reply.completed) ToWire(*reply.completed, response->mutable_job());
        if (!reply.plan) return reactor->Finish(grpc::Status::OK);
        ToWire(*reply.plan, response->mutable_plan());
        ReadWithRegions(reactor, [this, response](
                                     LedgerReader& reader,
                                     const std::vector<RegionView>& regions) {
          const RegionView* region = Find(regions, response->plan().region());
          if (region == nullptr) return Ok();
          Interval ahead{clock_.Now(), Instant::Never()};
          return Draw(reader, *region, ahead, response->mutable_intensity());
        });
      });
}

grpc::ServerUnaryReactor* Service::CancelJob(
    grpc::CallbackServerContext* context, const v1::CancelJobRequest* request,
    v1::Job* response) {
  return Change<CancelCommand>(context, request, response);
}

grpc::ServerUnaryReactor* Service::PauseJob(
    grpc::CallbackServerContext* context, const v1::PauseJobRequest* request,
    v1::Job* response) {
  return Change<HoldCommand>(context, request, response);
}

grpc::ServerUnaryReactor* Service::ResumeJob(
    grpc::CallbackServerContext* context, const v1::ResumeJobRequest* request,
    v1::Job* response) {
  return Change<ReleaseCommand>(context, request, response);
}

// ---- Questions -------------------------------------------------------------

grpc::ServerUnaryReactor* Service::GetJob(grpc::CallbackServerContext* context,
                                          const v1::GetJobRequest* request,
                                          v1::Job* response) {
  Result<JobId> id = JobIdFromWire(request->job_id());
  if (!id.ok()) return Refuse(context, id.status());
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  auto get = [this, response, id = *id](LedgerReader& reader) -> Result<Job> {
    CARBOND_ASSIGN_OR_RETURN(JobRecord record, reader.Get(id));
    ToWire(record, clock_.speed(), response);
    return std::move(record.job);
  };
  if (!request->with_intensity()) {
    Read(reactor, [get](LedgerReader& r) { return get(r).status(); });
    return reactor;
  }
  ReadWithRegions(
      reactor, [this, response, get](LedgerReader& reader,
                                     const std::vector<RegionView>& regions) {
        CARBOND_ASSIGN_OR_RETURN(Job job, get(reader));
        return DrawJob(reader, regions, job, response);
      });
  return reactor;
}

grpc::ServerUnaryReactor* Service::ListJobs(
    grpc::CallbackServerContext* context, const v1::ListJobsRequest* request,
    v1::ListJobsResponse* response) {
  Result<Page> page = PageFromWire(*request);
  if (!page.ok()) return Refuse(context, page.status());
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  Read(reactor, [this, response, page = *page](LedgerReader& reader) {
    CARBOND_ASSIGN_OR_RETURN(std::vector<JobRecord> records,
                             reader.List(page.filter));
    size_t size = std::min(records.size(), static_cast<size_t>(page.size));
    for (size_t i = 0; i < size; ++i) {
      ToWire(records[i], clock_.speed(), response->add_jobs());
    }
    if (records.size() > size) {
      response->set_next_page_token(response->jobs().rbegin()->id());
    }
    return Ok();
  });
  return reactor;
}

grpc::ServerUnaryReactor* Service::ReportEmissions(
    grpc::CallbackServerContext* context,
    const v1::ReportEmissionsRequest* request,
    v1::ReportEmissionsResponse* response) {
  Result<ReportFilter> filter = ReportFromWire(*request);
  if (!filter.ok()) return Refuse(context, filter.status());
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  Read(reactor, [this, response, filter = *filter](LedgerReader& reader) {
    for (const JobId job : filter.jobs) {
      CARBOND_RETURN_IF_ERROR(reader.Get(job).status());
    }
    CARBOND_ASSIGN_OR_RETURN(std::vector<ReportRow> rows,
                             reader.Report(filter));
    for (const ReportRow& row : rows) {
      v1::EmissionsGroup* group = response->add_groups();
      ToWire(row, group);
      const auto embodied = options_.embodied_of.find(row.key);
      if (filter.by == ReportKey::kRegion &&
          embodied != options_.embodied_of.end()) {
        ToWire(embodied->second, group->mutable_embodied());
      }
    }
    response->set_clock_speed(clock_.speed());
    response->set_version(CARBOND_VERSION);
    return Ok();
  });
  return reactor;
}

grpc::ServerUnaryReactor* Service::GetForecast(
    grpc::CallbackServerContext* context, const v1::GetForecastRequest* request,
    v1::Forecast* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  ReadWithRegions(reactor, [this, response, name = request->region(),
                            with_observed = request->with_observed()](
                               LedgerReader& reader,
                               const std::vector<RegionView>& regions) {
    CARBOND_ASSIGN_OR_RETURN(const RegionView* region, Choose(regions, name));
    Instant now = clock_.Now();
    Instant from = with_observed ? now - hours(24) : now;
    return Draw(reader, *region, {from, Instant::Never()}, response);
  });
  return reactor;
}

grpc::ServerUnaryReactor* Service::ListRegions(
    grpc::CallbackServerContext* context, const v1::ListRegionsRequest*,
    v1::ListRegionsResponse* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  ReadWithRegions(
      reactor,
      [this, response](LedgerReader&, const std::vector<RegionView>& regions) {
        const Instant now = clock_.Now();
        for (const RankedRegion& ranked : RankRegions(regions, now)) {
          auto executor = options_.executor_of.find(ranked.view.region.name);
          ToWire(ranked,
                 executor == options_.executor_of.end() ? "" : executor->second,
                 now, response->add_regions());
        }
        response->set_clock_speed(clock_.speed());
        ToWire(now, response->mutable_now());
        return Ok();
      });
  return reactor;
}

grpc::ServerUnaryReactor* Service::ListProviders(
    grpc::CallbackServerContext* context, const v1::ListProvidersRequest*,
    v1::ListProvidersResponse* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  if (options_.providers) {
    for (const ProviderReport& each : options_.providers()) {
      ToWire(each, response->add_providers());
    }
  }
  response->set_clock_speed(clock_.speed());
  ToWire(clock_.Now(), response->mutable_now());
  reactor->Finish(grpc::Status::OK);
  return reactor;
}

grpc::ServerUnaryReactor* Service::ListBudgets(
    grpc::CallbackServerContext* context, const v1::ListBudgetsRequest*,
    v1::ListBudgetsResponse* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  loop_.Inspect([this, reactor, response](const Engine* engine) {
    if (engine == nullptr) {
      return reactor->Finish(ToGrpc(Trouble("carbond is stopping")));
    }
    const Spending& spending = engine->spending();
    for (const BudgetUse& use : spending.Uses()) {
      v1::Budget* budget = response->add_budgets();
      ToWire(use, budget);
      budget->set_held_jobs(HeldFor(use.budget, use.name, engine->live()));
    }
    response->set_month(MonthName(clock_.Now()));
    response->set_clock_speed(clock_.speed());
    reactor->Finish(grpc::Status::OK);
  });
  return reactor;
}

// Observed values up to now are the archive's, what comes is the engine's.
Status Service::Draw(LedgerReader& reader, const RegionView& region,
                     Interval within, v1::Forecast* to) const {
  Instant now = clock_.Now();
  Series observed;
  if (within.begin < now) {
    CARBOND_ASSIGN_OR_RETURN(
        observed, reader.ObservedOf(region.region.zone,
                                    {within.begin, std::min(within.end, now)}));
  }
  within.end =
      std::min(within.end, std::max(region.zone.outlook.end(), observed.end()));
  ToWire({.region = region,
          .observed = observed,
          .within = within,
          .now = now,
          .clock_speed = clock_.speed()},
         to);
  return Ok();
}

// From an hour before its submission to an hour after its end.
Status Service::DrawJob(LedgerReader& reader,
                        const std::vector<RegionView>& regions, const Job& job,
                        v1::Job* to) const {
  const std::string& name =
      to->region().empty() ? job.spec->home_region : to->region();
  const RegionView* region = Find(regions, name);
  if (region == nullptr) return Ok();  // since taken out of the configuration
  Interval life{job.submitted_at - hours(1), Instant::Never()};
  if (job.finished_at) life.end = *job.finished_at + hours(1);
  return Draw(reader, *region, life, to->mutable_intensity());
}

// ---- Streams and waiting ---------------------------------------------------

grpc::ServerWriteReactor<v1::WatchJobsResponse>* Service::WatchJobs(
    grpc::CallbackServerContext*, const v1::WatchJobsRequest* request) {
  Result<std::vector<JobId>> jobs = JobsNamed(request->job_ids());
  if (!jobs.ok()) {
    return new RefusedStream<v1::WatchJobsResponse>(jobs.status());
  }
  return StartWatch(hub_, reads_, clock_.speed(), *std::move(jobs));
}

grpc::ServerWriteReactor<v1::ReadLogsResponse>* Service::ReadLogs(
    grpc::CallbackServerContext* context, const v1::ReadLogsRequest* request) {
  Result<JobId> job = JobIdFromWire(request->job_id());
  if (job.ok() && request->stdout_only() && request->stderr_only()) {
    job =
        Refused("stdout_only and stderr_only leave nothing: give one of them");
  }
  if (!job.ok()) return new RefusedStream<v1::ReadLogsResponse>(job.status());
  const LogsBeginning logs = PrepareLogs(hub_, reads_,
                                         {.logs_dir = options_.logs_dir,
                                          .job = *job,
                                          .follow = request->follow(),
                                          .out = !request->stderr_only(),
                                          .err = !request->stdout_only()});
  WithCaller(context, request,
             [begin = logs.begin](const Result<const Caller*>& proven) {
               if (!proven.ok()) return begin(proven.status());
               begin(*proven == nullptr ? std::string() : (*proven)->only_of());
             });
  return logs.reactor;
}

grpc::ServerUnaryReactor* Service::WaitJobs(
    grpc::CallbackServerContext* context, const v1::WaitJobsRequest* request,
    v1::WaitJobsResponse* response) {
  Result<std::vector<JobId>> jobs = JobsNamed(request->job_ids());
  if (jobs.ok() && jobs->empty()) {
    jobs = Refused("no job is named: give the jobs to wait for");
  }
  if (!jobs.ok()) return Refuse(context, jobs.status());
  return StartWait(hub_, reads_, clock_.speed(), *std::move(jobs), response);
}

}  // namespace carbond
