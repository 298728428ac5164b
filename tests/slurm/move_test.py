#!/usr/bin/env python3
"""The quickstart's training, paused with a checkpoint in one cluster and
resumed in the other when the clean hours move there: its weights end the same,
bit for bit, as those of an unbroken run. An hour passes in 30 seconds.
usage: move_test.py CARBOND CARBONCTL
"""

import os
import subprocess
import sys
import tempfile

from cluster import Clusters
from day_test import CONFIG, SPEED, grid_csv
from world import World, skip_without_slurm

TRAIN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..",
                     "deploy", "demo", "train.py")
PYTHON = "/usr/bin/python3"  # the one that Debian's numpy is for
EPOCHS, SEED = "6", "1"


def weights(text):
    lines = [line for line in text.splitlines() if "weights" in line]
    assert lines, text
    return lines[-1].split("test loss")[1]


def move(world):
    # Three quarters of an hour short of two clean hours.
    seconds = 75 * 60 / SPEED
    job = world.submit(
        "--name", "train", "--cpus", "1", "--power", "300W", "--duration",
        "75m", "--deadline", "2h", "--pause", "checkpoint", "--min-run", "5m",
        "--checkpoint-cost", "2m", "--resume-cost", "4m", "--region", "eu", "--region", "us",
        "--data-gb", "1", "--", PYTHON, TRAIN, "--epochs", EPOCHS, "--seed",
        SEED, "--least-seconds", "%d" % seconds)
    shown = world.await_state(job, "done", 240)
    assert shown["outcome"] == "succeeded", shown
    ran = [run for run in shown["runs"] if run["end"] != "recalled"]
    print(["%s: %s" % (run["region"], run["end"]) for run in ran])
    assert len({run["region"] for run in ran}) == 2, shown["runs"]
    assert shown["pauses"] >= 1, shown
    log = world.ctl("logs", job).stdout
    assert "saved at" in log and "start me again" in log, log
    unbroken = subprocess.run(
        [PYTHON, TRAIN, "--epochs", EPOCHS, "--seed", SEED],
        capture_output=True, text=True, check=True)
    assert weights(log) == weights(unbroken.stdout), (log, unbroken.stdout)
    print("test loss" + weights(log))
    print(world.verify())


def main():
    skip_without_slurm()
    slurm_dir = tempfile.mkdtemp(prefix="carbond-slurm-")
    with World(sys.argv[1], sys.argv[2], "carbond-slurm-move-") as world:
        with Clusters(slurm_dir, "eu", "us") as clusters:
            world.write("eu.csv", grid_csv(0))
            world.write("us.csv", grid_csv(1))
            world.write("carbond.yaml", CONFIG.format(
                dir=world.dir, speed=SPEED, eu=clusters["eu"].conf,
                us=clusters["us"].conf))
            world.start()
            move(world)


if __name__ == "__main__":
    main()
