#!/usr/bin/env python3
"""The real daemon and grid services over real sockets, that fail on demand.

A job is planned by what a service forecasts; tokens expire; the next provider
speaks while the first is down; an outage that outlasts a restart is lived
through on what the ledger holds; no answer, however bad or slow, holds up the
daemon; a certificate that does not verify is not talked to; and no secret is
ever written. usage: services_test.py CARBOND CARBONCTL
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "../grid_server"))
import grid_server  # noqa: E402

PATIENCE = 120  # seconds until something must have happened

CONFIG = """
listen: unix:{dir}/s.sock
state_dir: {dir}/state
log: {{level: info}}
providers:
  wt: {{type: watttime, base_url: "{wt}", username_env: TEST_WT_USER,
       password_file: password, poll: 10s, stale_after: 40s, timeout: 3s{ca}}}
  sdk: {{type: carbon_aware_sdk, base_url: "{sdk}", signal: co2_moer, poll: 10s,
        stale_after: 40s, timeout: 3s}}
regions:
  - {{name: here, grid: {chain}, zone: CAISO_NORTH, executor: local,
     capacity: {{cpus: 2}}}}
  - {{name: forbidden, grid: wt, zone: NOT_IN_PLAN, executor: local,
     capacity: {{cpus: 2}}}}
"""

EVERY = """
listen: unix:{dir}/s.sock
state_dir: {dir}/state
providers:
  em: {{type: electricity_maps, base_url: "{url}/v4", token_file: key}}
  now: {{type: electricity_maps, base_url: "{url}/v3", token_file: key, horizon: 0}}
  gb: {{type: carbonintensity_uk, base_url: "{url}", contact: ops@example.org}}
  sdk: {{type: carbon_aware_sdk, base_url: "{url}", signal: co2_moer}}
regions:
  - {{name: em, grid: em, zone: DE, capacity: {{cpus: 1}}}}
  - {{name: now, grid: now, zone: FR, capacity: {{cpus: 1}}}}
  - {{name: gb, grid: gb, zone: GB, capacity: {{cpus: 1}}}}
  - {{name: london, grid: gb, zone: 13, capacity: {{cpus: 1}}}}
  - {{name: sdk, grid: sdk, zone: eastus, capacity: {{cpus: 1}}}}
"""


class Service:
    """A stand-in server on a thread of its own."""

    def __init__(self, port=0, tls=None):
        self.server = grid_server.serve(port, tls=tls, issue_s=5)
        self.port = self.server.server_address[1]
        self.url = "http%s://127.0.0.1:%d" % ("s" if tls else "", self.port)
        self.state = self.server.RequestHandlerClass.state
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def break_with(self, fault, path="/v3/"):
        self.state.control({"clear": True})
        self.state.control({"fault": fault, "path": path})

    def mend(self):
        self.state.control({"clear": True})

    def asked(self, path):
        return self.state.report()["asked"].get(path, 0)


class Daemon:
    def __init__(self, carbond, carbonctl, wt, sdk, chain="[wt, sdk]", ca=""):
        self.carbond, self.carbonctl = carbond, carbonctl
        self.dir = tempfile.mkdtemp(prefix="carbond-services-")
        self.log_path = os.path.join(self.dir, "carbond.log")
        self.log = open(self.log_path, "ab")
        self.process = None
        self.keep("password", "sesame\n")
        self.keep("carbond.yaml", CONFIG.format(
            dir=self.dir, wt=wt, sdk=sdk, chain=chain,
            ca=", ca_file: \"%s\"" % ca if ca else ""))

    def keep(self, name, text):
        path = os.path.join(self.dir, name)
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        with open(os.open(path, flags, 0o600), "w", encoding="utf-8") as f:
            f.write(text)

    def start(self):
        self.process = subprocess.Popen(
            [self.carbond, "--config", os.path.join(self.dir, "carbond.yaml")],
            stdout=self.log, stderr=self.log,
            env=dict(os.environ, TEST_WT_USER="carbond"))

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        begin = time.monotonic()
        code = self.process.wait(timeout=60)
        assert code == 0, "carbond left with %d" % code
        return time.monotonic() - begin

    def ctl(self, *words):
        command = [self.carbonctl, "--address", "unix:%s/s.sock" % self.dir]
        until = time.monotonic() + PATIENCE
        while True:
            done = subprocess.run(command + list(words), cwd=self.dir,
                                  capture_output=True, text=True)
            if done.returncode == 0:
                return done.stdout
            if time.monotonic() > until:
                raise SystemExit("%s: %s" % (words, done.stderr))
            time.sleep(0.1)

    def region(self, name="here"):
        rows = json.loads(self.ctl("regions", "-o", "json"))
        return next(row for row in rows if row["name"] == name)

    def wait_for(self, what, true, patience=PATIENCE):
        until = time.monotonic() + patience
        while not true():
            if time.monotonic() > until:
                print(self.text(), file=sys.stderr)
                raise SystemExit("never: %s; regions: %s"
                                 % (what, self.ctl("regions", "-o", "json")))
            time.sleep(0.2)
        print("%6.1f s  %s" % (time.monotonic() - START, what), flush=True)

    def text(self):
        with open(self.log_path, encoding="utf-8") as f:
            return f.read()

    def finish(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.dir)


START = time.monotonic()


def speaks(daemon, provider):
    row = daemon.region()
    return row["mode"] in ("fresh", "late") and row["provider"] == provider


def plans_by_the_forecast(daemon, service):
    points = json.loads(daemon.ctl("forecast", "here", "-o", "json"))
    if isinstance(points, list):
        points = points[0]
    assert points["signal"] == "co2_moer" and points["provider"] == "wt", points
    grid = service.server.RequestHandlerClass.grid
    same = 0
    for point in points["points"][:200]:
        begin = grid_server.instant(point["begin"].split(".")[0].rstrip("Z") + "Z")
        if begin % 300:  # cut at now
            continue
        told = grid.at(begin)
        # Experience may have moved it by a little.
        assert abs(point["intensity_g_per_kwh"] - told) < 1 + told / 50, (
            point, told)
        same += 1
    assert same > 100, points
    plan = json.loads(daemon.ctl(
        "plan", "--duration", "2h", "--deadline", "24h", "--power", "300W",
        "--region", "here", "-o", "json", "--", "true"))
    assert plan["forecast_issued_at"], plan
    # No worse than a tenth above the best two hours there are.
    now = int(time.time()) // 300 * 300
    best = min(grid.mean(t, 7200) for t in range(now + 300, now + 72000, 300))
    assert plan["expected_g"] <= 0.6 * best * 1.1 + 2, (plan, best)
    assert plan["expected_g"] <= plan["baseline_g"] * 1.001, plan
    job = daemon.ctl("submit", "--duration", "1s", "--deadline", "10s",
                     "--power", "300W", "--region", "here", "--", "env").strip()
    daemon.ctl("wait", job)
    seen = daemon.ctl("logs", job)
    assert "CARBON_JOB_ID" in seen and "TEST_WT_USER" not in seen, seen
    told = json.loads(daemon.ctl("emissions", job, "-o", "json"))
    assert "co2_moer" in json.dumps(told), told


def ranks_by_the_coming_hour(daemon, service):
    rows = json.loads(daemon.ctl("regions", "-o", "json"))
    assert [row["name"] for row in rows] == ["here", "forbidden"], rows
    here, unknown = rows
    grid = service.server.RequestHandlerClass.grid
    now = int(time.time())
    values = [grid.at(t) for t in range(now, now + 3600, 10)]
    told = sum(values) / len(values) * here["pue"]
    # Experience may have moved it by a little.
    assert abs(here["next_hour_g_per_kwh"] - told) < 2 + told / 50, (here, told)
    assert here["best_hour_g_per_kwh"] <= here["next_hour_g_per_kwh"], here
    assert grid_server.instant(here["best_hour_begin"][:19] + "Z") >= (
        time.time() - 60), here
    for field in ("next_hour_g_per_kwh", "best_hour_g_per_kwh",
                  "best_hour_begin"):
        assert unknown[field] is None, unknown
    table = daemon.ctl("regions")
    assert table.startswith("ranked by the hour from now"), table
    assert "unknown" in table, table


def one_grid(carbond, carbonctl):
    first, second = Service(), Service()
    # Its forecasts alone are wanted here.
    second.break_with("204", "/emissions/bylocation")
    daemon = Daemon(carbond, carbonctl, first.url, second.url)
    try:
        daemon.start()
        daemon.wait_for("the first provider speaks", lambda: speaks(daemon, "wt"))
        first_login = time.monotonic()
        plans_by_the_forecast(daemon, first)
        ranks_by_the_coming_hour(daemon, first)
        assert first.asked("/v3/historical") >= 1
        daemon.wait_for("a region that the plan lacks is said once", lambda: (
            "may not read co2_moer of NOT_IN_PLAN" in daemon.text()))
        agents = first.state.report()["agents"]
        assert len(agents) == 1 and agents[0].startswith("carbond/"), agents

        first.break_with("502_html")
        daemon.wait_for("the second speaks while the first is down",
                        lambda: speaks(daemon, "sdk"))
        assert daemon.text().count("no grid data: HTTP 502") == 1
        first.mend()
        daemon.wait_for("the first speaks again", lambda: speaks(daemon, "wt"))
        daemon.wait_for("its return is said", lambda: (
            "grid data again" in daemon.text()))

        # A token is believed in for its first minute.
        time.sleep(max(0, first_login + 61 - time.monotonic()))
        logins = first.state.report()["logins"]
        asked = first.asked("/v3/forecast")
        first.state.control({"expire_tokens": True})
        daemon.wait_for("tokens expired, and polls went on", lambda: (
            first.asked("/v3/forecast") >= asked + 3))
        assert first.state.report()["logins"] == logins + 1
        assert daemon.region()["provider"] == "wt"
        assert "login had succeeded" not in daemon.text()

        outlives_an_outage(daemon, first, second)
        writes_no_secret(daemon)
    finally:
        daemon.finish()
        first.stop()
        second.stop()


def every_service(carbond, carbonctl):
    service = Service()
    daemon = Daemon(carbond, carbonctl, service.url, service.url)
    daemon.keep("key", "em-key\n")
    daemon.keep("carbond.yaml", EVERY.format(dir=daemon.dir, url=service.url))
    steps = {"em": 3600, "now": 3600, "gb": 1800, "london": 1800, "sdk": 300}
    try:
        daemon.start()
        daemon.wait_for("every service is heard", lambda: all(
            daemon.region(name)["mode"] == "fresh" for name in steps))
        grid = service.server.RequestHandlerClass.grid
        for name, step in steps.items():
            begin = int(time.time()) // step * step
            told = grid.mean(begin, step)
            row = daemon.region(name)
            near = abs(row["intensity_g_per_kwh"] - told) <= 1 + told / 50
            # Unless a step has just ended.
            assert near or time.time() - begin < 10, (row, told)
        assert "no grid data" not in daemon.text(), daemon.text()
        agents = service.state.report()["agents"]
        assert any(a.endswith(" (+ops@example.org)") for a in agents), agents
        daemon.stop()
    finally:
        daemon.finish()
        service.stop()


def outlives_an_outage(daemon, first, second):
    daemon.stop()
    for service in (first, second):
        service.break_with("500", "")
    daemon.start()
    # Of the ledger alone: nobody answers.
    row = daemon.region()
    assert row["issued_at"] and row["provider"] in ("wt", "sdk"), row
    daemon.wait_for("what the ledger holds grows stale",
                    lambda: daemon.region()["mode"] in ("stale", "climatology"))
    plan = json.loads(daemon.ctl("plan", "--duration", "1h", "--deadline", "20h",
                                 "--region", "here", "-o", "json", "--", "true"))
    assert plan["intervals"], plan
    for service in (first, second):
        service.mend()
    daemon.wait_for("fresh again after the outage",
                    lambda: daemon.region()["mode"] in ("fresh", "late"))


def writes_no_secret(daemon):
    daemon.stop()
    secrets = [b"sesame", b"token-", b"Y2FyYm9uZDpzZXNhbWU"]
    for folder, _, names in os.walk(daemon.dir):
        for name in names:
            path = os.path.join(folder, name)
            if name == "password" or not os.path.isfile(path):
                continue
            with open(path, "rb") as f:
                content = f.read()
            for secret in secrets:
                assert secret not in content, (path, secret)


def bad_answers(carbond, carbonctl):
    service = Service()
    daemon = Daemon(carbond, carbonctl, service.url, service.url, chain="wt")
    said = {
        "truncated": "are no JSON, or only its beginning",
        "empty": "HTTP 200 with an empty body",
        "portal": "HTTP 200, an HTML page",
        "nulls": "a forecast without a usable value",
        "wrong_zone": "asked for zone CAISO_NORTH, answered for NOT_",
        "huge": "the answer is larger than 8192 KiB",
        "slow_loris": "no whole answer within 3s",
        "429_retry_after": "HTTP 429",
    }
    try:
        for fault, words in said.items():
            service.break_with(fault, "/v3/forecast")
            daemon.start()
            daemon.wait_for(fault, lambda w=words: w in daemon.text())
            assert daemon.region()["mode"] not in ("fresh", "late"), fault
            job = daemon.ctl("submit", "--duration", "1s", "--region", "here",
                             "--deadline", "5s", "--", "true").strip()
            daemon.ctl("wait", job)
            daemon.stop()
        # In the middle of an answer that never ends.
        service.break_with("slow_loris", "/v3/forecast")
        asked = service.asked("/v3/forecast")
        daemon.start()
        daemon.wait_for("a request under way",
                        lambda: service.asked("/v3/forecast") > asked)
        took = daemon.stop()
        assert "exception" not in daemon.text()
        print("stopped in %.2f s amid a request" % took)
    finally:
        daemon.finish()
        service.stop()


def ask_doctor(daemon):
    done = subprocess.run(
        [daemon.carbond, "doctor", "--config",
         os.path.join(daemon.dir, "carbond.yaml")],
        capture_output=True, text=True, timeout=PATIENCE,
        env=dict(os.environ, TEST_WT_USER="carbond"))
    assert done.stderr == "", done.stderr
    assert "sesame" not in done.stdout and "em-key" not in done.stdout
    return done.returncode, done.stdout


def doctor(carbond, carbonctl):
    service = Service()
    daemon = Daemon(carbond, carbonctl, service.url, service.url)
    try:
        code, said = ask_doctor(daemon)
        assert code == 1, said
        bad = [line for line in said.splitlines() if line.startswith("  BAD")]
        assert len(bad) == 1 and "NOT_IN_PLAN (region forbidden)" in bad[0], said
        assert "the login is accepted" in said, said
        assert "CAISO_NORTH: forecast issued" in said, said
        assert "1 thing to mend" in said, said
        assert not os.path.exists(os.path.join(daemon.dir, "state")), "made a state"

        service.break_with("403_html", "/login")
        code, said = ask_doctor(daemon)
        assert code == 1 and "check user name and password" in said, said
        service.mend()

        daemon.keep("key", "em-key\n")
        daemon.keep("carbond.yaml", EVERY.format(dir=daemon.dir, url=service.url))
        code, said = ask_doctor(daemon)
        assert code == 0 and said.endswith("nothing to mend\n"), said
        for zone in ("DE", "FR", "GB", "13", "eastus"):
            assert "%s: forecast issued" % zone in said, (zone, said)
        service.stop()
        code, said = ask_doctor(daemon)
        assert code == 1 and said.count("see base_url, the network") == 4, said
    finally:
        shutil.rmtree(daemon.dir)


def self_signed(folder):
    """A key and its certificate for 127.0.0.1, in one file."""
    pem, key = os.path.join(folder, "cert.pem"), os.path.join(folder, "key.pem")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
         "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", key, "-out", pem], check=True, capture_output=True)
    with open(pem, "a") as both, open(key) as private:
        both.write(private.read())
    return pem


def certificates(carbond, carbonctl):
    folder = tempfile.mkdtemp(prefix="carbond-tls-")
    pem = self_signed(folder)
    service = Service(tls=pem)
    try:
        stranger = Daemon(carbond, carbonctl, service.url, "http://127.0.0.1:9",
                          chain="wt")
        try:
            stranger.start()
            stranger.wait_for("a certificate of nobody's is not talked to", lambda: (
                "its TLS certificate does not verify" in stranger.text()))
            assert service.state.report()["asked"] == {}
        finally:
            stranger.finish()
        friend = Daemon(carbond, carbonctl, service.url, "http://127.0.0.1:9",
                        chain="wt", ca=pem)
        try:
            friend.start()
            friend.wait_for("the same with its authority is",
                            lambda: speaks(friend, "wt"))
        finally:
            friend.finish()
    finally:
        service.stop()
        shutil.rmtree(folder)


def main():
    carbond, carbonctl = sys.argv[1:3]
    doctor(carbond, carbonctl)
    certificates(carbond, carbonctl)
    every_service(carbond, carbonctl)
    bad_answers(carbond, carbonctl)
    one_grid(carbond, carbonctl)


if __name__ == "__main__":
    main()
