#!/usr/bin/env bash
# `make run`: serves the example shop with its data. tools/run_shop.sh [ADDR:PORT [serve options…]]
# The first run loads the data (examples/shop/seed DATA_DIR BINARY), later ones keep what is there; to begin anew, remove
# build/run/shop.
set -euo pipefail
cd "$(dirname "$0")/.."
binary=$PWD/build/release/mettle
data=$PWD/build/run/shop
listen=${1:-127.0.0.1:8080}
[ $# -gt 0 ] && shift
[ -f examples/shop/mettle.yaml ] || { echo "make run: examples/shop/mettle.yaml does not exist" >&2; exit 1; }
mkdir -p "$data"
if [ -x examples/shop/seed ] && [ ! -e "$data/.seeded" ]; then
  examples/shop/seed "$data" "$binary"
  touch "$data/.seeded"
fi
exec "$binary" serve examples/shop/mettle.yaml --data "$data" --listen "$listen" "$@"
