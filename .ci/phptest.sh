#!/usr/bin/env bash
# Checks the syntax of a folder's PHP and runs its PHPUnit suite; when a file
# is named in UPLINE_COUNTS, writes the totals to it:
#
#   bash .ci/phptest.sh FOLDER [ARGUMENT OF phpunit...]
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=.ci/lib.sh
. .ci/lib.sh
have php || unavailable "PHP is not installed"
have phpunit || unavailable "PHPUnit is not installed"

log=$(mktemp)
on_exit rm -f "$log"

# attribute NAME prints one of the totals, which stand in the first suite.
attribute() {
  sed -n "s/.*<testsuite [^>]* $1=\"\([0-9]*\)\".*/\1/p" "$log" | head -n 1
}

folder=$1
shift
cd "$folder"
bad=0
while IFS= read -r file; do
  php -l "$file" >/dev/null || bad=$((bad + 1))
done < <(find . -name '*.php' -not -path '*/node_modules/*' -not -path '*/vendor/*')
rc=0
phpunit --configuration phpunit.xml --log-junit "$log" "$@" || rc=$?
tests=$(attribute tests)
failed=$(($(attribute errors) + $(attribute failures) + bad))
skipped=$(attribute skipped)
if [ -n "${UPLINE_COUNTS:-}" ]; then
  echo "$((${tests:-0} - $(attribute errors) - $(attribute failures) - ${skipped:-0})) $failed ${skipped:-0}" >"$UPLINE_COUNTS"
fi
[ "${tests:-0}" -gt 0 ] || die "no test ran"
[ "$rc" -eq 0 ] && [ "$bad" -eq 0 ]
