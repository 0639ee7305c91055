#!/usr/bin/env bash
# `make run`: serves the example shop with its data. tools/run_shop.sh [ADDR:PORT [serve options…]]
# The first run loads the data (100,000 products; examples/shop/seed.py), a later one finds it there, and one that was
# interrupted goes on. To begin anew, remove build/run/shop.
set -euo pipefail
cd "$(dirname "$0")/.."
binary=$PWD/build/release/mettle
app=examples/shop/mettle.yaml
data=$PWD/build/run/shop
listen=${1:-127.0.0.1:8080}
[ $# -gt 0 ] && shift
[ -f "$app" ] || { echo "make run: $app does not exist" >&2; exit 1; }
umask 077  # the keys of the demonstration are keys
mkdir -p "$data/seed"

"$binary" serve "$app" --data "$data" --listen "$listen" "$@" &
server=$!
# Its end is ours, whichever way it comes.
trap 'kill -TERM "$server" 2>/dev/null || true' INT TERM EXIT
until curl -sf -o /dev/null "http://$listen/livez"; do
  kill -0 "$server" 2>/dev/null || { wait "$server"; exit 1; }
  sleep 0.1
done

if [ ! -e "$data/.seeded" ]; then
  for table in users categories products orders order_items; do
    [ -e "$data/seed/$table.done" ] && continue
    python3 examples/shop/seed.py "$table" >"$data/seed/$table.ndjson"
    "$binary" data load "$app" "$table" "$data/seed/$table.ndjson" --data "$data"
    touch "$data/seed/$table.done"
  done
  "$binary" key create "$app" --data "$data" --role customer --user 01900000-0000-7000-8000-000100000001 >"$data/customer.key"
  "$binary" key create "$app" --data "$data" --role clerk --user 01900000-0000-7000-8000-0001000000c9 >"$data/clerk.key"
  touch "$data/.seeded"
  rm -rf "$data/seed"
fi
cat >&2 <<TEXT

  the shop      http://$listen/
  its API       http://$listen/docs
  a customer    Authorization: Bearer $(cat "$data/customer.key")
  a clerk       Authorization: Bearer $(cat "$data/clerk.key")

TEXT
status=0
wait "$server" || status=$?
# A signal ends the first wait, not the server.
if kill -0 "$server" 2>/dev/null; then status=0 && wait "$server" || status=$?; fi
trap - INT TERM EXIT
exit "$status"
