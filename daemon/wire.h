#pragma once
// Between the wire contract and the domain, both ways. Pure: no clock, no file,
// no rule of the domain; only what a message can say and a value cannot hold is
// refused here. Messages of refusal name the field as the contract does.

#include <google/protobuf/duration.pb.h>
#include <google/protobuf/timestamp.pb.h>
#include <grpcpp/support/status.h>

#include <string>
#include <vector>

#include "carbond/v1/carbond.pb.h"
#include "daemon/config.h"
#include "daemon/grid/provider_report.h"
#include "scheduler/engine.h"
#include "scheduler/region_rank.h"
#include "storage/ledger_reader.h"

namespace carbond {

// ---- From the wire ---------------------------------------------------------

// `no job is called `abc`: job ids are numbers` (NotFound).
Result<JobId> JobIdFromWire(const std::string& text);
Result<SubmitCommand::Entry> SpecFromWire(const v1::JobSpec& from);
// Without its digest, when no request id was chosen: nothing will compare it.
Result<SubmitCommand> SubmitFromWire(const v1::SubmitJobsRequest& from);
Result<Duration> DurationFromWire(const google::protobuf::Duration& from,
                                  const char* field);
Result<Instant> InstantFromWire(const google::protobuf::Timestamp& from,
                                const char* field);

// A page of jobs and one more, which tells whether there is a next page.
struct Page {
  JobFilter filter;
  int size = 0;  // filter.limit - 1
};
Result<Page> PageFromWire(const v1::ListJobsRequest& from);
Result<ReportFilter> ReportFromWire(const v1::ReportEmissionsRequest& from);

// ---- To the wire -----------------------------------------------------------

void ToWire(Instant from, google::protobuf::Timestamp* to);
void ToWire(Duration from, google::protobuf::Duration* to);
void ToWire(const JobSpec& from, v1::JobSpec* to);
void ToWire(const PlanRecord& from, v1::Plan* to);
void ToWire(const Run& from, v1::Run* to);
void ToWire(const JobEmissions& from, v1::Emissions* to);
void ToWire(const ReportRow& from, v1::EmissionsGroup* to);
void ToWire(const BudgetUse& from, v1::Budget* to);
void ToWire(const EmbodiedConfig& from, v1::EmbodiedHardware* to);

// All but `intensity`.
void ToWire(const JobRecord& from, double clock_speed, v1::Job* to);

void ToWire(const RankedRegion& from, const std::string& executor, Instant now,
            v1::Region* to);

void ToWire(const ProviderReport& from, v1::Provider* to);

// What is known of a region's grid within an interval: the archive's observed
// values, and the engine's outlook wherever nothing was observed.
struct Picture {
  const RegionView& region;
  const Series& observed;
  Interval within;
  Instant now;
  double clock_speed = 1;
};
void ToWire(const Picture& from, v1::Forecast* to);

v1::JobState ToWire(State state);
v1::Outcome ToWire(Outcome outcome);
v1::PauseMode ToWire(PauseMode mode);
v1::Quality ToWire(Quality quality);
v1::ForecastMode ToWire(ZoneView::Mode mode);

// Codes of Status mean what gRPC means by them, so they pass unchanged.
grpc::Status ToGrpc(const Status& status);

}  // namespace carbond
