#!/usr/bin/env python3
"""Bad input, from the outside: each gives one clear line with what mends it,
the right exit code, and disturbs nothing else.
usage: refusals_test.py CARBOND CARBONCTL
"""

import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest

CARBOND, CARBONCTL = sys.argv[1], sys.argv[2]

CONFIG = """
listen: {listen}
state_dir: {dir}/{state}
providers:
  rec: {{type: recorded, actual: {csv}, signal: test_moer, replay: now, loop: true}}
regions:
  - {{name: here, grid: rec, pue: 1.1, executor: local, capacity: {{gpus: 1, cpus: 2}}}}
"""


def csv(rows):
    return "time_utc,gco2_per_kwh\n" + "".join(row + "\n" for row in rows)


GOOD = csv("2021-06-05T%02d:00:00Z,%d" % (h, 100 + h) for h in range(24))


class Refusals(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.mkdtemp(prefix="carbond-refusals-")
        cls.write("grid.csv", GOOD)
        cls.daemon = cls.serve(cls.config("carbond.yaml"))

    @classmethod
    def tearDownClass(cls):
        cls.daemon.terminate()
        cls.daemon.wait(timeout=30)
        cls.daemon.stderr.close()
        shutil.rmtree(cls.dir)

    @classmethod
    def write(cls, name, text):
        path = os.path.join(cls.dir, name)
        with open(path, "w") as f:
            f.write(text)
        return path

    @classmethod
    def config(cls, name, state="state", listen=None, csv_name="grid.csv"):
        return cls.write(name, CONFIG.format(
            dir=cls.dir, state=state, csv=csv_name,
            listen=listen or "unix:%s/s.sock" % cls.dir))

    @classmethod
    def serve(cls, config):
        daemon = subprocess.Popen([CARBOND, "--config", config],
                                  stderr=subprocess.PIPE,
                                  stdout=subprocess.DEVNULL, text=True)
        deadline = time.monotonic() + 30
        while cls.ctl("regions").returncode != 0:
            if time.monotonic() > deadline or daemon.poll() is not None:
                raise SystemExit("carbond does not serve: " +
                                 daemon.stderr.read())
            time.sleep(0.05)
        return daemon

    @classmethod
    def ctl(cls, *words):
        return subprocess.run(
            [CARBONCTL, "--address", "unix:%s/s.sock" % cls.dir, *words],
            cwd=cls.dir, capture_output=True, text=True)

    def one_line(self, done, code, *words):
        self.assertEqual(done.returncode, code, done)
        lines = done.stderr.strip().splitlines()
        self.assertEqual(len(lines), 1, done.stderr)
        for word in words:
            self.assertIn(word, lines[0])
        self.assertEqual(done.stdout, "")

    def submit(self, *flags, command=("/bin/true",)):
        flags = list(flags)
        if not any(flag.startswith("--duration") for flag in flags):
            flags += ["--duration", "10m"]
        return self.ctl("submit", *flags, "--", *command)

    def start_fails(self, config, *words):
        done = subprocess.run([CARBOND, "--config", config],
                              capture_output=True, text=True, timeout=30)
        self.assertEqual(done.returncode, 1, done)
        for word in words:
            self.assertIn(word, done.stderr)
        return done

    def leaves_nothing(self, state):
        self.assertFalse(os.path.exists(os.path.join(self.dir, state)),
                         "a refused start made its state_dir")

    # ---- At submission

    def test_a_deadline_that_cannot_be_met(self):
        self.one_line(self.submit("--duration", "2h", "--deadline", "1h"), 1,
                      "deadline", "plus duration 2h")

    def test_a_duration_that_nobody_knows(self):
        self.one_line(self.ctl("submit", "--", "/bin/true"), 1,
                      "no duration is given", "no earlier job `true`", "--duration 2h")
        self.one_line(self.submit("--duration", "0s"), 2, "--duration",
                      "not positive")

    def test_negative_and_absurd_durations(self):
        self.one_line(self.submit("--duration=-5m"), 2, "duration")
        self.one_line(self.submit("--duration", "900d"), 2, "--duration",
                      "longer than a year")

    def test_an_unknown_region(self):
        self.one_line(self.submit("--region", "mars"), 1, "`mars`", "here")

    def test_a_command_that_does_not_exist(self):
        self.one_line(self.submit(command=("trian.py",)), 1, "`trian.py`")

    def test_a_command_that_is_not_executable(self):
        path = self.write("plain.txt", "hello")
        self.one_line(self.submit(command=(path,)), 1, "plain.txt",
                      "executable")

    def test_a_workdir_that_is_no_directory(self):
        self.one_line(self.submit("--workdir", "/nowhere/at/all"), 1,
                      "/nowhere/at/all")
        self.one_line(self.submit("--workdir", "/bin/true"), 1, "/bin/true")

    def test_a_job_larger_than_any_capacity(self):
        self.one_line(self.submit("--gpus", "9"), 1, "9 GPUs", "1 GPU")

    def test_another_content_under_the_same_request_id(self):
        flags = ["--request-id", "twice", "--earliest", "20h"]
        first = self.submit(*flags)
        self.assertEqual(first.returncode, 0, first.stderr)
        again = self.submit(*flags, "--priority", "3")
        self.one_line(again, 1, "twice")
        self.ctl("cancel", first.stdout.strip())

    def test_wrong_usage_exits_with_2(self):
        for words in (["submit", "--no-such-flag"], ["frobnicate"],
                      ["submit", "--duration", "soon", "--", "/bin/true"],
                      ["submit", "--min-saving", "7", "--", "/bin/true"],
                      ["submit", "--gpus", "-1", "--", "/bin/true"],
                      ["show"], ["show", "0"], ["cancel", "abc"],
                      ["wait", "1", "x"]):
            self.assertEqual(self.ctl(*words).returncode, 2, words)

    def test_a_job_that_does_not_exist(self):
        self.one_line(self.ctl("show", "424242"), 1, "424242")
        self.one_line(self.ctl("cancel", "424242"), 1, "424242")

    def test_nothing_else_is_disturbed(self):
        done = self.submit("--min-saving", "0.9")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.ctl("wait", done.stdout.strip()).returncode, 0)

    # ---- At start

    def test_malformed_yaml(self):
        path = self.write("bad.yaml", "listen: [unix:/x\nregions: {")
        self.start_fails(path, "bad.yaml:")

    def test_all_mistakes_of_a_configuration_at_once(self):
        path = self.write("many.yaml", CONFIG.format(
            dir=self.dir, state="x", csv="absent.csv",
            listen="unix:%s/t.sock" % self.dir) + "regoins: []\npue: 3\n")
        done = subprocess.run([CARBOND, "--check-config", "--config", path],
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn("regoins", done.stderr)
        self.assertIn("absent.csv", done.stderr)
        self.assertIn("many.yaml:9", done.stderr)

    def test_recorded_files_with_bad_rows(self):
        first = "2021-06-05T00:00:00Z,100"
        cases = {
            "unsorted": ["2021-06-05T01:00:00Z,100", first],
            "duplicate": [first, first],
            "null": [first, "2021-06-05T01:00:00Z,"],
            "negative": [first, "2021-06-05T01:00:00Z,-4"],
        }
        for name, rows in cases.items():
            self.write(name + ".csv", csv(rows))
            config = self.config(name + ".yaml", state=name,
                                 csv_name=name + ".csv",
                                 listen="unix:%s/%s.sock" % (self.dir, name))
            with self.subTest(name):
                self.start_fails(config, name + ".csv:3")
                self.leaves_nothing(name)

    def test_a_second_daemon_on_one_state_directory(self):
        config = self.config("second.yaml",
                             listen="unix:%s/second.sock" % self.dir)
        self.start_fails(config, "in use", str(self.daemon.pid))
        self.assertEqual(self.ctl("regions").returncode, 0)

    def test_a_port_in_use(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            config = self.config("port.yaml", state="port",
                                 listen="127.0.0.1:%d" % port)
            self.start_fails(config, "127.0.0.1:%d" % port, "in use")
            self.leaves_nothing("port")

    def test_a_socket_in_use(self):
        self.start_fails(self.config("socket.yaml", state="socket"), "s.sock",
                         "another process listens there")
        self.leaves_nothing("socket")
        self.assertEqual(self.ctl("regions").returncode, 0)

    def test_a_missing_runner(self):
        alone = os.path.join(self.dir, "alone", "carbond")
        os.makedirs(os.path.dirname(alone))
        shutil.copy(CARBOND, alone)
        config = self.config("runner.yaml", state="runner",
                             listen="unix:%s/runner.sock" % self.dir)
        done = subprocess.run([alone, "--config", config],
                              capture_output=True, text=True, timeout=30)
        self.one_line(done, 1, "no carbon-runner beside carbond")
        self.leaves_nothing("runner")

    def test_wrong_words_to_carbond(self):
        for words in ([], ["--confg", "x"], ["frobnicate"], ["ledger"],
                      ["ledger", "verify"], ["backtest"],
                      ["backtest", "--from-ledger", "x", "--slack", "-1h"],
                      ["backtest", "--from-ledger", "x", "--since", "soon"]):
            with self.subTest(words):
                done = subprocess.run([CARBOND, *words], capture_output=True,
                                      text=True)
                self.one_line(done, 2)
                self.assertTrue(done.stderr.startswith("carbond: "), done)

    def test_a_recording_with_irregular_steps(self):
        self.write("odd.csv", csv("2021-06-05T%s:00Z,100" % t for t in (
            "00:00", "01:00", "02:00", "03:20", "05:00")))
        config = self.config("odd.yaml", state="odd", csv_name="odd.csv")
        done = subprocess.run([CARBOND, "--check-config", "--config", config],
                              capture_output=True, text=True)
        self.one_line(done, 1, "odd.csv:5", "1h20m")

    def test_a_ledger_from_a_newer_version(self):
        os.makedirs(os.path.join(self.dir, "newer"))
        source = os.path.join(self.dir, "state", "ledger.db")
        target = os.path.join(self.dir, "newer", "ledger.db")
        done = subprocess.run([CARBOND, "ledger", "backup", target, "--db",
                               source], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        with sqlite3.connect(target) as db:
            db.execute("PRAGMA user_version = 999")
        db.close()
        config = self.config("newer.yaml", state="newer",
                             listen="unix:%s/newer.sock" % self.dir)
        self.start_fails(config, "999", "newer carbond")

    def test_no_daemon_at_the_address(self):
        done = subprocess.run(
            [CARBONCTL, "--address", "unix:/nowhere.sock", "list"],
            capture_output=True, text=True)
        self.one_line(done, 1, "/nowhere.sock")

    def test_json_errors_do_not_reach_stdout(self):
        done = self.ctl("show", "424242", "-o", "json")
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stdout, "")
        listed = self.ctl("list", "--all", "-o", "json")
        self.assertIsInstance(json.loads(listed.stdout), list)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=1)
