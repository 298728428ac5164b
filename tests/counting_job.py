"""A job for tests: counting_job.py NAME TOTAL

Counts to TOTAL in its working directory, saves when asked, notes each of its
processes in NAME.pids, and cries (NAME.twice) when another copy is running.
"""

import fcntl, json, os, signal, sys, time
name, total = sys.argv[1], int(sys.argv[2])
lock = open(name + ".lock", "w")
try:
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
except OSError:
    open(name + ".twice", "w").close()
    sys.exit(3)
with open(name + ".pids", "a") as f:
    f.write("%d %d\n" % (os.getpid(), os.getppid()))
state = os.path.join(os.environ["CARBON_CHECKPOINT_DIR"], "count")
count = 0
if os.environ["CARBON_RESUME"] == "1":
    count = int(open(state).read())
asked = []
signal.signal(signal.SIGUSR1, lambda *_: asked.append(1))
progress = open(os.environ["CARBON_PROGRESS_FILE"], "a", buffering=1)
progress.write(json.dumps({"ready": True}) + "\n")
print("begins at", count, flush=True)
while count < total:
    time.sleep(0.05)
    count += 1
    if count % 20 == 0:
        progress.write(json.dumps({"progress": count / total}) + "\n")
    if asked:
        with open(state + ".tmp", "w") as f:
            f.write(str(count))
            f.flush()
            os.fsync(f.fileno())
        os.rename(state + ".tmp", state)
        print("saved at", count, flush=True)
        sys.exit(85)
print("reached", count, flush=True)
open(name + ".done", "w").write(str(count))
