#!/usr/bin/env bash
# Tests the WooCommerce plugin in WordPress: its packed zip, a stand-in for the
# shop, Chromium, and the real server; prints a readable list and, when a file
# is named in UPLINE_COUNTS, writes the totals to it:
#
#   bash .ci/store.sh [ARGUMENT OF playwright test...]
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=.ci/lib.sh
. .ci/lib.sh
on_exit true
need_newer_node
UPLINE_CHROMIUM=$(find_chromium) || unavailable "Chromium is not installed: apt-get install chromium, or name one in UPLINE_CHROMIUM"
export UPLINE_CHROMIUM
have php || unavailable "PHP is not installed"
php -r 'exit(extension_loaded("pdo_sqlite") ? 0 : 1);' || unavailable "PHP's SQLite is not installed: apt-get install php-sqlite3"
npm_ci plugins/woocommerce/store
make --no-print-directory build plugin-zip
cd plugins/woocommerce/store
run node node_modules/@playwright/test/cli.js test "$@"
