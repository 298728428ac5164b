#include "daemon/service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>
#include <set>

#include "tests/daemon/service_world.h"

namespace carbond {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(Service, GivesBackTheJobThatWasSubmitted) {
  ServiceWorld world;
  std::string id = world.SubmitOne(world.Waiting("train"));
  auto [status, job] = world.Get(id);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(job.id(), id);
  EXPECT_EQ(job.spec().name(), "train");
  EXPECT_EQ(job.spec().power_w(), 100);
  EXPECT_EQ(job.spec().home_region(), "here");
  EXPECT_EQ(job.state(), v1::JOB_STATE_WAITING);
  EXPECT_EQ(job.outcome(), v1::OUTCOME_UNSPECIFIED);
  EXPECT_FALSE(job.deadline_declared());
  EXPECT_TRUE(job.has_deadline());
  EXPECT_FALSE(job.wait_reason().empty());
  EXPECT_EQ(job.clock_speed(), ServiceWorld::kSpeed);
}

TEST(Service, GivesTheSameJobsForTheSameRequestId) {
  ServiceWorld world;
  auto first = world.Submit({world.Waiting("a"), world.Waiting("b")}, "r1");
  auto again = world.Submit({world.Waiting("a"), world.Waiting("b")}, "r1");
  ASSERT_TRUE(first.first.ok()) << first.first.error_message();
  ASSERT_TRUE(again.first.ok()) << again.first.error_message();
  EXPECT_EQ(first.second, again.second);
  EXPECT_THAT(first.second, SizeIs(2));
}

TEST(Service, RefusesARequestIdWithOtherContent) {
  ServiceWorld world;
  EXPECT_TRUE(world.Submit({world.Waiting("a")}, "r1").first.ok());
  grpc::Status status = world.Submit({world.Waiting("b")}, "r1").first;
  EXPECT_EQ(status.error_code(), grpc::StatusCode::ALREADY_EXISTS);
  EXPECT_THAT(status.error_message(), HasSubstr("r1"));
}

TEST(Service, TakesAllJobsOfARequestOrNone) {
  ServiceWorld world;
  v1::JobSpec bad = world.Waiting();
  bad.clear_command();
  auto [status, ids] = world.Submit({world.Waiting(), bad});
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("job 2 of 2"));
  grpc::ClientContext context;
  v1::ListJobsResponse r;
  ASSERT_TRUE(world.stub().ListJobs(&context, {}, &r).ok());
  EXPECT_THAT(r.jobs(), IsEmpty());
}

TEST(Service, NamesTheFieldThatIsWrong) {
  ServiceWorld world;
  v1::JobSpec negative = world.Waiting();
  negative.mutable_duration()->set_seconds(-5);
  v1::JobSpec nan = world.Waiting();
  nan.set_power_w(std::numeric_limits<double>::quiet_NaN());
  EXPECT_THAT(world.Submit({negative}).first.error_message(),
              HasSubstr("duration -5s is negative"));
  EXPECT_THAT(world.Submit({nan}).first.error_message(),
              HasSubstr("power_w is nan"));
  EXPECT_THAT(world.Submit({}).first.error_message(), HasSubstr("no job"));
}

TEST(Service, SaysThatAJobDoesNotExist) {
  ServiceWorld world;
  grpc::Status word = world.Get("abc").first;
  EXPECT_EQ(word.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(word.error_message(),
            "no job is called `abc`: job ids are numbers");
  grpc::Status number = world.Get("77").first;
  EXPECT_EQ(number.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_THAT(number.error_message(), HasSubstr("77"));
}

TEST(Service, PlansWithoutSubmitting) {
  ServiceWorld world;
  // The grid is known from the engine's first look on.
  ASSERT_TRUE(world.Wait({world.SubmitOne(world.Spec())}).first.ok());
  v1::PlanJobRequest q;
  *q.mutable_job() = world.Spec();
  v1::PlanJobResponse r;
  grpc::ClientContext context;
  grpc::Status status = world.stub().PlanJob(&context, q, &r);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(r.plan().region(), "here");
  EXPECT_FALSE(r.plan().why().empty());
  EXPECT_THAT(r.plan().intervals(), SizeIs(1));
  EXPECT_EQ(r.job().home_region(), "here");
  EXPECT_GT(r.intensity().points_size(), 10);
  grpc::ClientContext other;
  v1::ListJobsResponse jobs;
  ASSERT_TRUE(world.stub().ListJobs(&other, {}, &jobs).ok());
  EXPECT_THAT(jobs.jobs(), SizeIs(1));
}

TEST(Service, ListsPageByPageWithoutGapOrRepetition) {
  ServiceWorld world;
  std::vector<v1::JobSpec> specs(25, world.Waiting());
  auto [status, ids] = world.Submit(specs);
  ASSERT_TRUE(status.ok()) << status.error_message();
  std::vector<std::string> seen;
  v1::ListJobsRequest q;
  q.set_page_size(10);
  for (int pages = 1;; ++pages) {
    v1::ListJobsResponse r;
    grpc::ClientContext context;
    ASSERT_TRUE(world.stub().ListJobs(&context, q, &r).ok());
    for (const v1::Job& job : r.jobs()) seen.push_back(job.id());
    q.set_page_token(r.next_page_token());
    if (r.next_page_token().empty()) {
      EXPECT_EQ(pages, 3);
      break;
    }
  }
  std::reverse(ids.begin(), ids.end());
  EXPECT_EQ(seen, ids);
}

TEST(Service, HoldsReleasesAndCancels) {
  ServiceWorld world;
  std::string id = world.SubmitOne(world.Waiting());
  v1::Job job;
  {
    grpc::ClientContext context;
    v1::PauseJobRequest q;
    q.set_job_id(id);
    q.set_by("ada");
    ASSERT_TRUE(world.stub().PauseJob(&context, q, &job).ok());
    EXPECT_TRUE(job.held());
  }
  {
    grpc::ClientContext context;
    v1::ResumeJobRequest q;
    q.set_job_id(id);
    ASSERT_TRUE(world.stub().ResumeJob(&context, q, &job).ok());
    EXPECT_FALSE(job.held());
  }
  {
    grpc::ClientContext context;
    v1::CancelJobRequest q;
    q.set_job_id(id);
    ASSERT_TRUE(world.stub().CancelJob(&context, q, &job).ok());
  }
  auto [status, r] = world.Wait({id});
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(r.jobs(0).outcome(), v1::OUTCOME_CANCELLED);
}

TEST(Service, RefusesWishesForUnknownJobs) {
  ServiceWorld world;
  grpc::ClientContext context;
  v1::CancelJobRequest q;
  q.set_job_id("5");
  v1::Job job;
  EXPECT_EQ(world.stub().CancelJob(&context, q, &job).error_code(),
            grpc::StatusCode::NOT_FOUND);
}

TEST(Service, WaitsUntilAllJobsAreDone) {
  ServiceWorld world;
  std::string a = world.SubmitOne(world.Spec());
  std::string b = world.SubmitOne(world.Spec());
  auto [status, r] = world.Wait({b, a});
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_THAT(r.jobs(), SizeIs(2));
  EXPECT_EQ(r.jobs(0).id(), b);
  EXPECT_EQ(r.jobs(1).id(), a);
  for (const v1::Job& job : r.jobs()) {
    EXPECT_EQ(job.state(), v1::JOB_STATE_DONE);
    EXPECT_EQ(job.outcome(), v1::OUTCOME_SUCCEEDED);
    EXPECT_EQ(job.progress_fraction(), 1);
    EXPECT_THAT(job.runs(), SizeIs(1));
  }
  EXPECT_EQ(world.Wait({"99"}).first.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(world.Wait({}).first.error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
}

TEST(Service, ReportsWhatWasEmitted) {
  ServiceWorld world;
  std::string id = world.SubmitOne(world.Spec());
  ASSERT_TRUE(world.Wait({id}).first.ok());
  v1::ReportEmissionsRequest q;
  q.set_by(v1::GROUP_BY_USER);
  v1::ReportEmissionsResponse r;
  grpc::ClientContext context;
  grpc::Status status = world.stub().ReportEmissions(&context, q, &r);
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_THAT(r.groups(), SizeIs(1));
  EXPECT_EQ(r.groups(0).key(), "ada");
  EXPECT_EQ(r.groups(0).jobs(), 1);
  // 100 W for ten minutes with PUE 1.5, and a tick more or less.
  EXPECT_NEAR(r.groups(0).emissions().energy_kwh(), 0.025, 0.01);
  EXPECT_EQ(r.clock_speed(), ServiceWorld::kSpeed);
  EXPECT_FALSE(r.version().empty());
  EXPECT_FALSE(r.groups(0).has_it_energy_kwh());
}

TEST(Service, ReportsOfARegionWhatItsPueAndItsIntensityWere) {
  ServiceWorld world;
  std::string id = world.SubmitOne(world.Spec());
  ASSERT_TRUE(world.Wait({id}).first.ok());
  v1::ReportEmissionsRequest q;
  q.set_by(v1::GROUP_BY_REGION);
  q.add_job_ids(id);
  v1::ReportEmissionsResponse r;
  grpc::ClientContext context;
  grpc::Status status = world.stub().ReportEmissions(&context, q, &r);
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_THAT(r.groups(), SizeIs(1));
  const v1::EmissionsGroup& here = r.groups(0);
  EXPECT_EQ(here.key(), "here");
  EXPECT_FALSE(here.zone().empty());
  EXPECT_NEAR(here.emissions().energy_kwh() / here.it_energy_kwh(), 1.5, 1e-3);
  EXPECT_DOUBLE_EQ(here.accounted_energy_kwh(), here.emissions().energy_kwh());
  EXPECT_NEAR(here.emissions().emissions_g() / here.accounted_energy_kwh(), 200,
              0.1);
  EXPECT_EQ(here.embodied().total_g(), 3'700'000);
  EXPECT_EQ(here.embodied().gpus(), 8);
  EXPECT_EQ(here.embodied().cpus(), 0);
  EXPECT_EQ(here.embodied().lifetime_h(), 4 * 365 * 24);
}

TEST(Service, TellsOfRegionsAndForecasts) {
  ServiceWorld world;
  ASSERT_TRUE(world.Wait({world.SubmitOne(world.Spec())}).first.ok());
  {
    grpc::ClientContext context;
    v1::ListRegionsResponse r;
    ASSERT_TRUE(world.stub().ListRegions(&context, {}, &r).ok());
    ASSERT_THAT(r.regions(), SizeIs(1));
    EXPECT_EQ(r.regions(0).name(), "here");
    EXPECT_EQ(r.regions(0).executor(), "sim");
    EXPECT_EQ(r.regions(0).pue(), 1.5);
    EXPECT_EQ(r.regions(0).intensity_g_per_kwh(), 200);
    // With a PUE of 1.5, and nothing gained by waiting.
    EXPECT_EQ(r.regions(0).next_hour_g_per_kwh(), 300);
    EXPECT_EQ(r.regions(0).best_hour_g_per_kwh(), 300);
    EXPECT_EQ(r.regions(0).best_hour_begin().SerializeAsString(),
              r.now().SerializeAsString());
  }
  {
    grpc::ClientContext context;
    v1::Forecast r;
    ASSERT_TRUE(world.stub().GetForecast(&context, {}, &r).ok());
    EXPECT_EQ(r.region(), "here");
    EXPECT_EQ(r.zone(), "Z");
    EXPECT_GT(r.points_size(), 10);
  }
  {
    grpc::ClientContext context;
    v1::GetForecastRequest q;
    q.set_region("mars");
    v1::Forecast r;
    grpc::Status status = world.stub().GetForecast(&context, q, &r);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
    EXPECT_EQ(status.error_message(),
              "region `mars` does not exist: there is here");
  }
}

// Eight days of a grid that swings by 40 around what was forecast of it.
Batch EightDays(Instant now) {
  const auto flat = [](Instant begin, int count, double swing) {
    std::vector<Slot> slots;
    for (int h = 0; h < count; ++h) {
      const Instant at = begin + hours(h);
      slots.push_back({{at, at + hours(1)},
                       GramsPerKwh::Of(200 + swing * std::sin(h * h % 97))});
    }
    return *Series::Make(std::move(slots));
  };
  const Instant begin = now - hours(24 * 8);
  Batch past;
  past.observed.push_back({"Z", "sim", "sim", now, now, flat(begin, 192, 40)});
  for (Instant at = begin; at < now; at += hours(6)) {
    past.forecasts.push_back({"Z", "sim", "sim", at, at, flat(at, 48, 0)});
  }
  return past;
}

TEST(Service, TellsHowFarOffForecastsHaveBeen) {
  ServiceWorld world(1000, EightDays);
  grpc::ClientContext context;
  v1::GetForecastRequest q;
  q.set_with_observed(true);
  v1::Forecast r;
  ASSERT_TRUE(world.stub().GetForecast(&context, q, &r).ok());
  int observed = 0, judged = 0;
  for (const v1::IntensityPoint& point : r.points()) {
    observed += point.observed();
    if (!point.has_spread_g_per_kwh()) continue;
    EXPECT_FALSE(point.observed());
    // Roughly: eight days hold few forecasts of what lay two days ahead.
    EXPECT_NEAR(point.spread_g_per_kwh(), 40 / std::sqrt(2), 25);
    ++judged;
  }
  EXPECT_GT(observed, 20);
  EXPECT_GT(judged, 40);
}

TEST(Service, AnswersUnavailableWhenTheLedgerCannotBeWritten) {
  ServiceWorld world;
  std::string before = world.SubmitOne(world.Waiting());
  std::future<Status> failure = world.failure();
  world.disk().Fill();
  grpc::Status status = world.Submit({world.Waiting()}).first;
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(status.error_message(), HasSubstr("the disk is full"));
  EXPECT_EQ(failure.get().code(), absl::StatusCode::kResourceExhausted);
  // Later ones too; and what was acknowledged can still be read.
  EXPECT_EQ(world.Submit({world.Waiting()}).first.error_code(),
            grpc::StatusCode::UNAVAILABLE);
  EXPECT_TRUE(world.Get(before).first.ok());
}

TEST(Service, OutlivesAClientThatGoesAwayInTheMiddle) {
  ServiceWorld world;
  std::string id = world.SubmitOne(world.Waiting());
  {
    v1::WaitJobsRequest q;
    q.add_job_ids(id);
    v1::WaitJobsResponse r;
    grpc::ClientContext context;
    context.set_deadline(In(std::chrono::milliseconds(50)));
    EXPECT_EQ(world.stub().WaitJobs(&context, q, &r).error_code(),
              grpc::StatusCode::DEADLINE_EXCEEDED);
  }
  {
    grpc::ClientContext context;
    auto watch = world.stub().WatchJobs(&context, {});
    v1::WatchJobsResponse first;
    ASSERT_TRUE(watch->Read(&first));
    context.TryCancel();
    EXPECT_EQ(watch->Finish().error_code(), grpc::StatusCode::CANCELLED);
  }
  EXPECT_TRUE(world.Get(id).first.ok());
}

// ---- Who calls
// ---------------------------------------------------------------

// With nothing that could decode a credential.
AuthenticatorOptions Unarmed() {
  AuthenticatorOptions options;
  options.environment["PATH"] = "/nowhere";
  return options;
}

TEST(ServiceOfKnownUsers, AsksForAProofOfWhateverChangesAnything) {
  Authenticator authenticator(Unarmed());
  ServiceWorld world(1000, nullptr, &authenticator);
  const auto refused = [](const grpc::Status& status,
                          const grpc::ClientContext& context) {
    EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAUTHENTICATED);
    EXPECT_THAT(status.error_message(), HasSubstr("carbond asks who calls"));
    const auto& told = context.GetServerTrailingMetadata();
    const auto challenge = told.find("carbond-authenticate");
    ASSERT_NE(challenge, told.end());
    EXPECT_EQ(challenge->second, fmt::format("munge uid={}", geteuid()));
  };
  v1::SubmitJobsRequest submit;
  *submit.add_jobs() = world.Waiting();
  v1::SubmitJobsResponse submitted;
  v1::PlanJobResponse planned;
  v1::PlanJobRequest plan;
  *plan.mutable_job() = world.Waiting();
  v1::Job job;
  grpc::ClientContext contexts[6];
  refused(world.stub().SubmitJobs(&contexts[0], submit, &submitted),
          contexts[0]);
  refused(world.stub().PlanJob(&contexts[1], plan, &planned), contexts[1]);
  v1::CancelJobRequest cancel;
  cancel.set_job_id("1");
  refused(world.stub().CancelJob(&contexts[2], cancel, &job), contexts[2]);
  v1::PauseJobRequest pause;
  pause.set_job_id("1");
  refused(world.stub().PauseJob(&contexts[3], pause, &job), contexts[3]);
  v1::ResumeJobRequest resume;
  resume.set_job_id("1");
  refused(world.stub().ResumeJob(&contexts[4], resume, &job), contexts[4]);
  v1::ReadLogsRequest logs;
  logs.set_job_id("1");
  v1::ReadLogsResponse piece;
  auto stream = world.stub().ReadLogs(&contexts[5], logs);
  EXPECT_FALSE(stream->Read(&piece));
  refused(stream->Finish(), contexts[5]);
}

TEST(ServiceOfKnownUsers, BelievesNoCredentialThatItCannotDecode) {
  Authenticator authenticator(Unarmed());
  ServiceWorld world(1000, nullptr, &authenticator);
  v1::SubmitJobsRequest submit;
  *submit.add_jobs() = world.Waiting();
  v1::SubmitJobsResponse submitted;
  grpc::ClientContext context;
  context.AddMetadata("carbond-credential", "MUNGE:AwQF:");
  const grpc::Status status =
      world.stub().SubmitJobs(&context, submit, &submitted);
  EXPECT_FALSE(status.ok());
  EXPECT_THAT(status.error_message(), HasSubstr("unmunge was not found"));
  EXPECT_EQ(submitted.job_ids_size(), 0);
}

TEST(ServiceOfKnownUsers, ShowsWhatThereIsToWhoeverMayConnect) {
  Authenticator authenticator(Unarmed());
  ServiceWorld world(1000, nullptr, &authenticator);
  v1::ListRegionsResponse regions;
  grpc::ClientContext context;
  EXPECT_TRUE(world.stub().ListRegions(&context, {}, &regions).ok());
  EXPECT_EQ(world.Get("7").first.error_code(), grpc::StatusCode::NOT_FOUND);
}

}  // namespace
}  // namespace carbond
