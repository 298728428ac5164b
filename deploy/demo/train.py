#!/usr/bin/python3
"""Trains a small neural network to read handwritten digits.

A real training job for carbond, and a pattern for your own: it saves itself
and leaves with exit code 85 when it is sent SIGUSR1, and with CARBON_RESUME=1
it goes on exactly where it was. However often it is interrupted, its weights
end the same, bit for bit, as in an unbroken run with the same seed.

The network is written in numpy and not in PyTorch, so that a first try stays
short: PyTorch brings 150 packages and 600 MB, and needs a second to start
after each pause. The contract is the same there; what must be saved is, too:
weights, the optimiser's state, the state of the random numbers, the order of
this epoch's examples and the place in it.

The data: 1,797 scanned digits of 8 x 8 pixels (Alpaydin and Kaynak, UCI
Machine Learning Repository), as scikit-learn ships them; see
../data/README.md.

Without carbond: python3 train.py [--epochs N] [--seed N]
"""

import os
import signal
import sys

# Two threads may add up in another order and so end with other bits.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")


class Pause:
    """Whether somebody has asked for a checkpoint. Installed before the slow
    imports below: a signal without its handler would kill the job."""

    def __init__(self, number):
        self.asked = False
        signal.signal(number, self._ask)

    def _ask(self, number, frame):
        self.asked = True


pause = Pause(signal.SIGUSR1)

import argparse  # noqa: E402
import hashlib  # noqa: E402
import json  # noqa: E402
import time  # noqa: E402

import numpy as np  # noqa: E402

SAVED_START_ME_AGAIN = 85
LAYERS = (64, 512, 256, 10)
BATCH = 32
TEST_SHARE = 5  # every fifth digit is kept for testing
LEARNING_RATE = 1e-3  # at first; falls to zero at the end
CHECKPOINT = "train.npz"
DIGITS = os.path.join(os.path.dirname(__file__), "..", "data", "digits.csv.gz")


class Failure(Exception):
    """One line for the user: what failed, on what, what would mend it."""


# ---- Data -------------------------------------------------------------------


def load_digits(path):
    try:
        rows = np.loadtxt(path, delimiter=",", dtype=np.float32)
    except (OSError, EOFError, ValueError) as error:
        raise Failure(f"cannot read the digits in {path}: {error}") from None
    if rows.ndim != 2 or rows.shape[1] != 65:
        raise Failure(f"{path} does not hold rows of 64 pixels and a digit")
    images, labels = rows[:, :64] / 16, rows[:, 64].astype(np.int64)
    test = np.arange(len(rows)) % TEST_SHARE == 0
    return images[~test], labels[~test], images[test], labels[test]


# ---- Network ----------------------------------------------------------------


class Network:
    """A multilayer perceptron with ReLU, trained by Adam on cross-entropy."""

    def __init__(self, random):
        self.weights = []
        for fan_in, fan_out in zip(LAYERS, LAYERS[1:]):
            scale = np.sqrt(2 / fan_in)
            drawn = random.standard_normal((fan_in, fan_out)) * scale
            self.weights += [drawn, np.zeros(fan_out)]
        self.weights = [w.astype(np.float32) for w in self.weights]
        self.mean = [np.zeros_like(w) for w in self.weights]
        self.square = [np.zeros_like(w) for w in self.weights]

    def forward(self, images):
        outputs = [images]
        last = len(self.weights) - 2
        for i in range(0, len(self.weights), 2):
            x = outputs[-1] @ self.weights[i] + self.weights[i + 1]
            outputs.append(x if i == last else np.maximum(x, 0))
        return outputs

    def evaluate(self, images, labels):
        """The mean loss, the share that is right, and the gradients."""
        outputs = self.forward(images)
        logits = outputs[-1] - outputs[-1].max(axis=1, keepdims=True)
        p = np.exp(logits)
        p /= p.sum(axis=1, keepdims=True)
        rows = np.arange(len(labels))
        loss = float(-np.log(p[rows, labels] + 1e-12).mean())
        right = float((p.argmax(axis=1) == labels).mean())
        p[rows, labels] -= 1
        return loss, right, self._gradients(outputs, p / len(labels))

    def _gradients(self, outputs, error):
        gradients = []
        for i in range(len(self.weights) - 2, -1, -2):
            below = outputs[i // 2]
            gradients += [error.sum(axis=0), below.T @ error]
            error = (error @ self.weights[i].T) * (below > 0)
        return gradients[::-1]

    def adam(self, gradients, step, rate):
        rate *= np.sqrt(1 - 0.999**step) / (1 - 0.9**step)
        for w, m, s, g in zip(self.weights, self.mean, self.square, gradients):
            m += 0.1 * (g - m)
            s += 0.001 * (g * g - s)
            w -= np.float32(rate) * m / (np.sqrt(s) + 1e-8)

    def fingerprint(self):
        digest = hashlib.sha256()
        for w in self.weights:
            digest.update(np.ascontiguousarray(w).tobytes())
        return digest.hexdigest()[:16]


def shifted(images, random):
    """The images, each moved by up to one pixel: other digits every epoch."""
    padded = np.zeros((len(images), 10, 10), dtype=np.float32)
    padded[:, 1:9, 1:9] = images.reshape(-1, 8, 8)
    down, right = random.integers(0, 3, (2, len(images), 1, 1))
    rows, columns = np.arange(8)[:, None], np.arange(8)[None, :]
    each = np.arange(len(images))[:, None, None]
    return padded[each, rows + down, columns + right].reshape(-1, 64)


# ---- Training ---------------------------------------------------------------


class Training:
    """All that must survive a pause, and the way on from there."""

    def __init__(self, seed, epochs, data):
        self.images, self.labels, self.test_images, self.test_labels = data
        self.seed, self.epochs = seed, epochs
        self.random = np.random.default_rng(seed)
        self.network = Network(self.random)
        self.order = self.random.permutation(len(self.labels))
        self.step = 0  # minibatches done
        self.loss_sum = 0.0  # of this epoch

    @property
    def steps_per_epoch(self):
        return -(-len(self.labels) // BATCH)

    @property
    def steps(self):
        return self.epochs * self.steps_per_epoch

    @property
    def progress(self):
        return self.step / self.steps

    def one_step(self):
        """Trains on one minibatch; at an epoch's end returns its loss."""
        place = self.step % self.steps_per_epoch
        chosen = self.order[place * BATCH : (place + 1) * BATCH]
        images = shifted(self.images[chosen], self.random)
        loss, _, gradients = self.network.evaluate(images, self.labels[chosen])
        rate = LEARNING_RATE * (1 - self.progress)
        self.step += 1
        self.network.adam(gradients, self.step, rate)
        self.loss_sum += loss
        if self.step % self.steps_per_epoch:
            return None
        epoch_loss = self.loss_sum / self.steps_per_epoch
        self.loss_sum = 0.0
        self.order = self.random.permutation(len(self.labels))
        return epoch_loss

    def save(self, path):
        """Writes beside, then renames: a reader finds the old or the new."""
        about = {
            "seed": self.seed,
            "epochs": self.epochs,
            "step": self.step,
            "loss_sum": self.loss_sum,
            "random": self.random.bit_generator.state,
        }
        arrays = {"order": self.order, "about": np.array(json.dumps(about))}
        for i in range(len(self.network.weights)):
            arrays[f"weights{i}"] = self.network.weights[i]
            arrays[f"mean{i}"] = self.network.mean[i]
            arrays[f"square{i}"] = self.network.square[i]
        with open(path + ".tmp", "wb") as file:
            np.savez(file, **arrays)
            file.flush()
            os.fsync(file.fileno())
        os.rename(path + ".tmp", path)
        folder = os.open(os.path.dirname(path), os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)

    def restore(self, path):
        try:
            with np.load(path, allow_pickle=False) as file:
                about = json.loads(str(file["about"]))
                self._check(about, path)
                self.step, self.loss_sum = about["step"], about["loss_sum"]
                self.random.bit_generator.state = about["random"]
                self.order[...] = file["order"]
                for i in range(len(self.network.weights)):
                    self.network.weights[i][...] = file[f"weights{i}"]
                    self.network.mean[i][...] = file[f"mean{i}"]
                    self.network.square[i][...] = file[f"square{i}"]
        except Failure:
            raise
        except FileNotFoundError:
            raise Failure(
                f"nothing to resume: there is no {path}; without "
                "CARBON_RESUME=1 the training starts from the beginning"
            ) from None
        except Exception as error:  # numpy, zipfile, zlib and json each differ
            raise Failure(
                f"the checkpoint {path} cannot be read ({error}); remove it "
                "and submit the job anew"
            ) from None

    def _check(self, about, path):
        for name in ("seed", "epochs"):
            if about[name] != getattr(self, name):
                raise Failure(
                    f"the checkpoint {path} was made with --{name} "
                    f"{about[name]}, not {getattr(self, name)}; submit with "
                    "the same options"
                )


class ProgressFile:
    """Tells carbond how far the job is; nothing when there is no carbond."""

    def __init__(self, path):
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        self.fd = os.open(path, flags, 0o644) if path else None

    def tell(self, **what):
        if self.fd is not None:
            os.write(self.fd, (json.dumps(what) + "\n").encode())


def say(text):
    print(text, flush=True)


def train(training, checkpoint, progress, least_seconds=0):
    """To the end, or until a checkpoint is asked for. The exit code."""
    tell_every = max(1, training.steps // 200)
    began, first = time.monotonic(), training.step
    pace = least_seconds / training.steps
    while training.step < training.steps:
        if pause.asked:
            if not checkpoint:
                raise Failure(
                    "asked for a checkpoint, but there is nowhere to save: "
                    "set CARBON_CHECKPOINT_DIR"
                )
            training.save(checkpoint)
            progress.tell(progress=training.progress, checkpoint=True)
            say(f"saved at {training.progress:.1%}; start me again")
            return SAVED_START_ME_AGAIN
        ahead = began + (training.step - first) * pace - time.monotonic()
        if ahead > 0:
            time.sleep(ahead)
        epoch_loss = training.one_step()
        if training.step % tell_every == 0:
            progress.tell(progress=round(training.progress, 4))
        if epoch_loss is not None:
            done = training.step // training.steps_per_epoch
            say(f"epoch {done:3d}/{training.epochs}  loss {epoch_loss:.6f}")
    progress.tell(progress=1)
    loss, right, _ = training.network.evaluate(
        training.test_images, training.test_labels
    )
    say(
        f"trained: test loss {loss:.6f}, {right:.2%} of unseen digits right, "
        f"weights {training.network.fingerprint()}"
    )
    return 0


def epochs_for(seconds, data):
    """How many epochs take so long on a core of this machine that the training
    has for itself; tried for a moment, in processor time."""
    training = Training(seed=0, epochs=1, data=data)
    training.one_step()  # the first one also loads libraries
    began, steps = time.process_time(), 0
    while time.process_time() - began < 0.5:
        training.one_step()
        steps += 1
    per_step = (time.process_time() - began) / steps
    return max(1, round(seconds / (per_step * training.steps_per_epoch)))


def parse_arguments():
    parser = argparse.ArgumentParser(
        description="Trains a small neural network to read digits.",
        epilog="SIGUSR1 makes it save to $CARBON_CHECKPOINT_DIR and exit "
        "with 85; CARBON_RESUME=1 makes it go on from there.",
    )
    parser.add_argument("--epochs", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--data", default=DIGITS, help="a CSV of 64 pixels and a digit"
    )
    parser.add_argument(
        "--epochs-for",
        type=float,
        metavar="SECONDS",
        help="train nothing; print the number of epochs that takes so long",
    )
    parser.add_argument(
        "--least-seconds",
        type=float,
        default=0,
        metavar="SECONDS",
        help="take all of it at least so long, whatever the machine can do",
    )
    arguments = parser.parse_args()
    if not arguments.least_seconds >= 0:
        parser.error("--least-seconds must not be negative")
    if arguments.epochs < 1:
        parser.error("--epochs must be 1 or more")
    if arguments.seed < 0:
        parser.error("--seed must not be negative")
    if arguments.epochs_for is not None and not arguments.epochs_for > 0:
        parser.error("--epochs-for must be more than 0")
    return arguments


def main():
    arguments = parse_arguments()
    data = load_digits(arguments.data)
    if arguments.epochs_for is not None:
        say(epochs_for(arguments.epochs_for, data))
        return 0
    training = Training(arguments.seed, arguments.epochs, data)
    folder = os.environ.get("CARBON_CHECKPOINT_DIR")
    checkpoint = os.path.join(folder, CHECKPOINT) if folder else None
    if os.environ.get("CARBON_RESUME") == "1":
        if not checkpoint:
            raise Failure("CARBON_RESUME=1 needs CARBON_CHECKPOINT_DIR")
        training.restore(checkpoint)
        say(f"resumed at {training.progress:.1%}")
    progress = ProgressFile(os.environ.get("CARBON_PROGRESS_FILE"))
    progress.tell(ready=True)
    return train(training, checkpoint, progress, arguments.least_seconds)


if __name__ == "__main__":
    try:
        code = main()
    except (Failure, OSError) as failure:
        print(f"train.py: {failure}", file=sys.stderr)
        code = 1
    sys.exit(code)
