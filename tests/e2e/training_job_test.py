#!/usr/bin/python3
"""The demonstration's training job keeps the checkpoint contract: interrupted
at any moments it ends with the same bits as unbroken, and a checkpoint that is
absent or damaged is said so in one line.

Usage: training_job_test.py TRAIN_PY [SEED]
"""

import json
import os
import random
import re
import select
import signal
import subprocess
import sys
import tempfile
import time
import unittest

TRAIN = os.path.abspath(sys.argv.pop(1))
SEED = int(sys.argv.pop(1)) if len(sys.argv) > 1 else random.randrange(10**6)
EPOCHS = 4
DEADLINE_S = 60


class Job:
    """train.py as carbond would start it, in a folder of its own."""

    def __init__(self, folder, epochs=EPOCHS, seed=7):
        self.folder = folder
        self.checkpoints = os.path.join(folder, "check points")
        self.checkpoint = os.path.join(self.checkpoints, "train.npz")
        self.progress = os.path.join(folder, "progress")
        os.makedirs(self.checkpoints)
        self.options = ["--epochs", str(epochs), "--seed", str(seed)]
        self.output = ""

    def start(self, resume=False, **env):
        self.lines_before = len(self.told())
        self.process = subprocess.Popen(
            [sys.executable, TRAIN, *self.options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={
                **os.environ,
                "CARBON_CHECKPOINT_DIR": self.checkpoints,
                "CARBON_PROGRESS_FILE": self.progress,
                "CARBON_RESUME": "1" if resume else "0",
                **env,
            },
        )

    def told(self):
        """The progress lines that are whole."""
        try:
            with open(self.progress) as file:
                text = file.read()
        except FileNotFoundError:
            return []
        return [json.loads(line) for line in text.split("\n")[:-1]]

    def wait_for_lines(self, count):
        """Until this run has told so many lines, or has ended."""
        end = pidfd_poll(self.process.pid)
        until = time.monotonic() + DEADLINE_S
        while len(self.told()) - self.lines_before < count:
            if end.poll(2):
                return
            if time.monotonic() > until:
                raise AssertionError(f"no {count} progress lines")

    def ask(self):
        self.process.send_signal(signal.SIGUSR1)

    def finish(self):
        """The exit code, and what it said on stderr."""
        out, err = self.process.communicate(timeout=DEADLINE_S)
        self.output += out
        return self.process.returncode, err

    def epoch_lines(self):
        return re.findall(r"^epoch.*$", self.output, re.MULTILINE)

    def result(self):
        return re.findall(r"^trained:.*$", self.output, re.MULTILINE)


def pidfd_poll(pid):
    poll = select.poll()
    poll.register(os.pidfd_open(pid), select.POLLIN)
    return poll


class TrainingJob(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.all = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.all.cleanup)
        cls.unbroken = Job(os.path.join(cls.all.name, "unbroken"))
        cls.unbroken.start()
        code, err = cls.unbroken.finish()
        assert code == 0, err

    def setUp(self):
        self.job = Job(os.path.join(self.all.name, self.id()))

    def saved(self):
        """A job that has left a checkpoint behind."""
        self.job.start()
        self.job.wait_for_lines(5)
        self.job.ask()
        self.assertEqual(self.job.finish(), (85, ""))
        return self.job

    def refused(self, *words, **start):
        """One line on stderr with these words, and exit code 1."""
        self.job.start(**start)
        code, err = self.job.finish()
        self.assertEqual(code, 1, err)
        self.assertEqual(err.count("\n"), 1, err)
        for word in words:
            self.assertIn(word, err)

    def test_interrupted_at_random_moments_it_ends_with_the_same_bits(self):
        dice = random.Random(SEED)
        self.job.start()
        pauses = 0
        while True:
            if pauses < 5:
                self.job.wait_for_lines(dice.randrange(1, 16))
                self.job.ask()
            code, err = self.job.finish()
            if code != 85:
                break
            pauses += 1
            self.job.start(resume=True)
        self.assertEqual((code, err), (0, ""), f"seed {SEED}")
        self.assertEqual(pauses, 5, f"seed {SEED}")
        self.assertEqual(self.job.result(), self.unbroken.result())
        self.assertEqual(self.job.epoch_lines(), self.unbroken.epoch_lines())
        self.assertEqual(len(self.job.epoch_lines()), EPOCHS)

    def test_asked_as_soon_as_it_is_ready_it_saves_and_leaves(self):
        for resume in (False, True, True):
            self.job.start(resume=resume)
            self.job.wait_for_lines(1)
            self.job.ask()
            self.assertEqual(self.job.finish(), (85, ""))
        self.job.start(resume=True)
        self.assertEqual(self.job.finish(), (0, ""))
        self.assertEqual(self.job.result(), self.unbroken.result())

    def test_it_says_ready_first_and_then_how_far_it_is(self):
        self.job.start()
        self.assertEqual(self.job.finish(), (0, ""))
        told = self.job.told()
        self.assertEqual(told[0], {"ready": True})
        shares = [line["progress"] for line in told[1:]]
        self.assertEqual(shares, sorted(shares))
        self.assertEqual(shares[-1], 1)
        self.assertGreater(len(shares), 50)

    def test_a_checkpoint_tells_its_progress_as_saved(self):
        last = self.saved().told()[-1]
        self.assertTrue(last["checkpoint"])
        self.assertTrue(0 < last["progress"] < 1)

    def test_killed_while_saving_it_goes_on_from_the_older_checkpoint(self):
        job = self.saved()
        with open(job.checkpoint + ".tmp", "wb") as file:
            file.write(b"half a checkpoint")
        job.start(resume=True)
        self.assertEqual(job.finish(), (0, ""))
        self.assertEqual(job.result(), self.unbroken.result())

    def test_without_resume_it_starts_anew_whatever_lies_there(self):
        job = self.saved()
        job.output = ""
        job.start()
        self.assertEqual(job.finish(), (0, ""))
        self.assertEqual(job.epoch_lines(), self.unbroken.epoch_lines())

    def test_an_absent_checkpoint_is_said(self):
        self.refused("nothing to resume", self.job.checkpoint, resume=True)

    def test_a_truncated_checkpoint_is_said(self):
        path = self.saved().checkpoint
        os.truncate(path, os.path.getsize(path) // 2)
        self.refused("cannot be read", path, resume=True)

    def test_a_flipped_bit_in_a_checkpoint_is_said(self):
        path = self.saved().checkpoint
        with open(path, "r+b") as file:
            file.seek(os.path.getsize(path) // 2)
            byte = file.read(1)[0]
            file.seek(-1, os.SEEK_CUR)
            file.write(bytes([byte ^ 1]))
        self.refused("cannot be read", path, resume=True)

    def test_an_empty_checkpoint_is_said(self):
        open(self.job.checkpoint, "wb").close()
        self.refused("cannot be read", self.job.checkpoint, resume=True)

    def test_a_checkpoint_of_other_options_is_refused(self):
        job = self.saved()
        job.options[-1] = "8"
        self.refused("--seed 7", "not 8", resume=True)

    def test_a_folder_that_is_not_there_is_said(self):
        self.job.start(CARBON_CHECKPOINT_DIR="/no/such/folder")
        self.job.wait_for_lines(1)
        self.job.ask()
        code, err = self.job.finish()
        self.assertEqual((code, err.count("\n")), (1, 1), err)
        self.assertIn("/no/such/folder", err)

    def test_it_runs_without_carbond(self):
        env = {k: v for k, v in os.environ.items() if "CARBON" not in k}
        ended = subprocess.run(
            [sys.executable, TRAIN, *self.job.options],
            capture_output=True,
            text=True,
            env=env,
            cwd="/",
            timeout=DEADLINE_S,
        )
        self.assertEqual((ended.returncode, ended.stderr), (0, ""))
        self.assertIn(self.unbroken.result()[0], ended.stdout)


if __name__ == "__main__":
    print(f"seed {SEED}")
    unittest.main(verbosity=2)
