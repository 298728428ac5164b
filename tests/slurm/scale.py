#!/usr/bin/env python3
"""Not a test: what 5,000 jobs that wait in carbond and 500 that are in Slurm
cost, on this machine. usage: scale.py CARBOND CARBONCTL [WAITING] [IN_SLURM]
"""

import os
import shutil
import sqlite3
import sys
import tempfile
import time

from cluster import Clusters, await_true
from world import World, skip_without_slurm

CONFIG = """
listen: unix:{dir}/s.sock
state_dir: {dir}/state
shared_dir: {dir}/shared
slurm: {{allow_root: true, ahead: 30m}}
providers:
  rec: {{type: recorded, actual: grid.csv, signal: test_moer, replay: now, loop: true}}
regions:
  - {{name: eu, grid: rec, capacity: {{gpus: 0, cpus: 512}},
     executor: {{slurm: {{conf: {eu}}}}}}}
"""
COMMANDS = ("sbatch", "squeue", "sinfo", "scontrol", "scancel")


def count_calls(world):
    """Puts a counter before each of Slurm's commands."""
    folder = world.path("bin")
    os.makedirs(folder)
    path = os.environ["PATH"] + ":/usr/sbin:/sbin"
    for command in COMMANDS:
        script = os.path.join(folder, command)
        with open(script, "w") as f:
            f.write('#!/bin/sh\necho %s >>%s\nexec %s "$@"\n' % (
                command, world.path("calls"),
                shutil.which(command, path=path)))
        os.chmod(script, 0o755)
    os.environ["PATH"] = folder + ":" + os.environ["PATH"]


def calls(world):
    try:
        lines = world.read("calls").split()
    except FileNotFoundError:
        lines = []
    return {command: lines.count(command) for command in COMMANDS}


def cpu_seconds(pid):
    with open("/proc/%d/stat" % pid) as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def stamp(t):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(t))


def submit(world, count, begin, apart, command):
    jobs = "".join(
        "- {command: [%s], cpus: 1, duration: 1m, earliest: '%s', "
        "deadline: 12h}\n" % (command, stamp(begin + i * apart))
        for i in range(count))
    world.write("jobs.yaml", jobs)
    began = time.monotonic()
    world.ctl("submit", "-f", world.path("jobs.yaml"))
    print("%d jobs submitted in %.1f s" % (count, time.monotonic() - began),
          flush=True)


def over(world, what, seconds):
    """The cost of the next so many seconds."""
    before, cpu = calls(world), cpu_seconds(world.daemon.pid)
    time.sleep(seconds)
    used = cpu_seconds(world.daemon.pid) - cpu
    after = calls(world)
    asked = {c: (after[c] - before[c]) * 60 / seconds for c in COMMANDS}
    print("%s: %.2f %% of a core; a minute: %s" % (
        what, 100 * used / seconds,
        ", ".join("%.0f %s" % (n, c) for c, n in asked.items() if n)),
        flush=True)


def lateness(world, count):
    ledger = sqlite3.connect("file:%s?mode=ro" % world.path("state/ledger.db"),
                             uri=True)
    late = sorted(row[0] / 1e3 for row in ledger.execute(
        "SELECT started_at_ms - coalesce(not_before_ms, issued_at_ms) "
        "FROM runs WHERE started_at_ms IS NOT NULL"))
    assert len(late) >= count, len(late)
    print("from planned to actual start: median %.1f s, 95 %% within %.1f s, "
          "all within %.1f s" % (late[len(late) // 2],
                                 late[int(len(late) * 0.95)], late[-1]))


def main():
    skip_without_slurm()
    waiting = int(sys.argv[3]) if len(sys.argv) > 3 else 5000
    in_slurm = int(sys.argv[4]) if len(sys.argv) > 4 else 500
    slurm_dir = tempfile.mkdtemp(prefix="carbond-slurm-")
    with World(sys.argv[1], sys.argv[2], "carbond-slurm-scale-") as world:
        with Clusters(slurm_dir, "eu", cpus=256) as clusters:
            world.write("grid.csv", "time_utc,gco2_per_kwh\n" + "".join(
                "2021-06-05T%02d:00:00Z,100\n" % hour for hour in range(24)))
            world.write("carbond.yaml", CONFIG.format(
                dir=world.dir, eu=clusters["eu"].conf))
            count_calls(world)
            world.start()
            submit(world, waiting, time.time() + 4 * 3600, 0, "/bin/true")
            time.sleep(10)
            over(world, "%d jobs wait in carbond" % waiting, 60)
            submit(world, in_slurm, time.time() + 120, 0.2, "/bin/sleep, '5'")
            known = lambda: len(clusters["eu"].jobs())
            await_true("all are in Slurm", lambda: known() >= in_slurm, 110)
            over(world, "and %d in Slurm" % in_slurm, 30)
            done = lambda: sum(
                job["state"] == "done" for job in world.jobs())
            await_true("those of Slurm are done",
                       lambda: done() >= in_slurm, 600)
            lateness(world, in_slurm)


if __name__ == "__main__":
    main()
