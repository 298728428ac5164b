"""A carbond over Slurm clusters of the tests' own, driven by carbonctl."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback

import cluster

# Counts on shared storage, and cries when another copy is running.
JOB = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..",
                   "counting_job.py")
SKIPPED = 77  # what ctest is told when Slurm is not installed

def skip_without_slurm():
    missing = cluster.missing()
    if missing:
        print("skipped: not installed: %s (Debian: slurm-wlm, munge)"
              % ", ".join(missing))
        sys.exit(SKIPPED)


def together(*parts):
    """All of them side by side; each says how long it took."""
    failed = []

    def run(part):
        began = time.monotonic()
        try:
            part()
            print("%-40s %5.1f s" % (part.__name__, time.monotonic() - began),
                  flush=True)
        except BaseException:
            failed.append(part.__name__)
            traceback.print_exc()

    threads = [threading.Thread(target=run, args=(part,)) for part in parts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed, failed


class World:
    def __init__(self, carbond, carbonctl, prefix):
        self.carbond, self.carbonctl = carbond, carbonctl
        self.dir = tempfile.mkdtemp(prefix=prefix)
        self.log = open(os.path.join(self.dir, "carbond.log"), "ab")
        self.daemon = None

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, text):
        with open(self.path(name), "w") as f:
            f.write(text)

    def read(self, name):
        with open(self.path(name)) as f:
            return f.read()

    def start(self):
        self.daemon = subprocess.Popen(
            [self.carbond, "--config", self.path("carbond.yaml")],
            env=cluster.clean_environment(), stdout=self.log, stderr=self.log)

    def kill(self):
        self.daemon.send_signal(signal.SIGKILL)
        self.daemon.wait()

    def ctl(self, *words, check=True):
        command = [self.carbonctl, "--address",
                   "unix:%s" % self.path("s.sock")]
        deadline = time.monotonic() + 60
        while True:
            done = subprocess.run(command + list(words), cwd=self.dir,
                                  capture_output=True, text=True)
            if done.returncode == 0 or not check:
                return done
            if time.monotonic() > deadline:
                raise SystemExit("%s: %s" % (words, done.stderr))
            time.sleep(0.1)

    def submit(self, *words):
        return self.ctl("submit", *words).stdout.strip()

    def show(self, job):
        return json.loads(self.ctl("show", job, "-o", "json").stdout)

    def jobs(self):
        return json.loads(self.ctl("list", "--all", "-o", "json").stdout)

    def await_state(self, job, state, limit=60):
        cluster.await_true("job %s is %s" % (job, state),
                           lambda: self.show(job)["state"] == state, limit)
        return self.show(job)

    def pids(self, name):
        """(pid, parent) of each process of the job of that name, in order."""
        try:
            lines = self.read(name + ".pids").splitlines()
        except FileNotFoundError:
            return []
        return [tuple(map(int, line.split())) for line in lines]

    def await_pids(self, name, count=1):
        cluster.await_true("%s began %d times" % (name, count),
                           lambda: len(self.pids(name)) >= count, 60)
        return self.pids(name)[count - 1]

    def verify(self):
        done = subprocess.run(
            [self.carbond, "ledger", "verify", "--db",
             self.path("state/ledger.db")], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if self.daemon and self.daemon.poll() is None:
            self.daemon.terminate()
            self.daemon.wait(timeout=60)
        self.log.close()
        if kind is None:
            shutil.rmtree(self.dir, ignore_errors=True)
        else:
            sys.stderr.write(self.read("carbond.log")[-8000:])
