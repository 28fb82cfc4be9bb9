#!/usr/bin/env bash
# Starts private servers for one command and removes them after it, however
# it ends:
#
#   bash .ci/services.sh [--durable [--broker]] COMMAND [ARGUMENT...]
#
# They listen on 127.0.0.1 on ports that were free, keep their files in a
# folder of their own and have nothing to do with servers already running.
# The command finds them by environment variables:
#
#   UPLINE_TEST_POSTGRES    a PostgreSQL superuser DSN; a test makes its own database in it
#   UPLINE_TEST_RABBITMQ    an AMQP address; a test makes its own queues in it
#   UPLINE_TEST_REDIS       a Redis address; a test makes its own keys in it
#   UPLINE_REQUIRE_SERVERS  1: a test that needs a server fails instead of skipping
#
# A server whose variable is already set is taken as it is and not started.
# --durable writes to disk as production does, for measurements; without it
# the servers skip fsync, as nobody pulls their plug during a test. It starts
# PostgreSQL alone, with --broker RabbitMQ too.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=.ci/lib.sh
. .ci/lib.sh

# What Docker runs where no server is installed.
postgres_image=postgres:15
rabbit_image=rabbitmq:3
redis_image=redis:7
durable=
broker=
if [ "${1:-}" = --durable ]; then
  durable=1
  shift
  if [ "${1:-}" = --broker ]; then
    broker=1
    shift
  fi
fi
[ $# -gt 0 ] || die "usage: bash .ci/services.sh [--durable [--broker]] COMMAND [ARGUMENT...]"

folder=        # everything below is ours and is removed at the end
postgres_bin=  # set while a PostgreSQL of ours may be running
rabbit_pid=    # set while a RabbitMQ of ours may be running
epmd_port=     # of the name server that RabbitMQ leaves behind
redis_pid=     # set while a Redis of ours may be running
containers=    # those of ours that may be running

cleanup() {
  stop_redis
  stop_rabbit
  stop_postgres
  local container
  for container in $containers; do docker rm -f -v "$container" >/dev/null 2>&1 || true; done
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

# a_port prints a port below those that systems hand out by themselves, on
# which nobody listens. Two runs may pick the same: the loser's server does not
# start and picks again.
a_port() {
  local port
  while :; do
    port=$((20000 + (RANDOM * 32768 + RANDOM) % 12000))
    if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then break; fi
  done
  echo "$port"
}

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
  local container=upline-postgres-$$
  containers="$containers $container" # known before it runs, so that it is removed whatever happens
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

# ---- RabbitMQ ---------------------------------------------------------------

# start_rabbit starts the server itself and not its wrapper, which as root
# would change to a user that may not enter our folder.
start_rabbit() {
  local server=
  if [ -n "${UPLINE_TEST_RABBITMQ:-}" ]; then
    say "RabbitMQ: the one in UPLINE_TEST_RABBITMQ"
  elif server=$(find_rabbit); then
    start_rabbit_here "$server"
  elif have_docker; then
    start_docker rabbitmq "$rabbit_image" 5672 rabbitmq-diagnostics -q check_port_connectivity
    UPLINE_TEST_RABBITMQ=amqp://guest:guest@127.0.0.1:$docker_port/
  else
    say "no RabbitMQ to start, and no Docker engine to run one: tests that need it fail"
  fi
  export UPLINE_TEST_RABBITMQ
}

start_rabbit_here() {
  local attempt=1
  until try_rabbit "$1" "$folder/rabbitmq.$attempt"; do
    if [ "$attempt" -ge 3 ] || ! grep -rqi 'eaddrinuse\|address already in use\|port_in_use' "$folder/rabbitmq.$attempt" 2>/dev/null; then
      tail -n 20 "$folder/rabbitmq.$attempt/out" >&2
      die "RabbitMQ did not start"
    fi
    stop_rabbit
    attempt=$((attempt + 1))
  done
}

# try_rabbit SCRIPT FOLDER starts it on ports that were free a moment ago.
try_rabbit() {
  local home=$2 port dist tries=0
  mkdir "$home"
  port=$(a_port) dist=$(a_port) epmd_port=$(a_port)
  HOME=$home RABBITMQ_NODENAME=upline-$$@localhost RABBITMQ_NODE_IP_ADDRESS=127.0.0.1 RABBITMQ_NODE_PORT=$port \
    RABBITMQ_DIST_PORT=$dist ERL_EPMD_PORT=$epmd_port ERL_EPMD_ADDRESS=127.0.0.1 RABBITMQ_MNESIA_BASE=$home/data \
    RABBITMQ_LOG_BASE=$home/log RABBITMQ_PID_FILE=$home/pid RABBITMQ_ENABLED_PLUGINS_FILE=$home/plugins \
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="-kernel inet_dist_use_interface {127,0,0,1}" \
    "$1" >"$home/out" 2>&1 &
  rabbit_pid=$!
  until grep -q 'Server startup complete\|completed with' "$home/out" "$home"/log/*.log 2>/dev/null; do
    tries=$((tries + 1))
    if [ "$tries" -gt 240 ] || ! kill -0 "$rabbit_pid" 2>/dev/null; then return 1; fi
    sleep 0.5
  done
  UPLINE_TEST_RABBITMQ=amqp://guest:guest@127.0.0.1:$port/
  say "RabbitMQ listens on 127.0.0.1:$port"
}

# stop_rabbit ends what it started by its number, and the name server that
# every Erlang node starts and leaves running.
stop_rabbit() {
  [ -n "$rabbit_pid" ] || return 0
  end_process "$rabbit_pid"
  rabbit_pid=
  if have epmd; then epmd -port "$epmd_port" -kill >/dev/null 2>&1 || true; fi
}

# ---- Redis ------------------------------------------------------------------

start_redis() {
  if [ -n "${UPLINE_TEST_REDIS:-}" ]; then
    say "Redis: the one in UPLINE_TEST_REDIS"
  elif have redis-server; then
    start_redis_here
  elif have_docker; then
    start_docker redis "$redis_image" 6379 redis-cli ping
    UPLINE_TEST_REDIS=redis://127.0.0.1:$docker_port/0
  else
    say "no Redis to start, and no Docker engine to run one: tests that need it fail"
  fi
  export UPLINE_TEST_REDIS
}

start_redis_here() {
  local home=$folder/redis port tries=0
  mkdir "$home"
  while :; do
    port=$(a_port)
    : >"$home/out"
    redis-server --bind 127.0.0.1 --port "$port" --dir "$home" --appendonly yes --appendfsync everysec --save "" >"$home/out" 2>&1 &
    redis_pid=$!
    until grep -q 'Ready to accept connections' "$home/out" || ! kill -0 "$redis_pid" 2>/dev/null; do sleep 0.1; done
    kill -0 "$redis_pid" 2>/dev/null && break
    tries=$((tries + 1))
    if [ "$tries" -ge 10 ]; then
      cat "$home/out" >&2
      die "Redis did not start"
    fi
  done
  UPLINE_TEST_REDIS=redis://127.0.0.1:$port/0
  say "Redis listens on 127.0.0.1:$port"
}

stop_redis() {
  [ -n "$redis_pid" ] || return 0
  end_process "$redis_pid"
  redis_pid=
}

# end_process ends a process of ours by its number and waits until it is gone.
end_process() {
  local tries=0
  kill -TERM "$1" 2>/dev/null || return 0
  while kill -0 "$1" 2>/dev/null; do
    tries=$((tries + 1))
    if [ "$tries" -gt 150 ]; then kill -KILL "$1" 2>/dev/null || true; fi
    sleep 0.2
  done
  wait "$1" 2>/dev/null || true
}

# ---- Docker -----------------------------------------------------------------

docker_port=

# start_docker NAME IMAGE PORT PROBE... runs an image and waits until the probe
# inside it succeeds; docker_port is then where it can be reached.
start_docker() {
  local container=upline-$1-$$ image=$2 port=$3 tries=0
  shift 3
  say "starting $image with Docker"
  containers="$containers $container"
  docker run -d --rm --name "$container" -p "127.0.0.1::$port" "$image" >/dev/null || die "docker run $image failed"
  until docker exec "$container" "$@" >/dev/null 2>&1; do
    tries=$((tries + 1))
    if [ "$tries" -gt 240 ]; then
      docker logs "$container" >&2 || true
      die "$image in Docker did not get ready"
    fi
    sleep 0.5
  done
  docker_port=$(docker port "$container" "$port/tcp" | sed -n 's/^127\.0\.0\.1://p' | head -n 1)
  [ -n "$docker_port" ] || die "docker gave $image no port on 127.0.0.1"
}

# -----------------------------------------------------------------------------

on_exit cleanup
make_folder
start_postgres
if [ -z "$durable" ]; then # a measurement starts what it measures
  start_redis
  start_rabbit
elif [ -n "$broker" ]; then
  start_rabbit
fi
export UPLINE_REQUIRE_SERVERS=1
run "$@"
