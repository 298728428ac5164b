#!/usr/bin/env python3
"""What goes wrong with a real Slurm, provoked: no job lost, none doubled, each
end told in words. usage: faults_test.py CARBOND CARBONCTL [FAULT...]
"""

import os
import signal
import sys
import tempfile
import time

from cluster import Clusters, await_true, lives
from world import JOB, World, skip_without_slurm, together

CONFIG = """
listen: unix:{dir}/s.sock
state_dir: {dir}/state
shared_dir: {dir}/shared
slurm: {{allow_root: true, heartbeat: 500ms, poll: 1s, census: 1s}}
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

    def in_slurm(self, region, job):
        """(number, state) of what the cluster knows of it."""
        return [j[:2] for j in self.clusters[region].jobs()
                if j[2].split(".")[2:3] == [job]]

    # Its hour comes while nobody but Slurm is there to start it.
    def plan_holds_without_carbond(self):
        job = self.submit("alone", "eu", 40, "--earliest", "8s")
        await_true("it waits in Slurm",
                   lambda: self.in_slurm("eu", job)[0:1] and
                   self.in_slurm("eu", job)[0][1] == "PENDING", 7)
        self.world.kill()
        self.world.await_pids("alone")
        self.world.start()
        self.succeeds("alone", job)

    def taken_back_from_the_queue(self):
        job = self.submit("back", "eu", 40, "--earliest", "30s")
        await_true("it waits in Slurm", lambda: self.in_slurm("eu", job), 10)
        self.world.ctl("pause", job)
        shown = self.world.await_state(job, "waiting")
        assert shown["runs"][0]["end"] == "recalled", shown["runs"]
        assert self.in_slurm("eu", job)[0][1] == "CANCELLED"
        self.world.ctl("resume", job)
        self.succeeds("back", job, runs=2)

    def held_by_an_administrator(self):
        job = self.submit("held", "us", 40, "--earliest", "6s")
        await_true("it waits in Slurm", lambda: self.in_slurm("us", job), 5)
        number = self.in_slurm("us", job)[0][0]
        self.clusters["us"].run("scontrol", "hold", number)
        time.sleep(9)
        assert self.world.show(job)["state"] == "starting"
        assert "JobHeldAdmin" in self.world.read("carbond.log")
        self.clusters["us"].run("scontrol", "release", number)
        self.succeeds("held", job)

    def time_limit_of_slurm(self):
        job = self.submit("limit", "us", 2000)
        self.world.await_pids("limit")
        number = self.in_slurm("us", job)[0][0]
        self.clusters["us"].run("scontrol", "update", "JobId=" + number,
                                "EndTime=now+1")
        shown = self.world.await_state(job, "done", 120)
        assert shown["outcome"] == "failed", shown
        assert shown["runs"][0]["end"] == "time_limit", shown["runs"]
        assert "time limit in Slurm" in shown["runs"][0]["detail"], shown

    # A job of a partition that goes first takes all the nodes.
    def preempted(self):
        us = self.clusters["us"]
        job = self.submit("pushed", "us", 200)
        self.world.await_pids("pushed")
        us.run("sbatch", "--output=/dev/null", "-p", "urgent", "-N2", "--exclusive", "-t", "1",
               "--wrap=sleep 4")
        shown = self.succeeds("pushed", job, runs=2, begun=2)
        assert shown["runs"][0]["end"] == "preempted", shown["runs"]

    # Plans fit what is there: who can goes elsewhere, who cannot queues up.
    def drained(self):
        eu = self.clusters["eu"]
        nodes = ",".join(eu.nodes)
        eu.run("scontrol", "update", "NodeName=" + nodes, "State=DRAIN",
               "Reason=test")
        time.sleep(3)
        patient = self.submit("patient", "eu", 40)
        free = self.submit("free", "eu", 40, "--region", "us")
        shown = self.succeeds("free", free)
        assert shown["runs"][0]["region"] == "us", shown["runs"]
        assert self.world.show(patient)["state"] == "starting"
        eu.run("scontrol", "update", "NodeName=" + nodes, "State=RESUME")
        self.succeeds("patient", patient)

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
        # This is written at once, and what follows within 5 s is not.
        time.sleep(6)
        eu.run("sbatch", "--hold", "--wrap=true")
        job = self.submit("forgotten", "eu", 40, "--earliest", "25s")
        await_true("it is in Slurm", lambda: self.in_slurm("eu", job), 10)
        eu.signal("slurmctld", signal.SIGKILL)
        eu.start_controller()
        lost = not self.in_slurm("eu", job)
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

    # As when its power fails: slurmd, slurmstepds, runners and jobs, none of
    # which says a word. Slurm shows its jobs as running for two minutes more.
    def node_killed(self):
        eu = self.clusters["eu"]
        begins_anew = self.submit("anew", "eu", 300, "--retries", "1")
        alone = self.submit("lone", "eu", 300)
        due = self.submit("due", "eu", 40, "--earliest", "12s")
        for name in ("anew", "lone"):
            self.world.await_pids(name)
        nodes = {self.node_of("eu", job) for job in (begins_anew, alone)}
        await_true("the next one waits in Slurm",
                   lambda: self.in_slurm("eu", due), 10)
        for node in nodes:
            eu.kill_node(node)
        shown = self.world.await_state(alone, "done", 60)
        assert shown["outcome"] == "lost", shown
        assert "no sign of life" in shown["runs"][0]["detail"], shown["runs"]
        self.world.await_pids("anew", 2)  # before Slurm has noticed anything
        shown = self.succeeds("anew", begins_anew, runs=2, begun=2)
        assert shown["runs"][0]["end"] == "lost", shown["runs"]
        assert "no sign of life" in shown["runs"][0]["detail"], shown["runs"]
        self.succeeds("due", due)
        await_true("the node is down", lambda: "down" in eu.run(
            "sinfo", "-h", "-n", ",".join(nodes), "-o", "%T"), 60)
        for node in nodes:
            eu.start_node(node)
        await_true("it is back", lambda: "idle" in eu.run(
            "sinfo", "-h", "-n", ",".join(nodes), "-o", "%T"), 60)
        self.succeeds("after", self.submit("after", "eu", 40))

    # And one that is back at once: its slurmd knows of no job.
    def node_restarted(self):
        eu = self.clusters["eu"]
        job = self.submit("reboot", "eu", 300, "--retries", "1")
        self.world.await_pids("reboot")
        node = self.node_of("eu", job)
        eu.kill_node(node)
        eu.start_node(node)
        shown = self.succeeds("reboot", job, runs=2, begun=2)
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

    # Side by side go those that touch neither carbond nor what another needs.
    def play(self, only=()):
        self.world.start()
        for faults in (
                (self.refused, self.cancelled_by_an_administrator,
                 self.cancelled_by_its_user, self.taken_back_from_the_queue,
                 self.held_by_an_administrator, self.time_limit_of_slurm),
                (self.carbond_killed,), (self.plan_holds_without_carbond,),
                (self.drained,), (self.preempted, self.all_of_it_killed),
                (self.node_killed, self.slurmd_killed),
                (self.node_restarted, self.fence),
                (self.controller_killed_after_a_submission,
                 self.controller_frozen)):
            together(*(fault for fault in faults
                       if not only or fault.__name__ in only))
        print(self.world.verify())


def main():
    skip_without_slurm()
    slurm_dir = tempfile.mkdtemp(prefix="carbond-slurm-")
    with World(sys.argv[1], sys.argv[2], "carbond-slurm-faults-") as world:
        with Clusters(slurm_dir, "eu", "us") as clusters:
            Faults(world, clusters).play(sys.argv[3:])


if __name__ == "__main__":
    main()
