#!/usr/bin/env bash
# `make test`: everything that must hold before a change lands.
#   1. builds: coverage, which is dev that counts what runs; the same with ASan+UBSan; async, db and net with TSan
#   2. one ctest over all of it: unit tests and scenarios of coverage and of ASan, unit tests of TSan, kill -9, lint, the
#      tools' tests; at last the bounds of coverage
#   3. the tables that tests left in build/all/reports/NAME.txt
# It ends with ctest's own closing lines. `--quick` takes the dev build alone; other arguments go to ctest (-R NAME, -L unit).
#
# Why the coverage build stands in for dev here and not beside it: it is dev with counters, a twentieth slower to
# compile and as fast to run, where a build more would cost minutes. Why dev is not made so: who works on one folder builds it many times.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
export JOBS=${JOBS:-$(nproc)}
if [ "${CI:-}" = true ]; then export CCACHE_BASEDIR=$root CCACHE_NOHASHDIR=1; fi  # as in tools/build.sh
quick=0
[ "${1:-}" = --quick ] && { quick=1; shift; }

timed() {
  local what=$1 begun=$SECONDS
  shift
  "$@" || { echo "test: $what failed after $((SECONDS - begun)) s" >&2; exit 1; }
  printf 'test: %-34s %4d s\n' "$what" "$((SECONDS - begun))"
}

# Those of the folders that share state between threads; each of these test binaries exists once its folder has tests.
tsan_folders=(async db db_sqlite db_postgres net)
build_tsan() {
  local targets=() folder known
  cmake --preset tsan >build/configure-tsan.log 2>&1 || { cat build/configure-tsan.log >&2; return 1; }
  known=$(ninja -C build/tsan -t targets all)
  for folder in "${tsan_folders[@]}"; do
    grep -q "^${folder}_test: " <<<"$known" && targets+=("${folder}_test")
  done
  [ "${#targets[@]}" -gt 0 ] || { echo "test: no TSan target among ${tsan_folders[*]}" >&2; return 1; }
  ninja -C build/tsan -j "$JOBS" --quiet "${targets[@]}"
}

mkdir -p build/all
rm -rf build/all/reports
main=coverage
[ "$quick" = 1 ] && main=dev
timed "build $main" tools/build.sh "$main"
suites="subdirs(\"$root/build/$main\""
if [ "$quick" = 0 ]; then
  timed "build asan+ubsan" tools/build.sh asan
  timed "build tsan (${tsan_folders[*]})" build_tsan
  suites+=" \"$root/build/asan\""
fi
{
  echo "$suites)"
  if [ "$quick" = 0 ]; then
    # Of the TSan build only what was built: its other tests have no binary.
    for folder in "${tsan_folders[@]}"; do
      find build/tsan -maxdepth 1 -name "${folder}_test\[[0-9]*\]_include.cmake" -printf "include(\"$root/%p\")\n"
    done
  fi
} >build/all/CTestTestfile.cmake
python3 tools/slowest.py "build/$main"

export ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1:check_initialization_order=1:detect_leaks=1:abort_on_error=0
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
export TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1
export ASAN_SYMBOLIZER_PATH=/usr/bin/llvm-symbolizer-19 TSAN_SYMBOLIZER_PATH=/usr/bin/llvm-symbolizer-19
export UBSAN_SYMBOLIZER_PATH=/usr/bin/llvm-symbolizer-19 SCENARIO_START_SECONDS=60
# The server of the tests that need PostgreSQL.
trap 'tools/postgres.py stop build/postgres' EXIT
tools/postgres.py start build/postgres
echo "test: $SECONDS s so far; now the tests"
# A choice of tests leaves most of the code untouched: no report, no bounds.
[ "$#" -gt 0 ] && set -- -FA '^coverage$' "$@"

# Lets ctest's output pass, holds back its closing lines until the tables are shown.
tables_before_closing() {
  local line held="" table
  while IFS= read -r line; do
    if [ -n "$held" ] || [[ $line =~ ^[0-9]+%\ tests\ passed ]]; then held+=$line$'\n'; else printf '%s\n' "$line"; fi
  done
  for table in build/all/reports/*.txt; do
    [ -f "$table" ] && { cat "$table"; echo; }
  done
  printf '%s' "$held"
}
ctest --test-dir build/all -j "$JOBS" --output-on-failure --no-tests=error "$@" | tables_before_closing
