#!/usr/bin/env bash
# Runs "go test" in a folder, prints a readable summary and, when a file is
# named in UPLINE_COUNTS, writes the totals to it:
#
#   bash .ci/gotest.sh FOLDER [GO TEST ARGUMENT...]
set -euo pipefail
ci=$(cd "$(dirname "$0")" && pwd)
cd "$ci/.."
# shellcheck source=.ci/lib.sh
. .ci/lib.sh
own_caches

summary=$(mktemp -d)
on_exit rm -rf "$summary"

tests() { without_downloads go test -json "$@" | "$summary/testsum" -trim upline.dev/ -counts "${UPLINE_COUNTS:-}"; }

without_downloads go -C .ci/tools build -buildvcs=false -o "$summary/testsum" ./testsum
cd "$1"
shift
run tests "$@"
