#!/usr/bin/env python3
"""A shell beside two real clusters and a carbond over both; `exit` ends all.
usage: try.py BUILD_DIR
"""

import os
import subprocess
import sys
import tempfile

from cluster import Clusters
from day_test import CONFIG, SPEED, grid_csv
from world import World, skip_without_slurm

PLUGIN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..",
                      "deploy", "slurm", "job_submit.lua")

HELLO = """
Two Slurm clusters, `eu` and `us`: an hour of the grid passes in %d seconds, clean
(60 g/kWh) in one while it is dirty (500 g/kWh) in the other.

  carbonctl regions
  carbonctl submit --name nap --duration 40m --deadline 6h --cpus 1 \\
            --region eu -- sleep 20
  carbonctl watch 1
  sbatch -t 5 -o /dev/null --comment=carbon:duration=40m --wrap "sleep 20"
                                 held by the plugin, let go at its hour
  squeue                         what Slurm of `eu` sees
  SLURM_CONF=$US squeue          ... and of `us`
  scontrol update NodeName=eu1 State=DRAIN Reason=try     plans take it in

`exit` ends the clusters, carbond and this shell. All of it lies in %s.
"""


def main():
    skip_without_slurm()
    build = os.path.abspath(sys.argv[1])
    slurm_dir = tempfile.mkdtemp(prefix="carbond-slurm-")
    with World(build + "/daemon/carbond", build + "/client/carbonctl",
               "carbond-slurm-try-") as world:
        with Clusters(slurm_dir, "eu", "us",
                      job_submit_lua=PLUGIN) as clusters:
            world.write("eu.csv", grid_csv(0))
            world.write("us.csv", grid_csv(1))
            world.write("carbond.yaml", CONFIG.format(
                dir=world.dir, speed=SPEED, eu=clusters["eu"].conf,
                us=clusters["us"].conf).replace("}}}", ", defer: {}}}}"))
            world.start()
            world.ctl("regions")
            print(HELLO % (3600 // SPEED, world.dir), flush=True)
            env = dict(clusters["eu"].env)
            env.update(
                CARBOND_ADDRESS="unix:" + world.path("s.sock"),
                US=clusters["us"].conf,
                PATH="%s/client:%s/daemon:%s" % (build, build, env["PATH"]))
            subprocess.run([env.get("SHELL", "/bin/bash")], env=env,
                           cwd=world.dir)


if __name__ == "__main__":
    main()
