#!/usr/bin/env bash
# Parses a folder's PHP and runs its PHPUnit suite on every PHP that the
# WooCommerce plugin names, or on those that are named here; they are
# WebAssembly, from an npm package. What the adapters recorded lies five folders
# above a test there, as here. Totals go to the file named in UPLINE_COUNTS:
#
#   bash .ci/phpversions.sh FOLDER [VERSION...]
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=.ci/lib.sh
. .ci/lib.sh
on_exit true
need_newer_node
have php || unavailable "PHP is not installed"
library=$(php -r 'echo dirname((string) stream_resolve_include_path("PHPUnit/Autoload.php"), 2);')
[ -f "$library/PHPUnit/Autoload.php" ] || unavailable "PHPUnit is not installed as a library: apt-get install phpunit"
npm_ci plugins/woocommerce/store

folder=$PWD/$1
shift
[ $# -gt 0 ] || set -- 7.4 8.0 8.1 8.2 8.3 8.4 8.5
playground=plugins/woocommerce/store/node_modules/@wp-playground/cli/cli.js
passed=0 failed=0
for version in "$@"; do
  log=$(mktemp)
  run_at_most 300 node "$playground" php --php "$version" --wordpress-install-mode=do-not-attempt-installing --skip-sqlite-setup \
    --mount "$library:/library" --mount "$folder:/plugin" --mount "$PWD/adapters:/adapters" --mount "$PWD/.ci/node/phpunit.php:/phpunit.php" -- /phpunit.php >"$log" 2>"$log.said" || true # apart: what is said of old code may come in the middle of a line
  # The version is what PHP says of itself, and the count that of a run that ended.
  ran=$(sed -n "s/^OK, PHP $version\.[0-9]*: \([0-9]*\) tests\$/\1/p" "$log")
  if [ -n "$ran" ] && [ "$ran" -gt 0 ]; then
    passed=$((passed + ran))
    say "PHP $version: $ran tests"
  else
    failed=$((failed + 1))
    say "PHP $version failed:"
    tail -n 40 "$log" "$log.said"
  fi
  rm -f "$log" "$log.said"
done
if [ -n "${UPLINE_COUNTS:-}" ]; then echo "$passed $failed 0" >"$UPLINE_COUNTS"; fi
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
