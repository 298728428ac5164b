#!/usr/bin/env python3
"""How much each policy saves on real grids with real issued forecasts.

Draws jobs from recorded job traces, lays them over the time for which a
region's forecasts are recorded, replays them with `carbond backtest` and
prints a table: percent saved against running each job at once.

    tests/bench/backtest_table.py CARBOND TRACES [--jobs N] [--regions A,B]

TRACES is a folder with `actual/`, `forecast/` and `jobs/`.
"""
import argparse
import csv
import gzip
import json
import pathlib
import random
import subprocess
import sys
import tempfile
from datetime import datetime, timedelta, timezone

REGIONS = {  # region: its forecasts
    "US-CAL-CISO-PGE.moer": "US-CAL-CISO-PGE.moer.sgip3h",
    "US-CAL-CISO.direct": "US-CAL-CISO.direct.dacf24h",
    "US-TEX-ERCO.direct": "US-TEX-ERCO.direct.dacf24h",
    "DE.direct": "DE.direct.dacf24h",
    "NL.direct": "NL.direct.carboncast96h",
    "GB.neso": "GB.neso.neso48h",
}
POLICIES = ["run_now", "best_start", "pause_resume", "replan", "carbond"]
SLACKS_H = [6, 24, 72]
LONGEST_H = 24  # durations are cut, so that four days hold job and slack


def rows(path):
    with gzip.open(path, "rt") as file:
        return list(csv.DictReader(file))


def parse(text):
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)


def span_of(traces, region):
    issued = [r["issued_at_utc"] for r in rows(traces / "forecast" / f"{REGIONS[region]}.csv.gz")]
    actual = [r["time_utc"] for r in rows(traces / "actual" / f"{region}.csv.gz")]
    return parse(min(issued)), min(parse(max(issued)), parse(max(actual)))


def durations(traces):
    found = []
    for path in sorted((traces / "jobs").glob("*.csv.gz")):
        for row in rows(path):
            seconds = float(row["duration_s"])
            if seconds >= 600:
                found.append((min(seconds, LONGEST_H * 3600.0), int(float(row["gpus"]))))
    return found


def write_jobs(path, begin, end, slack_h, count, pool, seed):
    rng = random.Random(seed)
    with open(path, "w") as file:
        file.write("id,submit,duration_s,power_w,gpus,deadline\n")
        for i in range(count):
            length, gpus = rng.choice(pool)
            latest = (end - begin).total_seconds() - length - slack_h * 3600 - 6 * 3600
            if latest <= 0:
                return False
            submit = rng.uniform(0, latest)
            file.write(f"{i},{submit:.0f},{length:.0f},{300 * max(gpus, 1)},"
                       f"{gpus},{submit + length + slack_h * 3600:.0f}\n")
    return True


def replay(carbond, traces, region, slack_h, jobs, pool):
    begin, end = span_of(traces, region)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        if not write_jobs(folder / "jobs.csv", begin, end, slack_h, jobs, pool, 7 + slack_h):
            return None
        (folder / "scenario.yaml").write_text(f"""
regions:
  - {{name: here, actual: {traces}/actual/{region}.csv.gz, forecast: {traces}/forecast/{REGIONS[region]}.csv.gz}}
jobs: jobs.csv
policies: [{", ".join(POLICIES)}]
clairvoyant: true
from: {begin.strftime("%Y-%m-%dT%H:%M:%SZ")}
until: {(end - timedelta(hours=slack_h)).strftime("%Y-%m-%dT%H:%M:%SZ")}
defaults: {{pause: checkpoint, checkpoint_cost: 120s, resume_cost: 120s, cpus: 1, min_saving: 0}}
""")
        done = subprocess.run([carbond, "backtest", folder / "scenario.yaml", "-o", "json"],
                              capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(done.stderr)
        return json.loads(done.stdout)["policies"]


def main():
    options = argparse.ArgumentParser()
    options.add_argument("carbond")
    options.add_argument("traces", type=pathlib.Path)
    options.add_argument("--jobs", type=int, default=500)
    options.add_argument("--regions", default=",".join(REGIONS))
    given = options.parse_args()
    traces = given.traces.resolve()
    pool = durations(traces)
    print("| region | slack | " + " | ".join(POLICIES) + " | clairvoyant | recovered |")
    print("|---" * (len(POLICIES) + 4) + "|")
    shares = []
    for region in given.regions.split(","):
        for slack_h in SLACKS_H:
            policies = replay(given.carbond, traces, region, slack_h, given.jobs, pool)
            if policies is None:
                continue
            saved = {(p["name"], p["foresight"]): 100 * p["saved_fraction"] for p in policies}
            seen = [saved[(name, "forecast")] for name in POLICIES]
            best = saved[("carbond", "perfect")]
            replan, own = saved[("replan", "forecast")], saved[("carbond", "forecast")]
            share = 100 * (own - replan) / (best - replan) if best > replan else 0
            shares.append(share)
            late = [p["deadline_misses"] for p in policies if p["name"] == "carbond"]
            print(f"| {region} | {slack_h} h | " + " | ".join(f"{s:.2f}" for s in seen) +
                  f" | {best:.2f} | {share:.0f} %{' late ' + str(late) if any(late) else ''} |",
                  flush=True)
    print(f"\nrecovered of what replanning leaves, on average: {sum(shares) / len(shares):.1f} %")


if __name__ == "__main__":
    main()
