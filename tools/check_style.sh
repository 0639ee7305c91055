#!/usr/bin/env bash
# `make lint`: clang-format on every source, tools/lint.py, clang-tidy on what changed.
#   tools/check_style.sh [--format-only | --tidy-only BUILD_DIR]
# "Changed" is what differs from the branch's upstream or, where that is the same, from the commit before; everything with
# METTLE_TIDY=all. clang-tidy needs compile commands: those of build/dev unless another build is named.
set -euo pipefail
cd "$(dirname "$0")/.."
mode=${1:-all}
build=${2:-build/dev}
failed=0

list_sources() {
  # Without git (an unpacked archive) every file counts.
  if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
    git ls-files --cached --others --exclude-standard src include examples tests bench
  else
    find src include examples tests bench -type f
  fi | grep -E '\.(cc|h)$' | sort -u | while read -r file; do [ -f "$file" ] && echo "$file"; done || true
}

check_format() {
  local files
  mapfile -t files < <(list_sources)
  [ "${#files[@]}" = 0 ] && return
  clang-format-19 --dry-run -Werror "${files[@]}" && return
  echo "lint: the files above are not formatted; run make format" >&2
  failed=1
}

changed_sources() {
  if [ "${METTLE_TIDY:-changed}" = all ]; then
    list_sources
    return
  fi
  local base head
  head=$(git rev-parse --verify --quiet HEAD) || return 0
  base=$(git rev-parse --verify --quiet '@{upstream}' || true)
  if [ -z "$base" ] || [ "$base" = "$head" ]; then
    base=$(git rev-parse --verify --quiet 'HEAD~1' || echo "$head")
  fi
  { git diff --name-only --diff-filter=d "$base" -- src; git ls-files --others --exclude-standard src; } | sort -u
}

check_tidy() {
  if [ ! -f "$build/compile_commands.json" ]; then
    echo "lint: clang-tidy needs $build/compile_commands.json; run tools/build.sh dev, or make test" >&2
    failed=1
    return
  fi
  local files=() file
  while read -r file; do
    # Only what the build knows: anything else would be parsed with guessed flags.
    [[ $file == *.cc ]] && grep -qF "/$file\"" "$build/compile_commands.json" && files+=("$file")
  done < <(changed_sources)
  echo "lint: clang-tidy on ${#files[@]} changed files" >&2
  [ "${#files[@]}" = 0 ] && return
  printf '%s\0' "${files[@]}" | xargs -0 -n 2 -P "${JOBS:-$(nproc)}" \
    clang-tidy-19 -p "$build" --quiet --warnings-as-errors='*' || failed=1
}

case "$mode" in
  --format-only) check_format ;;
  --tidy-only) check_tidy ;;
  all)
    check_format
    python3 tools/lint.py || failed=1
    check_tidy
    ;;
  *) sed -n '2,5s/^# //p' "$0" >&2; exit 2 ;;
esac
exit "$failed"
