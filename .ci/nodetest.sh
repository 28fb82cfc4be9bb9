#!/usr/bin/env bash
# Runs Node tests in a folder below shopify-app, with a Node that is new
# enough and exactly the packages of the lockfile; prints a readable summary
# and, when a file is named in UPLINE_COUNTS, writes the totals to it:
#
#   bash .ci/nodetest.sh FOLDER [ARGUMENT OF node --test...]
set -euo pipefail
ci=$(cd "$(dirname "$0")" && pwd)
cd "$ci/.."
# shellcheck source=.ci/lib.sh
. .ci/lib.sh
scratch=$(mktemp -d)
on_exit rm -rf "$scratch"
need_newer_node
UPLINE_CHROMIUM=$(find_chromium || true) # for what is measured in a browser
export UPLINE_CHROMIUM
npm_ci shopify-app
if [ -f "$1/package-lock.json" ]; then npm_ci "$1"; fi
cd "$1"
shift
run node --test --test-reporter=spec --test-reporter-destination=stdout \
  --test-reporter="$ci/node/counts.mjs" --test-reporter-destination="${UPLINE_COUNTS:-$scratch/counts}" "$@"
