#!/usr/bin/env bash
# Shows carbond at work on this machine, without an account and without root
# once the packages are there: builds it, starts it with a recorded grid that
# is replayed as if it were today's, and follows one real training job that is
# deferred, paused, resumed and accounted. Hours pass in seconds.
#
#   deploy/quickstart.sh [--dir DIR] [--speed N] [--keep]
#   deploy/quickstart.sh --provider sandbox [--dir DIR]
#
#   --dir DIR   where the ledger and the logs go (default: a new folder in /tmp)
#   --speed N   how much faster than the sun time runs (100 to 2400; 1200)
#   --keep      leave carbond running at the end, to play with
#   --provider sandbox  instead of that show, half a minute in real time with
#               grid services over HTTP, which a stand-in on this machine plays
set -euo pipefail

say() { printf '%s\n' "$*"; }
step() { printf '\n%s== %s ==%s\n' "$bold" "$*" "$plain"; }
warn() { printf 'quickstart.sh: %s\n' "$*" >&2; }
fail() { warn "$@"; exit 1; }
wrong_use() { warn "$@"; exit 2; }

bold='' dim='' plain=''
if [[ -t 1 && ${TERM:-dumb} != dumb && -z ${NO_COLOR:-} ]]; then
  bold=$'\e[1m' dim=$'\e[2m' plain=$'\e[0m'
fi

# ---- What was asked for -----------------------------------------------------

dir='' speed=1200 keep= provider=
while (($#)); do
  case $1 in
    --dir)
      (($# > 1)) && [[ -n $2 ]] || wrong_use "--dir needs a folder"
      dir=$2
      shift
      ;;
    --speed)
      [[ ${2:-} =~ ^[0-9]{1,6}$ ]] && ((10#$2 >= 100 && 10#$2 <= 2400)) ||
        wrong_use "--speed needs a number from 100 to 2400"
      speed=$((10#$2))
      shift
      ;;
    --keep) keep=yes ;;
    --provider)
      [[ ${2:-} == sandbox ]] || wrong_use "--provider knows: sandbox"
      provider=$2
      shift
      ;;
    -h | --help) sed -n '2,/^set/{/^set/!s/^# \{0,1\}//p}' "$0"; exit ;;
    *) wrong_use "\`$1\` is not known; see --help" ;;
  esac
  shift
done

source_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build_dir=${CARBOND_BUILD_DIR:-$source_dir/build/release}
carbond=$build_dir/daemon/carbond
carbonctl=$build_dir/client/carbonctl

# ---- The story --------------------------------------------------------------

# California, 5 June 2021, four in the morning; see deploy/data/README.md.
day=2021-06-05 begin_utc=11:00
export TZ=Etc/GMT+7  # the job's grid is read best in its own local time

# The job: 6 h 40 min of work on the daemon's clock. How many rounds of training
# that is on this machine is tried out below.
work_minutes=400
# Saving, and starting Python again, take less than half a second of real time.
overhead_minutes=$(((speed + 119) / 120))
# A checkpoint is given up after five real seconds.
timeout_minutes=$(((speed * 5 + 59) / 60))

# ---- Starting and stopping --------------------------------------------------

daemon='' job=''

daemon_runs() { [[ -n $daemon ]] && kill -0 "$daemon" 2>/dev/null; }

# Ends a process of ours: TERM, ten seconds, KILL.
stop_process() {
  local pid=$1 tries
  kill "$pid" 2>/dev/null || return 0
  for ((tries = 0; tries < 200; tries++)); do
    kill -0 "$pid" 2>/dev/null || return 0
    sleep 0.05
  done
  kill -KILL "$pid" 2>/dev/null || true
}

stop_daemon() {
  daemon_runs || return 0
  stop_process "$daemon"
  wait "$daemon" 2>/dev/null || true
  rm -f "$dir/carbond.pid"
}

show_log() {
  [[ -s $dir/carbond.log ]] || return 0
  warn "the last lines of $dir/carbond.log:"
  tail -n 20 "$dir/carbond.log" | sed 's/^/    /' >&2
}

# However this script ends, nothing of it is left running, unless --keep. The
# terminal may be gone by now: what cannot be said must not stop the rest.
finish() {
  local code=$? child
  trap - EXIT
  trap '' INT TERM HUP PIPE
  set +e
  for child in $(jobs -p); do
    [[ $child == "$daemon" ]] || kill "$child" 2>/dev/null
  done
  if ((code != 0)); then
    if daemon_runs && [[ -n $job ]]; then
      # A job outlives its daemon: it must be ended by name.
      warn "stopping job $job and carbond"
      timeout 10 "$carbonctl" cancel "$job" >/dev/null 2>&1
      timeout 10 "$carbonctl" wait "$job" >/dev/null 2>&1
    fi
    stop_daemon
    ((code >= 128)) || show_log
  elif [[ -z $keep ]]; then
    stop_daemon
  fi
  exit "$code"
}

quoted() { printf "'%s'" "${1//\'/\'\'}"; }  # for YAML
shell_quoted() { printf '%q' "$1"; }

# ---- Packages and build -----------------------------------------------------

step "Packages and build"
"$source_dir/deploy/packages.sh" build demo
mkdir -p "$build_dir"
build_log=$build_dir/quickstart-configure.log
(cd "$source_dir" && cmake --preset release -B "$build_dir" -DBUILD_TESTING=OFF) \
  >"$build_log" 2>&1 || {
  tail -n 20 "$build_log" >&2
  fail "cmake could not configure; all it said is in $build_log"
}
cmake --build "$build_dir" --target carbond carbon-runner carbon-meter carbonctl ||
  fail "the build failed; what to mend stands above"

if [[ -n $provider ]]; then
  [[ -n $dir ]] || dir=$(mktemp -d "${TMPDIR:-/tmp}/carbond-XXXXXX")
  mkdir -p "$dir" || fail "cannot make the folder $dir; choose another --dir"
  dir=$(cd "$dir" && pwd)
  [[ -z $(ls -A "$dir") ]] || fail "$dir is not empty; name a new folder"
  unset TZ
  exec "$source_dir/deploy/demo/services.sh" "$carbond" "$carbonctl" "$dir"
fi

# The system's own Python has the packages; another one may come first.
train=$source_dir/deploy/demo/train.py
python='' epochs=''
# As many epochs as take a little less, and then no faster: a machine that had
# something else to do while it was tried may turn out much quicker.
work_seconds=$((work_minutes * 60 / speed))
for candidate in /usr/bin/python3 python3; do
  python=$(command -v "$candidate") || continue
  epochs=$("$python" "$train" --epochs-for $((work_seconds * 9 / 10)) \
    2>/dev/null) && break
done
[[ -n $epochs ]] || "$python" "$train" --epochs-for 1 >/dev/null ||
  fail "the training job does not start here; the line above says why"

# ---- A folder, a configuration, a daemon -------------------------------------

if [[ -z $dir ]]; then
  dir=$(mktemp -d "${TMPDIR:-/tmp}/carbond-XXXXXX")
else
  mkdir -p "$dir" || fail "cannot make the folder $dir; choose another --dir"
  dir=$(cd "$dir" && pwd)
  # Only what an earlier quickstart left here is cleared away.
  if [[ ! -e $dir/.carbond-quickstart && -n $(ls -A "$dir") ]]; then
    fail "$dir holds other things; name an empty or a new folder"
  fi
  if old=$(cat "$dir/carbond.pid" 2>/dev/null) &&
    [[ $(readlink "/proc/$old/exe" 2>/dev/null) == */carbond* ]]; then
    say "stopping the carbond of an earlier quickstart (process $old)"
    stop_process "$old"
  fi
  rm -rf "$dir/state" "$dir/carbond.log" "$dir/carbond.yaml" "$dir/carbond.pid"
fi
touch "$dir/.carbond-quickstart"
state=$dir/state
socket=$dir/carbond.sock
# A socket's path may not be longer than 107 bytes.
if (($(printf %s "$socket" | wc -c) > 107)); then
  socket=$(mktemp -d /tmp/carbond-XXXXXX)/carbond.sock
fi
export CARBOND_ADDRESS=unix:$socket

cat >"$dir/carbond.yaml" <<YAML
# Written by deploy/quickstart.sh.
listen: $(quoted "unix:$socket")
state_dir: $(quoted "$state")
# One second is $speed seconds. Every report says so.
clock: {speed: $speed, start: "$begin_utc"}
providers:
  california:
    type: recorded
    actual: $(quoted "$source_dir/deploy/data/california-moer.csv.gz")
    forecast: $(quoted "$source_dir/deploy/data/california-moer-forecast.csv.gz")
    signal: co2_moer
    replay: now
    from: $day
    loop: true
regions:
  - name: here
    grid: california
    zone: CAISO_NORTH
    pue: 1.2
    executor: local
    capacity: {cpus: $(nproc)}
YAML

trap finish EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 141' PIPE
trap 'exit 143' TERM

step "Start carbond"
# In a session of its own: Ctrl-C is for this script, which then ends the job.
setsid "$carbond" --config "$dir/carbond.yaml" \
  </dev/null >"$dir/carbond.log" 2>&1 &
daemon=$!
echo "$daemon" >"$dir/carbond.pid"
for ((tries = 0; ; tries++)); do
  "$carbonctl" regions >"$dir/regions" 2>/dev/null && break
  daemon_runs || fail "carbond did not start"
  ((tries < 200)) || fail "carbond does not answer at $CARBOND_ADDRESS"
  sleep 0.05
done
cat "$dir/regions"
rm "$dir/regions"
say
say "${bold}Time is scaled: one second here is $((speed / 60)) minutes there.$plain"
say "The grid is California's as it was from $day on, replayed as if it were"
say "today's; times are those of California. It is four in the morning."

# ---- The show -----------------------------------------------------------------

job_flags=(--name digits --cpus 1 --power 300W --duration "${work_minutes}m"
  --deadline 36h --pause checkpoint --min-run 1h
  --checkpoint-cost "${overhead_minutes}m" --resume-cost "${overhead_minutes}m"
  --checkpoint-timeout "${timeout_minutes}m" --workdir "$dir")
command=("$python" "$train" --epochs "$epochs" --seed 1
  --least-seconds "$work_seconds")

step "What would carbond do with a training job of $((work_minutes / 60)) h $((work_minutes % 60)) min?"
say "${dim}carbonctl plan --pause checkpoint --deadline 36h ... -- train.py$plain"
"$carbonctl" plan "${job_flags[@]}" -- "${command[@]}"

step "Submit it"
say "It draws, so we declare, 300 W, as one GPU would."
job=$("$carbonctl" submit "${job_flags[@]}" -- "${command[@]}")
say "job $job"

step "Follow it: what carbond does, and what the job writes"
"$carbonctl" logs -f "$job" 2>&1 | sed -u "s/^/    $dim|$plain /" &
logs=$!
# The job's own lines say how far it is.
"$carbonctl" watch "$job" |
  sed -u '/: progress [0-9.]* %$/d; /: Planned: running: /d' &
# In the background, and waited for, so that Ctrl-C is heard at once.
wait $! || true
wait "$logs" || true
"$carbonctl" wait "$job" || fail "job $job did not succeed"

step "What it did, and what it emitted"
"$carbonctl" show "$job"
say
"$carbonctl" emissions "$job"

say "${dim}A clear day, chosen because it shows every step; most days save less.$plain"

step "The ledger"
query="SELECT run, purpose, sum(facility_mwh) / 1e6 AS kwh,
  sum(emissions_mg) / 1e3 AS grams FROM emissions WHERE job = $job
  GROUP BY run, purpose ORDER BY min(begin_ms)"
if command -v sqlite3 >/dev/null; then
  say "${dim}sqlite3 -readonly $(shell_quoted "$state/ledger.db") \"$query\"$plain"
  sqlite3 -readonly -header -column "$state/ledger.db" "$query"
else
  say "$state/ledger.db (the program sqlite3 is not here to show it)"
fi
"$carbond" ledger verify --db "$state/ledger.db"

# ---- And now? -----------------------------------------------------------------

step "Next"
say "Unbroken, the same training ends with the same weights, bit for bit:"
say "  $(shell_quoted "$python") $(shell_quoted "$train") --epochs $epochs --seed 1"
say "What carbond knows is plain SQLite:"
say "  sqlite3 -readonly $(shell_quoted "$state/ledger.db") .tables"
if [[ -n $keep ]]; then
  say "carbond goes on running, $speed times as fast as the sun. Try:"
else
  say "carbond is stopped. Start it again, $speed times as fast as the sun:"
  say "  $(shell_quoted "$carbond") --config $(shell_quoted "$dir/carbond.yaml") &"
fi
say "  export TZ=$TZ CARBOND_ADDRESS=$(shell_quoted "$CARBOND_ADDRESS")"
say "  alias carbonctl=$(shell_quoted "$carbonctl")"
say "  carbonctl forecast"
for verb in plan submit; do
  say "  carbonctl $verb --duration 3h --power 1kW --pause suspend --" \
    "sleep $((3 * 3600 / speed))"
done
say "  carbonctl list"
say "When you are done:"
[[ -z $keep ]] || say "  kill $daemon"
say "  rm -r $(shell_quoted "$dir")"
