#include "client/providers.h"

#include <fmt/format.h>

#include "client/local_time.h"
#include "client/quantity.h"
#include "client/reports.h"
#include "client/table.h"

namespace carbond::client {
namespace {

using Align = Table::Align;

// "12m ago"; nothing of what was never.
std::string Ago(bool present, const google::protobuf::Timestamp& t,
                absl::Time now) {
  if (!present) return "";
  const absl::Duration age = now - FromProto(t);
  return FormatLength(absl::Trunc(std::max(age, absl::ZeroDuration()),
                                  absl::Seconds(1))) +
         " ago";
}

std::string Limit(const v1::Provider& provider) {
  if (provider.request_limit() == 0) return "";
  return fmt::format(
      "{} in {}", provider.request_limit(),
      FormatLength(absl::Seconds(provider.request_limit_period().seconds())));
}

}  // namespace

// A row for each zone; what belongs to the provider stands in its first.
std::string ProvidersPage(const v1::ListProvidersResponse& answer,
                          const Look& look) {
  if (answer.providers().empty()) return "no providers\n";
  Table table({{"NAME"},
               {"TYPE"},
               {"SIGNAL"},
               {"TODAY", Align::kRight},
               {"YESTERDAY", Align::kRight},
               {"LIMIT", Align::kRight},
               {"ZONE"},
               {"ISSUED", Align::kRight},
               {"OBSERVED", Align::kRight},
               {"TROUBLE", Align::kLeft, true}});
  const absl::Time now = FromProto(answer.now());
  for (const v1::Provider& provider : answer.providers()) {
    std::vector<std::string> head = {
        provider.name(),
        provider.type(),
        provider.signal(),
        provider.has_requests_today()
            ? std::to_string(provider.requests_today())
            : "",
        provider.has_requests_yesterday()
            ? std::to_string(provider.requests_yesterday())
            : "",
        Limit(provider)};
    const auto add = [&](const std::vector<std::string>& zone) {
      std::vector<std::string> cells = head;
      cells.insert(cells.end(), zone.begin(), zone.end());
      table.Add(cells);
      head.assign(head.size(), " ");
    };
    if (provider.zones().empty()) add({"", "", "", ""});
    for (const v1::ProviderZone& zone : provider.zones()) {
      add({zone.zone(), Ago(zone.has_issued_at(), zone.issued_at(), now),
           Ago(zone.has_observed_until(), zone.observed_until(), now),
           zone.trouble()});
    }
  }
  return table.Render(look) +
         "TODAY and YESTERDAY: requests since carbond's last start, days in "
         "UTC\n" +
         ClockLine(answer.clock_speed());
}

}  // namespace carbond::client
