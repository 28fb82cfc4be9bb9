#!/usr/bin/env bash
# Builds the screens into server/web/dist, from where Go puts them into the
# program. Without Node, or without the packages, the program is built without
# them and its pages say so: everything else of it works.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=.ci/lib.sh
. .ci/lib.sh
if ! have npm || ! have node; then
  say "Node is not installed: building without the screens"
  exit 0
fi
if ! npm_ci shopify-app; then
  say "the screens' packages cannot be installed: building without the screens"
  exit 0
fi
cd shopify-app
npm run --silent build --workspace admin
touch ../server/web/dist/.built
