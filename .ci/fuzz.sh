#!/usr/bin/env bash
# Finds every fuzz test and runs each for FUZZTIME (10s). All run, even after
# one has found something; the input it found is then under testdata/fuzz.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=.ci/lib.sh
. .ci/lib.sh

on_exit true
need_go
own_caches

# "go test -list" prints the names of a package and then its own line, so the
# names are kept until it comes.
say "finding the fuzz tests"
listing=$(without_downloads go test -list '^Fuzz' ./...)
targets=$(printf '%s\n' "$listing" | awk '
  /^Fuzz/ { names[++n] = $1 }
  $1 == "ok" { for (i = 1; i <= n; i++) print $2, names[i]; n = 0 }')
ran=0
failed=
while read -r package name; do
  [ -n "$name" ] || continue
  ran=$((ran + 1))
  step "$package $name"
  run without_downloads go test -run '^$' -fuzz "^$name\$" -fuzztime "${FUZZTIME:-10s}" "$package" || failed="$failed $package.$name"
done <<EOF
$targets
EOF
echo
[ -z "$failed" ] || die "of $ran fuzz tests these found something:$failed"
echo "$ran fuzz tests found nothing"
