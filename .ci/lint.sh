#!/usr/bin/env bash
# Lints the Go code or the shell scripts, or holds generated code against what
# it is made of:
#
#   bash .ci/lint.sh go|scripts|generated
#
# Exit code 75 means that the tool is not there.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=.ci/lib.sh
. .ci/lib.sh

case "${1:-}" in
go)
  own_caches
  say "golangci-lint (fetched and compiled on first use, which takes some minutes)"
  # A misspelt setting would be ignored silently, hence the first line.
  without_downloads go tool -modfile=.ci/tools/go.mod golangci-lint config verify
  go tool -modfile=.ci/tools/go.mod golangci-lint run ./...
  cd .ci/tools
  without_downloads go tool golangci-lint run --config ../../.golangci.yml ./...
  ;;
scripts)
  have shellcheck || unavailable "shellcheck is not installed"
  say "shellcheck"
  # It does not see that traps and "run" call functions (2317, later 2329).
  shellcheck -x -e SC2317,SC2329 .ci/run .ci/*.sh
  ;;
generated)
  own_caches
  say "genqlient"
  made=adapters/shopify/adminapi/generated.go
  kept=$(mktemp)
  cp "$made" "$kept"
  on_exit cp "$kept" "$made"
  go generate ./adapters/shopify/adminapi
  cmp "$kept" "$made" || die "$made is not what its documents give: run go generate ./adapters/shopify/adminapi"
  ;;
*) die "usage: bash .ci/lint.sh go|scripts|generated" ;;
esac
