#include "storage/report.h"

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <sstream>
#include <unordered_map>

#include "storage/query.h"

namespace carbond {
namespace {

constexpr int64_t kDayMs = 24 * 3600 * 1000;

// Figures of two signals are never added: a row belongs to a key and a signal.
using RowKey = std::pair<std::string, std::string>;

// "a,b" and "b" together are "a, b" once each.
std::string Distinct(const std::string& providers) {
  std::set<std::string> names;
  std::istringstream in(providers);
  for (std::string name; std::getline(in, name, ',');) {
    const size_t begin = name.find_first_not_of(' ');
    if (begin != std::string::npos) names.insert(name.substr(begin));
  }
  return fmt::format("{}", fmt::join(names, ", "));
}

std::string OneOf(const char* column, const std::vector<JobId>& jobs) {
  if (jobs.empty()) return "";
  std::string sql = fmt::format(" AND {} IN (", column);
  for (const JobId& job : jobs) {
    fmt::format_to(std::back_inserter(sql), "{}{}",
                   &job == &jobs.front() ? "" : ", ", Number(job));
  }
  return sql + ")";
}

// ---- Whole jobs: total, job, user, project
// ------------------------------------

std::string KeyColumn(ReportKey by) {
  switch (by) {
    case ReportKey::kJob:
      return "e.job";
    case ReportKey::kUser:
      return "j.user";
    case ReportKey::kProject:
      return "j.project";
    default:
      return "''";
  }
}

void ReadSecond(Query& query, ReportRow& row) {
  constexpr int kFirst = 14;
  std::optional<std::string> signal;
  query.ReadFrom(kFirst, signal);
  if (!signal) return;
  ReportRow::Second& second = row.second.emplace();
  query.ReadFrom(kFirst, second.signal, second.grams, second.baseline,
                 second.unknown, second.settled);
}

// The total of a million jobs, which every scrape of the metrics asks for, need
// not look for each of them; and of those of a month, nobody looks at the rest.
// The order of the tables is ours: SQLite takes the index by user for one that
// helps with the grouping.
const char* TablesFor(const ReportFilter& filter) {
  if (filter.since || filter.until) {
    return "jobs j INDEXED BY jobs_submitted "
           "CROSS JOIN job_emissions e ON e.job = j.id";
  }
  if (filter.by == ReportKey::kUser || filter.by == ReportKey::kProject) {
    return "job_emissions e CROSS JOIN jobs j ON j.id = e.job";
  }
  return "job_emissions e";
}

// Few ledgers keep a second signal, and of a million jobs each would be
// looked for.
// Beside the first only where each job has it, and it is one: else the two
// would be sums of different jobs.
constexpr const char* kSecond =
    "CASE WHEN count(s.signal) = count(*) AND min(s.signal) = max(s.signal) "
    "THEN min(s.signal) END, sum(s.emissions_mg), "
    "CASE WHEN count(s.baseline_mg) = count(*) THEN sum(s.baseline_mg) END, "
    "sum(s.unknown_ms), min(s.quality = 'settled')";
constexpr const char* kWithSecond =
    "LEFT JOIN second_emissions s ON s.job = e.job";

bool KeepsSecond(Connection& connection) {
  return Query(connection, "SELECT 1 FROM second_emissions LIMIT 1").Step();
}

std::vector<ReportRow> ReportJobs(Connection& connection,
                                  const ReportFilter& filter) {
  const bool second = KeepsSecond(connection);
  std::string sql = fmt::format(
      "SELECT {} AS key, count(*), sum(facility_mwh), sum(measured_mwh), "
      "sum(e.emissions_mg), sum(settled_mg), "
      "CASE WHEN count(e.baseline_mg) = count(*) THEN sum(e.baseline_mg) "
      "END, "
      "e.signal, group_concat(DISTINCT e.provider), sum(e.unknown_ms), "
      "min(e.quality = 'settled'), "
      "max(any_measured), "
      "CASE WHEN count(same_region_mg) = count(*) "
      "THEN sum(same_region_mg) END, "
      "CASE WHEN count(worst_start_mg) = count(*) "
      "THEN sum(worst_start_mg) END, {} FROM {} {} WHERE "
      "TRUE",
      KeyColumn(filter.by), second ? kSecond : "NULL", TablesFor(filter),
      second ? kWithSecond : "");
  if (filter.since) sql += " AND j.submitted_at_ms >= ?";
  if (filter.until) sql += " AND j.submitted_at_ms < ?";
  sql += OneOf("e.job", filter.jobs) + " GROUP BY key, e.signal ORDER BY key";
  Query query(connection, sql);
  query.Bind();
  if (filter.since) query.Add(*filter.since);
  if (filter.until) query.Add(*filter.until);

  std::vector<ReportRow> rows;
  while (query.Step()) {
    ReportRow& row = rows.emplace_back();
    query.Read(row.key, row.jobs, row.facility_energy, row.measured_energy,
               row.grams, row.settled_grams, row.baseline, row.signal,
               row.provider, row.unknown, row.settled, row.any_measured,
               row.same_region, row.worst_start);
    row.provider = Distinct(row.provider);
    ReadSecond(query, row);
  }
  return rows;
}

// ---- Energy within a time: region, day
// ----------------------------------------

// One row of `emissions`, as far as it matters here.
struct Portion {
  int64_t job = 0;
  std::string region;
  std::string zone;
  std::string provider;
  std::string signal;
  Interval interval;
  EnergySource source = EnergySource::kModelled;
  Quality quality = Quality::kProvisional;
  WattHours energy;  // before PUE
  WattHours facility;
  WattHours accounted;  // of facility: its intensity is known
  WattHours measured;   // of facility: by counters
  Grams grams;
  Duration unknown{0};
};

struct Sum {
  ReportRow row;
  bool settled = true;  // each part of it
  WattHours energy;
  WattHours accounted;
  std::set<std::string> providers;
  std::set<std::string> zones;
  // Facility energy by job: which jobs are in it, and whether wholly.
  std::unordered_map<int64_t, WattHours> energy_of;
};

// What of a whole that is spread evenly over `of` lies before `t`.
// Differences of this add up to the whole, whatever the cuts.
int64_t Before(Instant t, Interval of, int64_t whole) {
  if (t <= of.begin) return 0;
  if (t >= of.end) return whole;
  return RoundedDivide(Int128{whole} * (t - of.begin).count(),
                       of.length().count());
}

// Energy is drawn evenly: as much of it is accounted as of the time.
WattHours Accounted(const Portion& p) {
  const Duration length = p.interval.length();
  if (p.unknown == Duration(0)) return p.facility;
  return WattHours::FromThousandths(RoundedDivide(
      Int128{p.facility.thousandths()} * (length - p.unknown).count(),
      length.count()));
}

// The share of a portion within [from, to).
Portion Cut(const Portion& whole, Instant from, Instant to) {
  const auto share = [&](int64_t amount) {
    return Before(to, whole.interval, amount) -
           Before(from, whole.interval, amount);
  };
  Portion part = whole;
  part.interval = whole.interval.Clip({from, to});
  for (WattHours Portion::*energy : {&Portion::energy, &Portion::facility,
                                     &Portion::accounted, &Portion::measured}) {
    part.*energy =
        WattHours::FromThousandths(share((whole.*energy).thousandths()));
  }
  part.grams = Grams::FromThousandths(share(whole.grams.thousandths()));
  part.unknown = Duration(share(whole.unknown.count()));
  return part;
}

class Sums {
 public:
  void Add(const std::string& key, const Portion& part) {
    Sum& sum = sums_[{key, part.signal}];
    sum.row.facility_energy += part.facility;
    sum.energy += part.energy;
    sum.accounted += part.accounted;
    sum.row.grams += part.grams;
    sum.row.unknown += part.unknown;
    sum.row.measured_energy += part.measured;
    if (part.source != EnergySource::kModelled) sum.row.any_measured = true;
    if (part.quality == Quality::kSettled) {
      sum.row.settled_grams += part.grams;
    } else {
      sum.settled = false;
    }
    if (!part.provider.empty()) sum.providers.insert(part.provider);
    if (!part.zone.empty()) sum.zones.insert(part.zone);
    sum.energy_of[part.job] += part.facility;
  }

  std::map<RowKey, Sum>& all() { return sums_; }

  std::vector<ReportRow> Rows() {
    std::vector<ReportRow> rows;
    for (auto& [key, sum] : sums_) {
      std::tie(sum.row.key, sum.row.signal) = key;
      sum.row.jobs = static_cast<int64_t>(sum.energy_of.size());
      sum.row.provider =
          Distinct(fmt::format("{}", fmt::join(sum.providers, ",")));
      sum.row.settled = sum.settled;
      sum.row.it_energy = sum.energy;
      sum.row.accounted_energy = sum.accounted;
      sum.row.zone = fmt::format("{}", fmt::join(sum.zones, ", "));
      rows.push_back(std::move(sum.row));
    }
    return rows;
  }

 private:
  std::map<RowKey, Sum> sums_;
};

std::string DayOf(int64_t day) {
  return FormatInstant(Instant::FromMillis(day * kDayMs)).substr(0, 10);
}

void AddByDay(Sums& sums, const Portion& portion) {
  const auto day_of = [](int64_t ms) {
    return ms / kDayMs - (ms % kDayMs < 0 ? 1 : 0);
  };
  const int64_t first = day_of(portion.interval.begin.millis());
  const int64_t last =
      std::max(first, day_of(portion.interval.end.millis() - 1));
  for (int64_t day = first; day <= last; ++day) {
    const Instant begin = Instant::FromMillis(day * kDayMs);
    sums.Add(DayOf(day), first == last
                             ? portion
                             : Cut(portion, begin, begin + Duration(kDayMs)));
  }
}

// Calls `f` with each portion used in [since, until), cut to it.
void EachPortion(Connection& connection, const ReportFilter& filter,
                 const std::function<void(const Portion&)>& f) {
  std::string sql =
      "SELECT job, region, zone, provider, signal, begin_ms, end_ms, source, "
      "quality, energy_mwh, facility_mwh, emissions_mg, unknown_ms, "
      "measured_mwh FROM emissions WHERE TRUE";
  if (filter.since) sql += " AND end_ms > ?";
  if (filter.until) sql += " AND begin_ms < ?";
  Query query(connection, sql + OneOf("job", filter.jobs));
  query.Bind();
  if (filter.since) query.Add(*filter.since);
  if (filter.until) query.Add(*filter.until);
  while (query.Step()) {
    Portion p;
    query.Read(p.job, p.region, p.zone, p.provider, p.signal, p.interval.begin,
               p.interval.end, p.source, p.quality, p.energy, p.facility,
               p.grams, p.unknown, p.measured);
    p.accounted = Accounted(p);
    const Instant from =
        std::max(p.interval.begin, filter.since.value_or(p.interval.begin));
    const Instant to =
        std::min(p.interval.end, filter.until.value_or(p.interval.end));
    const bool whole = from == p.interval.begin && to == p.interval.end;
    f(whole ? p : Cut(p, from, to));
  }
}

// A region's row has the baselines of its jobs when it is the home region of
// each and all that each ever used is in the row.
std::optional<Grams> HomeBaseline(Connection& connection,
                                  const std::string& region, const Sum& sum) {
  Grams total;
  for (const auto& [job, energy] : sum.energy_of) {
    Query query(connection,
                "SELECT baseline_mg, facility_mwh, home_region FROM "
                "job_emissions JOIN jobs ON id = job WHERE job = ?",
                job);
    if (!query.Step()) return std::nullopt;
    std::optional<Grams> baseline;
    WattHours whole;
    std::string home;
    query.Read(baseline, whole, home);
    if (!baseline || whole != energy || home != region) return std::nullopt;
    total += *baseline;
  }
  return total;
}

std::vector<ReportRow> ReportEnergy(Connection& connection,
                                    const ReportFilter& filter) {
  Sums sums;
  if (filter.since && filter.until && *filter.until <= *filter.since) {
    return {};
  }
  EachPortion(connection, filter, [&](const Portion& portion) {
    if (filter.by == ReportKey::kDay) {
      AddByDay(sums, portion);
    } else {
      sums.Add(portion.region, portion);
    }
  });
  if (filter.by == ReportKey::kRegion) {
    for (auto& [key, sum] : sums.all()) {
      sum.row.baseline = HomeBaseline(connection, key.first, sum);
    }
  }
  return sums.Rows();
}

}  // namespace

std::vector<ReportRow> MakeReport(Connection& connection,
                                  const ReportFilter& filter) {
  const bool by_energy =
      filter.by == ReportKey::kRegion || filter.by == ReportKey::kDay;
  return by_energy ? ReportEnergy(connection, filter)
                   : ReportJobs(connection, filter);
}

}  // namespace carbond
