#!/usr/bin/env python3
"""A job that really ran, paused and went on, and the statement about it.

Each figure of `carbonctl report` is computed again from the ledger's rows and
from the runs; what `carbonctl estimate` makes of the statement's own inputs is
what the statement says. usage: report_test.py CARBOND CARBONCTL
"""

import csv
import datetime
import io
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time

JOB = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..",
                   "counting_job.py")

CONFIG = """
listen: unix:{dir}/s.sock
state_dir: {dir}/state
clock: {{speed: 600, start: "00:00"}}
metering_period: 10m
providers:
  rec: {{type: recorded, actual: grid.csv, signal: co2_moer, replay: now, loop: true}}
regions:
  - {{name: lab, grid: rec, pue: 1.25, embodied: {{kg: 3700, gpus: 8}}, executor: local, capacity: {{gpus: 2, cpus: 4}}}}
"""


class World:
    def __init__(self, carbond, carbonctl):
        self.carbond, self.carbonctl = carbond, carbonctl
        self.dir = tempfile.mkdtemp(prefix="carbond-report-")
        with open(os.path.join(self.dir, "carbond.yaml"), "w") as f:
            f.write(CONFIG.format(dir=self.dir))
        with open(os.path.join(self.dir, "grid.csv"), "w") as f:
            f.write("time_utc,gco2_per_kwh\n")
            for slot in range(288):  # two hours dirty, an hour clean
                value = 100 if slot // 12 % 3 == 2 else 500
                f.write("2021-06-05T%02d:%02d:00Z,%d\n"
                        % (slot // 12, slot % 12 * 5, value))
        self.log = open(os.path.join(self.dir, "carbond.log"), "wb")
        self.daemon = subprocess.Popen(
            [carbond, "--config", os.path.join(self.dir, "carbond.yaml")],
            stdout=self.log, stderr=self.log)

    def run(self, *words):
        return subprocess.run(
            [self.carbonctl, "--address", "unix:%s/s.sock" % self.dir, *words],
            cwd=self.dir, capture_output=True, text=True)

    def ctl(self, *words):
        done = self.run(*words)
        assert done.returncode == 0, (words, done.stderr)
        return done.stdout

    def submit(self, name, *flags):
        words = ["submit", "--name", name, "--request-id", name, *flags]
        deadline = time.monotonic() + 60
        while True:
            done = self.run(*words, "--", sys.executable, JOB, name, "120")
            if done.returncode == 0:
                return done.stdout.strip()
            assert time.monotonic() < deadline, done.stderr
            time.sleep(0.1)

    def await_job(self, job, condition):
        deadline = time.monotonic() + 120
        while True:
            told = json.loads(self.ctl("show", job, "-o", "json"))
            if condition(told):
                return
            assert time.monotonic() < deadline, told
            time.sleep(0.05)

    def rows(self, job):
        """IT kWh, facility kWh and grams of each reading."""
        path = "file:%s/state/ledger.db?mode=ro" % self.dir
        with sqlite3.connect(path, uri=True) as ledger:
            return ledger.execute(
                "SELECT energy_mwh / 1e6, facility_mwh / 1e6, "
                "emissions_mg / 1e3, quality, source FROM emissions "
                "WHERE job = ?", (job,)).fetchall()

    def close(self):
        self.daemon.terminate()
        self.daemon.wait(timeout=30)
        self.log.close()


def near(actual, expected, what):
    assert abs(actual - expected) <= 1e-6 * max(1, abs(expected)), (
        what, actual, expected)


def hours(run):
    at = [datetime.datetime.fromisoformat(run[key].replace("Z", "+00:00"))
          for key in ("started_at", "ended_at")]
    return (at[1] - at[0]).total_seconds() / 3600


def check_figures(world, job):
    told = json.loads(world.ctl("report", job, "-o", "json", "--per",
                                "2 models", "--net-intensity", "50"))
    rows = world.rows(job)
    energy = [sum(column) for column in list(zip(*rows))[:3]]
    near(told["it_energy_kwh"], energy[0], "IT energy")
    near(told["energy_kwh"], energy[1], "energy")
    near(told["emissions_g"], energy[2], "grams")
    near(told["pue"], 1.25, "PUE")
    near(told["intensity_g_per_kwh"], energy[2] / energy[1], "intensity")
    near(told["net_emissions_g"], energy[1] * 50, "net")
    assert {row[4] for row in rows} == {told["energy_source"]} == {"modelled"}
    assert {row[3] for row in rows} == {told["quality"]} == {"settled"}, rows

    shown = json.loads(world.ctl("show", job, "-o", "json"))
    running = sum(hours(run) for run in shown["runs"])
    near(told["running_h"], running, "running time")
    near(told["gpu_hours"], 2 * running, "GPU-hours")
    near(told["embodied_g"], 3.7e6 * running / (4 * 365 * 24) * 2 / 8,
         "embodied")
    near(told["sci"]["g_per_unit"],
         (told["emissions_g"] + told["embodied_g"]) / 2, "SCI")
    for key in ("energy_kwh", "emissions_g", "baseline_g", "saved_g",
                "saved_fraction", "signal", "provider"):
        assert told[key] == shown["emissions"][key] or abs(
            told[key] - shown["emissions"][key]) < 1e-6, key
    assert told["pauses"] == shown["pauses"] > 0, told["pauses"]
    assert told["clock_speed"] == 600 and "not for publication" in told[
        "statement"], told["statement"]
    project = told["project"]["by_signal"]
    assert told["project"]["name"] == "paper" and len(project) == 1, project
    assert project[0]["jobs"] == 1, project
    near(project[0]["emissions_g"], told["emissions_g"], "the project's grams")
    return told


def check_estimate(world, told):
    """Its own inputs, handed to the calculator, give what it says."""
    again = json.loads(world.ctl(
        "estimate", "-o", "json", "--accelerators", "%d" % told["gpus"],
        "--power", "%.9fW" % (told["mean_power_w"] / told["gpus"]),
        "--hours", "%.12f" % told["reserved_h"],
        "--pue", "%.9f" % told["pue"],
        "--intensity", "%.9f" % told["intensity_g_per_kwh"]))
    near(again["energy_kwh"], told["energy_kwh"], "estimated energy")
    near(again["emissions_g"], told["emissions_g"], "estimated grams")


def check_export(world, told):
    """The rows of all days together are what the report says."""
    rows = list(csv.DictReader(io.StringIO(
        world.ctl("emissions", told["job"], "--by", "day", "--format",
                  "csv"))))
    for key in ("it_energy_kwh", "energy_kwh", "accounted_energy_kwh",
                "emissions_g"):
        near(sum(float(row[key]) for row in rows),
             told[key if key in told else "energy_kwh"], key)
    lines = world.ctl("emissions", "--by", "region", "--format", "jsonl")
    assert json.loads(lines)["zone"] == "rec", lines


def check_forms(world, job):
    assert "| Emissions, gross |" in world.ctl("report", job, "--format",
                                               "markdown")
    latex = world.ctl("report", job, "--format", "latex")
    assert latex.count("\\begin{tabular}") == latex.count("\\end{tabular}") == 1
    assert "a\\_b" in latex and "signal co2\\_moer, marginal" in latex, latex
    text = world.ctl("report", job)
    assert "Emissions, gross" in text and "lab" in text, text


def main():
    world = World(sys.argv[1], sys.argv[2])
    try:
        job = world.submit(
            "a_b", "--project", "paper", "--duration", "60m", "--deadline", "8h", "--gpus", "2",
            "--power", "600W", "--pause", "checkpoint", "--min-run", "10m",
            "--checkpoint-cost", "4m", "--resume-cost", "4m",
            "--checkpoint-timeout", "1h", "--min-saving", "0")
        early = world.run("report", job)
        assert early.returncode == 1 and early.stderr.count("\n") == 1, early
        assert "made of a job that is done" in early.stderr, early.stderr
        # Held in the midst of its work: a pause for certain.
        world.await_job(job, lambda told: told["state"] == "running")
        time.sleep(1)
        world.ctl("pause", job)
        world.await_job(job, lambda told: told["state"] == "paused")
        world.ctl("resume", job)
        world.ctl("wait", job)
        # From then on no figure is revised any more.
        world.await_job(
            job, lambda told: told["emissions"]["quality"] == "settled")
        told = check_figures(world, job)
        check_estimate(world, told)
        check_export(world, told)
        check_forms(world, job)
        missing = world.run("report", "99")
        assert missing.returncode == 1, missing
        print("stated:", told["statement"])
    except BaseException:
        with open(os.path.join(world.dir, "carbond.log")) as log:
            sys.stderr.write(log.read()[-6000:])
        raise
    finally:
        world.close()
    shutil.rmtree(world.dir)


if __name__ == "__main__":
    main()
