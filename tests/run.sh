#!/usr/bin/env bash
# Installs what is missing, builds the preset `dev` and runs all its tests.
# Arguments are handed to ctest: tests/run.sh -R Planner
#
#   CARBOND_BUILD_DIR=DIR   builds there instead of in build/dev
#   CARBOND_TEST_JOBS=N     so many tests at a time (default: two per core, since
#                           the longest ones mostly wait)
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
build_dir=${CARBOND_BUILD_DIR:-build/dev}

deploy/packages.sh build tests
# Line numbers but no local variables: a quarter less time to build.
cmake --preset dev -B "$build_dir" -DCMAKE_CXX_FLAGS_DEBUG=-g1
cmake --build "$build_dir"
# What takes hours, or measures, is asked for by its label.
exec ctest --test-dir "$build_dir" --output-on-failure --no-tests=error \
  -LE '^(full|bench)$' -j "${CARBOND_TEST_JOBS:-$(($(nproc) * 2))}" "$@"
