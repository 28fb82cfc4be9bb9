#!/usr/bin/env bash
# Runs what docs/deployment.md says under "Three replicas by hand", word for word but for addresses, on private servers; sends
# orders through the proxy, kills a replica in the middle and expects every order in the ledger:
#
#   bash .ci/replicas.sh
#
# The same against three containers that compose has started, with Docker or Podman:
#
#   docker compose up --build -d && bash .ci/replicas.sh --compose PROJECT
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=.ci/lib.sh
. .ci/lib.sh

have curl || unavailable "curl is not installed"
if [ "${1:-}" != --compose ] && [ "${1:-}" != --inside ]; then
  own_caches
  have nginx || [ -x /usr/sbin/nginx ] || unavailable "nginx is not installed"
  find_postgres >/dev/null || unavailable "PostgreSQL $postgres_min or newer is not installed"
  find_rabbit >/dev/null || unavailable "RabbitMQ is not installed"
  have redis-server || unavailable "Redis is not installed"
  run bash .ci/services.sh bash .ci/replicas.sh --inside
  exit
fi

folder=$(mktemp -d)
chmod 755 "$folder"
group= # of the replicas and the proxy

cleanup() {
  if [ -n "$group" ]; then kill -TERM -- "-$group" 2>/dev/null || true; fi
  local tries=0
  while [ -n "$group" ] && kill -0 -- "-$group" 2>/dev/null && [ "$tries" -lt 100 ]; do
    tries=$((tries + 1))
    sleep 0.2
  done
  if [ -n "$group" ]; then kill -KILL -- "-$group" 2>/dev/null || true; fi
  rm -rf "$folder"
}
on_exit cleanup

# ---- by hand ----------------------------------------------------------------

# by_hand runs the page's own commands. Every serve notes its process number first.
by_hand() {
  local base block database=upline_replicas_$$
  base=$(four_ports)
  CGO_ENABLED=0 without_downloads go build -buildvcs=false -o "$folder/program" ./server/cmd/upline
  # shellcheck disable=SC2016 # the written script expands
  printf '#!/bin/sh\nif [ "$1" = serve ]; then echo $$ >"%s/replica-${UPLINE_ADDR##*:}"; fi\nexec "%s/program" "$@"\n' "$folder" "$folder" >"$folder/upline"
  chmod 755 "$folder/upline"
  sed "s#/tmp/nginx#$folder/nginx#" deploy/nginx.conf >"$folder/before.conf"
  block=$(awk '/^## /{on=0} /^## Three replicas by hand/{on=1} on && /^```/{code=!code; next} on && code' docs/deployment.md)
  [ -n "$block" ] || die "docs/deployment.md has no commands under Three replicas by hand"
  block=$(printf '%s\n' "$block" | sed \
    -e "s#postgres://upline:PASSWORD@127.0.0.1:5432/upline#$(at_database "$UPLINE_TEST_POSTGRES" "$database")#" \
    -e "s#\$(openssl rand -base64 32)#$(openssl rand -base64 32)#" \
    -e "s#amqp://guest:guest@127.0.0.1:5672/#$UPLINE_TEST_RABBITMQ?prefix=$database.#" -e "s#redis://127.0.0.1:6379/0#$UPLINE_TEST_REDIS#" \
    -e "s#127.0.0.1:808#127.0.0.1:$base#g" -e "s#bin/upline#$folder/upline#g" -e "s#/tmp/upline-nginx#$folder/upline-nginx#g" -e "s#deploy/nginx.conf#$folder/before.conf#")
  create_database "$database"
  export PATH=$PATH:/usr/sbin UPLINE_DATA=$folder/data UPLINE_CLAIM_LEASE=5s
  set -m
  bash -euc "$block
" >"$folder/log" 2>&1 </dev/null &
  group=$!
  set +m
  url=http://127.0.0.1:${base}0
  replicas="${base}1 ${base}2 ${base}3"
  # What the page exports is what the commands below need.
  eval "$(printf '%s\n' "$block" | grep '^export ')"
  waits "the proxy" answers "$url/readyz"
}

# four_ports prints the first digits of ports ending in 0 to 3 on which nobody listens, below those of services.sh's servers.
four_ports() {
  local base last
  while :; do
    base=$((1000 + RANDOM % 1000))
    for last in 0 1 2 3; do
      if (exec 3<>"/dev/tcp/127.0.0.1/$base$last") 2>/dev/null; then continue 2; fi
    done
    echo "$base"
    return
  done
}

at_database() { printf '%s\n' "$1" | sed "s#/[^/?]*?#/$2?#"; }

# create_database asks the first PostgreSQL's own client.
create_database() { "$(find_postgres)/psql" -qX -d "$UPLINE_TEST_POSTGRES" -c "CREATE DATABASE $1"; }

# ---- containers -------------------------------------------------------------

in_compose() {
  local n name
  url=http://127.0.0.1:8080
  replicas=
  for n in 1 2 3; do
    name="^${1}[_-]upline-${n}[_-]1\$"
    replicas="$replicas $(docker ps -q --filter "name=$name")"
  done
  waits "the proxy" answers "$url/readyz"
}

# ---- both -------------------------------------------------------------------

answers() { curl -sf -m 5 -o /dev/null "$1"; }

# waits WHAT COMMAND... waits a minute and a half for a command to succeed.
waits() {
  local what=$1 end=$((SECONDS + 90))
  shift
  until "$@"; do
    if [ "$SECONDS" -ge "$end" ]; then
      tail -n 20 "$folder/log" 2>/dev/null >&2 || true
      die "waited in vain for $what"
    fi
    sleep 0.2
  done
}

upline() {
  if [ -n "$project" ]; then
    # shellcheck disable=SC2086 # the last one: the second is going to be killed
    docker exec -i "${replicas##* }" /upline "$@"
  else
    "$folder/upline" "$@"
  fi
}

# figure REPLICA NAME sums a figure of Prometheus over its labels.
figure() {
  local at=127.0.0.1:$1
  if [ -n "$project" ]; then at=$(docker inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' "$1"):8080; fi
  curl -s -m 5 "http://$at/metrics" | awk -v name="$2" 'index($1, name "{") == 1 || $1 == name { sum += $2 } END { printf "%d\n", sum }'
}

kills() {
  if [ -n "$project" ]; then docker kill -s KILL "$1" >/dev/null; else kill -KILL "$(cat "$folder/replica-$1")"; fi
}

company() {
  printf '%s\n' "name: replicas" "effective_from: 2020-01-01T00:00:00Z" "ranks: [member]" 'volume: {money: {"*": "1"}}' "components:" \
    '  - {id: retail, type: retail, base: net, rates: [{rate: 20%}]}' >"$folder/plan.yaml"
  upline admin program create "Replicas" --currency EUR >/dev/null
  upline admin store create replicas.example --platform custom --currency EUR --id shop >/dev/null
  upline plan publish /dev/stdin <"$folder/plan.yaml" >/dev/null
  printf 'distributor_id,sponsor_id,codes\nANNA,,ANNA10\n' | upline import distributors /dev/stdin --commit >/dev/null
  printf 'platform,platform_sku,commission_class\ncustom,TEA-12,a\n' | upline import skus /dev/stdin --commit >/dev/null
  key=$(upline admin api-key create --store shop --json | sed -n 's/.*"api_key": *"\([^"]*\)".*/\1/p')
  [ -n "$key" ] || die "no API key was made"
}

# order N sends one and prints the status.
order() {
  curl -s -m 20 -o /dev/null -w '%{http_code}\n' -H "Authorization: Bearer $key" -H 'Content-Type: application/json' "$url/api/mlm/orders" \
    -d "{\"shopify_order_id\":\"$1\",\"sku\":\"TEA-12\",\"customer_id\":\"77\",\"referrer_id\":\"ANNA10\",\"amount\":\"19.90\"}"
}

# orders FROM TO sends so many, 16 at a time. Each must be accepted at the first attempt.
orders() {
  local bad
  export key url
  export -f order
  bad=$(seq "$1" "$2" | xargs -P 16 -I N bash -c 'order N' | grep -vc '^20[02]$' || true)
  [ "$bad" = 0 ] || die "$bad of $(($2 - $1 + 1)) orders were not accepted"
}

settled() { [ "$(postings)" = "$1" ]; }

# postings is how many the ledger has: one an order, as the plan pays one person.
postings() { upline verify 2>/dev/null | sed -n 's/.* batches, \([0-9]*\) postings.*/\1/p'; }

# all_settle says whether every replica has settled something, and notes how much in each.
all_settle() {
  local r n some=0
  each=
  for r in $replicas; do
    n=$(figure "$r" upline_deliveries_total)
    each="$each $n"
    [ "$n" -gt 0 ] || some=1
  done
  return "$some"
}

project=
if [ "$1" = --compose ]; then
  project=${2:?which compose project}
  in_compose "$project"
else
  by_hand
fi
company
# One that starts later than the others may find the first orders settled: more are sent until it has had its part.
sent=0
until [ "$sent" -gt 0 ] && all_settle; do
  [ "$sent" -lt 3000 ] || die "a replica settled nothing"
  orders $((sent + 1)) $((sent + 300))
  sent=$((sent + 300))
  waits "$sent orders in the ledger" settled "$sent"
done
say "$sent orders through the proxy, settled by the three:$each"
read -r _ second _ <<<"$replicas"
(
  sleep 0.5
  kills "$second"
) &
killer=$!
orders $((sent + 1)) $((sent + 200))
sent=$((sent + 200))
wait "$killer"
answers "$url/readyz" || die "the proxy does not answer with one replica less"
waits "$sent orders in the ledger" settled "$sent"
upline verify | grep -q sound || die "the ledger is not sound"
say "one killed -9 in the middle of 200 more: all accepted; $sent of $sent in the ledger once each, sound"
