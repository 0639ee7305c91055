#!/usr/bin/env bash
# tools/build_optimised.sh: the binary that is shipped and measured, build/optimised/mettle: the release, laid out by what a load did
# (docs/decisions/0009). Builds one that counts (build/profiling), runs bench/train with it, and builds anew by its counts:
# a quarter of an hour on two cores, seconds where nothing changed.
set -euo pipefail
cd "$(dirname "$0")/.."
profile=$PWD/build/profiling/load.profdata  # as in CMakePresets.json
counts=$PWD/build/profiling/counts

tools/build.sh profiling mettle
if [ build/profiling/mettle -nt "$profile" ] || [ bench/train -nt "$profile" ]; then
  # Ninja does not know that each object depends on the profile.
  rm -rf build/optimised "$counts"
  mkdir -p "$counts"
  LLVM_PROFILE_FILE=$counts/%p.profraw bench/train --mettle build/profiling/mettle
  llvm-profdata-19 merge -o "$profile" "$counts"/*.profraw
  rm -rf "$counts"
fi
tools/build.sh optimised mettle
