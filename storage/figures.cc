#include "storage/figures.h"

#include "storage/event_codec.h"

namespace carbond {

namespace {

constexpr const char* kFigures =
    "SELECT job, facility_mwh, emissions_mg, baseline_mg, quality, "
    "any_measured, any_modelled, provider, signal, unknown_ms, forecast_ms, "
    "same_region_mg, worst_start_mg, stated_at_ms, version, measured_mwh "
    "FROM job_emissions WHERE job = ?";

// A job of a week has thousands of readings, and its figures are replaced at
// each new one: rows that say the same already are not written again.
constexpr const char* kRow =
    "INSERT INTO emissions (job, reading, run, region, zone, provider, "
    "signal, begin_ms, end_ms, purpose, source, quality, energy_mwh, "
    "pue_thousandths, facility_mwh, emissions_mg, unknown_ms, lost_mwh, "
    "lost_mg, measured_mwh) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
    "ON CONFLICT (job, reading) DO UPDATE SET run = excluded.run, "
    "region = excluded.region, zone = excluded.zone, "
    "provider = excluded.provider, signal = excluded.signal, "
    "begin_ms = excluded.begin_ms, end_ms = excluded.end_ms, "
    "purpose = excluded.purpose, source = excluded.source, "
    "quality = excluded.quality, energy_mwh = excluded.energy_mwh, "
    "pue_thousandths = excluded.pue_thousandths, "
    "facility_mwh = excluded.facility_mwh, "
    "emissions_mg = excluded.emissions_mg, "
    "unknown_ms = excluded.unknown_ms, lost_mwh = excluded.lost_mwh, "
    "lost_mg = excluded.lost_mg, measured_mwh = excluded.measured_mwh WHERE "
    "(run, region, zone, provider, signal, begin_ms, end_ms, purpose, "
    "source, quality, energy_mwh, pue_thousandths, facility_mwh, "
    "emissions_mg, unknown_ms, lost_mwh, lost_mg, measured_mwh) IS NOT ("
    "excluded.run, "
    "excluded.region, excluded.zone, excluded.provider, excluded.signal, "
    "excluded.begin_ms, excluded.end_ms, excluded.purpose, "
    "excluded.source, excluded.quality, excluded.energy_mwh, "
    "excluded.pue_thousandths, excluded.facility_mwh, "
    "excluded.emissions_mg, excluded.unknown_ms, excluded.lost_mwh, "
    "excluded.lost_mg, excluded.measured_mwh)";

// Stores the rows; the grams of them that are settled.
Grams StoreRows(Connection& connection, const Account& account) {
  Grams settled;
  Query row(connection, kRow);
  int64_t reading = 0;
  for (const EmissionsRow& r : account.rows) {
    const WattHours facility = r.energy * r.pue;
    if (r.quality == Quality::kSettled) settled += r.grams;
    row.Bind(account.total.job, ++reading, r.run, r.region, r.zone, r.provider,
             r.signal, r.interval.begin, r.interval.end, r.purpose, r.source,
             r.quality, r.energy, r.pue, facility, r.grams, r.unknown,
             r.lost_facility, r.lost_grams, r.measured_facility);
    row.Run();
  }
  Query(connection, "DELETE FROM emissions WHERE job = ? AND reading > ?",
        account.total.job, reading)
      .Run();
  return settled;
}

// By either signal; empty: both say what they said.
std::string WhyRestated(Connection& connection, const JobEmissions& before,
                        const Account& now) {
  std::string why = WhyRestated(before, now.total);
  if (!now.second) return why;
  const auto second = SecondOf(connection, now.total.job);
  const std::string also = second ? WhyRestated(*second, *now.second) : "";
  if (also.empty()) return why;
  return fmt::format("{}{}by {}: {}", why, why.empty() ? "" : "; ",
                     now.second->signal, also);
}

// Keeps what was stated of a finished job, if it is stated anew; gives the new
// statement its number, or the time at which the same was stated first.
void KeepSuperseded(Connection& connection, const Account& account,
                    JobEmissions& total) {
  if (!total.stated_at) return;
  const std::optional<JobEmissions> before = FiguresOf(connection, total.job);
  if (!before || !before->stated_at) return;
  total.version = before->version;
  const std::string why = WhyRestated(connection, *before, account);
  if (why.empty()) {
    total.stated_at = before->stated_at;
    return;
  }
  Query(connection,
        "INSERT INTO superseded_emissions (job, version, stated_at_ms, "
        "superseded_at_ms, why, facility_mwh, emissions_mg, baseline_mg, "
        "settled_mg, quality, provider, signal, unknown_ms, forecast_ms, "
        "second_signal, second_mg, second_baseline_mg) "
        "SELECT e.job, version, stated_at_ms, ?2, ?3, facility_mwh, "
        "e.emissions_mg, e.baseline_mg, settled_mg, e.quality, e.provider, "
        "e.signal, e.unknown_ms, e.forecast_ms, s.signal, s.emissions_mg, "
        "s.baseline_mg FROM job_emissions e LEFT JOIN second_emissions s "
        "ON s.job = e.job WHERE e.job = ?1",
        total.job, *total.stated_at, why)
      .Run();
  ++total.version;
}

void StoreSecond(Connection& connection, JobId job,
                 const JobEmissions& second) {
  Query(connection,
        "INSERT OR REPLACE INTO second_emissions (job, emissions_mg, "
        "baseline_mg, quality, provider, signal, unknown_ms, forecast_ms) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        job, second.grams, second.baseline, second.quality, second.provider,
        second.signal, second.unknown, second.forecast)
      .Run();
}

}  // namespace

void StoreAccount(Connection& connection, const Account& account) {
  const Grams settled_grams = StoreRows(connection, account);
  JobEmissions total = account.total;
  KeepSuperseded(connection, account, total);
  Query(connection,
        "INSERT OR REPLACE INTO job_emissions (job, facility_mwh, "
        "measured_mwh, emissions_mg, settled_mg, baseline_mg, quality, "
        "any_measured, any_modelled, provider, signal, unknown_ms, "
        "forecast_ms, same_region_mg, worst_start_mg, stated_at_ms, version) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        total.job, total.facility_energy, total.measured_facility, total.grams,
        settled_grams, total.baseline, total.quality, total.any_measured,
        total.any_modelled, total.provider, total.signal, total.unknown,
        total.forecast, total.same_region, total.worst_start, total.stated_at,
        total.version)
      .Run();
  bool settled = total.quality == Quality::kSettled;
  if (account.second) {
    StoreSecond(connection, total.job, *account.second);
    settled = settled && account.second->quality == Quality::kSettled;
  }
  Query(connection, "UPDATE jobs SET settled = ?2 WHERE id = ?1", total.job,
        settled)
      .Run();
}

std::optional<JobEmissions> SecondOf(Connection& connection, JobId job) {
  Query row(connection,
            "SELECT job, emissions_mg, baseline_mg, quality, provider, signal, "
            "unknown_ms, forecast_ms FROM second_emissions WHERE job = ?",
            job);
  if (!row.Step()) return std::nullopt;
  JobEmissions e;
  row.Read(e.job, e.grams, e.baseline, e.quality, e.provider, e.signal,
           e.unknown, e.forecast);
  return e;
}

std::optional<JobEmissions> FiguresOf(Connection& connection, JobId job) {
  Query row(connection, kFigures, job);
  if (!row.Step()) return std::nullopt;
  JobEmissions e;
  row.Read(e.job, e.facility_energy, e.grams, e.baseline, e.quality,
           e.any_measured, e.any_modelled, e.provider, e.signal, e.unknown,
           e.forecast, e.same_region, e.worst_start, e.stated_at, e.version,
           e.measured_facility);
  return e;
}

std::vector<EmissionsPart> PartsOf(Connection& connection, JobId job) {
  Query row(connection,
            "SELECT what, sum(mwh), sum(mg) FROM ("
            "SELECT purpose AS what, facility_mwh - lost_mwh AS mwh, "
            "emissions_mg - lost_mg AS mg FROM emissions WHERE job = ?1 "
            "UNION ALL SELECT 'lost', lost_mwh, lost_mg FROM emissions "
            "WHERE job = ?1 AND lost_mwh > 0) GROUP BY what "
            "ORDER BY what <> 'work', what",
            job);
  std::vector<EmissionsPart> parts;
  while (row.Step()) {
    EmissionsPart& part = parts.emplace_back();
    row.Read(part.what, part.facility_energy, part.grams);
  }
  return parts;
}

std::vector<Superseded> SupersededOf(Connection& connection, JobId job) {
  Query row(connection,
            "SELECT version, stated_at_ms, superseded_at_ms, why, "
            "facility_mwh, emissions_mg, baseline_mg FROM "
            "superseded_emissions WHERE job = ? ORDER BY version",
            job);
  std::vector<Superseded> earlier;
  while (row.Step()) {
    Superseded& each = earlier.emplace_back();
    row.Read(each.version, each.stated_at, each.superseded_at, each.why,
             each.facility_energy, each.grams, each.baseline);
  }
  return earlier;
}

void StorePlan(Connection& connection, const PlanRecord& record) {
  Query(connection,
        "INSERT OR REPLACE INTO plans (job, made_at_ms, expected_total_mg, "
        "baseline_mg, body) VALUES (?, ?, ?, ?, ?)",
        record.job, record.made_at, record.expected_total, record.baseline,
        EncodePlan(record.plan))
      .Run();
}

std::optional<PlanRecord> NewestPlan(Connection& connection, JobId job) {
  Query row(connection,
            "SELECT job, made_at_ms, expected_total_mg, baseline_mg, body "
            "FROM plans WHERE job = ? ORDER BY made_at_ms DESC LIMIT 1",
            job);
  if (!row.Step()) return std::nullopt;
  PlanRecord record;
  std::string body;
  row.Read(record.job, record.made_at, record.expected_total, record.baseline,
           body);
  Result<JobPlan> plan = DecodePlan(body);
  if (!plan.ok()) {
    throw std::runtime_error(
        fmt::format("job {}: {}", Number(job), Message(plan.status())));
  }
  record.plan = *std::move(plan);
  return record;
}

}  // namespace carbond
