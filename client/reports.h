#pragma once
// Pages for people: the wire's answers as tables and pictures. Each is text,
// complete, ending in a newline.

#include <carbond/v1/carbond.pb.h>

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "client/console.h"

namespace carbond::client {

std::string ListPage(const std::vector<v1::Job>& jobs, const Look& look,
                     absl::TimeZone zone);
std::string PlanPage(const v1::PlanJobResponse& planned, const Look& look,
                     absl::TimeZone zone);
std::string EmissionsPage(const v1::ReportEmissionsResponse& report,
                          v1::GroupBy by, bool baselines, const Look& look);
std::string ForecastPage(const v1::Forecast& forecast, const Look& look,
                         absl::TimeZone zone);
std::string RegionsPage(const v1::ListRegionsResponse& answer, const Look& look,
                        absl::TimeZone zone);

std::string BudgetsPage(const v1::ListBudgetsResponse& answer,
                        const Look& look);

// The line under a report whose clock is not the world's; else empty.
std::string ClockLine(double clock_speed);

}  // namespace carbond::client
