#!/usr/bin/env bash
# Runs browser tests in the system's Chromium; prints a readable list and, when
# a file is named in UPLINE_COUNTS, writes the totals to it:
#
#   bash .ci/browser.sh FOLDER [ARGUMENT OF playwright test...]
#
# FOLDER is one below shopify-app with a playwright.config.mjs.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=.ci/lib.sh
. .ci/lib.sh
on_exit true
need_newer_node
UPLINE_CHROMIUM=$(find_chromium) || unavailable "Chromium is not installed: apt-get install chromium, or name one in UPLINE_CHROMIUM"
export UPLINE_CHROMIUM
npm_ci shopify-app
make --no-print-directory build
CGO_ENABLED=0 go build -buildvcs=false -o bin/ ./server/e2e/shopifyworld ./server/e2e/magentoworld
cd shopify-app
folder=$1
shift
run node node_modules/@playwright/test/cli.js test -c "$folder/playwright.config.mjs" "$@"
