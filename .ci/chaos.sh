#!/usr/bin/env bash
# Breaks everything that many processes on one database stand on, one thing
# after the other and under load, and holds the ledger against its own
# arithmetic after each:
#
#   bash .ci/chaos.sh [--short] [--rounds N] [--only WORDS]
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=.ci/lib.sh
. .ci/lib.sh
own_caches
find_postgres >/dev/null || unavailable "PostgreSQL $postgres_min or newer is not installed"
find_rabbit >/dev/null || unavailable "RabbitMQ is not installed"
have redis-server || unavailable "Redis is not installed"

export CGO_ENABLED=0 # as the product is built, and so mostly built already
folder=$(mktemp -d)
on_exit rm -rf "$folder"
without_downloads go build -buildvcs=false -o "$folder/chaos" ./server/e2e/chaos
run "$folder/chaos" "$@"
