#!/usr/bin/env python3
"""The real daemon, runner and meter on counters that this test turns.

A job on a GPU is submitted, suspended, continued and ended, and carbond is killed
with -9 in the middle: the ledger holds what the GPU's counter counted, to the
milliwatt-hour, and says that it was measured. Without a driver it says what the
job declared, and that it is modelled. No real GPU is behind it: a stand-in for
NVIDIA's library tells what is written here.
usage: metered_test.py CARBOND CARBONCTL STAND_IN_NVML
"""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

CONFIG = """
listen: unix:{dir}/s.sock
state_dir: {dir}/state
metering_period: 1s
meter: {{period: 200ms, nvml_library: {dir}/libnvidia-ml.so.1, powercap: {dir}/powercap}}
providers:
  rec: {{type: recorded, actual: grid.csv, signal: test_moer, replay: now, loop: true}}
regions:
  - {{name: here, grid: rec, pue: 1.1, executor: local, capacity: {{gpus: 2, cpus: 2}}}}
"""


def write_whole(path, text):
    with open(path + ".new", "w") as f:
        f.write(text)
    os.rename(path + ".new", path)


class Gpu:
    """The first of two GPUs draws `watts`; the second, nobody's, a lot."""

    def __init__(self, library):
        self.path = library + ".gpus"
        self.millijoules, self.watts = 123456789, 0
        self.lock, self.running = threading.Lock(), True
        self.write()
        self.thread = threading.Thread(target=self.turn)
        self.thread.start()

    def write(self):
        counters = [self.millijoules, int(time.time() * 1e6)]
        write_whole(self.path, "".join(
            "GPU-%d %d -\n" % (i, c) for i, c in enumerate(counters)))

    def turn(self):
        last = time.monotonic()
        while self.running:
            time.sleep(0.02)
            now = time.monotonic()
            with self.lock:
                more = int((now - last) * 1000 * self.watts)
                self.millijoules += more
                if more:
                    self.write()
            last = now

    def draw(self, watts):
        with self.lock:
            self.watts = watts
            return self.millijoules

    def stop(self):
        self.running = False
        self.thread.join()


class World:
    def __init__(self, carbond, carbonctl, stand_in):
        self.carbond, self.carbonctl = carbond, carbonctl
        self.dir = tempfile.mkdtemp(prefix="carbond-metered-")
        self.daemon = None
        self.log = open(os.path.join(self.dir, "carbond.log"), "ab")
        library = os.path.join(self.dir, "libnvidia-ml.so.1")
        shutil.copy(stand_in, library)
        self.gpu = Gpu(library)
        # Two packages that draw nothing: what the GPU counts is all there is.
        for i in range(2):
            zone = os.path.join(self.dir, "powercap", "intel-rapl:%d" % i)
            os.makedirs(zone)
            for name, text in (("name", "package-%d" % i),
                               ("energy_uj", "9000000"),
                               ("max_energy_range_uj", "262143328850")):
                write_whole(os.path.join(zone, name), text + "\n")
        with open(os.path.join(self.dir, "carbond.yaml"), "w") as f:
            f.write(CONFIG.format(dir=self.dir))
        with open(os.path.join(self.dir, "grid.csv"), "w") as f:
            f.write("time_utc,gco2_per_kwh\n")
            for slot in range(288):
                f.write("2021-06-05T%02d:%02d:00Z,400\n"
                        % (slot // 12, slot % 12 * 5))

    def start(self):
        self.daemon = subprocess.Popen(
            [self.carbond, "--config", os.path.join(self.dir, "carbond.yaml")],
            stdout=self.log, stderr=self.log)

    def kill(self):
        self.daemon.send_signal(signal.SIGKILL)
        self.daemon.wait()

    def ctl(self, *words):
        command = [self.carbonctl, "--address", "unix:%s/s.sock" % self.dir]
        deadline = time.monotonic() + 60
        while True:
            done = subprocess.run(command + list(words), cwd=self.dir,
                                  capture_output=True, text=True)
            if done.returncode == 0:
                return done.stdout
            if time.monotonic() > deadline:
                raise SystemExit("%s: %s" % (words, done.stderr))
            time.sleep(0.1)

    def show(self, job):
        return json.loads(self.ctl("show", job, "-o", "json"))

    def until(self, job, what):
        deadline = time.monotonic() + 60
        while not what(self.show(job)):
            if time.monotonic() > deadline:
                raise SystemExit("job stays %s" % self.show(job))
            time.sleep(0.05)

    def submit(self, name):
        # Its own word ends it.
        line = "echo up; while [ ! -e %s.go ]; do sleep 0.05; done" % name
        return self.ctl("submit", "--name", name, "--duration", "1h", "--gpus",
                        "1", "--cpus", "1", "--power", "1kW", "--pause",
                        "suspend", "--deadline", "1h10m", "--", "/bin/sh", "-c",
                        line).strip()

    def let_end(self, job, name):
        open(os.path.join(self.dir, name + ".go"), "w").close()
        self.until(job, lambda j: j["state"] == "done")

    def readings(self, job):
        db = sqlite3.connect("file:%s/state/ledger.db?mode=ro" % self.dir,
                             uri=True)
        return db.execute("SELECT purpose, source, energy_mwh, begin_ms, end_ms"
                          " FROM energy WHERE job = ? ORDER BY seq",
                          (int(job),)).fetchall()

    def stop(self):
        self.gpu.stop()
        if self.daemon and self.daemon.poll() is None:
            for job in json.loads(self.ctl("list", "-o", "json")):
                if job["state"] != "done":
                    self.ctl("cancel", job["id"])
            self.daemon.terminate()
            self.daemon.wait(timeout=30)


def measured(world):
    before = world.gpu.draw(0)
    job = world.submit("measured")
    world.until(job, lambda j: j["state"] == "running")
    world.gpu.draw(700)
    time.sleep(2.5)
    world.ctl("pause", job)
    world.until(job, lambda j: j["state"] == "paused")
    world.gpu.draw(90)
    time.sleep(1.5)
    world.kill()
    time.sleep(1.5)
    world.start()
    world.ctl("resume", job)
    world.until(job, lambda j: j["state"] == "running")
    world.gpu.draw(650)
    time.sleep(1)
    world.kill()  # and while it works
    time.sleep(1)
    world.start()
    world.show(job)
    time.sleep(1.2)
    counted = world.gpu.draw(0) - before
    world.let_end(job, "measured")
    readings = world.readings(job)
    booked = sum(r[2] for r in readings)
    assert booked == (counted * 10 + 18000) // 36000, (booked, counted)
    assert {r[1] for r in readings} == {"measured"}, readings
    idle = sum(r[2] for r in readings if r[0] == "idle")
    assert 0 < idle < booked / 3, readings
    figures = world.show(job)["emissions"]
    assert figures["energy_source"] == "measured", figures
    # With PUE, rounded to a milliwatt-hour in each row.
    assert abs(figures["energy_kwh"] - booked * 1.1e-6) <= (
        len(readings) * 0.5e-6), figures
    print("counted %d mJ, booked %d mWh in %d readings, %d idle"
          % (counted, booked, len(readings), idle))


def modelled(world):
    os.remove(world.gpu.path)
    job = world.submit("modelled")
    world.until(job, lambda j: j["state"] == "running")
    time.sleep(1)
    world.let_end(job, "modelled")
    readings = world.readings(job)
    took_ms = readings[-1][4] - readings[0][3]
    assert {r[1] for r in readings} == {"modelled"}, readings
    booked = sum(r[2] for r in readings)
    assert abs(booked - took_ms / 3.6) < 1, (booked, took_ms)  # 1 kW
    assert world.show(job)["emissions"]["energy_source"] == "modelled"


def main():
    world = World(*sys.argv[1:4])
    try:
        world.start()
        measured(world)
        modelled(world)
        verify = subprocess.run(
            [world.carbond, "ledger", "verify", "--db",
             os.path.join(world.dir, "state", "ledger.db")],
            capture_output=True, text=True)
        assert verify.returncode == 0, verify.stdout + verify.stderr
        with open(world.log.name) as log:
            told = [line for line in log if "nvml=measures" in line]
        assert len(told) == 3, told  # once at each start
    except BaseException:
        with open(world.log.name) as log:
            sys.stderr.write(log.read()[-6000:])
        raise
    finally:
        world.stop()
        world.log.close()
    shutil.rmtree(world.dir)


if __name__ == "__main__":
    main()
