#!/usr/bin/env python3
"""Jobs run as the Unix users who submitted them, who prove by MUNGE who they are:
two users of a real Slurm, what they may do to each other's jobs, and what they
try in order to be somebody else. Needs root, and users that every Debian has.
usage: users_test.py CARBOND CARBONCTL
"""

import os
import pwd
import shutil
import stat
import subprocess
import sys
import tempfile
import time

from cluster import Clusters, await_true, clean_environment
from world import JOB, SKIPPED, World, skip_without_slurm

ANA, BOB = pwd.getpwuid(65534), pwd.getpwuid(33)  # nobody, www-data
SYSTEM = pwd.getpwuid(1)  # below min_uid
SERVICE = pwd.getpwuid(34)  # whom carbond may run as
CAPABILITIES = "+chown,+kill,+setgid,+setuid"

CONFIG = """
listen: unix:{dir}/s.sock
state_dir: {dir}/state
shared_dir: {dir}/shared
runner: {dir}/bin/carbon-runner
clock: {{speed: 60}}
slurm: {{run_as: submitter, min_uid: 30, heartbeat: 500ms, poll: 1s}}
users: {{authenticate: munge, munge_socket: {munge}/socket}}
providers:
  grid: {{type: recorded, actual: flat.csv, signal: test_moer, replay: now, loop: true}}
regions:
  - {{name: eu, grid: grid, capacity: {{cpus: 8}}, executor: {{slurm: {{conf: {conf}}}}}}}
"""

# What one who is asked to prove himself may try instead, by its name in PATH.
FORGERIES = {
    "spy": '"$MUNGE" "$@" | tee {dir}/stolen/credential',
    "replay": "cat {dir}/stolen/credential",
    "other": '"$MUNGE" --socket="$CARBOND_MUNGE_SOCKET" --string='
             '"carbond.v1.SubmitJobsRequest %s"' % ("0" * 64),
    "none": "exit 1",
}

# A run that leads everybody astray who follows what lies in its folder. Its
# end, once it comes, is renamed over the link.
ASTRAY = """
cd $(dirname $CARBON_PROGRESS_FILE)
echo stop 1 > ../orders && echo ORDERED
mv ../run ../away && echo MOVED
rm -f progress; ln -s {secret}/progress progress
ln -s {secret}/exit exit; ln -s {secret}/exit suspended; mkfifo energy
mkdir -p junk/deep; ln -s {secret} junk/secret; touch junk/deep/file
logs={shared}/logs/$CARBON_JOB_ID
rm -f $logs/1.err; ln -s {secret}/progress $logs/1.err
touch {home}/astray; sleep 4
"""


def become(user, *words, groups="--groups=0"):
    # Of the group that may use carbond's socket.
    return ("setpriv", "--reuid=%d" % user.pw_uid, "--regid=%d" % user.pw_gid,
            groups) + words


class Users(World):
    """A carbond whose clients are users; `service`: it is no root itself."""

    def __init__(self, carbond, carbonctl, prefix, cluster, munge, service):
        super().__init__(carbond, carbonctl, prefix)
        self.service = service
        os.chmod(self.dir, 0o711)
        os.mkdir(self.path("bin"))
        for program in (carbonctl, JOB, os.path.join(
                os.path.dirname(carbond), "carbon-runner")):
            shutil.copy(program, self.path("bin"))
        self.carbonctl = self.path("bin/" + os.path.basename(carbonctl))
        for user in (ANA, BOB):
            os.mkdir(self.home(user), 0o700)
            os.chown(self.home(user), user.pw_uid, user.pw_gid)
        for folder in ("state", "shared"):
            os.mkdir(self.path(folder), 0o711)
            if service:
                os.chown(self.path(folder), SERVICE.pw_uid, SERVICE.pw_gid)
        self.write("flat.csv", "time_utc,gco2_per_kwh\n" + "".join(
            "2021-06-05T%02d:%02d:00Z,300\n" % (n // 12, n % 12 * 5)
            for n in range(288)))
        self.write("carbond.yaml", CONFIG.format(
            dir=self.dir, munge=munge.dir, conf=cluster.conf))
        if service:  # whose socket it makes
            os.chown(self.dir, SERVICE.pw_uid, 0)
        self.cluster = cluster
        self.env = clean_environment()
        self.env["CARBOND_MUNGE_SOCKET"] = munge.dir + "/socket"
        self.env["MUNGE"] = shutil.which("munge")
        self.make_forgeries()

    def make_forgeries(self):
        os.mkdir(self.path("stolen"))
        os.chmod(self.path("stolen"), 0o777)
        for name, line in FORGERIES.items():
            os.mkdir(self.path(name))
            self.write(name + "/munge", "#!/bin/sh\n%s\n"
                       % line.replace("{dir}", self.dir))
            os.chmod(self.path(name + "/munge"), 0o755)

    def home(self, user):
        return self.path("home-" + user.pw_name)

    def start(self):
        words = [self.carbond, "--config", self.path("carbond.yaml")]
        if self.service:
            words = ["setpriv", "--reuid=%d" % SERVICE.pw_uid, "--regid=0",
                     "--clear-groups", "--inh-caps=" + CAPABILITIES,
                     "--ambient-caps=" + CAPABILITIES] + words
        self.daemon = subprocess.Popen(words, env=clean_environment(),
                                       stdout=self.log, stderr=self.log)
        await_true("carbond answers", lambda: self.by(
            None, "list").returncode == 0)

    def by(self, user, *words, path=None, become_by=None):
        """carbonctl as that user; None: root."""
        env = dict(self.env)
        if path:
            env["PATH"] = self.path(path) + ":" + env["PATH"]
        command = (self.carbonctl, "--address", "unix:" + self.path("s.sock"))
        command += words
        if user:
            command = (become_by or become(user)) + command
        return subprocess.run(command, env=env, capture_output=True, text=True,
                              cwd=self.home(user) if user in (ANA, BOB) else "/",
                              timeout=60)

    def ctl(self, *words, check=True):
        done = self.by(None, *words)
        assert done.returncode == 0 or not check, done.stderr
        return done

    def show(self, job):
        shown = super().show(job)
        del shown["intensity"]  # of hundreds of slots
        return shown

    def submit_by(self, user, *words, **how):
        return self.by(user, "submit", "--cpus", "1", "--power", "100W",
                       "--duration", "20m", *words, **how)

    def job_of(self, user, *words):
        done = self.submit_by(user, *words)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def refused(self, words, done):
        assert done.returncode == 1 and words in done.stderr, (
            words, done.returncode, done.stdout, done.stderr)
        # What has two users at once cannot look at itself for leaks, and a build
        # with sanitizers says so.
        lines = [line for line in done.stderr.splitlines()
                 if line and not line.startswith("==")]
        assert len(lines) == 1 or "munge" in words, done.stderr


class Play:
    def __init__(self, world):
        self.world = world

    def runs_as_its_user(self):
        world = self.world
        script = ("id -u; id -g; id -G; umask; echo $HOME $USER; echo $SECRET;"
                  " touch made; grep CapEff /proc/self/status")
        jobs = {user: world.job_of(user, "--env", "SECRET=s3cret", "--", "sh",
                                   "-c", script) for user in (ANA, BOB)}
        for user, job in jobs.items():
            shown = world.await_state(job, "done", 120)
            assert shown["outcome"] == "succeeded", shown
            assert shown["user"] == user.pw_name, shown
            said = world.by(user, "logs", job).stdout.split("\n")
            assert said[0] == str(user.pw_uid), said
            assert said[1] == str(user.pw_gid), said
            assert "0" not in said[2].split(), said  # no group of root's
            assert said[3] == "0022", said
            assert said[4] == user.pw_dir + " " + user.pw_name, said
            assert said[5] == "s3cret", said
            assert said[6].split()[1].strip("0") == "", said
            assert os.stat(world.home(user) + "/made").st_uid == user.pw_uid
            for folder in ("logs", "checkpoints"):
                info = os.stat(world.path("shared/%s/%s" % (folder, job)))
                assert info.st_uid == user.pw_uid, folder
                assert stat.S_IMODE(info.st_mode) == 0o700, folder
        names = {row["Name"].split(".")[2]: row["UserId"]
                 for row in world.cluster.ended()
                 if row["Name"].startswith("carbond.")}
        for user, job in jobs.items():
            assert names[job].startswith(user.pw_name + "("), names

    def claims_are_not_believed(self):
        world = self.world
        run = ("--request-id", "once", "--", "true")
        first = world.submit_by(ANA, *run, path="spy")
        assert first.returncode == 0, first.stderr
        world.refused("Replayed credential (17)",
                      world.submit_by(ANA, *run, path="replay"))
        # The same request of her own is the same job, and of another's another.
        assert world.submit_by(ANA, *run).stdout == first.stdout
        bobs = world.submit_by(BOB, *run)
        assert bobs.returncode == 0 and bobs.stdout != first.stdout, bobs
        world.refused("made for another request",
                      world.submit_by(ANA, "--", "true", path="other"))
        world.refused("made for another request", world.by(
            ANA, "cancel", first.stdout.strip(), path="other"))
        world.refused("munge gave no credential",
                      world.submit_by(ANA, "--", "true", path="none"))
        # Says that it is Bob, and can only prove to be Ana.
        as_two = ("setpriv", "--ruid=%d" % BOB.pw_uid, "--euid=%d" % ANA.pw_uid,
                  "--regid=%d" % ANA.pw_gid, "--groups=0")
        world.refused(
            "says that its user is %s, and it was submitted by %s"
            % (BOB.pw_name, ANA.pw_name),
            world.submit_by(ANA, "--", "true", become_by=as_two))
        world.refused("would run as root", world.submit_by(None, "--", "true"))
        world.refused("a user of the system",
                      world.submit_by(SYSTEM, "--", "true"))
        assert len(world.jobs()) == 4, world.jobs()

    def others_keep_their_hands_off(self):
        world = self.world
        job = world.job_of(ANA, "--", "sleep", "1000")
        world.await_state(job, "running")
        # A job of Bob's own under the name of hers, which he ends.
        name = [row[2] for row in world.cluster.jobs()
                if row[2].split(".")[:1] == ["carbond"]
                and row[2].split(".")[2] == job][0]
        number = world.cluster.run(*become(
            BOB, "sbatch", "--parsable", "--hold", "--chdir=/",
            "--output=/dev/null", "--job-name=" + name, "--wrap=true",
            groups="--clear-groups")).strip()
        world.cluster.run("scancel", number)
        for verb in ("cancel", "pause", "resume"):
            world.refused("is %s's, and you are %s" % (ANA.pw_name, BOB.pw_name),
                          world.by(BOB, verb, job))
        world.refused("is for %s to read" % ANA.pw_name,
                      world.by(BOB, "logs", job))
        folder = world.path("shared/slurm/%s.1/run" % job)
        seen = subprocess.run(become(BOB, "ls", folder), capture_output=True)
        assert seen.returncode != 0, seen
        info = os.stat(folder)
        assert info.st_uid == ANA.pw_uid, info
        assert stat.S_IMODE(info.st_mode) == 0o700, info
        above = os.stat(os.path.dirname(folder))
        assert above.st_uid == (SERVICE.pw_uid if world.service else 0)
        assert stat.S_IMODE(above.st_mode) == 0o711, above
        assert world.show(job)["state"] == "running", world.show(job)
        assert world.by(ANA, "cancel", job).returncode == 0
        shown = world.await_state(job, "done")
        assert shown["outcome"] == "cancelled", shown
        # Root may do it to everybody's.
        job = world.job_of(BOB, "--", "sleep", "1000")
        world.await_state(job, "running")
        world.ctl("cancel", job)
        assert world.await_state(job, "done")["outcome"] == "cancelled"

    def leads_nobody_astray(self):
        world = self.world
        secret = world.path("secret")
        os.mkdir(secret, 0o700)
        with open(secret + "/progress", "w") as f:
            f.write('{"progress":0.75,"checkpoint":true}\nS3CRET\n')
        with open(secret + "/exit", "w") as f:
            f.write("code 7\nbegan_ms 1\nended_ms 2\nend\n")
        job = world.job_of(ANA, "--", "sh", "-c", ASTRAY.format(
            secret=secret, shared=world.path("shared"), home=world.home(ANA)))
        await_true("its folder leads astray", lambda: os.path.exists(
            world.home(ANA) + "/astray"), 60)
        time.sleep(2)  # carbond looks several times
        shown = world.show(job)
        assert shown["state"] == "running", shown
        assert shown["progress_fraction"] != 0.75, shown
        for user in (ANA, None):
            said = world.by(user, "logs", job)
            assert "S3CRET" not in said.stdout + said.stderr, said
            assert "ORDERED" not in said.stdout, said
            assert "MOVED" not in said.stdout, said
        shown = world.await_state(job, "done")
        assert shown["outcome"] == "succeeded", shown
        await_true("its folder is gone", lambda: not os.path.exists(
            world.path("shared/slurm/%s.1" % job)))
        assert sorted(os.listdir(secret)) == ["exit", "progress"]

    def pauses_and_goes_on(self):
        world = self.world
        words = ("--pause", "checkpoint", "--min-run", "1m", "--",
                 "/usr/bin/python3", world.path("bin/counting_job.py"))
        job = world.job_of(ANA, *words, "count", "400")
        world.await_state(job, "running")
        await_true("it counts", lambda: world.show(job)["progress_fraction"] > 0,
                   60)
        world.kill()
        world.start()
        assert world.by(ANA, "pause", job).returncode == 0
        shown = world.await_state(job, "paused")
        assert shown["runs"][0]["end"] == "checkpointed", shown
        world.kill()
        world.start()
        world.refused("is %s's" % ANA.pw_name, world.by(BOB, "resume", job))
        assert world.by(ANA, "resume", job).returncode == 0
        world.await_state(job, "running")
        world.kill()
        await_true("it is done while nobody looks", lambda: os.path.exists(
            world.home(ANA) + "/count.done"), 60)
        world.start()
        shown = world.await_state(job, "done")
        assert shown["outcome"] == "succeeded", shown
        assert len(shown["runs"]) == 2, shown
        assert not os.path.exists(world.home(ANA) + "/count.twice")
        for file in ("count.pids", "count.done"):
            info = os.stat(world.home(ANA) + "/" + file)
            assert info.st_uid == ANA.pw_uid, file

    def doctor_says_what_is_missing(self):
        world = self.world

        def doctor(*words, user=None):
            command = (world.carbond, "doctor", "--config",
                       world.path("carbond.yaml")) + words
            if user:
                command = become(user) + command
            return subprocess.run(command, env=clean_environment(), timeout=120,
                                  capture_output=True, text=True).stdout

        said = doctor()
        assert "munge made a credential, and unmunge read it" in said, said
        assert "jobs can be run as the users who submit them" in said, said
        assert "`carbond doctor --as USER`" in said, said
        said = doctor("--as", ANA.pw_name)
        assert "watched and ended as " + ANA.pw_name in said, said
        assert "there is no user zoe" in doctor("--as", "zoe")
        said = doctor(user=ANA)
        assert "it lacks CAP_CHOWN, CAP_KILL, CAP_SETGID, CAP_SETUID" in said, said
        os.chmod(world.dir, 0o777)
        said = doctor()
        assert "BAD   %s can be written by other users" % world.dir in said, said
        os.chmod(world.dir, 0o711)

    def without_rights_it_does_not_start(self):
        world = self.world
        home = world.home(ANA)
        config = world.read("carbond.yaml")
        for name in ("s.sock", "state", "shared"):
            config = config.replace(world.path(name), home + "/" + name)
        world.write("own.yaml", config)
        done = subprocess.run(
            become(ANA, world.carbond, "--config", world.path("own.yaml")),
            env=clean_environment(), capture_output=True, text=True, timeout=60)
        assert done.returncode == 1, done
        assert ("run_as: submitter needs carbond to become its users, and it "
                "lacks CAP_CHOWN" in done.stderr.splitlines()[-1]), done.stderr
        assert not os.path.exists(home + "/shared/slurm"), os.listdir(home)

    def play(self, parts):
        self.world.start()
        for part in parts:
            began = time.monotonic()
            part(self)
            print("%-30s %5.1f s" % (part.__name__, time.monotonic() - began),
                  flush=True)
        print(self.world.verify())


ALL = (Play.runs_as_its_user, Play.claims_are_not_believed,
       Play.others_keep_their_hands_off, Play.leads_nobody_astray,
       Play.pauses_and_goes_on, Play.doctor_says_what_is_missing,
       Play.without_rights_it_does_not_start)
# With capabilities in the place of root.
SOME = (Play.runs_as_its_user, Play.others_keep_their_hands_off,
        Play.leads_nobody_astray, Play.pauses_and_goes_on)


def main():
    skip_without_slurm()
    if os.geteuid() != 0:
        print("skipped: only root has other users")
        sys.exit(SKIPPED)
    with Clusters(tempfile.mkdtemp(prefix="carbond-slurm-"), "eu") as clusters:
        for service, parts in ((False, ALL), (True, SOME)):
            print("carbond is", SERVICE.pw_name if service else "root")
            with Users(sys.argv[1], sys.argv[2], "carbond-slurm-users-",
                       clusters["eu"], clusters.munge, service) as world:
                Play(world).play(parts)


if __name__ == "__main__":
    main()
