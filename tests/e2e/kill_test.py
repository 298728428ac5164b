#!/usr/bin/env python3
"""The real daemon, killed with -9 at ten random moments of a day with pauses.

No job may be lost, none may run twice at once, each must do all its work, and
the ledger must prove itself. The clock runs 600 times faster, so that the day
passes in under a minute. usage: kill_test.py CARBOND CARBONCTL [SEED]
"""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

KILLS = 10
SPEED = 600

# Counts, saves when asked, and cries when another copy is running.
JOB = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..",
                   "counting_job.py")

CONFIG = """
listen: unix:{dir}/s.sock
state_dir: {dir}/state
clock: {{speed: {speed}, start: "00:00"}}
metering_period: 10m
providers:
  rec: {{type: recorded, actual: grid.csv, signal: test_moer, replay: now, loop: true}}
regions:
  - {{name: here, grid: rec, pue: 1.1, executor: local, capacity: {{gpus: 2, cpus: 3}}}}
"""


class Day:
    def __init__(self, carbond, carbonctl, seed):
        self.carbond, self.carbonctl = carbond, carbonctl
        self.random = random.Random(seed)
        self.dir = tempfile.mkdtemp(prefix="carbond-kill-")
        self.daemon = None
        self.log = open(os.path.join(self.dir, "carbond.log"), "ab")
        with open(os.path.join(self.dir, "carbond.yaml"), "w") as f:
            f.write(CONFIG.format(dir=self.dir, speed=SPEED))
        with open(os.path.join(self.dir, "grid.csv"), "w") as f:
            f.write("time_utc,gco2_per_kwh\n")
            for slot in range(288):  # an hour clean, an hour dirty
                value = 80 if slot // 12 % 2 else 500
                f.write("2021-06-05T%02d:%02d:00Z,%d\n"
                        % (slot // 12, slot % 12 * 5, value))

    def start(self):
        self.daemon = subprocess.Popen(
            [self.carbond, "--config", os.path.join(self.dir, "carbond.yaml")],
            stdout=self.log, stderr=self.log)

    def kill(self):
        self.daemon.send_signal(signal.SIGKILL)
        self.daemon.wait()

    def ctl(self, *words, check=True):
        command = [self.carbonctl, "--address", "unix:%s/s.sock" % self.dir]
        deadline = time.monotonic() + 60
        while True:
            done = subprocess.run(command + list(words), cwd=self.dir,
                                  capture_output=True, text=True)
            if done.returncode == 0 or not check:
                return done
            if time.monotonic() > deadline:
                raise SystemExit("%s: %s" % (words, done.stderr))
            time.sleep(0.1)

    def submit(self, name, pause, total, *more):
        duration = "%ds" % (total * 0.05 * SPEED)
        words = ["submit", "--name", name, "--duration", duration,
                 "--cpus", "1", "--power", "200W", "--deadline", "14h",
                 "--pause", pause, "--min-run", "10m",
                 "--request-id", "kill-" + name, *more]
        if pause == "checkpoint":
            words += ["--checkpoint-cost", "4m", "--resume-cost", "4m",
                      "--checkpoint-timeout", "1h"]
        return self.ctl(*words, "--", sys.executable, JOB, name,
                        str(total)).stdout.strip()

    def jobs(self):
        return json.loads(self.ctl("list", "--all", "-o", "json").stdout)

    def play(self):
        self.start()
        names = {}
        names[self.submit("a", "checkpoint", 180, "--gpus", "1")] = "a"
        names[self.submit("b", "suspend", 160)] = "b"
        names[self.submit("c", "none", 60, "--gpus", "1")] = "c"
        names[self.submit("d", "checkpoint", 120)] = "d"
        for _ in range(KILLS):
            time.sleep(self.random.uniform(0.3, 3))
            self.kill()
            self.start()
        deadline = time.monotonic() + 240
        while any(job["state"] != "done" for job in self.jobs()):
            if time.monotonic() > deadline:
                raise SystemExit("jobs are still live: %s" % self.jobs())
            time.sleep(0.2)
        self.check(names)

    def check(self, names):
        jobs = self.jobs()
        assert len(jobs) == 4, jobs
        pauses = 0
        for summary in jobs:
            job = json.loads(self.ctl("show", summary["id"], "-o",
                                      "json").stdout)
            name = names[job["id"]]
            path = os.path.join(self.dir, name)
            assert job["outcome"] == "succeeded", job
            assert os.path.exists(path + ".done"), job
            assert not os.path.exists(path + ".twice"), "ran twice: " + name
            pauses += job["pauses"]
            energy_kwh = sum(
                seconds(run) for run in job["runs"]) / 3600 * 0.2 * 1.1
            figures = job["emissions"]
            # Idle power of the suspended job comes on top of its runs.
            assert figures["energy_kwh"] > energy_kwh * 0.97, (job, energy_kwh)
            if name != "b":
                assert figures["energy_kwh"] < energy_kwh * 1.03, (
                    job, energy_kwh)
            log = self.ctl("logs", job["id"]).stdout
            assert "reached" in log, (name, log)
            assert log.count("begins at") == (
                job["pauses"] + 1 if name in "ad" else 1), (name, log)
        assert pauses > 0, "the day had no pause"
        verify = subprocess.run(
            [self.carbond, "ledger", "verify", "--db",
             os.path.join(self.dir, "state", "ledger.db")],
            capture_output=True, text=True)
        assert verify.returncode == 0, verify.stdout + verify.stderr
        print("killed %d times, %d pauses; %s"
              % (KILLS, pauses, verify.stdout.strip()))

    def stop(self):
        if self.daemon and self.daemon.poll() is None:
            for job in self.jobs():
                if job["state"] != "done":
                    self.ctl("cancel", job["id"], check=False)
            self.daemon.terminate()
            self.daemon.wait(timeout=30)


def seconds(run):
    def instant(text):
        import datetime
        return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    return (instant(run["ended_at"]) -
            instant(run["started_at"])).total_seconds()


def main():
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else random.randrange(10**6)
    print("seed", seed, flush=True)
    day = Day(sys.argv[1], sys.argv[2], seed)
    try:
        day.play()
    except BaseException:
        with open(os.path.join(day.dir, "carbond.log")) as log:
            sys.stderr.write(log.read()[-6000:])
        raise
    finally:
        day.stop()
        day.log.close()
    shutil.rmtree(day.dir)


if __name__ == "__main__":
    main()
