#!/usr/bin/env python3
"""Notices of the real daemon, killed with -9 again and again.

A webhook behind TLS that is down now and then, one that nobody answers, and a
command: each event that the ledger holds is told, whatever was killed when; what
is told twice has the same id, and every signature is checked with Python's own
hmac. usage: notify_test.py CARBOND CARBONCTL [SEED]
"""

import base64
import hashlib
import hmac
import http.server
import json
import os
import random
import shutil
import signal
import sqlite3
import ssl
import subprocess
import sys
import tempfile
import threading
import time

KILLS = 6
SPEED = 600
KEY = b"0123456789abcdef0123456789abcdef"

JOB = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..",
                   "counting_job.py")

CONFIG = """
listen: unix:{dir}/s.sock
state_dir: {dir}/state
clock: {{speed: {speed}, start: "00:00"}}
metering_period: 10m
metrics: 127.0.0.1:{metrics}
providers:
  rec: {{type: recorded, actual: grid.csv, signal: test_moer, replay: now, loop: true}}
regions:
  - {{name: here, grid: rec, pue: 1.1, executor: local, capacity: {{gpus: 2, cpus: 3}}}}
notify:
  - {{webhook: 'https://localhost:{port}/hook/T0PSECRET', secret_env: HOOK,
     ca_file: cert.pem, name: hook}}
  - {{webhook: 'https://localhost:{port}/strangers', secret_file: secret, name: untrusted,
     timeout: 5s}}
  - {{webhook: 'http://127.0.0.1:{dead}/', secret_file: secret, name: dead}}
  - {{command: [{python}, {dir}/tell.py, {dir}/told], name: tell}}
"""

TELL = """
import json, os, sys
notice = json.load(sys.stdin)
assert os.environ["CARBON_EVENT"] == notice["event"]
assert os.environ["CARBON_JOB_ID"] == notice["job"]["id"]
assert os.environ["CARBON_NOTICE_ID"] == notice["id"]
assert "HOOK" not in os.environ, "the secret is nobody else's"
with open(sys.argv[1], "a") as f:
    f.write(json.dumps(notice) + "\\n")
"""


class Hook(http.server.BaseHTTPRequestHandler):
    """Takes two of three, and complains about every signature that is wrong."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        server = self.server
        signed = b".".join([self.headers["webhook-id"].encode(),
                            self.headers["webhook-timestamp"].encode(), body])
        mac = hmac.new(KEY, signed, hashlib.sha256).digest()
        if self.headers["webhook-signature"] != (
                "v1," + base64.b64encode(mac).decode()):
            server.wrong.append("signature of %s" % body)
        if abs(int(self.headers["webhook-timestamp"]) - time.time()) > 300:
            server.wrong.append("timestamp of %s" % body)
        notice = json.loads(body)
        if notice["id"] != self.headers["webhook-id"]:
            server.wrong.append("id of %s" % body)
        if self.path != "/hook/T0PSECRET":
            server.wrong.append("asked for " + self.path)
        refuse = server.random.random() < 0.33
        if not refuse:
            server.taken.append(notice)
        self.send_response(503 if refuse else 204)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self):
        self.send_response(405)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *words):
        pass


def free_port():
    import socket
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Day:
    def __init__(self, carbond, carbonctl, seed):
        self.carbond, self.carbonctl = carbond, carbonctl
        self.random = random.Random(seed)
        self.dir = tempfile.mkdtemp(prefix="carbond-notify-")
        self.daemon = None
        self.log = open(self.path("carbond.log"), "ab")
        self.serve()
        self.metrics = free_port()
        with open(self.path("carbond.yaml"), "w") as f:
            f.write(CONFIG.format(dir=self.dir, speed=SPEED, dead=free_port(),
                                  port=self.server.server_port,
                                  metrics=self.metrics, python=sys.executable))
        secret = "whsec_" + base64.b64encode(KEY).decode()
        self.environment = dict(os.environ, HOOK=secret)
        with open(os.open(self.path("secret"), os.O_CREAT | os.O_WRONLY,
                          0o600), "w") as f:
            f.write(secret + "\n")
        with open(self.path("tell.py"), "w") as f:
            f.write(TELL)
        with open(self.path("grid.csv"), "w") as f:
            f.write("time_utc,gco2_per_kwh\n")
            for slot in range(288):  # an hour clean, an hour dirty
                value = 80 if slot // 12 % 2 else 500
                f.write("2021-06-05T%02d:%02d:00Z,%d\n"
                        % (slot // 12, slot % 12 * 5, value))

    def path(self, name):
        return os.path.join(self.dir, name)

    def serve(self):
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
             "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
             "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
             "-keyout", self.path("key.pem"), "-out", self.path("cert.pem")],
            check=True, capture_output=True)
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(self.path("cert.pem"), self.path("key.pem"))
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hook)
        self.server.socket = tls.wrap_socket(self.server.socket,
                                             server_side=True)
        # A handshake that fails is the point of `untrusted`.
        self.server.handle_error = lambda *ignored: None
        self.server.taken, self.server.wrong = [], []
        self.server.random = self.random
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def start(self):
        self.daemon = subprocess.Popen(
            [self.carbond, "--config", self.path("carbond.yaml")],
            cwd=self.dir, env=self.environment, stdout=self.log,
            stderr=self.log)

    def kill(self):
        self.daemon.send_signal(signal.SIGKILL)
        self.daemon.wait()

    def ctl(self, *words):
        command = [self.carbonctl, "--address", "unix:" + self.path("s.sock")]
        deadline = time.monotonic() + 60
        while True:
            done = subprocess.run(command + list(words), cwd=self.dir,
                                  capture_output=True, text=True)
            if done.returncode == 0:
                return done.stdout
            if time.monotonic() > deadline:
                raise SystemExit("%s: %s" % (words, done.stderr))
            time.sleep(0.1)

    def submit(self, name, pause, total, *more):
        words = ["submit", "--name", name, "--cpus", "1", "--power", "200W",
                 "--duration", "%ds" % (total * 0.05 * SPEED),
                 "--pause", pause, "--min-run", "10m",
                 "--request-id", "notify-" + name, *more]
        if pause == "checkpoint":
            words += ["--checkpoint-cost", "4m", "--resume-cost", "4m",
                      "--checkpoint-timeout", "1h"]
        self.ctl(*words, "--", sys.executable, JOB, name, str(total))

    def owed(self):
        """What the ledger says, by (job, event): read with sqlite alone."""
        with sqlite3.connect(self.path("state/ledger.db")) as db:
            rows = db.execute(
                "SELECT e.job, e.seq, e.kind, json_extract(e.body, '$.run'), "
                "j.last_seq, j.state, (SELECT count(*) FROM runs r WHERE "
                "r.job = e.job AND r.started_at_ms IS NOT NULL AND r.run < "
                "json_extract(e.body, '$.run')) FROM events e JOIN jobs j ON "
                "j.id = e.job ORDER BY e.job, e.seq").fetchall()
        owed = {}
        for job, seq, kind, run, last, state, before in rows:
            if state == "done" and seq == last:
                owed[job, seq] = "ended"
            elif kind == "RunStarted":
                owed[job, seq] = "resumed" if before else "started"
            elif kind == "RunEnded":
                owed[job, seq] = "paused"
        return owed

    def doctor(self):
        done = subprocess.run(
            [self.carbond, "doctor", "--config", self.path("carbond.yaml")],
            cwd=self.dir, env=self.environment, capture_output=True, text=True)
        said = done.stdout
        assert done.returncode == 1, said
        assert "hook answers a GET with HTTP 405" in said, said
        assert "its TLS certificate does not verify" in said, said
        assert "cannot be connected to" in said, said
        assert "is there; it was not run" in said, said
        assert "T0PSECRET" not in said, said
        assert not self.server.taken, "the doctor told something"

    def play(self):
        self.doctor()
        self.start()
        self.submit("a", "checkpoint", 160, "--deadline", "14h")
        self.submit("b", "suspend", 140, "--deadline", "14h")
        self.submit("c", "none", 60, "--deadline", "14h")
        for _ in range(KILLS):
            time.sleep(self.random.uniform(0.3, 3))
            self.kill()
            self.start()
        deadline = time.monotonic() + 240
        while any(job["state"] != "done" for job in
                  json.loads(self.ctl("list", "--all", "-o", "json"))):
            if time.monotonic() > deadline:
                raise SystemExit("jobs are still live")
            time.sleep(0.2)
        self.check()

    def check(self):
        owed = self.owed()
        assert list(owed.values()).count("ended") == 3, owed
        assert list(owed.values()).count("started") == 3, owed
        deadline = time.monotonic() + 120
        while True:
            told = []
            if os.path.exists(self.path("told")):
                with open(self.path("told")) as f:
                    told = [json.loads(line) for line in f]
            missing = [(key, who) for who, notices in
                       (("hook", self.server.taken), ("tell", told))
                       for key in owed if key not in map(event_of, notices)]
            if not missing:
                break
            if time.monotonic() > deadline:
                raise SystemExit("never told: %s" % missing)
            time.sleep(0.2)
        for notices in self.server.taken, told:
            for notice in notices:
                assert owed[event_of(notice)] == notice["event"], notice
            ids = {}
            for notice in notices:
                key = event_of(notice)
                assert ids.setdefault(key, notice["id"]) == notice["id"]
                assert notice["job"]["clock_speed"] == SPEED
                if notice["event"] == "ended":
                    assert notice["job"]["outcome"] == "succeeded", notice
                    assert notice["emissions"]["emissions_g"] > 0, notice
            print("%d events, told %d times" % (len(owed), len(notices)))
        assert not self.server.wrong, self.server.wrong
        import urllib.request
        text = urllib.request.urlopen(
            "http://127.0.0.1:%d/metrics" % self.metrics).read().decode()
        for line in ('carbond_notices_waiting{receiver="hook"} 0',
                     'carbond_notices_waiting{receiver="dead"} %d' % len(owed),
                     'carbond_notices_total{receiver="untrusted",'
                     'result="delivered"} 0'):
            assert line in text, (line, text)
        with open(self.path("carbond.log")) as f:
            log = f.read()
        assert "notify dead: cannot be connected to" in log
        assert "notify untrusted: its TLS certificate" in log
        assert "T0PSECRET" not in log
        began = time.monotonic()
        self.daemon.terminate()
        self.daemon.wait(timeout=30)
        took = time.monotonic() - began
        assert took < 10, "the stop waited %.0f s for the dead" % took

    def stop(self):
        if self.daemon and self.daemon.poll() is None:
            self.daemon.terminate()
            self.daemon.wait(timeout=30)
        self.server.shutdown()


def event_of(notice):
    _, job, seq = notice["id"].split("-")
    return int(job), int(seq)


def main():
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else random.randrange(10**6)
    print("seed", seed, flush=True)
    day = Day(sys.argv[1], sys.argv[2], seed)
    try:
        day.play()
    except BaseException:
        with open(day.path("carbond.log")) as log:
            sys.stderr.write(log.read()[-6000:])
        raise
    finally:
        day.stop()
        day.log.close()
    shutil.rmtree(day.dir)


if __name__ == "__main__":
    main()
