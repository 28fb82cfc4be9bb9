#!/usr/bin/env bash
# Starts private servers for one command and removes them after it, however
# it ends:
#
#   bash .ci/services.sh [--durable] COMMAND [ARGUMENT...]
#
# They listen on 127.0.0.1 on ports that were free, keep their files in a
# folder of their own and have nothing to do with servers already running.
# The command finds them by environment variables:
#
#   UPLINE_TEST_POSTGRES    a PostgreSQL superuser DSN; a test makes its own database in it
#   UPLINE_REQUIRE_SERVERS  1: a test that needs a server fails instead of skipping
#
# A server whose variable is already set is taken as it is and not started.
# --durable writes to disk as production does, for measurements; without it
# the servers skip fsync, as nobody pulls their plug during a test.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=.ci/lib.sh
. .ci/lib.sh

postgres_image=postgres:15 # what Docker runs where no server is installed
durable=
if [ "${1:-}" = --durable ]; then
  durable=1
  shift
fi
[ $# -gt 0 ] || die "usage: bash .ci/services.sh [--durable] COMMAND [ARGUMENT...]"

folder=        # everything below is ours and is removed at the end
postgres_bin=  # set while a PostgreSQL of ours may be running
container=     # set while a container of ours may be running

cleanup() {
  stop_postgres
  if [ -n "$container" ]; then docker rm -f -v "$container" >/dev/null 2>&1 || true; fi
  if [ -n "$folder" ]; then rm -rf "$folder"; fi
}

# make_folder picks a place that other users may pass through, since as root
# PostgreSQL runs as user postgres. /var/tmp is a real disk, /tmp may be RAM.
make_folder() {
  local base
  for base in "${TMPDIR:-}" /var/tmp /tmp; do
    if ! [ -d "$base" ] || ! [ -w "$base" ]; then continue; fi
    if am_root && ! as_postgres test -x "$base"; then continue; fi
    folder=$(mktemp -d "$base/upline-services.XXXXXX")
    chmod 711 "$folder"
    return 0
  done
  die "no temporary folder can be written to"
}

# a_port prints a port below those that systems hand out by themselves. Two
# runs may pick the same: the loser's server does not start and picks again.
a_port() { echo $((20000 + (RANDOM * 32768 + RANDOM) % 12000)); }

# ---- PostgreSQL -------------------------------------------------------------

as_postgres() {
  if am_root; then
    if id postgres >/dev/null 2>&1 && have runuser; then runuser -u postgres -- "$@"; fi
  else
    "$@"
  fi
}

start_postgres() {
  local bin
  if [ -n "${UPLINE_TEST_POSTGRES:-}" ]; then
    say "PostgreSQL: the one in UPLINE_TEST_POSTGRES"
  elif bin=$(find_postgres); then
    start_postgres_here "$bin"
  elif have_docker; then
    start_postgres_docker
  else
    die "no PostgreSQL $postgres_min or newer to start, and no Docker engine to run one"
  fi
}

start_postgres_here() {
  local data=$folder/postgres/data log=$folder/postgres/log port tries=0
  mkdir "$folder/postgres"
  if am_root; then chown postgres "$folder/postgres"; fi
  cd "$folder/postgres" # initdb complains about a folder it may not enter
  init_postgres "$1" "$data" >"$folder/initdb.log" 2>&1 || {
    cat "$folder/initdb.log" >&2
    die "initdb failed"
  }
  postgres_bin=$1
  while :; do
    port=$(a_port)
    as_postgres "$1/pg_ctl" -D "$data" -l "$log" -o "-p $port" -w -t 60 start >/dev/null 2>&1 && break
    tries=$((tries + 1))
    if [ "$tries" -ge 10 ] || ! grep -q 'could not bind' "$log" 2>/dev/null; then
      cat "$log" >&2 || true
      die "PostgreSQL did not start"
    fi
    as_postgres rm -f "$log"
  done
  cd - >/dev/null
  use_postgres "$port"
  say "PostgreSQL $(postgres_major "$1") listens on 127.0.0.1:$port"
}

init_postgres() {
  local locale=C
  if locale -a 2>/dev/null | grep -qi '^C\.utf-\{0,1\}8$'; then locale=C.UTF-8; fi
  as_postgres "$1/initdb" -D "$2" -U postgres --auth=trust -E UTF8 --locale="$locale" -N || return 1
  {
    echo "listen_addresses = '127.0.0.1'"
    echo "unix_socket_directories = ''" # their paths may be too long for the system
    echo "max_connections = 300"        # every test has a database and a pool of its own
    [ -n "$durable" ] || echo "fsync = off"
  } | as_postgres tee -a "$2/postgresql.conf"
}

use_postgres() {
  UPLINE_TEST_POSTGRES="postgres://postgres@127.0.0.1:$1/postgres?sslmode=disable"
  export UPLINE_TEST_POSTGRES
}

stop_postgres() {
  [ -n "$postgres_bin" ] && [ -f "$folder/postgres/data/postmaster.pid" ] || return 0
  (cd "$folder" && as_postgres "$postgres_bin/pg_ctl" -D "$folder/postgres/data" -m immediate -w -t 30 stop) >/dev/null 2>&1 ||
    printf 'warning: PostgreSQL in %s did not stop\n' "$folder" >&2
}

start_postgres_docker() {
  local port tries=0 settings="-c max_connections=300"
  [ -n "$durable" ] || settings="$settings -c fsync=off"
  say "PostgreSQL: starting $postgres_image with Docker"
  container=upline-services-$$ # known before it runs, so that it is removed whatever happens
  # shellcheck disable=SC2086 # settings are words
  docker run -d --rm --name "$container" -e POSTGRES_HOST_AUTH_METHOD=trust \
    -p 127.0.0.1::5432 "$postgres_image" $settings >/dev/null ||
    die "docker run $postgres_image failed"
  # Over TCP, since while the image sets itself up it listens on a socket only.
  until docker exec "$container" pg_isready -q -h 127.0.0.1 -U postgres >/dev/null 2>&1; do
    tries=$((tries + 1))
    if [ "$tries" -gt 120 ]; then
      docker logs "$container" >&2 || true
      die "PostgreSQL in Docker did not get ready"
    fi
    sleep 0.5
  done
  port=$(docker port "$container" 5432/tcp | sed -n 's/^127\.0\.0\.1://p' | head -n 1)
  [ -n "$port" ] || die "docker gave PostgreSQL no port on 127.0.0.1"
  use_postgres "$port"
  say "PostgreSQL ($postgres_image) listens on 127.0.0.1:$port"
}

# -----------------------------------------------------------------------------

on_exit cleanup
make_folder
start_postgres
export UPLINE_REQUIRE_SERVERS=1
run "$@"
