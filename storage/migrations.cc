// The schemas, each as what it adds to the one before.

#include "storage/schema.h"

namespace carbond {
namespace {

// Schema 1. Names end in their unit: _ms milliseconds (instants since 1970,
// UTC), _mw milliwatts, _mwh milliwatt-hours, _mg milligrams CO2e.
constexpr const char* kSchema1 = R"sql(
-- The truth: what happened to each job, in order. All tables about jobs below
-- follow from it; `carbond ledger verify` proves that they do.
CREATE TABLE events (
  job   INTEGER NOT NULL,
  seq   INTEGER NOT NULL,      -- 1, 2, 3, ... within the job
  at_ms INTEGER NOT NULL,
  kind  TEXT NOT NULL,         -- Submitted, StartIssued, RunStarted, ...
  body  TEXT NOT NULL,         -- the fact as JSON
  PRIMARY KEY (job, seq)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER events_are_not_changed BEFORE UPDATE ON events BEGIN
  SELECT RAISE(ABORT, 'events are facts: they are never changed');
END;
CREATE TRIGGER events_are_not_deleted BEFORE DELETE ON events BEGIN
  SELECT RAISE(ABORT, 'events are facts: they are never deleted');
END;

-- Each job as its events made it. The rest of what was submitted is in its
-- Submitted event (job, seq 1).
CREATE TABLE jobs (
  id               INTEGER PRIMARY KEY,
  name             TEXT NOT NULL,
  project          TEXT NOT NULL,
  user             TEXT NOT NULL,
  home_region      TEXT NOT NULL,   -- the baseline's
  gpus             INTEGER NOT NULL,
  cpus             INTEGER NOT NULL,
  state            TEXT NOT NULL,   -- waiting starting running paused done
  outcome          TEXT NOT NULL,   -- none succeeded failed cancelled lost
  exit_code        INTEGER,
  region           TEXT NOT NULL,   -- of the current or last run, or empty
  submitted_at_ms  INTEGER NOT NULL,
  started_at_ms    INTEGER,
  finished_at_ms   INTEGER,
  deadline_ms      INTEGER,
  held             INTEGER NOT NULL,
  cancel_requested INTEGER NOT NULL,
  failures         INTEGER NOT NULL,
  has_checkpoint   INTEGER NOT NULL,
  pauses           INTEGER NOT NULL,
  work_done_ms     INTEGER NOT NULL,
  work_saved_ms    INTEGER NOT NULL,
  energy_mwh       INTEGER NOT NULL,  -- before PUE
  last_seq         INTEGER NOT NULL,
  -- 1 once the figures in job_emissions are final for all that happened.
  settled          INTEGER NOT NULL DEFAULT 0
) STRICT;
-- What a restart loads, whatever else the ledger holds. Queries must repeat
-- the WHERE term literally, or SQLite scans the whole table instead.
CREATE INDEX jobs_live ON jobs (id, state) WHERE state <> 'done';
CREATE INDEX jobs_unsettled ON jobs (id) WHERE state = 'done' AND settled = 0;

CREATE TABLE runs (
  job                INTEGER NOT NULL REFERENCES jobs (id),
  run                INTEGER NOT NULL,  -- from 1
  region             TEXT NOT NULL,
  process            INTEGER NOT NULL,  -- the run that started the process
  gpus               TEXT NOT NULL,     -- device indices, comma-separated
  cpus               INTEGER NOT NULL,
  resume             INTEGER NOT NULL,  -- began from a checkpoint
  issued_at_ms       INTEGER NOT NULL,
  started_at_ms      INTEGER,
  ended_at_ms        INTEGER,
  end                TEXT NOT NULL,     -- none succeeded checkpointed ...
  exit_code          INTEGER,
  signal             INTEGER,           -- that ended it
  detail             TEXT NOT NULL,
  metered_until_ms   INTEGER NOT NULL,
  pause_issued_at_ms INTEGER,
  pause_attempts     INTEGER NOT NULL,
  pause_failed_at_ms INTEGER,
  ready              INTEGER NOT NULL,
  stop_why           TEXT,
  work_ms            INTEGER NOT NULL,
  PRIMARY KEY (job, run)
) STRICT, WITHOUT ROWID;

-- One row per reading: the EnergyMetered events.
CREATE TABLE energy (
  job        INTEGER NOT NULL,
  seq        INTEGER NOT NULL,  -- of its event
  run        INTEGER NOT NULL,
  begin_ms   INTEGER NOT NULL,
  end_ms     INTEGER NOT NULL,
  energy_mwh INTEGER NOT NULL,  -- before PUE
  purpose    TEXT NOT NULL,     -- work restore checkpoint idle transfer
  source     TEXT NOT NULL,     -- modelled measured mixed
  PRIMARY KEY (job, seq),
  FOREIGN KEY (job, run) REFERENCES runs (job, run)
) STRICT, WITHOUT ROWID;

-- Every plan that was ever valid for a job, the newest last.
CREATE TABLE plans (
  job               INTEGER NOT NULL REFERENCES jobs (id),
  made_at_ms        INTEGER NOT NULL,
  expected_total_mg INTEGER,        -- of the whole job, past included
  baseline_mg       INTEGER,
  body              TEXT NOT NULL,  -- the plan as JSON
  region            TEXT AS (json_extract(body, '$.region')) VIRTUAL,
  reason            TEXT AS (json_extract(body, '$.reason')) VIRTUAL,
  why               TEXT AS (json_extract(body, '$.why')) VIRTUAL,
  expected_mg       INTEGER AS (json_extract(body, '$.expected_mg')) VIRTUAL,
  run_now_mg        INTEGER AS (json_extract(body, '$.run_now_mg')) VIRTUAL,
  PRIMARY KEY (job, made_at_ms)
) STRICT, WITHOUT ROWID;

-- Submissions by the id that their client chose.
CREATE TABLE requests (
  request_id TEXT NOT NULL PRIMARY KEY,
  digest     TEXT NOT NULL,     -- of the content
  first_job  INTEGER NOT NULL,
  job_count  INTEGER NOT NULL,
  at_ms      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What one provider says of one signal in one zone.
CREATE TABLE feeds (
  id              INTEGER PRIMARY KEY,
  zone            TEXT NOT NULL,
  provider        TEXT NOT NULL,
  signal          TEXT NOT NULL,
  fetched_at_ms   INTEGER,                     -- newest observed values
  final_until_ms  INTEGER,                     -- not revised before this
  longest_slot_ms INTEGER NOT NULL DEFAULT 0,  -- among its intensities
  UNIQUE (zone, provider, signal)
) STRICT;

CREATE TABLE forecasts (
  id            INTEGER PRIMARY KEY,
  feed          INTEGER NOT NULL REFERENCES feeds (id),
  issued_at_ms  INTEGER NOT NULL,
  fetched_at_ms INTEGER NOT NULL,
  begin_ms      INTEGER NOT NULL,
  end_ms        INTEGER NOT NULL,
  points        BLOB NOT NULL,  -- packed, see storage/series_codec.h
  UNIQUE (feed, issued_at_ms)
) STRICT;

-- Observed values as they became known: a revised value is a new row, and what
-- was fetched last holds.
CREATE TABLE intensities (
  feed          INTEGER NOT NULL REFERENCES feeds (id),
  begin_ms      INTEGER NOT NULL,
  fetched_at_ms INTEGER NOT NULL,
  end_ms        INTEGER NOT NULL,
  mg_per_kwh    INTEGER NOT NULL,
  PRIMARY KEY (feed, begin_ms, fetched_at_ms)
) STRICT, WITHOUT ROWID;

-- What each reading emitted, with all that the number rests on.
CREATE TABLE emissions (
  job            INTEGER NOT NULL REFERENCES jobs (id),
  reading        INTEGER NOT NULL,  -- the job's readings, from 1
  run            INTEGER NOT NULL,
  region         TEXT NOT NULL,
  zone           TEXT NOT NULL,
  provider       TEXT NOT NULL,
  signal         TEXT NOT NULL,
  begin_ms       INTEGER NOT NULL,
  end_ms         INTEGER NOT NULL,
  purpose        TEXT NOT NULL,
  source         TEXT NOT NULL,
  quality        TEXT NOT NULL,     -- provisional settled
  energy_mwh     INTEGER NOT NULL,  -- before PUE
  pue_thousandths INTEGER NOT NULL,
  facility_mwh   INTEGER NOT NULL,  -- PUE included
  emissions_mg   INTEGER NOT NULL,
  unknown_ms     INTEGER NOT NULL,  -- time without a known intensity
  PRIMARY KEY (job, reading)
) STRICT, WITHOUT ROWID;
CREATE INDEX emissions_end ON emissions (end_ms);

-- Each job's totals: the sums of its rows in `emissions`.
CREATE TABLE job_emissions (
  job           INTEGER PRIMARY KEY REFERENCES jobs (id),
  facility_mwh  INTEGER NOT NULL,  -- PUE included
  measured_mwh  INTEGER NOT NULL,  -- the part of it that was measured
  emissions_mg  INTEGER NOT NULL,
  settled_mg    INTEGER NOT NULL,  -- the part of it that is settled
  baseline_mg   INTEGER,           -- run at once at home; null: not known
  quality       TEXT NOT NULL,
  any_measured  INTEGER NOT NULL,
  any_modelled  INTEGER NOT NULL,
  provider      TEXT NOT NULL,
  signal        TEXT NOT NULL,
  unknown_ms    INTEGER NOT NULL
) STRICT;

-- Small facts about the ledger itself.
CREATE TABLE settings (
  key   TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- ---- For people with sqlite3; these columns stay --------------------------

CREATE VIEW v_job_emissions AS
SELECT j.id AS job, j.name, j.user, j.project, j.state, j.outcome, j.region,
       e.facility_mwh / 1e6 AS energy_kwh,
       e.emissions_mg / 1e3 AS emissions_g,
       e.baseline_mg / 1e3 AS baseline_g,
       (e.baseline_mg - e.emissions_mg) / 1e3 AS saved_g,
       CASE WHEN e.baseline_mg > 0
            THEN 1.0 - e.emissions_mg * 1.0 / e.baseline_mg
       END AS saved_fraction,
       e.signal, e.provider, e.quality,
       CASE WHEN e.any_measured AND e.any_modelled THEN 'mixed'
            WHEN e.any_measured THEN 'measured'
            ELSE 'modelled'
       END AS energy_source,
       e.unknown_ms / 1e3 AS unknown_s
FROM job_emissions e JOIN jobs j ON j.id = e.job;

CREATE VIEW v_jobs AS
SELECT id AS job, name, user, project, state, outcome, exit_code, region,
       gpus, cpus, pauses, failures,
       strftime('%Y-%m-%dT%H:%M:%fZ', submitted_at_ms / 1e3, 'unixepoch')
         AS submitted_at,
       strftime('%Y-%m-%dT%H:%M:%fZ', started_at_ms / 1e3, 'unixepoch')
         AS started_at,
       strftime('%Y-%m-%dT%H:%M:%fZ', finished_at_ms / 1e3, 'unixepoch')
         AS finished_at,
       strftime('%Y-%m-%dT%H:%M:%fZ', deadline_ms / 1e3, 'unixepoch')
         AS deadline,
       work_done_ms / 1e3 AS work_done_s,
       energy_mwh / 1e6 AS it_energy_kwh
FROM jobs;

CREATE VIEW v_runs AS
SELECT r.job, r.run, j.name, j.user, r.region, r.resume,
       strftime('%Y-%m-%dT%H:%M:%fZ', r.issued_at_ms / 1e3, 'unixepoch')
         AS issued_at,
       strftime('%Y-%m-%dT%H:%M:%fZ', r.started_at_ms / 1e3, 'unixepoch')
         AS started_at,
       strftime('%Y-%m-%dT%H:%M:%fZ', r.ended_at_ms / 1e3, 'unixepoch')
         AS ended_at,
       r.end, r.exit_code, r.signal, r.detail, r.gpus, r.cpus,
       r.work_ms / 1e3 AS work_s,
       (SELECT sum(e.energy_mwh) FROM energy e
        WHERE e.job = r.job AND e.run = r.run) / 1e6 AS it_energy_kwh
FROM runs r JOIN jobs j ON j.id = r.job;

CREATE VIEW v_events AS
SELECT job, seq, kind,
       strftime('%Y-%m-%dT%H:%M:%fZ', at_ms / 1e3, 'unixepoch') AS at, body
FROM events;

CREATE VIEW v_plans AS
SELECT p.job, j.name,
       strftime('%Y-%m-%dT%H:%M:%fZ', p.made_at_ms / 1e3, 'unixepoch')
         AS made_at,
       p.region, p.reason, p.why,
       p.expected_total_mg / 1e3 AS expected_g,
       p.baseline_mg / 1e3 AS baseline_g
FROM plans p JOIN jobs j ON j.id = p.job;

CREATE VIEW v_intensities AS
SELECT f.zone, f.provider, f.signal,
       strftime('%Y-%m-%dT%H:%M:%fZ', i.begin_ms / 1e3, 'unixepoch') AS begin,
       strftime('%Y-%m-%dT%H:%M:%fZ', i.end_ms / 1e3, 'unixepoch') AS end,
       i.mg_per_kwh / 1e3 AS intensity_g_per_kwh,
       strftime('%Y-%m-%dT%H:%M:%fZ', i.fetched_at_ms / 1e3, 'unixepoch')
         AS fetched_at,
       i.end_ms <= coalesce(f.final_until_ms, 0) AS final
FROM intensities i JOIN feeds f ON f.id = i.feed;
)sql";

// What earlier jobs of a name took, for those submitted without a duration.
constexpr const char* kSchema2 = R"sql(
CREATE INDEX jobs_succeeded ON jobs (user, name, id)
  WHERE outcome = 'succeeded' AND failures = 0;
)sql";

// Data that a run fetched from another region before it began.
constexpr const char* kSchema3 = R"sql(
ALTER TABLE runs ADD COLUMN data_from TEXT NOT NULL DEFAULT '';
ALTER TABLE runs ADD COLUMN transfer_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN transfer_mwh INTEGER NOT NULL DEFAULT 0;
)sql";

// How far the forecasts of a feed are thinned, see storage/archive.h.
constexpr const char* kSchema4 = R"sql(
ALTER TABLE feeds ADD COLUMN thinned_until_ms INTEGER NOT NULL DEFAULT 0;
)sql";

// When a job's user released it, if no run began and no pause was issued since.
constexpr const char* kSchema5 = R"sql(
ALTER TABLE jobs ADD COLUMN released_at_ms INTEGER;
UPDATE jobs SET released_at_ms = (
  SELECT max(released.at_ms) FROM events released
  WHERE released.job = jobs.id AND released.kind = 'Released'
    AND released.seq > (
      SELECT coalesce(max(began.seq), 0) FROM events began
      WHERE began.job = jobs.id
        AND began.kind IN ('StartIssued', 'PauseIssued')))
WHERE state <> 'done';
)sql";

// When a run that was handed over ahead of its time may begin. A release counts
// until a run has begun, and not only until one was asked for.
constexpr const char* kSchema6 = R"sql(
ALTER TABLE runs ADD COLUMN not_before_ms INTEGER;
UPDATE jobs SET released_at_ms = (
  SELECT max(released.at_ms) FROM events released
  WHERE released.job = jobs.id AND released.kind = 'Released'
    AND released.seq > (
      SELECT coalesce(max(began.seq), 0) FROM events began
      WHERE began.job = jobs.id
        AND began.kind IN ('RunStarted', 'PauseIssued')))
WHERE state <> 'done';
)sql";

// What crashes undid, other baselines, and what was stated of finished jobs
// before it was stated anew.
constexpr const char* kSchema7 = R"sql(
-- The last time that the job said, while the run went on, that it had saved.
ALTER TABLE runs ADD COLUMN saved_at_ms INTEGER;
UPDATE runs SET saved_at_ms = (
  SELECT max(e.at_ms) FROM events e
  WHERE e.job = runs.job AND e.kind = 'Progressed'
    AND json_extract(e.body, '$.run') = runs.run
    AND json_extract(e.body, '$.checkpoint'));

-- Who holds a job, and for which budget; whether it was released over one.
ALTER TABLE jobs ADD COLUMN held_by TEXT NOT NULL DEFAULT '';
ALTER TABLE jobs ADD COLUMN held_for_budget TEXT;
ALTER TABLE jobs ADD COLUMN over_budget INTEGER NOT NULL DEFAULT 0;
UPDATE jobs SET held_by = (
  SELECT json_extract(e.body, '$.by') FROM events e
  WHERE e.job = jobs.id AND e.kind = 'Held' ORDER BY e.seq DESC LIMIT 1)
WHERE held = 1;

-- Of a million jobs, those of a time, and those of one user.
CREATE INDEX jobs_submitted ON jobs (submitted_at_ms, user, project);
CREATE INDEX jobs_of_user ON jobs (user, id);

-- The part of a reading that a crash undid; PUE included.
ALTER TABLE emissions ADD COLUMN lost_mwh INTEGER NOT NULL DEFAULT 0;
ALTER TABLE emissions ADD COLUMN lost_mg INTEGER NOT NULL DEFAULT 0;

-- Of a reading, what counters gave: before PUE there, PUE included here.
ALTER TABLE energy ADD COLUMN measured_mwh INTEGER NOT NULL DEFAULT 0;
UPDATE energy SET measured_mwh = energy_mwh WHERE source = 'measured';
-- Of the region, as it was at the reading; null: not written down.
ALTER TABLE energy ADD COLUMN pue_thousandths INTEGER;
ALTER TABLE emissions ADD COLUMN measured_mwh INTEGER NOT NULL DEFAULT 0;
UPDATE emissions SET measured_mwh = facility_mwh WHERE source = 'measured';

-- Of the time metered: rests on a forecast.
ALTER TABLE job_emissions ADD COLUMN forecast_ms INTEGER NOT NULL DEFAULT 0;
-- The same work begun at submission, but where it ran; at home, begun at the
-- worst time that its deadline allows. Null: not known.
ALTER TABLE job_emissions ADD COLUMN same_region_mg INTEGER;
ALTER TABLE job_emissions ADD COLUMN worst_start_mg INTEGER;
-- Of a finished job: when these figures were stated, and for which time.
ALTER TABLE job_emissions ADD COLUMN stated_at_ms INTEGER;
ALTER TABLE job_emissions ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
UPDATE job_emissions SET stated_at_ms =
  (SELECT finished_at_ms FROM jobs WHERE id = job AND state = 'done');

-- What was stated of a finished job until it was stated anew, and why.
CREATE TABLE superseded_emissions (
  job              INTEGER NOT NULL REFERENCES jobs (id),
  version          INTEGER NOT NULL,  -- 1, 2, ...; the newest: job_emissions
  stated_at_ms     INTEGER NOT NULL,
  superseded_at_ms INTEGER NOT NULL,
  why              TEXT NOT NULL,
  facility_mwh     INTEGER NOT NULL,
  emissions_mg     INTEGER NOT NULL,
  baseline_mg      INTEGER,
  settled_mg       INTEGER NOT NULL,
  quality          TEXT NOT NULL,
  provider         TEXT NOT NULL,
  signal           TEXT NOT NULL,
  unknown_ms       INTEGER NOT NULL,
  forecast_ms      INTEGER NOT NULL,
  second_signal    TEXT,              -- where another signal was kept beside it
  second_mg        INTEGER,
  second_baseline_mg INTEGER,
  PRIMARY KEY (job, version)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER superseded_is_not_changed
BEFORE UPDATE ON superseded_emissions BEGIN
  SELECT RAISE(ABORT, 'what was stated is never changed');
END;
CREATE TRIGGER superseded_is_not_deleted
BEFORE DELETE ON superseded_emissions BEGIN
  SELECT RAISE(ABORT, 'what was stated is never deleted');
END;

-- A job's totals by another signal, where one is kept beside the first. Never
-- to be added to job_emissions.
CREATE TABLE second_emissions (
  job          INTEGER PRIMARY KEY REFERENCES jobs (id),
  emissions_mg INTEGER NOT NULL,
  baseline_mg  INTEGER,
  quality      TEXT NOT NULL,
  provider     TEXT NOT NULL,
  signal       TEXT NOT NULL,
  unknown_ms   INTEGER NOT NULL,
  forecast_ms  INTEGER NOT NULL
) STRICT;

CREATE VIEW v_superseded AS
SELECT s.job, j.name, s.version,
       strftime('%Y-%m-%dT%H:%M:%fZ', s.stated_at_ms / 1e3, 'unixepoch')
         AS stated_at,
       strftime('%Y-%m-%dT%H:%M:%fZ', s.superseded_at_ms / 1e3, 'unixepoch')
         AS superseded_at,
       s.why, s.facility_mwh / 1e6 AS energy_kwh,
       s.emissions_mg / 1e3 AS emissions_g, s.baseline_mg / 1e3 AS baseline_g,
       s.quality, s.provider, s.signal,
       s.second_signal, s.second_mg / 1e3 AS second_emissions_g,
       s.second_baseline_mg / 1e3 AS second_baseline_g
FROM superseded_emissions s JOIN jobs j ON j.id = s.job;

-- One row per job and purpose; they add up to v_job_emissions.
CREATE VIEW v_job_costs AS
SELECT job, name, what, sum(mwh) / 1e6 AS energy_kwh, sum(mg) / 1e3 AS emissions_g
FROM (
  SELECT job, purpose AS what, facility_mwh - lost_mwh AS mwh,
         emissions_mg - lost_mg AS mg FROM emissions
  UNION ALL
  SELECT job, 'lost', lost_mwh, lost_mg FROM emissions WHERE lost_mwh > 0
) JOIN jobs ON id = job GROUP BY job, what;

DROP VIEW v_job_emissions;
CREATE VIEW v_job_emissions AS
SELECT j.id AS job, j.name, j.user, j.project, j.state, j.outcome, j.region,
       e.facility_mwh / 1e6 AS energy_kwh,
       e.emissions_mg / 1e3 AS emissions_g,
       e.baseline_mg / 1e3 AS baseline_g,
       (e.baseline_mg - e.emissions_mg) / 1e3 AS saved_g,
       CASE WHEN e.baseline_mg > 0
            THEN 1.0 - e.emissions_mg * 1.0 / e.baseline_mg
       END AS saved_fraction,
       e.signal, e.provider, e.quality,
       CASE WHEN e.any_measured AND e.any_modelled THEN 'mixed'
            WHEN e.any_measured THEN 'measured'
            ELSE 'modelled'
       END AS energy_source,
       e.unknown_ms / 1e3 AS unknown_s,
       e.forecast_ms / 1e3 AS forecast_s,
       e.same_region_mg / 1e3 AS same_region_g,
       e.worst_start_mg / 1e3 AS worst_start_g,
       e.version,
       strftime('%Y-%m-%dT%H:%M:%fZ', e.stated_at_ms / 1e3, 'unixepoch')
         AS stated_at,
       s.signal AS second_signal,
       s.emissions_mg / 1e3 AS second_emissions_g,
       s.baseline_mg / 1e3 AS second_baseline_g,
       e.measured_mwh / 1e6 AS measured_kwh
FROM job_emissions e JOIN jobs j ON j.id = e.job
LEFT JOIN second_emissions s ON s.job = e.job;
)sql";

constexpr const char* kMigrations[] = {kSchema1, kSchema2, kSchema3, kSchema4,
                                       kSchema5, kSchema6, kSchema7};

}  // namespace

std::span<const char* const> Migrations() { return kMigrations; }

}  // namespace carbond
