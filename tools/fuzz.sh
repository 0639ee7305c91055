#!/usr/bin/env bash
# `make fuzz`: builds every src/**/x_fuzz.cc and runs each for so many seconds (60), one after the other.
# Seeds come from tests/fuzz/x/ where there are any; what is found is left in build/fuzz/found and fails the run.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-60}
mapfile -t sources < <(find src tests/fuzz -name '*_fuzz.cc' 2>/dev/null | sort)
[ "${#sources[@]}" -gt 0 ] || { echo "fuzz: there is no fuzz target (src/**/*_fuzz.cc)" >&2; exit 1; }
targets=()
for source in "${sources[@]}"; do targets+=("$(basename "$source" .cc)"); done
tools/build.sh fuzz "${targets[@]}"
mkdir -p build/fuzz/found
for target in "${targets[@]}"; do
  mkdir -p "build/fuzz/corpus/$target"
  seeds=()
  [ -d "tests/fuzz/$target" ] && seeds=("tests/fuzz/$target")
  echo "fuzz: $target for $seconds s"
  "build/fuzz/$target" -max_total_time="$seconds" -artifact_prefix="build/fuzz/found/$target-" -print_final_stats=1 \
    "build/fuzz/corpus/$target" "${seeds[@]}" 2>"build/fuzz/$target.log" || { tail -40 "build/fuzz/$target.log" >&2; exit 1; }
  grep -E 'stat::(number_of_executed_units|average_exec_per_sec)' "build/fuzz/$target.log"
done
