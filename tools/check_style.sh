#!/usr/bin/env bash
# `make lint`: clang-format on every source, tools/lint.py, clang-tidy on what changed.
# "Changed" is what differs from the branch's upstream or, without one, from the last commit; all with METTLE_TIDY=all.
# clang-tidy needs compile commands: those of build/dev, or of METTLE_TIDY_BUILD.
set -uo pipefail
cd "$(dirname "$0")/.."
failed=0

mapfile -t sources < <(git ls-files --cached --others --exclude-standard \
  'src/*.h' 'src/*.cc' 'include/*.h' 'examples/*.cc' 'examples/*.h' 'tests/*.cc' 'bench/*.cc' | sort -u)
existing=()
for file in "${sources[@]}"; do [ -f "$file" ] && existing+=("$file"); done

if [ "${#existing[@]}" -gt 0 ] && ! clang-format-19 --dry-run -Werror "${existing[@]}"; then
  echo "lint: the files above are not formatted; run make format" >&2
  failed=1
fi

python3 tools/lint.py || failed=1

build=${METTLE_TIDY_BUILD:-build/dev}
if [ "${METTLE_TIDY:-changed}" = all ]; then
  changed=("${existing[@]}")
else
  base=$(git rev-parse --verify --quiet '@{upstream}' || git rev-parse --verify --quiet 'HEAD~1' || git rev-parse HEAD)
  mapfile -t changed < <(git diff --name-only --diff-filter=d "$base" -- 'src/*.cc'; git ls-files --others --exclude-standard 'src/*.cc')
fi
tidy=()
for file in "${changed[@]}"; do
  # Only what the build knows: a file without compile commands would be parsed with guessed flags.
  [[ $file == *.cc ]] && grep -q "/$file\"" "$build/compile_commands.json" 2>/dev/null && tidy+=("$file")
done
if [ "${#tidy[@]}" -gt 0 ]; then
  echo "lint: clang-tidy on ${#tidy[@]} changed files" >&2
  printf '%s\0' "${tidy[@]}" | xargs -0 -n 4 -P "${JOBS:-$(nproc)}" \
    clang-tidy-19 -p "$build" --quiet --warnings-as-errors='*' || failed=1
elif [ ! -f "$build/compile_commands.json" ]; then
  echo "lint: clang-tidy skipped, there is no $build/compile_commands.json (make test makes it)" >&2
fi
exit "$failed"
