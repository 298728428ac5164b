#!/usr/bin/env python3
"""What goes wrong with a real Slurm, provoked: no job lost, none doubled, each
end told in words. usage: faults_test.py CARBOND CARBONCTL
"""

import os
import signal
import sys
import tempfile
import time

from cluster import Clusters, await_true, lives
from world import JOB, World, skip_without_slurm

CONFIG = """
listen: unix:{dir}/s.sock
state_dir: {dir}/state
shared_dir: {dir}/shared
slurm: {{allow_root: true, heartbeat: 500ms, poll: 1s}}
providers:
  rec: {{type: recorded, actual: grid.csv, signal: test_moer, replay: now, loop: true}}
regions:
  - {{name: eu, grid: rec, capacity: {{gpus: 4, cpus: 8}},
     executor: {{slurm: {{conf: {eu}, partition: main}}}}}}
  - {{name: us, grid: rec, capacity: {{gpus: 4, cpus: 8}},
     executor: {{slurm: {{conf: {us}}}}}}}
  - {{name: nowhere, grid: rec, capacity: {{gpus: 4, cpus: 8}},
     executor: {{slurm: {{conf: {us}, partition: nope}}}}}}
"""


class Faults:
    def __init__(self, world, clusters):
        self.world, self.clusters = world, clusters
        grid = ["time_utc,gco2_per_kwh"] + [
            "2021-06-05T%02d:00:00Z,100" % hour for hour in range(24)]
        world.write("grid.csv", "\n".join(grid) + "\n")
        world.write("carbond.yaml", CONFIG.format(
            dir=world.dir, eu=clusters["eu"].conf, us=clusters["us"].conf))

    def submit(self, name, region, total, *more):
        return self.world.submit(
            "--name", name, "--region", region, "--cpus", "1", "--duration",
            "%ds" % max(1, total * 0.05), "--deadline", "10m", *more, "--",
            sys.executable, JOB, name, str(total))

    def node_of(self, region, job):
        for _, _, name, node in self.clusters[region].jobs():
            if name.split(".")[2:3] == [job]:
                return node
        raise SystemExit("job %s is not in Slurm" % job)

    def succeeds(self, name, job, runs=1, begun=1):
        shown = self.world.await_state(job, "done", 90)
        assert shown["outcome"] == "succeeded", shown
        assert len(shown["runs"]) == runs, shown["runs"]
        assert len(self.world.pids(name)) == begun, self.world.pids(name)
        assert not os.path.exists(self.world.path(name + ".twice")), name
        return shown

    def refused(self):
        job = self.submit("refused", "nowhere", 1)
        shown = self.world.await_state(job, "done")
        assert shown["outcome"] == "failed", shown
        assert "Invalid partition" in shown["runs"][0]["detail"], shown["runs"]

    def cancelled_by_an_administrator(self):
        job = self.submit("admin", "eu", 2000)
        self.world.await_pids("admin")
        number = [j[0] for j in self.clusters["eu"].jobs()
                  if j[2].split(".")[2:3] == [job]]
        self.clusters["eu"].run("scancel", *number)
        shown = self.world.await_state(job, "done")
        assert shown["outcome"] == "cancelled", shown
        assert "not by carbond" in shown["runs"][0]["detail"], shown["runs"]

    def cancelled_by_its_user(self):
        job = self.submit("user", "eu", 2000)
        pid, _ = self.world.await_pids("user")
        self.world.ctl("cancel", job)
        shown = self.world.await_state(job, "done")
        assert shown["outcome"] == "cancelled", shown
        assert not lives(pid)

    # Slurm answers up to 5 s before it writes; a crash loses what it
    # acknowledged, and hands the number to the next.
    def controller_killed_after_a_submission(self):
        eu = self.clusters["eu"]
        nodes = ",".join(eu.nodes)
        eu.run("scontrol", "update", "NodeName=" + nodes, "State=DRAIN",
               "Reason=test")
        time.sleep(6)
        # This is written at once, and what follows within 5 s is not.
        eu.run("sbatch", "--hold", "--wrap=true")
        job = self.submit("forgotten", "eu", 40)
        known = lambda: any(
            j[2].split(".")[2:3] == [job] for j in eu.jobs())
        await_true("it is in Slurm", known, 10)
        eu.signal("slurmctld", signal.SIGKILL)
        eu.start_controller()
        lost = not known()
        # Nothing drained is left to resume when it forgot that as well.
        drained = lambda: "drain" in eu.run("sinfo", "-h", "-o", "%T")
        await_true("the nodes are back", lambda: not drained() or eu.works(
            "scontrol", "update", "NodeName=" + nodes, "State=RESUME"))
        self.succeeds("forgotten", job)
        handed = self.world.read("carbond.log").count(
            "handed to Slurm job=%s " % job)
        assert handed == (2 if lost else 1), (handed, lost)
        print("    (Slurm %s it)" % ("had lost" if lost else "had kept"))

    # sbatch fails after 10 s, and the job exists all the same.
    def controller_frozen(self):
        us = self.clusters["us"]
        us.signal("slurmctld", signal.SIGSTOP)
        job = self.submit("frozen", "us", 40)
        time.sleep(13)
        assert self.world.show(job)["state"] == "starting"
        us.signal("slurmctld", signal.SIGCONT)
        self.succeeds("frozen", job)

    # The job runs on behind it, and is believed.
    def slurmd_killed(self):
        job = self.submit("behind", "us", 500)
        self.world.await_pids("behind")
        node = self.node_of("us", job)
        self.clusters["us"].signal("slurmd-" + node, signal.SIGKILL)
        self.succeeds("behind", job)
        self.clusters["us"].start_node(node)

    def all_of_it_killed(self):
        job = self.submit("killed", "eu", 300, "--retries", "1")
        pid, runner = self.world.await_pids("killed")
        os.kill(runner, signal.SIGKILL)
        await_true("the job fell with its runner", lambda: not lives(pid), 5)
        shown = self.succeeds("killed", job, runs=2, begun=2)
        assert shown["runs"][0]["end"] == "lost", shown["runs"]
        assert shown["runs"][0]["detail"], shown["runs"]

    # A run that was given up wakes while its successor runs.
    def fence(self):
        us = self.clusters["us"]
        job = self.submit("fenced", "us", 400, "--retries", "1")
        pid, runner = self.world.await_pids("fenced")
        node = self.node_of("us", job)
        us.signal("slurmd-" + node, signal.SIGKILL)  # nor can Slurm reach it
        os.kill(pid, signal.SIGSTOP)
        os.kill(runner, signal.SIGSTOP)
        # Its lock would have the successor cry; here it is the fence's turn.
        os.rename(self.world.path("fenced.lock"),
                  self.world.path("fenced.old"))
        second, _ = self.world.await_pids("fenced", 2)
        assert lives(pid) and lives(second)
        os.kill(pid, signal.SIGCONT)
        os.kill(runner, signal.SIGCONT)
        await_true("the fence holds", lambda: not lives(pid), 5)
        shown = self.succeeds("fenced", job, runs=2, begun=2)
        assert "no sign of life" in shown["runs"][0]["detail"] or (
            "lost its node" in shown["runs"][0]["detail"]), shown["runs"]
        us.start_node(node)

    def carbond_killed(self):
        job = self.submit("orphan", "eu", 100)
        self.world.await_pids("orphan")
        self.world.kill()
        time.sleep(7)  # it ends meanwhile
        self.world.start()
        shown = self.succeeds("orphan", job)
        took = shown["emissions"]["energy_kwh"] / 0.01 * 3600
        assert took < 7, shown["emissions"]  # 10 W: not until it was seen

    def play(self):
        self.world.start()
        for fault in (self.refused, self.cancelled_by_an_administrator,
                      self.cancelled_by_its_user, self.carbond_killed,
                      self.all_of_it_killed, self.slurmd_killed, self.fence,
                      self.controller_killed_after_a_submission,
                      self.controller_frozen):
            began = time.monotonic()
            fault()
            print("%-40s %5.1f s" % (fault.__name__,
                                     time.monotonic() - began), flush=True)
        print(self.world.verify())


def main():
    skip_without_slurm()
    slurm_dir = tempfile.mkdtemp(prefix="carbond-slurm-")
    with World(sys.argv[1], sys.argv[2], "carbond-slurm-faults-") as world:
        with Clusters(slurm_dir, "eu", "us") as clusters:
            Faults(world, clusters).play()


if __name__ == "__main__":
    main()
