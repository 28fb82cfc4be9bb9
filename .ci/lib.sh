# Shared by the scripts of this folder; sourced, not run.
# Written for bash 3.2, which is what macOS has.
# shellcheck shell=bash

# The usual place of Go when its installer did not touch PATH.
if ! command -v go >/dev/null 2>&1 && [ -x /usr/local/go/bin/go ]; then
  PATH=$PATH:/usr/local/go/bin
fi
export PATH

# PostgreSQL's oldest major version that we support.
postgres_min=15

have() { command -v "$1" >/dev/null 2>&1; }
am_root() { [ "$(id -u)" = 0 ]; }
step() { printf '\n== %s\n' "$*"; }
say() { printf '   %s\n' "$*"; }
die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

# find_rabbit prints RabbitMQ's own start script. The one on PATH is a wrapper.
find_rabbit() {
  local script
  for script in /usr/lib/rabbitmq/bin/rabbitmq-server /opt/homebrew/opt/rabbitmq/sbin/rabbitmq-server /usr/local/opt/rabbitmq/sbin/rabbitmq-server; do
    if [ -x "$script" ]; then
      echo "$script"
      return 0
    fi
  done
  return 1
}

# ---- running things so that they can be stopped ---------------------------

child=

# run COMMAND... waits for the command in a process group of its own, so that
# a signal to this script can be handed to everything the command started.
# (bash leaves traps waiting while a foreground command runs.)
run() {
  local rc=0
  set -m
  "$@" </dev/null &
  child=$!
  set +m
  wait "$child" || rc=$?
  child=
  return "$rc"
}

# run_at_most SECONDS COMMAND... is run with an end: 124 when time is up.
run_at_most() {
  local rc=0 end=$((SECONDS + $1))
  shift
  set -m
  "$@" </dev/null &
  child=$!
  set +m
  while kill -0 "$child" 2>/dev/null; do
    if [ "$SECONDS" -ge "$end" ]; then
      stop_child
      return 124
    fi
    sleep 1
  done
  wait "$child" || rc=$?
  child=
  return "$rc"
}

# stop_child ends the group of the running command: politely, then for good.
stop_child() {
  local group=$child tries=0
  [ -n "$group" ] || return 0
  child=
  kill -TERM -- "-$group" 2>/dev/null || return 0
  while kill -0 -- "-$group" 2>/dev/null; do
    tries=$((tries + 1))
    if [ "$tries" -gt 150 ]; then
      kill -KILL -- "-$group" 2>/dev/null || true
      return 0
    fi
    sleep 0.2
  done
}

# on_exit COMMAND... has the running command stopped and then COMMAND run
# once, however the script ends.
on_exit() {
  last_words=("$@")
  trap finish EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
}

finish() {
  local rc=$?
  trap '' HUP INT TERM
  stop_child
  "${last_words[@]}"
  exit "$rc"
}

# without_downloads COMMAND... leaves the go command's list of modules out of
# what it says; on a new machine that list is longer than all the rest.
without_downloads() {
  local rc=0
  { "$@" 2>&1 >&3 | { grep -v '^go: downloading ' >&2 || true; }; } 3>&1 || rc=$?
  return "$rc"
}

# unavailable REASON ends a check that cannot be made here: neither good nor
# bad news. test.sh names the reason in its summary.
unavailable() {
  say "$1"
  [ -z "${UPLINE_REASON:-}" ] || echo "$1" >"$UPLINE_REASON"
  exit 75
}

# ---- finding what is there -------------------------------------------------

# postgres_major BINDIR prints the major version of the server in it.
postgres_major() {
  "$1/postgres" --version 2>/dev/null | sed -n 's/^[^0-9]*\([0-9][0-9]*\).*/\1/p'
}

# postgres_bindirs prints every place where a server may be, most wanted first.
postgres_bindirs() {
  local dir
  for dir in /usr/lib/postgresql/*/bin /usr/pgsql-*/bin \
    /opt/homebrew/opt/postgresql*/bin /usr/local/opt/postgresql*/bin \
    /Applications/Postgres.app/Contents/Versions/*/bin; do
    printf '%s\n' "$dir"
  done
  if have initdb; then dirname "$(command -v initdb)"; fi
  if have pg_config; then pg_config --bindir 2>/dev/null || true; fi
}

# find_postgres prints the folder of a server that we can run: recent enough,
# and as root only with a postgres user to run it as, since it refuses root.
find_postgres() {
  local dir major
  if am_root && ! { have runuser && id postgres >/dev/null 2>&1; }; then return 1; fi
  while IFS= read -r dir; do
    if ! [ -x "$dir/initdb" ] || ! [ -x "$dir/pg_ctl" ]; then continue; fi
    major=$(postgres_major "$dir")
    if [ "${major:-0}" -ge "$postgres_min" ]; then
      printf '%s\n' "$dir"
      return 0
    fi
  done <<EOF
$(postgres_bindirs)
EOF
  return 1
}

# find_chromium prints the browser that the tests drive.
find_chromium() {
  local name
  for name in "${UPLINE_CHROMIUM:-}" chromium chromium-browser google-chrome \
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"; do
    if [ -n "$name" ] && have "$name"; then
      command -v "$name"
      return 0
    fi
  done
  return 1
}

have_docker() { have docker && docker info >/dev/null 2>&1; }

# can_race says whether the race detector will link: on Linux it needs a C
# compiler with its headers, on macOS nothing.
can_race() {
  [ "$(uname)" = Darwin ] && return 0
  local cc out rc=0
  cc=$(go env CC)
  have "${cc%% *}" || return 1
  out=$(mktemp)
  printf '#include <stdlib.h>\nint main(void) { return 0; }\n' | ${cc} -x c -o "$out" - >/dev/null 2>&1 || rc=1
  rm -f "$out"
  return "$rc"
}

# need_go stops when there is no Go, or one too old to fetch the right one.
need_go() {
  local version
  have go || die "Go is not installed. Get it from https://go.dev/dl/ (1.21 or newer), then run this again."
  version=$(GOTOOLCHAIN=local go env GOVERSION 2>/dev/null | sed -n 's/^go1\.\([0-9][0-9]*\).*/\1/p')
  [ "${version:-0}" -ge 21 ] || die "Go 1.21 or newer is needed, this is $(go version). Get it from https://go.dev/dl/."
  go version >/dev/null || die "the Go version that go.mod asks for could not be fetched"
}

# own_caches gives Go its caches below this folder when there is no home to
# put them in, as for service accounts.
own_caches() {
  local cache
  cache=$(go env GOCACHE 2>/dev/null || true)
  if [ -n "$cache" ] && mkdir -p "$cache" 2>/dev/null && [ -w "$cache" ]; then return 0; fi
  mkdir -p .cache/go-build .cache/go-mod
  GOCACHE=$PWD/.cache/go-build
  GOMODCACHE=$PWD/.cache/go-mod
  GOLANGCI_LINT_CACHE=$PWD/.cache/golangci-lint
  export GOCACHE GOMODCACHE GOLANGCI_LINT_CACHE
  say "no home folder to write to: Go's caches are in .cache"
}

# ---- Node ------------------------------------------------------------------

# newer_node says whether the Node on PATH runs every tool of the tests.
# Lighthouse is the most demanding one: 22.19.
newer_node() {
  have node || return 1
  node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 22 || (a === 22 && b >= 19) ? 0 : 1)' 2>/dev/null
}

# need_newer_node puts such a Node first on PATH; where the machine's is older
# it comes from npm into .cache. To be called from the top folder.
need_newer_node() {
  newer_node && return 0
  have npm || unavailable "Node is not installed: 22.19 or newer is needed, or 18 or newer with npm to fetch it"
  mkdir -p .cache/node
  cp .ci/node/package.json .ci/node/package-lock.json .cache/node/
  npm_ci .cache/node --ignore-scripts
  PATH=$PWD/.cache/node/node_modules/.bin:$PATH
  export PATH
  newer_node || unavailable "Node 22.19 or newer is needed, this machine has $(node -v 2>/dev/null || echo none), and npm has none for $(uname -sm)"
}

# npm_ci FOLDER [ARGUMENT...] installs exactly what the folder's lockfile
# says, unless that was done already.
npm_ci() {
  local folder=$1 log
  local stamp=$1/node_modules/.upline-installed
  shift
  if cmp -s "$folder/package-lock.json" "$stamp"; then return 0; fi
  if [ -z "${npm_config_cache:-}" ] && ! mkdir -p "${HOME:-/nonexistent}/.npm" 2>/dev/null; then
    export npm_config_cache=$PWD/.cache/npm
  fi
  say "npm ci in $folder"
  log=$(mktemp)
  (cd "$folder" && npm ci --no-audit --no-fund --loglevel=error "$@") >"$log" 2>&1 </dev/null || {
    tail -n 20 "$log" >&2
    rm -f "$log"
    return 1
  }
  rm -f "$log"
  cp "$folder/package-lock.json" "$stamp"
}
