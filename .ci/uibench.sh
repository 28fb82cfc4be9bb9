#!/usr/bin/env bash
# Measures the screens as on a slow phone: LCP, CLS, INP and Lighthouse.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=.ci/lib.sh
. .ci/lib.sh
on_exit true
need_newer_node
UPLINE_CHROMIUM=$(find_chromium) || unavailable "Chromium is not installed: apt-get install chromium, or name one in UPLINE_CHROMIUM"
export UPLINE_CHROMIUM
npm_ci shopify-app
npm_ci shopify-app/oracle
cd shopify-app
run node admin/test/bench.mjs
