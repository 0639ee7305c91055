#!/usr/bin/env bash
# tools/build.sh PRESET [TARGET…]: configures the preset when needed and builds the targets (all without any).
set -euo pipefail
cd "$(dirname "$0")/.."
preset=$1
# CI builds in a new folder each time: without these two, ccache would take the folder's name for a difference.
if [ "${CI:-}" = true ]; then export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1; fi
shift
# Configuring again is cheap, and picks up a changed preset; its chatter matters only when it fails.
log=build/configure-$preset.log
mkdir -p build
if ! cmake --preset "$preset" >"$log" 2>&1; then
  cat "$log" >&2
  exit 1
fi
ninja -C "build/$preset" -j "${JOBS:-$(nproc)}" --quiet "$@"
