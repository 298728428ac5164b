#!/usr/bin/env python3
"""Two clusters are two regions with different grids: jobs with pauses go where
and when it is cleanest, while carbond and a controller are killed, and Slurm's
own times agree with the ledger's. An hour passes in 30 seconds.
usage: day_test.py CARBOND CARBONCTL [JOBS] [SEED]
"""

import datetime
import os
import random
import signal
import sys
import tempfile
import time

from cluster import Clusters, await_true
from world import JOB, World, skip_without_slurm

SPEED = 120

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
  - {{name: eu, grid: eu_grid, capacity: {{gpus: 4, cpus: 8}}, executor: {{slurm: {{conf: {eu}}}}}}}
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


def seconds(run):
    ended, started = (datetime.datetime.fromisoformat(
        run[key].replace("Z", "+00:00")) for key in ("ended_at", "started_at"))
    return (ended - started).total_seconds()


class Day:
    def __init__(self, world, clusters, jobs, seed):
        self.world, self.clusters = world, clusters
        self.jobs = jobs
        self.random = random.Random(seed)
        world.write("eu.csv", grid_csv(0))
        world.write("us.csv", grid_csv(1))
        world.write("carbond.yaml", CONFIG.format(
            dir=world.dir, speed=SPEED, eu=clusters["eu"].conf,
            us=clusters["us"].conf))

    def submit(self, i):
        name = "j%d" % i
        # Up to almost two hours: more than a clean hour holds.
        total = self.random.randrange(500, 1100)
        # Data lie in one region: it is the hours that are chosen.
        pause = ("checkpoint", "suspend", "none")[i % 3]
        words = ["--name", name, "--cpus", "1", "--power", "200W",
                 "--duration", "%ds" % (total * 0.05 * SPEED),
                 "--deadline", "10h", "--pause", pause, "--min-run", "10m",
                 "--region", ("eu", "us")[i % 2]]
        if i % 4 == 0:
            words += ["--gpus", "1"]
        if pause == "checkpoint":
            words += ["--checkpoint-cost", "4m", "--resume-cost", "4m",
                      "--checkpoint-timeout", "1h"]
        return self.world.submit(*words, "--", sys.executable, JOB, name,
                                 str(total))

    def play(self):
        self.world.start()
        names = {self.submit(i): "j%d" % i for i in range(self.jobs)}
        for _ in range(3):
            time.sleep(self.random.uniform(2, 12))
            self.world.kill()
            time.sleep(self.random.uniform(0, 3))
            self.world.start()
        self.clusters["eu"].signal("slurmctld", signal.SIGKILL)
        time.sleep(self.random.uniform(0, 6))
        self.clusters["eu"].start_controller()
        await_true("all jobs are done", lambda: all(
            job["state"] == "done" for job in self.world.jobs()), 400)
        self.check(names)

    def check(self, names):
        pauses = 0
        taken_back = 0
        in_ledger = {}
        for job in names:
            shown = self.world.show(job)
            name = names[job]
            assert shown["outcome"] == "succeeded", shown
            assert os.path.exists(self.world.path(name + ".done")), shown
            assert not os.path.exists(self.world.path(name + ".twice")), name
            pauses += shown["pauses"]
            for run in shown["runs"]:
                if run["end"] == "recalled":
                    assert not run["started_at"], run
                    taken_back += 1
                    continue
                in_ledger[(job, run["run"])] = seconds(run) / SPEED
        assert pauses > 0, "the day had no pause"
        # Each run is one cluster's, also after carbond came back.
        log = self.world.read("carbond.log")
        assert "is shared_dir the same" not in log
        self.compare(in_ledger)
        print("%d jobs, %d pauses, %d runs taken back from the queue; %s"
              % (len(names), pauses, taken_back, self.world.verify()))

    # Slurm counts whole seconds, from its prolog to the last process's end,
    # and a process that was suspended is one Slurm job and several runs.
    def compare(self, in_ledger):
        of_slurm, of_ledger, compared = 0.0, 0.0, 0
        ended = {tuple(row["Name"].split(".")[2:]): row
                 for row in self.clusters["us"].ended()}
        for (job, process), row in ended.items():
            if (job, int(process)) not in in_ledger:
                continue  # taken back from the queue
            if (job, str(int(process) + 1)) in ended or (
                    job, int(process) + 1) not in in_ledger:
                start, end = (datetime.datetime.fromisoformat(row[key])
                              for key in ("StartTime", "EndTime"))
                of_slurm += (end - start).total_seconds()
                of_ledger += in_ledger[(job, int(process))]
                compared += 1
        assert compared > 0
        between = (of_slurm - of_ledger) / compared
        print("us: %d Slurm jobs took %.0f s, their runs in the ledger %.1f s: "
              "%.2f s a run between" % (compared, of_slurm, of_ledger, between))
        assert -1 < between < 2.5, between


def main():
    skip_without_slurm()
    jobs = int(sys.argv[3]) if len(sys.argv) > 3 else 16
    seed = int(sys.argv[4]) if len(sys.argv) > 4 else random.randrange(10**6)
    print("seed", seed, flush=True)
    slurm_dir = tempfile.mkdtemp(prefix="carbond-slurm-")
    with World(sys.argv[1], sys.argv[2], "carbond-slurm-day-") as world:
        with Clusters(slurm_dir, "eu", "us") as clusters:
            Day(world, clusters, jobs, seed).play()


if __name__ == "__main__":
    main()
