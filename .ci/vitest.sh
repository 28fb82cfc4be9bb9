#!/usr/bin/env bash
# Runs Vitest in a folder below shopify-app that has a vitest.config.mjs;
# prints a readable list and, when a file is named in UPLINE_COUNTS, writes
# the totals to it:
#
#   bash .ci/vitest.sh FOLDER [ARGUMENT OF vitest run...]
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=.ci/lib.sh
. .ci/lib.sh
scratch=$(mktemp -d)
on_exit rm -rf "$scratch"
need_newer_node
npm_ci shopify-app
if [ -f "$1/package-lock.json" ]; then npm_ci "$1"; fi
cd "$1"
shift
rc=0
run env NO_COLOR=1 node node_modules/vitest/vitest.mjs run -c vitest.config.mjs \
  --reporter=default --reporter=json --outputFile="$scratch/report.json" "$@" || rc=$?
if [ -n "${UPLINE_COUNTS:-}" ] && [ -s "$scratch/report.json" ]; then
  node -e 'const r = JSON.parse(require("node:fs").readFileSync(process.argv[1], "utf8"));
    console.log(r.numPassedTests, r.numFailedTests, r.numPendingTests + r.numTodoTests)' "$scratch/report.json" >"$UPLINE_COUNTS"
fi
exit "$rc"
