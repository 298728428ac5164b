-- A small ledger as carbond wrote it with schema 7: sqlite3's .dump, and the two
-- pragmas that .dump leaves out. Every kind of fact is in it.
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE events (
  job   INTEGER NOT NULL,
  seq   INTEGER NOT NULL,      -- 1, 2, 3, ... within the job
  at_ms INTEGER NOT NULL,
  kind  TEXT NOT NULL,         -- Submitted, StartIssued, RunStarted, ...
  body  TEXT NOT NULL,         -- the fact as JSON
  PRIMARY KEY (job, seq)
) STRICT, WITHOUT ROWID;
INSERT INTO events VALUES(1,1,1795248000000,'Submitted','{"name":"train \"résumé\"\n","project":"vision","user":"anna","command":["python3","train.py","","--text=a\tb\\c"],"env":{"EMPTY":"","SEED":"7"},"workdir":"/home/anna/job","gpus":2,"cpus":8,"duration_ms":21600001,"power_mw":1200500,"idle_power_mw":240000,"power_declared":true,"earliest_ms":1795248300000,"deadline_ms":1795334400000,"deadline_declared":true,"regions":["here","eu"],"home_region":"here","pause":"checkpoint","checkpoint_signal":"TERM","on_pause":"kill -USR2 $PID","on_resume":"echo again","checkpoint_cost_ms":61000,"resume_cost_ms":62000,"checkpoint_timeout_ms":63000,"min_run_ms":64000,"max_intensity_mg_per_kwh":0,"min_saving":0.30000000000000004,"priority":-3,"retries":2,"time_limit_ms":0,"data_gb":1e-09}');
INSERT INTO events VALUES(1,2,1795248060000,'Held','{"by":"anna"}');
INSERT INTO events VALUES(1,3,1795248120000,'Released','{"by":"ben"}');
INSERT INTO events VALUES(1,4,1795248600000,'StartIssued','{"run":1,"region":"here","process":1,"gpus":[0,3],"cpus":4}');
INSERT INTO events VALUES(1,5,1795248600000,'RunStarted','{"run":1}');
INSERT INTO events VALUES(1,6,1795248900000,'Progressed','{"run":1,"fraction":0.1}');
INSERT INTO events VALUES(1,7,1795250400000,'EnergyMetered','{"run":1,"begin_ms":1795248600000,"end_ms":1795250400000,"energy_mwh":600123}');
INSERT INTO events VALUES(1,8,1795250400000,'PauseIssued','{"run":1,"attempt":1,"why":"the grid turned dirty"}');
INSERT INTO events VALUES(1,9,1795250700000,'PauseFailed','{"run":1,"why":"it did not leave in 5m"}');
INSERT INTO events VALUES(1,10,1795252200000,'EnergyMetered','{"run":1,"begin_ms":1795250400000,"end_ms":1795252200000,"energy_mwh":600000,"source":"measured"}');
INSERT INTO events VALUES(1,11,1795252200000,'PauseIssued','{"run":1,"attempt":2,"why":"still dirty"}');
INSERT INTO events VALUES(1,12,1795252260000,'EnergyMetered','{"run":1,"begin_ms":1795252200000,"end_ms":1795252260000,"energy_mwh":20000,"purpose":"checkpoint"}');
INSERT INTO events VALUES(1,13,1795252260000,'Progressed','{"run":1,"fraction":0.5,"checkpoint":true}');
INSERT INTO events VALUES(1,14,1795252260000,'RunEnded','{"run":1,"end":"checkpointed","exit_code":85}');
INSERT INTO events VALUES(1,15,1795255800000,'StartIssued','{"run":2,"region":"eu","process":2,"gpus":[0,3],"cpus":4,"resume":true}');
INSERT INTO events VALUES(1,16,1795255800000,'RunStarted','{"run":2}');
INSERT INTO events VALUES(1,17,1795255860000,'EnergyMetered','{"run":2,"begin_ms":1795255800000,"end_ms":1795255860000,"energy_mwh":20000,"purpose":"restore"}');
INSERT INTO events VALUES(1,18,1795260000000,'EnergyMetered','{"run":2,"begin_ms":1795255860000,"end_ms":1795260000000,"energy_mwh":1380000}');
INSERT INTO events VALUES(1,19,1795260000000,'RunEnded','{"run":2,"end":"lost","signal":9,"detail":"killed by the kernel"}');
INSERT INTO events VALUES(1,20,1795260600000,'StartIssued','{"run":3,"region":"eu","process":3,"gpus":[0,3],"cpus":4,"resume":true}');
INSERT INTO events VALUES(1,21,1795260600000,'RunStarted','{"run":3}');
INSERT INTO events VALUES(1,22,1795266000000,'EnergyMetered','{"run":3,"begin_ms":1795260600000,"end_ms":1795266000000,"energy_mwh":1800000}');
INSERT INTO events VALUES(1,23,1795266000000,'RunEnded','{"run":3,"end":"succeeded","exit_code":0}');
INSERT INTO events VALUES(2,1,1795248000000,'Submitted','{"name":"small","project":"vision","user":"anna","command":["true"],"gpus":1,"cpus":4,"duration_ms":3600000,"power_mw":100000,"deadline_ms":1795334400000,"regions":["here"],"home_region":"here","pause":"suspend"}');
INSERT INTO events VALUES(2,2,1795248060000,'StartIssued','{"run":1,"region":"here","process":1,"gpus":[0,3],"cpus":4}');
INSERT INTO events VALUES(2,3,1795248060000,'RunStarted','{"run":1}');
INSERT INTO events VALUES(2,4,1795248600000,'EnergyMetered','{"run":1,"begin_ms":1795248060000,"end_ms":1795248600000,"energy_mwh":15000}');
INSERT INTO events VALUES(2,5,1795248600000,'PauseIssued','{"run":1,"attempt":1,"why":"dirty"}');
INSERT INTO events VALUES(2,6,1795248600000,'RunEnded','{"run":1,"end":"suspended"}');
INSERT INTO events VALUES(2,7,1795249200000,'EnergyMetered','{"run":1,"begin_ms":1795248600000,"end_ms":1795249200000,"energy_mwh":3000,"purpose":"idle"}');
INSERT INTO events VALUES(2,8,1795249200000,'StartIssued','{"run":2,"region":"here","process":1,"gpus":[0,3],"cpus":4}');
INSERT INTO events VALUES(2,9,1795249200000,'RunStarted','{"run":2}');
INSERT INTO events VALUES(2,10,1795249800000,'EnergyMetered','{"run":2,"begin_ms":1795249200000,"end_ms":1795249800000,"energy_mwh":16000}');
INSERT INTO events VALUES(2,11,1795249860000,'CancelRequested','{"by":"anna"}');
INSERT INTO events VALUES(2,12,1795249860000,'StopIssued','{"run":2,"why":"cancelled"}');
INSERT INTO events VALUES(2,13,1795249920000,'RunEnded','{"run":2,"end":"cancelled","signal":15,"detail":"stopped"}');
INSERT INTO events VALUES(3,1,1795266600000,'Submitted','{"name":"small","project":"speech","user":"ben","command":["true"],"gpus":1,"cpus":4,"duration_ms":3600000,"power_mw":100000,"deadline_ms":1795334400000,"regions":["here"],"home_region":"here","pause":"checkpoint"}');
INSERT INTO events VALUES(4,1,1795267200000,'Submitted','{"name":"small","project":"vision","user":"cy","command":["true"],"gpus":1,"cpus":4,"duration_ms":3600000,"power_mw":100000,"deadline_ms":1795334400000,"regions":["here"],"home_region":"here","pause":"checkpoint"}');
INSERT INTO events VALUES(4,2,1795267260000,'StartIssued','{"run":1,"region":"here","process":1,"gpus":[0,3],"cpus":4}');
INSERT INTO events VALUES(4,3,1795267260000,'RunStarted','{"run":1}');
INSERT INTO events VALUES(4,4,1795267560000,'EnergyMetered','{"run":1,"begin_ms":1795267260000,"end_ms":1795267560000,"energy_mwh":8333}');
INSERT INTO events VALUES(5,1,1795267200000,'Submitted','{"name":"small","project":"vision","user":"cy","command":["true"],"gpus":1,"cpus":4,"duration_ms":3600000,"power_mw":100000,"deadline_ms":1795334400000,"regions":["here"],"home_region":"here","pause":"checkpoint"}');
INSERT INTO events VALUES(5,2,1795267260000,'StartIssued','{"run":1,"region":"here","process":1}');
INSERT INTO events VALUES(5,3,1795267320000,'RunEnded','{"run":1,"end":"not_started","detail":"no such file: train.py"}');
INSERT INTO events VALUES(6,1,1795267800000,'Submitted','{"name":"small","project":"speech","user":"dana","command":["true"],"gpus":1,"cpus":4,"duration_ms":3600000,"power_mw":100000,"deadline_ms":1795334400000,"regions":["here","eu"],"home_region":"here","pause":"checkpoint","data_gb":10}');
INSERT INTO events VALUES(6,2,1795267860000,'StartIssued','{"run":1,"region":"eu","process":1,"gpus":[1],"cpus":4,"data_from":"here","transfer_ms":120000,"transfer_mwh":20000}');
INSERT INTO events VALUES(6,3,1795267860000,'RunStarted','{"run":1}');
INSERT INTO events VALUES(6,4,1795267980000,'EnergyMetered','{"run":1,"begin_ms":1795267860000,"end_ms":1795267980000,"energy_mwh":23333,"purpose":"transfer"}');
INSERT INTO events VALUES(6,5,1795271580000,'EnergyMetered','{"run":1,"begin_ms":1795267980000,"end_ms":1795271580000,"energy_mwh":100000}');
INSERT INTO events VALUES(6,6,1795271580000,'RunEnded','{"run":1,"end":"succeeded","exit_code":0}');
INSERT INTO events VALUES(7,1,1795268400000,'Submitted','{"name":"small","project":"speech","user":"eve","command":["true"],"gpus":1,"cpus":4,"duration_ms":3600000,"power_mw":100000,"deadline_ms":1795334400000,"regions":["here"],"home_region":"here","pause":"checkpoint","min_pause_ms":5400000}');
INSERT INTO events VALUES(7,2,1795268460000,'StartIssued','{"run":1,"region":"here","process":1,"gpus":[0,3],"cpus":4}');
INSERT INTO events VALUES(7,3,1795268460000,'RunStarted','{"run":1}');
INSERT INTO events VALUES(7,4,1795270200000,'PauseIssued','{"run":1,"attempt":1,"why":"cleaner hours"}');
INSERT INTO events VALUES(7,5,1795270260000,'EnergyMetered','{"run":1,"begin_ms":1795268460000,"end_ms":1795270260000,"energy_mwh":50000}');
INSERT INTO events VALUES(7,6,1795270260000,'RunEnded','{"run":1,"end":"checkpointed","exit_code":85}');
INSERT INTO events VALUES(7,7,1795270320000,'Held','{"by":"eve"}');
INSERT INTO events VALUES(7,8,1795270500000,'Released','{"by":"eve"}');
INSERT INTO events VALUES(8,1,1795269000000,'Submitted','{"name":"small","project":"speech","user":"flo","command":["true"],"gpus":1,"cpus":4,"duration_ms":3600000,"power_mw":100000,"deadline_ms":1795334400000,"regions":["here"],"home_region":"here","pause":"checkpoint"}');
INSERT INTO events VALUES(8,2,1795269060000,'StartIssued','{"run":1,"region":"eu","process":1,"gpus":[0],"cpus":4,"not_before_ms":1795269660000}');
INSERT INTO events VALUES(8,3,1795269300000,'StopIssued','{"run":1,"why":"recalled"}');
INSERT INTO events VALUES(8,4,1795269360000,'RunEnded','{"run":1,"end":"recalled"}');
INSERT INTO events VALUES(8,5,1795269600000,'StartIssued','{"run":2,"region":"eu","process":2,"gpus":[0],"cpus":4,"not_before_ms":1795270200000}');
INSERT INTO events VALUES(9,1,1795269600000,'Submitted','{"name":"small","project":"speech","user":"gil","command":["true"],"gpus":1,"cpus":4,"duration_ms":3600000,"power_mw":100000,"deadline_ms":1795334400000,"regions":["here"],"home_region":"here","pause":"checkpoint","retries":1}');
INSERT INTO events VALUES(9,2,1795269600000,'Held','{"by":"carbond","budget":"budget of user gil: 50.3 of 50 kg CO2e in 2026-11"}');
INSERT INTO events VALUES(9,3,1795269660000,'Released','{"by":"gil"}');
INSERT INTO events VALUES(9,4,1795269660000,'StartIssued','{"run":1,"region":"here","process":1,"gpus":[0,3],"cpus":4}');
INSERT INTO events VALUES(9,5,1795269660000,'RunStarted','{"run":1}');
INSERT INTO events VALUES(9,6,1795270260000,'EnergyMetered','{"run":1,"begin_ms":1795269660000,"end_ms":1795270260000,"energy_mwh":50000}');
INSERT INTO events VALUES(9,7,1795270260000,'Progressed','{"run":1,"fraction":0.2,"checkpoint":true}');
INSERT INTO events VALUES(9,8,1795270860000,'EnergyMetered','{"run":1,"begin_ms":1795270260000,"end_ms":1795270860000,"energy_mwh":50000}');
INSERT INTO events VALUES(9,9,1795270860000,'RunEnded','{"run":1,"end":"lost","detail":"power"}');
INSERT INTO events VALUES(9,10,1795271100000,'StartIssued','{"run":2,"region":"here","process":2,"gpus":[0,3],"cpus":4,"resume":true}');
INSERT INTO events VALUES(9,11,1795271100000,'RunStarted','{"run":2}');
INSERT INTO events VALUES(9,12,1795271700000,'EnergyMetered','{"run":2,"begin_ms":1795271100000,"end_ms":1795271700000,"energy_mwh":50000}');
INSERT INTO events VALUES(9,13,1795271700000,'RunEnded','{"run":2,"end":"succeeded","exit_code":0}');
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
, released_at_ms INTEGER, held_by TEXT NOT NULL DEFAULT '', held_for_budget TEXT, over_budget INTEGER NOT NULL DEFAULT 0) STRICT;
INSERT INTO jobs VALUES(1,replace('train "résumé"\n','\n',char(10)),'vision','anna','here',2,8,'done','succeeded',0,'eu',1795248000000,1795248600000,1795266000000,1795334400000,0,0,1,1,1,16200001,10800001,4420123,23,1,NULL,'',NULL,0);
INSERT INTO jobs VALUES(2,'small','vision','anna','here',1,4,'done','cancelled',NULL,'here',1795248000000,1795248060000,1795249920000,1795334400000,0,1,0,0,1,1140000,0,34000,13,0,NULL,'',NULL,0);
INSERT INTO jobs VALUES(3,'small','speech','ben','here',1,4,'waiting','none',NULL,'',1795266600000,NULL,NULL,1795334400000,0,0,0,0,0,0,0,0,1,0,NULL,'',NULL,0);
INSERT INTO jobs VALUES(4,'small','vision','cy','here',1,4,'running','none',NULL,'here',1795267200000,1795267260000,NULL,1795334400000,0,0,0,0,0,300000,0,8333,4,0,NULL,'',NULL,0);
INSERT INTO jobs VALUES(5,'small','vision','cy','here',1,4,'done','failed',NULL,'here',1795267200000,NULL,1795267320000,1795334400000,0,0,1,0,0,0,0,0,3,0,NULL,'',NULL,0);
INSERT INTO jobs VALUES(6,'small','speech','dana','here',1,4,'done','succeeded',0,'eu',1795267800000,1795267860000,1795271580000,1795334400000,0,0,0,0,0,3600000,0,123333,6,0,NULL,'',NULL,0);
INSERT INTO jobs VALUES(7,'small','speech','eve','here',1,4,'paused','none',85,'here',1795268400000,1795268460000,NULL,1795334400000,0,0,0,1,1,1800000,1800000,50000,8,0,1795270500000,'',NULL,0);
INSERT INTO jobs VALUES(8,'small','speech','flo','here',1,4,'starting','none',NULL,'eu',1795269000000,NULL,NULL,1795334400000,0,0,0,0,0,0,0,0,5,0,NULL,'',NULL,0);
INSERT INTO jobs VALUES(9,'small','speech','gil','here',1,4,'done','succeeded',0,'here',1795269600000,1795269660000,1795271700000,1795334400000,0,0,1,1,0,1320000,720000,150000,13,0,NULL,'',NULL,1);
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
  work_ms            INTEGER NOT NULL, data_from TEXT NOT NULL DEFAULT '', transfer_ms INTEGER NOT NULL DEFAULT 0, transfer_mwh INTEGER NOT NULL DEFAULT 0, not_before_ms INTEGER, saved_at_ms INTEGER,
  PRIMARY KEY (job, run)
) STRICT, WITHOUT ROWID;
INSERT INTO runs VALUES(1,1,'here',1,'0,3',4,0,1795248600000,1795248600000,1795252260000,'checkpointed',85,NULL,'',1795252260000,NULL,2,1795250700000,1,NULL,3600000,'',0,0,NULL,1795252260000);
INSERT INTO runs VALUES(1,2,'eu',2,'0,3',4,1,1795255800000,1795255800000,1795260000000,'lost',NULL,9,'killed by the kernel',1795260000000,NULL,0,NULL,0,NULL,4140000,'',0,0,NULL,NULL);
INSERT INTO runs VALUES(1,3,'eu',3,'0,3',4,1,1795260600000,1795260600000,1795266000000,'succeeded',0,NULL,'',1795266000000,NULL,0,NULL,0,NULL,5400000,'',0,0,NULL,NULL);
INSERT INTO runs VALUES(2,1,'here',1,'0,3',4,0,1795248060000,1795248060000,1795248600000,'suspended',NULL,NULL,'',1795249200000,NULL,1,NULL,0,NULL,540000,'',0,0,NULL,NULL);
INSERT INTO runs VALUES(2,2,'here',1,'0,3',4,0,1795249200000,1795249200000,1795249920000,'cancelled',NULL,15,'stopped',1795249800000,NULL,0,NULL,0,'cancelled',600000,'',0,0,NULL,NULL);
INSERT INTO runs VALUES(4,1,'here',1,'0,3',4,0,1795267260000,1795267260000,NULL,'none',NULL,NULL,'',1795267560000,NULL,0,NULL,0,NULL,300000,'',0,0,NULL,NULL);
INSERT INTO runs VALUES(5,1,'here',1,'',0,0,1795267260000,NULL,1795267320000,'not_started',NULL,NULL,'no such file: train.py',1795267260000,NULL,0,NULL,0,NULL,0,'',0,0,NULL,NULL);
INSERT INTO runs VALUES(6,1,'eu',1,'1',4,0,1795267860000,1795267860000,1795271580000,'succeeded',0,NULL,'',1795271580000,NULL,0,NULL,0,NULL,3600000,'here',120000,20000,NULL,NULL);
INSERT INTO runs VALUES(7,1,'here',1,'0,3',4,0,1795268460000,1795268460000,1795270260000,'checkpointed',85,NULL,'',1795270260000,NULL,1,NULL,0,NULL,1800000,'',0,0,NULL,NULL);
INSERT INTO runs VALUES(8,1,'eu',1,'0',4,0,1795269060000,NULL,1795269360000,'recalled',NULL,NULL,'',1795269060000,NULL,0,NULL,0,'recalled',0,'',0,0,1795269660000,NULL);
INSERT INTO runs VALUES(8,2,'eu',2,'0',4,0,1795269600000,NULL,NULL,'none',NULL,NULL,'',1795269600000,NULL,0,NULL,0,NULL,0,'',0,0,1795270200000,NULL);
INSERT INTO runs VALUES(9,1,'here',1,'0,3',4,0,1795269660000,1795269660000,1795270860000,'lost',NULL,NULL,'power',1795270860000,NULL,0,NULL,1,NULL,1200000,'',0,0,NULL,1795270260000);
INSERT INTO runs VALUES(9,2,'here',2,'0,3',4,1,1795271100000,1795271100000,1795271700000,'succeeded',0,NULL,'',1795271700000,NULL,0,NULL,0,NULL,600000,'',0,0,NULL,NULL);
CREATE TABLE energy (
  job        INTEGER NOT NULL,
  seq        INTEGER NOT NULL,  -- of its event
  run        INTEGER NOT NULL,
  begin_ms   INTEGER NOT NULL,
  end_ms     INTEGER NOT NULL,
  energy_mwh INTEGER NOT NULL,  -- before PUE
  purpose    TEXT NOT NULL,     -- work restore checkpoint idle transfer
  source     TEXT NOT NULL, measured_mwh INTEGER NOT NULL DEFAULT 0, pue_thousandths INTEGER,     -- modelled measured mixed
  PRIMARY KEY (job, seq),
  FOREIGN KEY (job, run) REFERENCES runs (job, run)
) STRICT, WITHOUT ROWID;
INSERT INTO energy VALUES(1,7,1,1795248600000,1795250400000,600123,'work','modelled',0,NULL);
INSERT INTO energy VALUES(1,10,1,1795250400000,1795252200000,600000,'work','measured',600000,NULL);
INSERT INTO energy VALUES(1,12,1,1795252200000,1795252260000,20000,'checkpoint','modelled',0,NULL);
INSERT INTO energy VALUES(1,17,2,1795255800000,1795255860000,20000,'restore','modelled',0,NULL);
INSERT INTO energy VALUES(1,18,2,1795255860000,1795260000000,1380000,'work','modelled',0,NULL);
INSERT INTO energy VALUES(1,22,3,1795260600000,1795266000000,1800000,'work','modelled',0,NULL);
INSERT INTO energy VALUES(2,4,1,1795248060000,1795248600000,15000,'work','modelled',0,NULL);
INSERT INTO energy VALUES(2,7,1,1795248600000,1795249200000,3000,'idle','modelled',0,NULL);
INSERT INTO energy VALUES(2,10,2,1795249200000,1795249800000,16000,'work','modelled',0,NULL);
INSERT INTO energy VALUES(4,4,1,1795267260000,1795267560000,8333,'work','modelled',0,NULL);
INSERT INTO energy VALUES(6,4,1,1795267860000,1795267980000,23333,'transfer','modelled',0,NULL);
INSERT INTO energy VALUES(6,5,1,1795267980000,1795271580000,100000,'work','modelled',0,NULL);
INSERT INTO energy VALUES(7,5,1,1795268460000,1795270260000,50000,'work','modelled',0,NULL);
INSERT INTO energy VALUES(9,6,1,1795269660000,1795270260000,50000,'work','modelled',0,NULL);
INSERT INTO energy VALUES(9,8,1,1795270260000,1795270860000,50000,'work','modelled',0,NULL);
INSERT INTO energy VALUES(9,12,2,1795271100000,1795271700000,50000,'work','modelled',0,NULL);
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
INSERT INTO plans VALUES(3,1795266600000,81000,101000,'{"job":3,"region_index":0,"region":"here","intervals":[{"begin_ms":1795267800000,"end_ms":1795271400000,"region_index":0,"region":"here"}],"finish_at_ms":1795271400000,"expected_mg":80000,"run_now_mg":100500,"forecast_issued_at_ms":1795248000000,"reason":"cleaner_hours","why":"waits for cleaner hours","alternatives":[{"region":"eu","begin_ms":1795266600000,"expected_mg":95000}]}');
CREATE TABLE requests (
  request_id TEXT NOT NULL PRIMARY KEY,
  digest     TEXT NOT NULL,     -- of the content
  first_job  INTEGER NOT NULL,
  job_count  INTEGER NOT NULL,
  at_ms      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO requests VALUES('01JD-golden','d41d8cd9',3,1,1795266600000);
CREATE TABLE feeds (
  id              INTEGER PRIMARY KEY,
  zone            TEXT NOT NULL,
  provider        TEXT NOT NULL,
  signal          TEXT NOT NULL,
  fetched_at_ms   INTEGER,                     -- newest observed values
  final_until_ms  INTEGER,                     -- not revised before this
  longest_slot_ms INTEGER NOT NULL DEFAULT 0, thinned_until_ms INTEGER NOT NULL DEFAULT 0,  -- among its intensities
  UNIQUE (zone, provider, signal)
) STRICT;
INSERT INTO feeds VALUES(1,'CAISO_NORTH','wt','co2_moer',1795248900000,1795248600000,300000,1794038400000);
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
INSERT INTO forecasts VALUES(1,1,1792828800000,1792828860000,1792828800000,1792829700000,X'0180f0e3cead68e0a71203f2aa32f1aa32fee930');
INSERT INTO forecasts VALUES(3,1,1795248000000,1795248060000,1795248000000,1795248900000,X'0180b0f4d1bf68e0a71203f2aa32f1aa32fee930');
CREATE TABLE intensities (
  feed          INTEGER NOT NULL REFERENCES feeds (id),
  begin_ms      INTEGER NOT NULL,
  fetched_at_ms INTEGER NOT NULL,
  end_ms        INTEGER NOT NULL,
  mg_per_kwh    INTEGER NOT NULL,
  PRIMARY KEY (feed, begin_ms, fetched_at_ms)
) STRICT, WITHOUT ROWID;
INSERT INTO intensities VALUES(1,1795248000000,1795248600000,1795248300000,410000);
INSERT INTO intensities VALUES(1,1795248300000,1795248600000,1795248600000,411000);
INSERT INTO intensities VALUES(1,1795248300000,1795248900000,1795248600000,411500);
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
  unknown_ms     INTEGER NOT NULL, lost_mwh INTEGER NOT NULL DEFAULT 0, lost_mg INTEGER NOT NULL DEFAULT 0, measured_mwh INTEGER NOT NULL DEFAULT 0,  -- time without a known intensity
  PRIMARY KEY (job, reading)
) STRICT, WITHOUT ROWID;
INSERT INTO emissions VALUES(1,1,1,'here','CAISO_NORTH','wt','co2_moer',1795248600000,1795250400000,'work','modelled','settled',600123,1200,720148,216044,0,0,0,0);
INSERT INTO emissions VALUES(1,2,1,'here','CAISO_NORTH','wt','co2_moer',1795250400000,1795252200000,'work','measured','settled',600000,1200,720000,216000,0,0,0,720000);
INSERT INTO emissions VALUES(1,3,1,'here','CAISO_NORTH','wt','co2_moer',1795252200000,1795252260000,'checkpoint','modelled','settled',20000,1200,24000,7200,0,0,0,0);
INSERT INTO emissions VALUES(1,4,2,'eu','CAISO_NORTH','wt','co2_moer',1795255800000,1795255860000,'restore','modelled','settled',20000,1200,24000,7200,0,0,0,0);
INSERT INTO emissions VALUES(1,5,2,'eu','CAISO_NORTH','wt','co2_moer',1795255860000,1795260000000,'work','modelled','settled',1380000,1200,1656000,496800,0,0,0,0);
INSERT INTO emissions VALUES(1,6,3,'eu','CAISO_NORTH','wt','co2_moer',1795260600000,1795266000000,'work','modelled','settled',1800000,1200,2160000,648000,0,0,0,0);
INSERT INTO emissions VALUES(2,1,1,'here','CAISO_NORTH','wt','co2_moer',1795248060000,1795248600000,'work','modelled','provisional',15000,1200,18000,4500,0,0,0,0);
INSERT INTO emissions VALUES(2,2,1,'here','CAISO_NORTH','wt','co2_moer',1795248600000,1795249200000,'idle','modelled','provisional',3000,1200,3600,900,0,0,0,0);
INSERT INTO emissions VALUES(2,3,2,'here','CAISO_NORTH','wt','co2_moer',1795249200000,1795249800000,'work','modelled','provisional',16000,1200,19200,4800,0,0,0,0);
INSERT INTO emissions VALUES(9,1,1,'here','CAISO_NORTH','wt','co2_moer',1795269660000,1795270260000,'work','modelled','provisional',50000,1200,60000,24000,0,0,0,0);
INSERT INTO emissions VALUES(9,2,1,'here','CAISO_NORTH','wt','co2_moer',1795270260000,1795270860000,'work','modelled','provisional',50000,1200,60000,24000,0,60000,24000,0);
INSERT INTO emissions VALUES(9,3,2,'here','CAISO_NORTH','wt','co2_moer',1795271100000,1795271700000,'work','modelled','provisional',50000,1200,60000,24000,0,0,0,0);
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
, forecast_ms INTEGER NOT NULL DEFAULT 0, same_region_mg INTEGER, worst_start_mg INTEGER, stated_at_ms INTEGER, version INTEGER NOT NULL DEFAULT 1) STRICT;
INSERT INTO job_emissions VALUES(1,5304148,720000,1591244,1591244,2000000,'settled',1,1,'wt','co2_moer',0,0,NULL,NULL,NULL,1);
INSERT INTO job_emissions VALUES(2,40800,0,10200,0,NULL,'provisional',0,1,'wt','co2_moer',0,0,NULL,NULL,NULL,1);
INSERT INTO job_emissions VALUES(9,180000,0,72000,0,20000,'provisional',0,1,'wt','co2_moer',0,0,19000,25000,1795272000000,2);
CREATE TABLE settings (
  key   TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO settings VALUES('clock','1');
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
INSERT INTO superseded_emissions VALUES(9,1,1795271700000,1795272000000,'wt revised its values',180000,71100,20000,0,'provisional','wt','co2_moer',0,0,'average',3000,NULL);
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
INSERT INTO second_emissions VALUES(9,3000,NULL,'provisional','','average',0,0);
CREATE TRIGGER events_are_not_changed BEFORE UPDATE ON events BEGIN
  SELECT RAISE(ABORT, 'events are facts: they are never changed');
END;
CREATE TRIGGER events_are_not_deleted BEFORE DELETE ON events BEGIN
  SELECT RAISE(ABORT, 'events are facts: they are never deleted');
END;
CREATE INDEX jobs_live ON jobs (id, state) WHERE state <> 'done';
CREATE INDEX jobs_unsettled ON jobs (id) WHERE state = 'done' AND settled = 0;
CREATE INDEX emissions_end ON emissions (end_ms);
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
CREATE INDEX jobs_succeeded ON jobs (user, name, id)
  WHERE outcome = 'succeeded' AND failures = 0;
CREATE INDEX jobs_submitted ON jobs (submitted_at_ms, user, project);
CREATE INDEX jobs_of_user ON jobs (user, id);
CREATE TRIGGER superseded_is_not_changed
BEFORE UPDATE ON superseded_emissions BEGIN
  SELECT RAISE(ABORT, 'what was stated is never changed');
END;
CREATE TRIGGER superseded_is_not_deleted
BEFORE DELETE ON superseded_emissions BEGIN
  SELECT RAISE(ABORT, 'what was stated is never deleted');
END;
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
CREATE VIEW v_job_costs AS
SELECT job, name, what, sum(mwh) / 1e6 AS energy_kwh, sum(mg) / 1e3 AS emissions_g
FROM (
  SELECT job, purpose AS what, facility_mwh - lost_mwh AS mwh,
         emissions_mg - lost_mg AS mg FROM emissions
  UNION ALL
  SELECT job, 'lost', lost_mwh, lost_mg FROM emissions WHERE lost_mwh > 0
) JOIN jobs ON id = job GROUP BY job, what;
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
COMMIT;
PRAGMA application_id = 1128419150;
PRAGMA user_version = 7;
