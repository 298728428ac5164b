#include "storage/figures.h"

#include "storage/event_codec.h"

namespace carbond {

void StoreAccount(Connection& connection, const Account& account) {
  const JobEmissions& total = account.total;
  // A job of a week has thousands of readings, and its figures are replaced at
  // each new one: rows that say the same already are not written again.
  Query row(connection,
            "INSERT INTO emissions (job, reading, run, region, zone, provider, "
            "signal, begin_ms, end_ms, purpose, source, quality, energy_mwh, "
            "pue_thousandths, facility_mwh, emissions_mg, unknown_ms) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (job, reading) DO UPDATE SET run = excluded.run, "
            "region = excluded.region, zone = excluded.zone, "
            "provider = excluded.provider, signal = excluded.signal, "
            "begin_ms = excluded.begin_ms, end_ms = excluded.end_ms, "
            "purpose = excluded.purpose, source = excluded.source, "
            "quality = excluded.quality, energy_mwh = excluded.energy_mwh, "
            "pue_thousandths = excluded.pue_thousandths, "
            "facility_mwh = excluded.facility_mwh, "
            "emissions_mg = excluded.emissions_mg, "
            "unknown_ms = excluded.unknown_ms WHERE "
            "(run, region, zone, provider, signal, begin_ms, end_ms, purpose, "
            "source, quality, energy_mwh, pue_thousandths, facility_mwh, "
            "emissions_mg, unknown_ms) IS NOT (excluded.run, excluded.region, "
            "excluded.zone, excluded.provider, excluded.signal, "
            "excluded.begin_ms, excluded.end_ms, excluded.purpose, "
            "excluded.source, excluded.quality, excluded.energy_mwh, "
            "excluded.pue_thousandths, excluded.facility_mwh, "
            "excluded.emissions_mg, excluded.unknown_ms)");
  WattHours measured;
  Grams settled;
  int64_t reading = 0;
  for (const EmissionsRow& r : account.rows) {
    const WattHours facility = r.energy * r.pue;
    if (r.source == EnergySource::kMeasured) measured += facility;
    if (r.quality == Quality::kSettled) settled += r.grams;
    row.Bind(total.job, ++reading, r.run, r.region, r.zone, r.provider,
             r.signal, r.interval.begin, r.interval.end, r.purpose, r.source,
             r.quality, r.energy, r.pue, facility, r.grams, r.unknown);
    row.Run();
  }
  Query(connection, "DELETE FROM emissions WHERE job = ? AND reading > ?",
        total.job, reading)
      .Run();
  Query(connection,
        "INSERT OR REPLACE INTO job_emissions (job, facility_mwh, "
        "measured_mwh, emissions_mg, settled_mg, baseline_mg, quality, "
        "any_measured, any_modelled, provider, signal, unknown_ms) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        total.job, total.facility_energy, measured, total.grams, settled,
        total.baseline, total.quality, total.any_measured, total.any_modelled,
        total.provider, total.signal, total.unknown)
      .Run();
  Query(connection, "UPDATE jobs SET settled = ?2 WHERE id = ?1", total.job,
        total.quality == Quality::kSettled)
      .Run();
}

std::optional<JobEmissions> FiguresOf(Connection& connection, JobId job) {
  Query row(connection,
            "SELECT job, facility_mwh, emissions_mg, baseline_mg, quality, "
            "any_measured, any_modelled, provider, signal, unknown_ms "
            "FROM job_emissions WHERE job = ?",
            job);
  if (!row.Step()) return std::nullopt;
  JobEmissions e;
  row.Read(e.job, e.facility_energy, e.grams, e.baseline, e.quality,
           e.any_measured, e.any_modelled, e.provider, e.signal, e.unknown);
  return e;
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
