#!/usr/bin/env bash
# Asks govulncheck whether our code calls anything with a known hole. Exit
# code 75 means that the vulnerability database cannot be reached, which is
# neither good nor bad news.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=.ci/lib.sh
. .ci/lib.sh
own_caches

out=$(mktemp)
on_exit rm -f "$out"

say "govulncheck"
rc=0
run_at_most 600 go tool -modfile=.ci/tools/go.mod govulncheck ./... >"$out" 2>&1 || rc=$?
# A failure while it was fetching the database is the network's, and so is no
# end at all; 3 is its code for "found something".
if [ "$rc" -eq 124 ] || { [ "$rc" -ne 0 ] && [ "$rc" -ne 3 ] && grep -q 'fetching vulnerabilities' "$out"; }; then
  tail -n 3 "$out"
  unavailable "the vulnerability database cannot be reached"
fi
cat "$out"
exit "$rc"
