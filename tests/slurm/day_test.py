#!/usr/bin/env python3
"""Fifty jobs on two clusters with different grids go where and when it is
cleanest and there is room, with pauses, while carbond and a controller are
killed; what Slurm says of each of its jobs is what the ledger says, to Slurm's
second. An hour passes in 30 seconds.
usage: day_test.py CARBOND CARBONCTL [JOBS] [SEED]
"""

import datetime
import os
import random
import signal
import sqlite3
import sys
import tempfile
import time

from cluster import Clusters, await_true
from world import JOB, World, skip_without_slurm

SPEED = 120
CPUS = {"eu": 6, "us": 8}  # less than the clusters have

CONFIG = """
listen: unix:{dir}/s.sock
state_dir: {dir}/state
shared_dir: {dir}/shared
clock: {{speed: {speed}, start: "00:00"}}
slurm: {{allow_root: true, heartbeat: 500ms, poll: 1s}}
metering_period: 10m
providers:
  eu_grid: {{type: recorded, actual: eu.csv, signal: test_moer, replay: now, loop: true}}
  us_grid: {{type: recorded, actual: us.csv, signal: test_moer, replay: now, loop: true}}
regions:
  - {{name: eu, grid: eu_grid, capacity: {{gpus: 4, cpus: 6}}, executor: {{slurm: {{conf: {eu}}}}}}}
  - {{name: us, grid: us_grid, capacity: {{gpus: 4, cpus: 8}}, executor: {{slurm: {{conf: {us}}}}}}}
"""


def grid_csv(clean_parity):
    """An hour clean, an hour dirty."""
    rows = ["time_utc,gco2_per_kwh"]
    for slot in range(288):
        clean = slot // 12 % 2 == clean_parity
        rows.append("2021-06-05T%02d:%02d:00Z,%d"
                    % (slot // 12, slot % 12 * 5, 60 if clean else 500))
    return "\n".join(rows) + "\n"


def clean_seconds(region, begin_ms, end_ms):
    """Of an interval, by the clock of the demonstration."""
    parity = ("eu", "us").index(region)
    total, hour = 0.0, begin_ms // 3_600_000
    while hour * 3_600_000 < end_ms:
        if hour % 24 % 2 == parity:
            total += (min(end_ms, (hour + 1) * 3_600_000)
                      - max(begin_ms, hour * 3_600_000)) / 1e3
        hour += 1
    return total


def at(row, key):
    """In seconds: Slurm writes local time."""
    return datetime.datetime.fromisoformat(row[key]).timestamp()


class Books:
    """The ledger, with its instants by the machine's clock too."""

    def __init__(self, path):
        db = sqlite3.connect("file:%s?mode=ro" % path, uri=True)
        of = dict(db.execute("SELECT key, value FROM settings"))
        self.real, self.anchor = (int(of["clock.%sanchor_ms" % real])
                                  for real in ("real_", ""))
        self.runs = db.execute(
            "SELECT job, process, region, cpus, started_at_ms, ended_at_ms, end "
            "FROM runs WHERE started_at_ms IS NOT NULL").fetchall()
        self.taken_back = db.execute(
            "SELECT count(*) FROM runs WHERE end = 'recalled'").fetchone()[0]
        db.close()

    def to_real(self, ms):
        return (self.real + (ms - self.anchor) / SPEED) / 1e3

    def processes(self):
        """{(region, job, process): (began, ended, how)}. One that was suspended
        in memory is several runs, and one job of Slurm's."""
        of = {}
        for job, process, region, _, began, ended, end in sorted(self.runs):
            key = (region, str(job), str(process))
            began, ended = self.to_real(began), self.to_real(ended)
            of[key] = (of[key][0] if key in of else began, ended, end)
        return of


class Day:
    def __init__(self, world, clusters, jobs, seed):
        self.world, self.clusters = world, clusters
        self.jobs = jobs
        self.random = random.Random(seed)
        self.outage = (0, 0)
        world.write("eu.csv", grid_csv(0))
        world.write("us.csv", grid_csv(1))
        world.write("carbond.yaml", CONFIG.format(
            dir=world.dir, speed=SPEED, eu=clusters["eu"].conf,
            us=clusters["us"].conf))

    def job(self, i):
        """As it stands in a file of jobs."""
        work = self.random.uniform(5, 10)
        if i % 5 == 0:
            work = 35  # more than a clean hour holds
        count = int(work / 0.05)
        pause = ("checkpoint", "suspend", "none")[i % 3]
        # Of some the data lie in one region: it is the hours that are chosen.
        # Others go where it is clean.
        regions = ("eu", "us")[i % 2] if i % 5 < 3 else "eu, us"
        words = ["name: j%d" % i, "cpus: 1", "gpus: %d" % (i % 4 == 0),
                 "power: 200W", "duration: %ds" % (work * SPEED),
                 "deadline: 5h", "pause: " + pause, "min_run: 5m",
                 "region: [%s]" % regions,
                 # What its controller forgot begins again.
                 "retries: 1",
                 "command: [%s, %s, j%d, '%d']" % (sys.executable, JOB, i, count)]
        if pause == "checkpoint":
            words += ["checkpoint_cost: 2m", "resume_cost: 2m",
                      "checkpoint_timeout: 1h"]
        return "- {%s}\n" % ", ".join(words)

    def submit(self):
        self.world.write("jobs.yaml", "".join(map(self.job, range(self.jobs))))
        ids = self.world.submit("--file", self.world.path("jobs.yaml")).split()
        assert len(ids) == self.jobs, ids
        return {job: "j%d" % i for i, job in enumerate(ids)}

    def play(self):
        self.world.start()
        names = self.submit()
        for _ in range(3):
            time.sleep(self.random.uniform(2, 12))
            self.world.kill()
            time.sleep(self.random.uniform(0, 3))
            self.world.start()
        began = time.time()
        self.clusters["eu"].signal("slurmctld", signal.SIGKILL)
        time.sleep(self.random.uniform(0, 6))
        self.clusters["eu"].start_controller()
        self.outage = (began, time.time())
        await_true("all jobs are done", lambda: all(
            job["state"] == "done" for job in self.world.jobs()), 400)
        self.check(names)

    def check(self, names):
        pauses = 0
        jobs = self.world.jobs()
        assert {job["id"] for job in jobs} == set(names)
        for shown in jobs:
            name = names[shown["id"]]
            assert shown["outcome"] == "succeeded", shown
            assert os.path.exists(self.world.path(name + ".done")), shown
            assert not os.path.exists(self.world.path(name + ".twice")), name
            pauses += shown["pauses"]
        assert pauses > 0, "the day had no pause"
        # Each run is one cluster's, also after carbond came back.
        log = self.world.read("carbond.log")
        assert "is shared_dir the same" not in log
        books = Books(self.world.path("state/ledger.db"))
        self.was_placed(books)
        for region in CPUS:
            self.compare(region, books)
        print("%d jobs, %d pauses, %d runs taken back from the queue; %s"
              % (len(names), pauses, books.taken_back, self.world.verify()))

    # By carbon, and within what there is.
    def was_placed(self, books):
        clean, total = 0.0, 0.0
        for region, cpus in CPUS.items():
            changes = []
            for _, _, where, n, began, ended, _ in books.runs:
                if where != region:
                    continue
                changes += [(began, n), (ended, -n)]
                clean += clean_seconds(region, began, ended)
                total += (ended - began) / 1e3
            used, most = 0, 0
            for _, n in sorted(changes):
                used += n
                most = max(most, used)
            assert 0 < most <= cpus, (region, most)
            print("%s: at most %d of %d CPUs" % (region, most, cpus))
        print("%.0f %% of the running time in clean hours"
              % (100 * clean / total))
        assert clean > 0.6 * total, (clean, total)

    # Slurm cuts off parts of seconds, so that of one job no sum can be compared
    # closer than that; but each begin and each end can. Between Slurm's begin
    # and the ledger's is what a launch takes, and between the ends what the
    # runner and slurmd take to leave: that is all of the difference.
    def compare(self, region, books):
        ended = {}
        for row in self.clusters[region].ended():
            ended.setdefault(tuple(row["Name"].split(".")[2:]), []).append(row)
        of_slurm = of_ledger = launches = leaves = 0.0
        compared = untold = late = 0
        for (where, job, process), (began, end, how) in books.processes().items():
            if where != region:
                continue
            rows = ended.get((job, process), [])
            row = rows[-1] if rows else None
            # What ended while the controller was away ends for it when it is
            # back; what it had forgotten is no job of its; and of its last five
            # seconds before the kill it knows nothing, so that what ended then
            # ends for it once more.
            away = self.outage[0] - 6 <= end <= self.outage[1] + 6
            if region == "eu" and (how == "lost" or away):
                untold += 1
                continue
            assert len(rows) == 1, (job, process, rows)
            # On a busy machine a run may be metered once more before its end is
            # seen; what was counted stays, and the run ends no earlier.
            if -6 < at(row, "EndTime") - end <= -1.1:
                late += 1
                continue
            launch, leave = began - at(row, "StartTime"), at(
                row, "EndTime") - end
            assert -0.1 < launch < 6, (row, began)
            assert -1.1 < leave < 6, (row, end)
            of_slurm += at(row, "EndTime") - at(row, "StartTime")
            of_ledger += end - began
            launches += launch
            leaves += leave
            compared += 1
        assert compared > 10 and late <= compared / 5, (compared, late)
        assert abs(of_slurm - of_ledger - launches - leaves) < 0.01
        print("%s: %d Slurm jobs took %.0f s, their runs in the ledger %.1f s; "
              "a job's launch took %.2f s and its leave %.2f s (parts of seconds "
              "cut off); %d ended while its controller was away, %d were metered "
              "again before their end was seen" % (
                  region, compared, of_slurm, of_ledger, launches / compared,
                  leaves / compared, untold, late))


def main():
    skip_without_slurm()
    jobs = int(sys.argv[3]) if len(sys.argv) > 3 else 50
    seed = int(sys.argv[4]) if len(sys.argv) > 4 else random.randrange(10**6)
    print("seed", seed, flush=True)
    slurm_dir = tempfile.mkdtemp(prefix="carbond-slurm-")
    with World(sys.argv[1], sys.argv[2], "carbond-slurm-day-") as world:
        with Clusters(slurm_dir, "eu", "us") as clusters:
            Day(world, clusters, jobs, seed).play()


if __name__ == "__main__":
    main()
