#!/usr/bin/env bash
# Installs what building, testing and measuring Mettle needs, on Debian 12, as root. Quick when nothing is missing: a
# stamp keyed by this script and the locked package lists, and one dpkg-query. Never asks, never starts a service.
#
#   tools/setup.sh            everything
#   tools/setup.sh --no-bench all but the peers that `make bench` measures against (they take a minute to compile)
#
# Fails with the package or file at fault. Safe to run again at any moment.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD

want_bench=1
[ "${1:-}" = --no-bench ] && want_bench=0

# Why each is here: docs/dependencies.md.
packages=(
  # toolchain
  clang-19 lld-19 llvm-19 libclang-rt-19-dev clang-format-19 clang-tidy-19
  ccache cmake ninja-build make pkg-config git python3 ca-certificates curl
  # libraries
  libboost1.81-dev libssl-dev libsimdjson-dev libfmt-dev libspdlog-dev libyaml-cpp-dev libre2-dev
  zlib1g-dev libbrotli-dev libcli11-dev libcurl4-openssl-dev libargon2-dev libqrencode-dev libnghttp2-dev libpq-dev
  # tests and measurements
  libgtest-dev libgmock-dev python3-h11 python3-aiosmtpd openssl iproute2 wrk nginx-light prometheus graphviz
  strace faketime valgrind chromium
  openssl python3-h2 nghttp2-client testssl.sh slowhttptest postgresql-15 sqlmap
)
# node-gyp compiles one of the bench peers with the first two; bench/flame samples with the third.
bench_packages=(g++ make linux-perf)
[ "$want_bench" = 1 ] && packages+=("${bench_packages[@]}")
# A Node from elsewhere than Debian is used as it is.
command -v node >/dev/null 2>&1 || packages+=(nodejs libnode-dev)
command -v npm >/dev/null 2>&1 || packages+=(npm)

say() { printf 'setup: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

missing_packages() {
  # Names that dpkg does not know make dpkg-query exit 1 and are simply absent from its output.
  local have
  have=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "${packages[@]}" 2>/dev/null | sed -n 's/^installed //p' || true)
  local name
  for name in "${packages[@]}"; do
    grep -qx -- "$name" <<<"$have" || printf '%s\n' "$name"
  done
}

install_packages() {
  local missing
  mapfile -t missing < <(missing_packages)
  [ "${#missing[@]}" = 0 ] && return
  command -v apt-get >/dev/null || fail "needs Debian's apt-get; install by hand: ${missing[*]}"
  [ "$(id -u)" = 0 ] || fail "run as root, or install by hand: apt-get install --no-install-recommends ${missing[*]}"
  say "installing ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  # invoke-rc.d asks this file whether it may start a service; 101 says no. A guard that is already there stays.
  local guard=/usr/sbin/policy-rc.d made_guard=0
  if [ ! -e "$guard" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$guard"
    chmod 755 "$guard"
    made_guard=1
  fi
  local status=0
  apt_install "${missing[@]}" || status=$?
  [ "$made_guard" = 1 ] && rm -f "$guard"
  [ "$status" = 0 ] || fail "apt-get could not install: ${missing[*]}"
}

apt_install() {
  local options=(-y -q --no-install-recommends -o Dpkg::Options::=--force-confold)
  # First without an update: the lists are often fresh enough, and an update is slow.
  apt-get install "${options[@]}" "$@" >&2 2>/dev/null && return
  apt-get update -q >&2 && apt-get install "${options[@]}" "$@" >&2
}

# npm trusts a list of its own; a certificate that the machine's owner added to Debian's must count, too.
if [ -z "${NODE_EXTRA_CA_CERTS:-}" ] && [ -f /etc/ssl/certs/ca-certificates.crt ]; then
  export NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt
fi
npm_quiet() { npm --no-audit --no-fund --no-update-notifier --loglevel=error "$@"; }

# fetch_pinned NAME VERSION SHA256 DESTINATION FILE…: takes those files of an npm package's tarball, nothing else of it.
fetch_pinned() {
  local name=$1 version=$2 sha256=$3 destination=$4
  shift 4
  local stamp="$destination/.pinned"
  if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$sha256 $*" ]; then return; fi
  say "taking $name $version"
  local scratch tarball
  scratch=$(mktemp -d)
  # `npm pack` only downloads: it runs no script of the package.
  tarball=$(cd "$scratch" && npm_quiet pack "$name@$version" | tail -n 1) || true
  [ -n "$tarball" ] && [ -f "$scratch/$tarball" ] || fail "npm could not fetch $name@$version"
  echo "$sha256  $scratch/$tarball" | sha256sum --check --status ||
    fail "$name@$version is not the file that was pinned: expected sha256 $sha256, got $(sha256sum <"$scratch/$tarball")"
  tar -xzf "$scratch/$tarball" -C "$scratch"
  mkdir -p "$destination"
  local file
  for file in "$@"; do
    install_file "$scratch/package/$file" "$destination/$(basename "$file")"
  done
  rm -rf "$scratch"
  echo "$sha256 $*" >"$stamp"
}

# Leaves a file that is already right untouched, and never shows a compiler half of one.
install_file() {
  cmp -s "$1" "$2" && return
  cp "$1" "$2.new" && mv "$2.new" "$2"
}

fetch_deps() {
  # The SQLite 3.53.2 amalgamation that better-sqlite3 carries: Debian's 3.40.1 has a WAL fault (docs/dependencies.md).
  fetch_pinned better-sqlite3 12.11.1 ebf0ed75a7a59dbcb3b24bbd014ef49d9f15bc328e4adcbf516f2a8fadfa2835 \
    build/deps/sqlite deps/sqlite3/sqlite3.c deps/sqlite3/sqlite3.h
  grep -q '^#define SQLITE_VERSION  *"3\.53\.2"' build/deps/sqlite/sqlite3.h || fail "build/deps/sqlite is not SQLite 3.53.2"
  # The page that /docs shows; embedded in the binary.
  fetch_pinned swagger-ui-dist 5.35.0 1b8e891893404ea4c3558b6a87e2a3e494e7eedba41168c2ece5800a391a6ea6 \
    build/deps/docs-ui swagger-ui-bundle.js swagger-ui.css favicon-32x32.png LICENSE NOTICE
  # The schemas by which tests/package checks our bill of materials; nothing of the package is run.
  fetch_pinned @cyclonedx/cyclonedx-library 10.3.0 9833bd949052eb18218dd64b13ad62d9246f7395eef01c66dad08fcbacf74f01 \
    build/deps/cyclonedx res/schema/bom-1.5.SNAPSHOT.schema.json res/schema/spdx.SNAPSHOT.schema.json \
    res/schema/jsf-0.82.SNAPSHOT.schema.json
  # The passwords that people choose most, from zxcvbn's counts; those that are long enough are embedded, sorted.
  fetch_pinned zxcvbn 4.4.2 0b3ebb60ec2df2340e1b8b70e4cb2657a3ceb192781d299310e7aceaa606cd22 \
    build/deps/passwords lib/frequency_lists.js LICENSE.txt
  python3 - build/deps/passwords <<'PY'
import pathlib, re, sys
folder = pathlib.Path(sys.argv[1])
text = (folder / "frequency_lists.js").read_text()
words = re.search(r'passwords: "([^"]*)"', text).group(1).split(",")
common = sorted([word.lower() for word in words if len(word) >= 8][:10000])
assert len(common) == 10000 and all(word.isascii() for word in common), len(common)
made = "\n".join(common) + "\n"
target = folder / "common.txt"
if not target.exists() or target.read_text() != made:
    target.write_text(made)
PY
}

# install_locked DIR: the packages of DIR/package-lock.json, without running their scripts.
install_locked() {
  local dir=$1 key
  key=$(cat "$dir/package.json" "$dir/package-lock.json" | sha256sum)
  if [ -f "$dir/node_modules/.mettle" ] && [ "$(cat "$dir/node_modules/.mettle")" = "$key" ]; then return; fi
  say "npm ci in $dir"
  (cd "$dir" && npm_quiet ci --ignore-scripts >&2) || fail "npm ci failed in $dir"
  echo "$key" >"$dir/node_modules/.mettle"
}

# better-sqlite3 wants to download a binary; it is compiled here instead, with Node's own headers.
compile_bench_peer() {
  local dir=bench/peers/node_modules/better-sqlite3
  [ -f "$dir/build/Release/better_sqlite3.node" ] && node -e "new (require('$root/$dir'))(':memory:')" 2>/dev/null && return
  local prefix headers gyp
  prefix=$(dirname "$(dirname "$(readlink -f "$(command -v node)")")")
  for headers in "$prefix" /usr/local /usr; do [ -f "$headers/include/node/node.h" ] && break; done
  [ -f "$headers/include/node/node.h" ] || fail "no node.h beside $(command -v node); install the headers of this Node"
  for gyp in "$(npm root -g 2>/dev/null)/npm/node_modules/node-gyp/bin/node-gyp.js" \
    /usr/share/nodejs/node-gyp/bin/node-gyp.js; do [ -f "$gyp" ] && break; done
  [ -f "$gyp" ] || fail "no node-gyp beside npm"
  say "compiling better-sqlite3 (for make bench only)"
  (cd "$dir" && node "$gyp" rebuild --release "--nodedir=$headers" >"$root/build/better-sqlite3.log" 2>&1) ||
    fail "better-sqlite3 did not compile with Node $(node --version); see build/better-sqlite3.log"
}

key=$(cat "$0" tools/npm/package-lock.json bench/peers/package-lock.json | sha256sum)
stamp=build/deps/.setup
done_before() { [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$key $1" ]; }
if [ -z "$(missing_packages)" ] && [ -d tools/npm/node_modules ] && [ -f build/deps/sqlite/sqlite3.c ] && [ -f build/deps/passwords/common.txt ] &&
  { done_before 1 || { [ "$want_bench" = 0 ] && done_before 0; }; }; then
  exit 0
fi

mkdir -p build/deps
install_packages
fetch_deps
install_locked tools/npm
if [ "$want_bench" = 1 ]; then
  install_locked bench/peers
  compile_bench_peer
fi
echo "$key $want_bench" >"$stamp"
say "done"
