#!/usr/bin/env python3
"""Jobs that users send to a real Slurm with sbatch, held there for carbond:
found, planned, let go at their hour and accounted, whoever is killed meanwhile.
In one cluster they say --hold themselves, in the other the plugin in
deploy/slurm holds them. An hour passes in 30 seconds, every third is clean. The
parts go side by side through the same hours; carbond is killed under all.
usage: sbatch_test.py CARBOND CARBONCTL
"""

import datetime
import json
import os
import subprocess
import sys
import tempfile
import time

from cluster import Clusters, await_true, clean_environment
from day_test import SPEED
from world import World, skip_without_slurm, together

PLUGIN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..",
                      "deploy", "slurm", "job_submit.lua")

CONFIG = """
listen: unix:{dir}/s.sock
state_dir: {dir}/state
shared_dir: {dir}/shared
clock: {{speed: {speed}, start: "00:00"}}
slurm: {{allow_root: true, heartbeat: 500ms, poll: 1s, census: 1s, ahead: 30m}}
metering_period: 10m
providers:
  rec: {{type: recorded, actual: grid.csv, signal: test_moer, replay: now, loop: true}}
regions:
  - {{name: eu, grid: rec, capacity: {{gpus: 4, cpus: 8}},
     executor: {{slurm: {{conf: {eu}, defer: {{deadline: 10h}}}}}}}}
  - {{name: us, grid: rec, capacity: {{gpus: 4, cpus: 8}},
     executor: {{slurm: {{conf: {us}, defer: {{}}}}}}}}
  - {{name: brief, grid: rec, capacity: {{gpus: 4, cpus: 8}},
     executor: {{slurm: {{conf: {brief}, defer: {{}}}}}}}}
"""


def grid_csv():
    """Every third hour is clean: the two before it are to be waited out."""
    return "time_utc,gco2_per_kwh\n" + "".join(
        "2021-06-05T%02d:%02d:00Z,%d\n"
        % (hour, minute, 60 if hour % 3 == 2 else 500)
        for hour in range(24) for minute in range(0, 60, 5))


SCRIPT = """#!/bin/sh
#SBATCH --time=10
#SBATCH --output=/dev/null
sleep %s
exit %s
"""


class Sbatch:
    def __init__(self, world, clusters, folder):
        self.world, self.clusters, self.folder = world, clusters, folder
        world.write("grid.csv", grid_csv())
        world.write("carbond.yaml", CONFIG.format(
            dir=world.dir, speed=SPEED, eu=clusters["eu"].conf,
            us=clusters["us"].conf, brief=clusters["brief"].conf))

    def script(self, sleep, code=0):
        path = os.path.join(self.folder, "job-%s-%s.sh" % (sleep, code))
        with open(path, "w") as f:
            f.write(SCRIPT % (sleep, code))
        os.chmod(path, 0o755)
        return path

    def sbatch(self, region, *words):
        out = self.clusters[region].run_as_user(
            "sbatch", "--parsable", "--chdir=/", *words)
        return region, out.strip().split(";")[0]

    def all(self):
        return {(job["region"] or job["queue_entry"]["queue"],
                 job["queue_entry"]["number"]): job
                for job in self.world.jobs() if "queue_entry" in job}

    def adopted(self, key):
        await_true("Slurm job %s of %s is adopted" % (key[1], key[0]),
                   lambda: key in self.all(), 60)
        return self.all()[key]["id"]

    def ended(self, job, limit=240):
        return self.world.await_state(job, "done", limit)

    def slurm(self, key):
        return self.clusters[key[0]].job(key[1])

    def await_slurm(self, key, state, limit=120):
        await_true("Slurm job %s of %s is %s" % (key[1], key[0], state),
                   lambda: self.slurm(key).get("JobState") == state, limit)

    def restart(self):
        self.world.kill()
        self.world.start()

    def began_clean(self, shown):
        began = datetime.datetime.fromisoformat(
            shown["started_at"].replace("Z", "+00:00"))
        assert began.hour % 3 == 2, shown["started_at"]

    def emitted(self, shown, seconds, watts):
        expected = watts * seconds * SPEED / 3.6e6
        got = shown["emissions"]["energy_kwh"]
        # Slurm knows whole seconds.
        assert abs(got - expected) < watts * 2.5 * SPEED / 3.6e6, (got, expected)

    # The unchanged script of a user: held by him, and by the plugin. carbond
    # dies between adoption and release, and between release and end.
    def deferred_and_accounted(self):
        eight, failing = self.script(8), self.script(2, 7)
        by_hand = self.sbatch("eu", "--hold", "--comment=carbon:deadline=6h,"
                              "duration=16m,power=300W", eight)
        by_plugin = self.sbatch("us", "--comment=carbon:duration=16m", "-c2",
                                "--gres=gpu:1", eight)
        fails = self.sbatch("us", "--comment=carbon:duration=4m", failing)
        other = self.sbatch("us", "--comment=carbonara", self.script(1))
        keys = (by_hand, by_plugin, fails)
        ids = {key: self.adopted(key) for key in keys}
        for key in keys:
            assert self.slurm(key)["Reason"] == "JobHeldUser", self.slurm(key)
        self.restart()
        assert {key: self.adopted(key) for key in keys} == ids
        shown = self.world.show(ids[by_hand])
        user = "nobody" if os.geteuid() == 0 else shown["user"]
        assert shown["user"] == user and shown["power_w"] == 300, shown
        assert shown["cpus"] == 1 and shown["gpus"] == 0, shown
        assert "Slurm job %s of eu" % by_hand[1] in self.world.ctl(
            "show", ids[by_hand]).stdout
        shown = self.world.show(ids[by_plugin])
        assert shown["cpus"] == 2 and shown["gpus"] == 1, shown
        self.await_slurm(other, "COMPLETED")
        for key in (by_hand, by_plugin):
            self.await_slurm(key, "RUNNING", 240)
        await_true("carbond sees it run", lambda: self.world.show(
            ids[by_hand])["state"] == "running", 20)
        self.world.kill()
        for key in (by_hand, by_plugin):
            self.await_slurm(key, "COMPLETED")
        time.sleep(3)
        self.world.start()
        for key in (by_hand, by_plugin):
            shown = self.ended(ids[key])
            assert shown["outcome"] == "succeeded", shown
            assert shown["exit_code"] == 0 and len(shown["runs"]) == 1, shown
            self.began_clean(shown)
            if key == by_hand:
                self.emitted(shown, 8, 300)
            assert shown["emissions"]["saved_fraction"] > 0.5, shown
        shown = self.ended(ids[fails])
        assert shown["outcome"] == "failed" and shown["exit_code"] == 7, shown
        assert other not in self.all(), self.all()
        rows = json.loads(self.world.ctl("emissions", "--by", "user", "-o",
                                         "json").stdout)
        assert user in json.dumps(rows), rows

    # By the hands of its user, in Slurm and in carbond.
    def its_user_decides(self):
        two = self.script(2)
        cancelled, released, mine = (
            self.sbatch("eu", "--hold", "--comment=carbon", "--time=2", two)
            for _ in range(3))
        ids = {key: self.adopted(key) for key in (cancelled, released, mine)}
        self.clusters["eu"].run_as_user("scancel", cancelled[1])
        self.clusters["eu"].run_as_user("scontrol", "release", released[1])
        self.world.ctl("cancel", ids[mine])
        shown = self.ended(ids[cancelled])
        assert shown["outcome"] == "cancelled", shown
        assert "in Slurm, not by carbond" in shown["runs"][0]["detail"], shown
        shown = self.ended(ids[mine])
        assert shown["outcome"] == "cancelled", shown
        assert self.slurm(mine)["JobState"] == "CANCELLED"
        shown = self.ended(ids[released])
        assert shown["outcome"] == "succeeded", shown
        assert shown["emissions"]["energy_kwh"] > 0, shown

    # A mistake costs what it was to say; what cannot be deferred runs at once.
    def said_wrong(self):
        one = self.script(1)
        wrong = self.sbatch("eu", "--hold",
                            "--comment=carbon:deadline=soon,colour=red", one)
        several = self.sbatch("us", "--hold", "--comment=carbon", "-n1",
                              "--output=/dev/null", "--wrap=sleep 1", ":", "-n1")
        job = self.adopted(wrong)
        self.told("eu", wrong, "colour=red")
        page = self.world.ctl("show", job).stdout
        assert "deadline=soon" in page and "is not known" in page, page
        self.not_deferred(several, "heterogeneous")
        shown = self.ended(job)
        assert shown["outcome"] == "succeeded", shown

    # Before the others: a job that has all nodes, and no end that Slurm could
    # name, leaves no room to plan with.
    def without_limit(self):
        self.not_deferred(self.sbatch(
            "us", "-N2", "--gres=gpu:2", "-n8", "--time=UNLIMITED",
            "--comment=carbon", self.script(1)), "no duration")
        time.sleep(3)  # a census later its place is free

    def not_deferred(self, key, why):
        self.await_slurm(key, "COMPLETED", 120)
        self.told("us", key, "not deferred: ")
        self.told("us", key, why)
        assert not [k for k in self.all() if k[0] == "us" and
                    k[1].split("+")[0] == key[1]], self.all()

    def told(self, region, key, words):
        await_true("its user is told of " + words, lambda: words in
                   self.clusters[region].run("scontrol", "show", "job", key[1]),
                   30)

    # Each task is a job of its own: planned, let go, accounted and ended so.
    def array(self):
        script = os.path.join(self.folder, "array.sh")
        with open(script, "w") as f:
            f.write(SCRIPT % (3, "$SLURM_ARRAY_TASK_ID"))
        os.chmod(script, 0o755)
        eu, number = self.sbatch(
            "eu", "--hold", "--array=0,5-8%2",
            "--comment=carbon:duration=6m,power=100W", script)
        by_plugin = self.sbatch("us", "--array=0-1",
                                "--comment=carbon:duration=4m", self.script(2))
        ids = {task: self.adopted((eu, "%s_%d" % (number, task)))
               for task in (0, 5, 6, 7, 8)}
        held = [self.adopted(("us", "%s_%d" % (by_plugin[1], task)))
                for task in (0, 1)]
        numbers = sorted(map(int, ids.values()))
        self.told("eu", (eu, number), "carbond: 5 jobs, %d to %d"
                  % (numbers[0], numbers[-1]))
        self.clusters["eu"].run_as_user("scancel", "%s_6" % number)
        self.world.ctl("cancel", ids[7])
        for task in (6, 7):
            shown = self.ended(ids[task])
            assert shown["outcome"] == "cancelled", shown
            assert not shown["runs"] or not shown["runs"][0]["started_at"], shown
        assert "gone from its array" in self.world.show(
            ids[6])["runs"][0]["detail"]
        for task in (0, 5, 8):
            shown = self.ended(ids[task])
            assert shown["outcome"] == ("failed" if task else "succeeded"), shown
            assert shown["exit_code"] == task and len(shown["runs"]) == 1, shown
            self.began_clean(shown)
            self.emitted(shown, 3, 100)
        for job in held:
            shown = self.ended(job)
            assert shown["outcome"] == "succeeded", shown
            self.began_clean(shown)

    # Let go ahead of its hour, taken back, held by somebody else meanwhile.
    def held_again(self):
        two = self.script(2)
        paused, held = (self.sbatch("eu", "--hold", "--comment=carbon:duration=10m",
                                    two) for _ in range(2))
        ids = {key: self.adopted(key) for key in (paused, held)}
        for key in (paused, held):
            await_true("it is let go", lambda key=key: self.slurm(key)["Reason"]
                       not in ("JobHeldUser", "JobHeldAdmin"), 240)
        self.world.ctl("pause", ids[paused])
        self.clusters["eu"].run("scontrol", "hold", held[1])
        await_true("it is held", lambda: self.slurm(paused)["Reason"] ==
                   "JobHeldUser", 60)
        shown = self.world.await_state(ids[paused], "waiting", 60)
        assert shown["runs"][0]["end"] == "recalled", shown["runs"]
        await_true("the other is told of", lambda: "Slurm job %s is held again"
                   % held[1] in self.world.read("carbond.log"), 60)
        assert self.slurm(held)["Reason"] == "JobHeldAdmin"
        self.world.ctl("resume", ids[paused])
        self.clusters["eu"].run("scontrol", "release", held[1])
        for key in (paused, held):
            shown = self.ended(ids[key])
            assert shown["outcome"] == "succeeded", shown

    # Slurm puts one back into its queue, under the same number; the other is
    # still running when the last of carbond's watch of it comes.
    def requeued(self):
        eu = self.clusters["eu"]
        back = self.sbatch("eu", "--hold", "--requeue",
                           "--comment=carbon:duration=20m", self.script(30))
        gone = self.sbatch("brief", "--hold", "--comment=carbon:duration=20m",
                           self.script(75))
        self.ids = {key: self.adopted(key) for key in (back, gone)}
        self.back, self.gone = back, gone
        for key in (back, gone):
            self.world.await_state(self.ids[key], "running", 240)
        eu.run("scontrol", "requeue", back[1])
        # Within the second of its end a node refuses to start it again, and
        # Slurm calls that a failure.
        eu.run("scontrol", "update", "JobId=" + back[1],
               "StartTime=now+4seconds")
        await_true("its run has ended", lambda: self.world.show(
            self.ids[back])["runs"][0]["end"] == "preempted", 60)

    # It ends while nobody looks, and Slurm forgets it.
    def forgotten(self):
        assert self.slurm(self.gone).get("JobState") == "RUNNING", (
            "the job to be forgotten has ended under carbond's eyes")
        self.world.kill()
        await_true("Slurm has forgotten it", lambda: not self.slurm(self.gone),
                   240)
        self.world.start()
        shown = self.ended(self.ids[self.gone])
        assert shown["outcome"] == "lost", shown
        assert "not known to Slurm any more" in shown["runs"][0]["detail"], shown
        shown = self.ended(self.ids[self.back])
        assert shown["outcome"] == "succeeded", shown
        ends = [run["end"] for run in shown["runs"]]
        assert ends == ["preempted", "succeeded"], ends
        assert len([key for key in self.all() if key == self.back]) == 1

    def doctor_knows_the_rights(self):
        def said(*before):
            return subprocess.run(
                before + (self.world.carbond, "doctor", "--config",
                          self.world.path("carbond.yaml")),
                env=clean_environment(), capture_output=True, text=True).stdout

        may = said()
        assert may.count("may be held and released") == 3, may
        if os.geteuid() != 0:
            return
        os.chmod(self.world.dir, 0o755)
        may_not = said("setpriv", "--reuid=65534", "--regid=65534",
                       "--clear-groups")
        assert "who may not release other users' jobs of cluster eu" in may_not, (
            may_not)

    # The day begins with two dirty hours.
    def play(self):
        self.doctor_knows_the_rights()
        self.world.start()
        self.world.ctl("regions")
        self.without_limit()
        together(self.deferred_and_accounted, self.its_user_decides,
                 self.said_wrong, self.array, self.held_again, self.requeued)
        together(self.forgotten)
        print(self.world.verify())


def main():
    skip_without_slurm()
    slurm_dir = tempfile.mkdtemp(prefix="carbond-slurm-")
    with World(sys.argv[1], sys.argv[2], "carbond-slurm-sbatch-") as world:
        # The third forgets what has ended almost at once.
        with Clusters(slurm_dir, "eu", "us", "brief",
                      of={"us": {"job_submit_lua": PLUGIN},
                          "brief": {"min_job_age": 5}}) as clusters:
            Sbatch(world, clusters, slurm_dir).play()


if __name__ == "__main__":
    main()
