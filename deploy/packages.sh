#!/usr/bin/env bash
# Installs the Debian packages that are missing.
#
#   deploy/packages.sh [build] [tests] [demo]        (none named: build)
#
# Needs root, or sudo, only when something is missing. On another system than
# Debian 12 it installs nothing: it says so, and goes on if what the packages
# would bring is there.
set -euo pipefail

build=(g++ cmake ninja-build pkg-config protobuf-compiler
  protobuf-compiler-grpc libgrpc++-dev libprotobuf-dev libabsl-dev
  libsqlitecpp-dev libsqlite3-dev libspdlog-dev libfmt-dev nlohmann-json3-dev
  libyaml-cpp-dev libcli11-dev zlib1g-dev libcurl4-openssl-dev
  libssl-dev
  prometheus-cpp-dev ca-certificates)
tests=(openssl libgtest-dev libgmock-dev libbenchmark-dev sqlite3 tzdata python3
  python3-numpy slurm-wlm munge)
demo=(python3 python3-numpy sqlite3 tzdata)

say() { printf 'packages.sh: %s\n' "$*" >&2; }
fail() { say "$@"; exit 1; }

wanted=()
for list in "${@:-build}"; do
  case $list in
    build) wanted+=("${build[@]}") ;;
    tests) wanted+=("${tests[@]}") ;;
    demo) wanted+=("${demo[@]}") ;;
    -h | --help) sed -n '2,/^set/{/^set/!s/^# \{0,1\}//p}' "$0"; exit ;;
    *) fail "there is no list \`$list\`; name build, tests or demo" ;;
  esac
done

# ---- Another system ---------------------------------------------------------

# What the build needs, whatever the packages are called.
headers=(grpcpp/grpcpp.h google/protobuf/message.h absl/status/statusor.h
  SQLiteCpp/SQLiteCpp.h sqlite3.h spdlog/spdlog.h fmt/format.h
  nlohmann/json.hpp yaml-cpp/yaml.h CLI/CLI.hpp zlib.h curl/curl.h
  prometheus/exposer.h openssl/evp.h)

not_found() {
  local name
  for name in g++ cmake ninja protoc grpc_cpp_plugin python3; do
    command -v "$name" >/dev/null || echo "$name"
  done
  if command -v g++ >/dev/null; then
    for name in "${headers[@]}"; do
      printf '#if !__has_include(<%s>)\n<%s>\n#endif\n' "$name" "$name"
    done | g++ -std=c++20 -E -P -x c++ - | grep '^<' || true
  fi
}

# /etc/os-release is a shell script by its own standard.
system=$(. /etc/os-release 2>/dev/null && echo "${ID:-} ${VERSION_ID:-}" || true)
if [[ $system != "debian 12" ]] || ! command -v apt-get >/dev/null; then
  say "this is ${system:-no Debian} and not Debian 12: nothing is installed"
  missing=$(not_found | tr '\n' ' ')
  [[ -z $missing ]] || fail "not found: ${missing}- install what brings it" \
    "(on Debian 12: ${wanted[*]})"
  exit 0
fi

# ---- Debian 12 --------------------------------------------------------------

# dpkg-query fails when it does not know one of the names; the others count.
installed=" $(dpkg-query -W -f='${Package}=${db:Status-Status} ' \
  "${wanted[@]}" 2>/dev/null || true)"
missing=()
for package in "${wanted[@]}"; do
  [[ $installed == *" $package=installed "* ||
    " ${missing[*]-} " == *" $package "* ]] || missing+=("$package")
done
((${#missing[@]})) || exit 0

as_root=()
if ((EUID != 0)); then
  command -v sudo >/dev/null ||
    fail "missing: ${missing[*]}; as root: apt-get install" \
      "--no-install-recommends ${missing[*]}"
  as_root=(sudo)
fi

apt() {
  ${as_root[@]+"${as_root[@]}"} env DEBIAN_FRONTEND=noninteractive \
    apt-get -o DPkg::Lock::Timeout=300 -q "$@"
}
say "installing ${missing[*]}"
apt update || say "apt-get update failed: trying with the lists that are there"
apt install -y --no-install-recommends "${missing[@]}" ||
  fail "could not install ${missing[*]}; apt-get says above why"
