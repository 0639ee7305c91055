#!/usr/bin/env bash
# `make fuzz`: builds every src/**/x_fuzz.cc (in the ASan build, as CI does) and runs each for so many seconds (60), one
# after the other, with another seed each time. docs/internals/fuzzing.md says what then.
set -euo pipefail
cd "$(dirname "$0")/.."
mapfile -t targets < <(find src -name '*_fuzz.cc' -exec basename {} .cc ';' | sort)
tools/build.sh asan "${targets[@]}"
exec python3 tools/fuzz.py all build/asan --seconds "${1:-60}"
