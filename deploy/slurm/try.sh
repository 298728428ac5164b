#!/usr/bin/env bash
# Two Slurm clusters on this machine, carbond over both, and a shell to try it.
set -euo pipefail

source_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build_dir=${CARBOND_BUILD_DIR:-$source_dir/build/release}

"$source_dir/deploy/packages.sh" build tests
cmake -S "$source_dir" -B "$build_dir" --preset release >/dev/null
cmake --build "$build_dir" --target carbond carbonctl carbon-runner carbon-meter
exec python3 "$source_dir/tests/slurm/try.py" "$build_dir"
