"""Real Slurm clusters on loopback, all of whose state lies in one folder.

No systemd, no cgroups, no database: munged, and for each cluster a slurmctld
and slurmds, started and stopped here. Needs Debian's slurm-wlm and munge.
"""

import os
import shutil
import signal
import socket
import subprocess
import time

PROGRAMS = ("munged", "munge", "slurmctld", "slurmd", "sbatch", "squeue")

# Failures are to be seen within a test: short time-outs throughout. CPUs and
# GPUs are claimed, not there.
CONF = """
ClusterName={name}
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort={port}
{bind}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={munge}/socket
StateSaveLocation={dir}/state
SlurmdSpoolDir={dir}/spool-%n
SlurmctldPidFile={dir}/slurmctld.pid
SlurmdPidFile={dir}/slurmd-%n.pid
SlurmctldLogFile={dir}/slurmctld.log
SlurmdLogFile={dir}/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
PropagateResourceLimits=NONE
SlurmdParameters=config_overrides
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
GresTypes=gpu
ReturnToService=2
SlurmdTimeout=10
SlurmctldTimeout=10
KillWait=3
OverTimeLimit=0
MinJobAge={min_job_age}
SchedulerParameters=batch_sched_delay=0,sched_interval=2,bf_interval=3
JobCompType=jobcomp/filetxt
JobCompLoc={dir}/ended.log
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
MailProg=/bin/true
{nodes}
PreemptType=preempt/partition_prio
PreemptMode=CANCEL
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP PriorityTier=1
PartitionName=urgent Nodes=ALL MaxTime=INFINITE State=UP PriorityTier=9 PreemptMode=OFF
"""


# Slurm binds to loopback alone only by way of the host's name.
LOOPBACK = "CommunicationParameters=NoInAddrAny,NoCtldInAddrAny"


def name_is_loopback():
    try:
        return socket.gethostbyname(socket.gethostname()) == "127.0.0.1"
    except OSError:
        return False


def missing():
    """The programs that are not installed."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    return [p for p in PROGRAMS if shutil.which(p, path=path) is None]


def clean_environment():
    env = {k: v for k, v in os.environ.items()
           if not k.startswith(("SLURM", "SBATCH", "SQUEUE"))}
    env["PATH"] = env.get("PATH", "") + ":/usr/sbin:/sbin"
    return env


def free_ports(count):
    sockets = []
    for _ in range(count):
        s = socket.socket()
        s.bind(("127.0.0.1", 0))
        sockets.append(s)
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def lives(pid):
    try:
        with open("/proc/%d/stat" % pid) as f:
            return f.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


def read_pid(path):
    try:
        with open(path) as f:
            return int(f.read())
    except (OSError, ValueError):
        return None


def processes():
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def holders_of(path):
    """The processes that have that file open."""
    holders = set()
    for pid in processes():
        try:
            links = {os.readlink("/proc/%d/fd/%s" % (pid, fd))
                     for fd in os.listdir("/proc/%d/fd" % pid)}
        except OSError:
            continue  # gone meanwhile, or another's
        if path in links:
            holders.add(pid)
    return holders


def with_children(pids):
    """And their children, and theirs."""
    parents = {}
    for pid in processes():
        try:
            with open("/proc/%d/stat" % pid) as f:
                parents[pid] = int(f.read().rsplit(")", 1)[1].split()[1])
        except OSError:
            continue
    family = set(pids)
    while True:
        more = {pid for pid, parent in parents.items()
                if parent in family} - family
        if not more:
            return family
        family |= more


def await_true(what, condition, limit=30):
    until = time.monotonic() + limit
    while not condition():
        if time.monotonic() > until:
            raise SystemExit("waited %d s in vain: %s" % (limit, what))
        time.sleep(0.1)


class Munge:
    def __init__(self, dir):
        self.dir = os.path.join(dir, "munge")
        os.makedirs(self.dir, mode=0o755)
        with open(os.path.join(self.dir, "key"), "wb") as f:
            f.write(os.urandom(128))
        os.chmod(os.path.join(self.dir, "key"), 0o400)

    def start(self):
        d = self.dir
        # --force: the folder's parent, such as /tmp, may be written by all.
        subprocess.run(
            ["munged", "--force", "--socket=%s/socket" % d,
             "--key-file=%s/key" % d, "--pid-file=%s/pid" % d,
             "--seed-file=%s/seed" % d, "--log-file=%s/log" % d],
            env=clean_environment(), check=True,
            stderr=subprocess.DEVNULL)

    def stop(self):
        pid = read_pid(os.path.join(self.dir, "pid"))
        if pid:
            os.kill(pid, signal.SIGTERM)


class Cluster:
    def __init__(self, munge, dir, name, nodes=2, cpus=4, gpus=2,
                 min_job_age=300, job_submit_lua=None):
        self.dir = os.path.join(dir, name)
        self.name = name
        self.nodes = ["%s%d" % (name, n + 1) for n in range(nodes)]
        os.makedirs(os.path.join(self.dir, "state"))
        port, *node_ports = free_ports(nodes + 1)
        lines = []
        devices = ["/dev/null", "/dev/zero", "/dev/full", "/dev/random"]
        with open(os.path.join(self.dir, "gres.conf"), "w") as f:
            for node in self.nodes:
                f.write("NodeName=%s Name=gpu File=%s\n"
                        % (node, ",".join(devices[:gpus])))
        with open(os.path.join(self.dir, "cgroup.conf"), "w") as f:
            # None is used; but left to look for itself, slurmd would not start
            # where none are mounted.
            f.write("CgroupPlugin=cgroup/v1\n")
        for node, node_port in zip(self.nodes, node_ports):
            os.makedirs(os.path.join(self.dir, "spool-" + node))
            lines.append(
                "NodeName=%s NodeHostname=localhost NodeAddr=127.0.0.1 Port=%d "
                "CPUs=%d RealMemory=1000 Gres=gpu:%d State=UNKNOWN"
                % (node, node_port, cpus, gpus))
        self.conf = os.path.join(self.dir, "slurm.conf")
        with open(self.conf, "w") as f:
            f.write(CONF.format(name=name, port=port, munge=munge.dir,
                                bind=LOOPBACK if name_is_loopback() else "",
                                user=subprocess.getoutput("id -un"),
                                dir=self.dir, nodes="\n".join(lines),
                                min_job_age=min_job_age))
            if job_submit_lua:
                f.write("JobSubmitPlugins=lua\n")
                shutil.copy(job_submit_lua,
                            os.path.join(self.dir, "job_submit.lua"))
        self.env = clean_environment()
        self.env["SLURM_CONF"] = self.conf

    def run(self, *words, check=True):
        done = subprocess.run(words, env=self.env, capture_output=True,
                              text=True, timeout=30)
        if check and done.returncode != 0:
            raise SystemExit("%s: %s" % (words, done.stderr))
        return done.stdout

    def run_as_user(self, *words):
        """As somebody else than carbond, where we may."""
        if os.geteuid() == 0:
            words = ("setpriv", "--reuid=65534", "--regid=65534",
                     "--clear-groups") + words
        return self.run(*words)

    def job(self, number):
        """Slurm's own words of a job; empty when it does not know it."""
        text = self.run("scontrol", "--oneliner", "show", "job", number,
                        check=False)
        return dict(word.split("=", 1) for word in text.split() if "=" in word)

    def works(self, *words):
        return subprocess.run(words, env=self.env, capture_output=True,
                              timeout=30).returncode == 0

    def pid(self, daemon):
        pid = read_pid(os.path.join(self.dir, daemon + ".pid"))
        return pid if pid and lives(pid) else None

    def start_controller(self):
        subprocess.run(["slurmctld", "-f", self.conf], env=self.env,
                       check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        await_true("slurmctld of %s answers" % self.name,
                   lambda: "UP" in self.run("scontrol", "ping", check=False))

    def start_node(self, node):
        if not self.works("slurmd", "-f", self.conf, "-N", node):
            with open(os.path.join(self.dir, "slurmd-%s.log" % node)) as f:
                raise SystemExit("slurmd does not start: " + f.read()[-2000:])

    def start(self):
        self.start_controller()
        for node in self.nodes:
            self.start_node(node)
        usable = ("idle", "mixed", "allocated", "completing")
        await_true("the nodes of %s are up" % self.name, lambda: sum(
            state in usable for state in self.run(
                "sinfo", "-h", "-N", "-p", "main", "-o", "%T").split()) == len(self.nodes))

    def signal(self, daemon, number):
        pid = self.pid(daemon)
        assert pid, "%s of %s does not run" % (daemon, self.name)
        os.kill(pid, number)
        if number == signal.SIGKILL:
            await_true("%s is gone" % daemon, lambda: not lives(pid))

    def kill_node(self, node):
        """All of it in one go: slurmd, its jobs' slurmstepds (which write to
        the same log), and all that is under them."""
        log = os.path.join(self.dir, "slurmd-%s.log" % node)
        doomed = with_children(holders_of(log))
        for number in (signal.SIGSTOP, signal.SIGKILL):  # none sees another go
            for pid in doomed:
                os.kill(pid, number)
        await_true("all of %s is gone" % node,
                   lambda: not any(lives(pid) for pid in doomed))

    def jobs(self):
        """(id, state, name, node) of all jobs it remembers."""
        lines = self.run("squeue", "-h", "-t", "all", "-o",
                         "%i\x1f%T\x1f%j\x1f%N").splitlines()
        return [tuple(line.split("\x1f")) for line in lines]

    def ended(self):
        """One dict of Slurm's own words for each job that has ended."""
        rows = []
        try:
            with open(os.path.join(self.dir, "ended.log")) as f:
                for line in f:
                    rows.append(dict(word.split("=", 1)
                                     for word in line.split() if "=" in word))
        except FileNotFoundError:
            pass
        return rows

    def stop(self):
        for daemon in ["slurmctld"] + ["slurmd-" + n for n in self.nodes]:
            pid = self.pid(daemon)
            if pid:
                os.kill(pid, signal.SIGCONT)
                os.kill(pid, signal.SIGKILL)


class Clusters:
    """with Clusters(dir, "eu", "us") as clusters: clusters["eu"].run(...)"""

    def __init__(self, dir, *names, **shape):
        os.chmod(dir, 0o755)  # for who is not root
        self.dir = dir
        self.munge = Munge(dir)
        of = shape.pop("of", {})  # what one of them has of its own
        self.clusters = {
            name: Cluster(self.munge, dir, name, **shape, **of.get(name, {}))
            for name in names}

    def __getitem__(self, name):
        return self.clusters[name]

    def __enter__(self):
        self.munge.start()
        try:
            for cluster in self.clusters.values():
                cluster.start()
        except BaseException:
            self.__exit__(BaseException)  # or what had started would stay
            raise
        return self

    def __exit__(self, kind=None, *_):
        for cluster in self.clusters.values():
            cluster.run("scancel", "--user=" + subprocess.getoutput("id -un"),
                        check=False)
        time.sleep(1)
        for cluster in self.clusters.values():
            cluster.stop()
        self.munge.stop()
        if kind is None:
            shutil.rmtree(self.dir, ignore_errors=True)
