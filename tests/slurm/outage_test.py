#!/usr/bin/env python3
"""The controller of one of two clusters is down for an hour, while its jobs
run, pause, end, are cancelled and are due to begin: none is lost, none doubled,
and whoever may goes to the other cluster. An hour passes in 30 seconds.
usage: outage_test.py CARBOND CARBONCTL
"""

import os
import signal
import sys
import tempfile
import time

from cluster import Clusters, await_true, lives
from day_test import CONFIG, SPEED, grid_csv
from world import JOB, World, skip_without_slurm

HOUR = 3600 / SPEED


class Outage:
    def __init__(self, world, clusters):
        self.world, self.eu = world, clusters["eu"]
        # Nowhere is it worth to wait, but to see whom the outage moves.
        flat = grid_csv(0).replace(",500", ",60")
        for grid in ("eu.csv", "us.csv"):
            world.write(grid, flat)
        world.write("carbond.yaml", CONFIG.format(
            dir=world.dir, speed=SPEED, eu=self.eu.conf,
            us=clusters["us"].conf).replace(
                "poll: 1s", "poll: 1s, census: 1s, ahead: 40m"))
        self.jobs = {}

    def submit(self, name, work, *more):
        self.jobs[name] = self.world.submit(
            "--name", name, "--cpus", "1", "--duration", "%ds" % (work * SPEED),
            "--deadline", "9h", "--region", "eu", *more, "--", sys.executable,
            JOB, name, str(int(work / 0.05)))

    def show(self, name):
        return self.world.show(self.jobs[name])

    def await_state(self, name, state):
        return self.world.await_state(self.jobs[name], state)

    def succeeded(self, name, began=1):
        shown = self.world.await_state(self.jobs[name], "done", 200)
        assert shown["outcome"] == "succeeded", shown
        assert len(self.world.pids(name)) == began, self.world.pids(name)
        assert not os.path.exists(self.world.path(name + ".twice")), name
        return shown

    def before(self):
        self.submit("through", HOUR + 25)
        self.submit("ends", 18)
        self.submit("cancelled", 2 * HOUR)
        self.submit("paused", HOUR + 10, "--pause", "checkpoint", "--min-run", "2m",
                    "--checkpoint-cost", "2m", "--resume-cost", "2m",
                    "--checkpoint-timeout", "1h")
        for name in self.jobs:
            self.world.await_pids(name)
        self.submit("handed", 3, "--earliest", "%ds" % (25 * SPEED))
        await_true("it is in Slurm before its hour", lambda: self.jobs[
            "handed"] in [j[2].split(".")[2] for j in self.eu.jobs()
                          if j[2].startswith("carbond.")], 15)
        time.sleep(6)  # Slurm has written all of it down

    # No order goes through Slurm once a job runs; but it may wait for a
    # question that Slurm does not answer, which takes ten seconds.
    def during(self):
        self.submit("new", 3, "--earliest", "%ds" % (38 * SPEED))
        self.submit("free", 3, "--region", "us", "--earliest",
                    "%ds" % (38 * SPEED))
        pid, _ = self.world.pids("cancelled")[-1]
        self.world.ctl("pause", self.jobs["paused"])
        self.world.ctl("cancel", self.jobs["cancelled"])
        assert self.await_state("cancelled", "done")["outcome"] == "cancelled"
        assert not lives(pid)
        assert self.await_state("paused", "paused")["pauses"] == 1
        self.succeeded("ends")
        shown = self.succeeded("free")
        assert shown["runs"][-1]["region"] == "us", shown["runs"]

    def after(self):
        self.world.ctl("resume", self.jobs["paused"])
        for name in ("through", "new", "handed"):
            self.succeeded(name)
        shown = self.succeeded("paused", 2)
        ends = [run["end"] for run in shown["runs"]]
        assert [end for end in ends if end != "recalled"] == [
            "checkpointed", "succeeded"], ends
        log = self.world.read("carbond.log")
        for said in ("eu/slurm.conf does not answer", "region eu: nothing is "
                     "begun there", "eu/slurm.conf answers again"):
            assert log.count(said) == 1, said

    def play(self):
        self.world.start()
        self.before()
        began = time.monotonic()
        self.eu.signal("slurmctld", signal.SIGKILL)
        self.during()
        assert self.show("handed")["state"] == "starting", self.show("handed")
        assert not self.world.pids("new") and not self.world.pids("handed")
        time.sleep(max(0, HOUR - (time.monotonic() - began)))
        self.eu.start_controller()
        print("an outage of %.0f minutes" % (
            (time.monotonic() - began) / 60 * SPEED))
        self.after()
        print(self.world.verify())


def main():
    skip_without_slurm()
    slurm_dir = tempfile.mkdtemp(prefix="carbond-slurm-")
    with World(sys.argv[1], sys.argv[2], "carbond-slurm-outage-") as world:
        with Clusters(slurm_dir, "eu", "us") as clusters:
            Outage(world, clusters).play()


if __name__ == "__main__":
    main()
