#!/usr/bin/env python3
"""A job in a Slurm cluster is measured on its node: carbon-meter runs there
beside it, goes on while carbond is killed with -9, and what it counted is what
the ledger holds, to the milliwatt-hour. The counter is a command of the user's,
turned by this test. usage: metered_test.py CARBOND CARBONCTL
"""

import os
import sqlite3
import sys
import tempfile
import time

import cluster
from cluster import Clusters
from world import World, skip_without_slurm

CONFIG = """
listen: unix:{dir}/s.sock
state_dir: {dir}/state
shared_dir: {dir}/shared
slurm: {{allow_root: true, heartbeat: 500ms, poll: 1s, census: 1s}}
metering_period: 1s
meter: {{period: 300ms}}
providers:
  rec: {{type: recorded, actual: grid.csv, signal: test_moer, replay: now, loop: true}}
regions:
  - {{name: eu, grid: rec, capacity: {{gpus: 4, cpus: 8}},
     meter: {{command: [/bin/cat, {dir}/joules]}},
     executor: {{slurm: {{conf: {eu}, partition: main}}}}}}
"""


def count(world, joules):
    world.write("joules.new", "%d J\n" % joules)
    os.rename(world.path("joules.new"), world.path("joules"))


def readings(world, job):
    db = sqlite3.connect("file:%s?mode=ro" % world.path("state/ledger.db"),
                         uri=True)
    return db.execute("SELECT source, energy_mwh FROM energy WHERE job = ?",
                      (int(job),)).fetchall()


def measured(world):
    count(world, 500000)
    job = world.submit("--name", "m", "--cpus", "1", "--power", "1kW",
                       "--duration", "1h", "--deadline", "2h", "--", "/bin/sh",
                       "-c", "while [ ! -e go ]; do sleep 0.1; done")
    world.await_state(job, "running")
    count(world, 501800)
    cluster.await_true("energy is booked",
                       lambda: sum(r[1] for r in readings(world, job)) > 0)
    world.kill()
    count(world, 503000)
    time.sleep(1)
    world.start()
    count(world, 503601)
    world.write("go", "")
    shown = world.await_state(job, "done")
    rows = readings(world, job)
    assert sum(row[1] for row in rows) == 1000, rows  # 3601 J
    assert {row[0] for row in rows} == {"measured"}, rows
    assert shown["emissions"]["energy_source"] == "measured", shown
    print("3601 J in %d readings; %s" % (len(rows), world.verify()))


def main():
    skip_without_slurm()
    slurm_dir = tempfile.mkdtemp(prefix="carbond-slurm-")
    with World(sys.argv[1], sys.argv[2], "carbond-slurm-metered-") as world:
        with Clusters(slurm_dir, "eu") as clusters:
            world.write("grid.csv", "time_utc,gco2_per_kwh\n" + "".join(
                "2021-06-05T%02d:00:00Z,100\n" % hour for hour in range(24)))
            world.write("carbond.yaml", CONFIG.format(
                dir=world.dir, eu=clusters["eu"].conf))
            world.start()
            measured(world)


if __name__ == "__main__":
    main()
