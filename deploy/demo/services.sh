#!/usr/bin/env bash
# Tries carbond with grid services over real sockets, without an account: a
# stand-in on this machine speaks as WattTime, Electricity Maps, Great
# Britain's operator and the Carbon Aware SDK do, with California's recorded
# grid. Called by deploy/quickstart.sh --provider sandbox; takes half a minute.
#
#   services.sh CARBOND CARBONCTL DIR
set -euo pipefail

carbond=$1 carbonctl=$2 dir=$3
source_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
server='' daemon=''

bold='' dim='' plain=''
if [[ -t 1 && ${TERM:-dumb} != dumb && -z ${NO_COLOR:-} ]]; then
  bold=$'\e[1m' dim=$'\e[2m' plain=$'\e[0m'
fi
say() { printf '%s\n' "$*"; }
step() { printf '\n%s== %s ==%s\n' "$bold" "$*" "$plain"; }
show() { say "$dim$*$plain"; }
fail() {
  printf 'services.sh: %s\n' "$*" >&2
  [[ ! -s $dir/carbond.log ]] || tail -n 20 "$dir/carbond.log" >&2
  exit 1
}

finish() {
  local code=$? child
  trap - EXIT
  for child in $daemon $server; do
    kill "$child" 2>/dev/null || true
    wait "$child" 2>/dev/null || true
  done
  exit "$code"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

step "A stand-in for four services"
python3 "$source_dir/tests/grid_server/grid_server.py" >"$dir/server.url" &
server=$!
for ((tries = 0; tries < 100; tries++)); do
  [[ ! -s $dir/server.url ]] || break
  kill -0 "$server" 2>/dev/null || fail "the stand-in did not start"
  sleep 0.05
done
url=$(cat "$dir/server.url")
say "$url"

(umask 077 && echo sesame >"$dir/watttime.password" && echo em-key >"$dir/em.key")
export WATTTIME_USER=carbond
export CARBOND_ADDRESS=unix:$dir/carbond.sock
cat >"$dir/carbond.yaml" <<YAML
# Written by deploy/demo/services.sh.
listen: "unix:$dir/carbond.sock"
state_dir: "$dir/state"
providers:
  wt: {type: watttime, base_url: "$url", username_env: WATTTIME_USER,
       password_file: watttime.password}
  sdk: {type: carbon_aware_sdk, base_url: "$url", signal: co2_moer}
  em: {type: electricity_maps, base_url: "$url/v3", token_file: em.key}
  gb: {type: carbonintensity_uk, base_url: "$url"}
  table: {type: static}
regions:
  # The SDK speaks while WattTime is silent; each names the zone in its own way.
  - {name: west, grid: [wt, sdk], zone: {wt: CAISO_NORTH, sdk: westus},
     cloud: aws/us-west-1, capacity: {cpus: $(nproc)}}
  - {name: frankfurt, grid: em, cloud: aws/eu-central-1, capacity: {cpus: 1}}
  - {name: london, grid: gb, cloud: aws/eu-west-2, capacity: {cpus: 1}}
  # No service at all: a yearly average, which makes no job wait.
  - {name: stockholm, grid: table, cloud: aws/eu-north-1, capacity: {cpus: 1}}
YAML

step "What works, before any job is trusted to it"
show "carbond doctor --config carbond.yaml"
"$carbond" doctor --config "$dir/carbond.yaml" ||
  fail "the doctor found something to mend"

step "Start carbond"
"$carbond" --config "$dir/carbond.yaml" </dev/null >"$dir/carbond.log" 2>&1 &
daemon=$!
for ((tries = 0; ; tries++)); do
  "$carbonctl" regions >"$dir/regions" 2>/dev/null || true
  (($(grep -c fresh "$dir/regions") < 3)) || break
  kill -0 "$daemon" 2>/dev/null || fail "carbond did not start"
  ((tries < 200)) || fail "the services' forecasts did not come"
  sleep 0.1
done
show "carbonctl regions"
cat "$dir/regions"
show "carbonctl forecast west"
"$carbonctl" forecast west

step "When and where would a job run?"
job=(--power 1kW --region west --pause suspend)
show "carbonctl plan ${job[*]} --duration 3h --deadline 24h -- train.py"
"$carbonctl" plan "${job[@]}" --duration 3h --deadline 24h -- sleep 1

step "Run one"
show "carbonctl submit ${job[*]} --duration 5s --deadline 1m -- sleep 3"
id=$("$carbonctl" submit "${job[@]}" --duration 5s --deadline 1m -- sleep 3)
"$carbonctl" wait "$id" || fail "job $id did not succeed"
show "carbonctl emissions $id"
"$carbonctl" emissions "$id"

step "Next"
say "Your own account: type, zone and where the secret stands, as in"
say "deploy/carbond.example.yaml; then carbond doctor says what it may read."
say "All of this lies in $dir"
