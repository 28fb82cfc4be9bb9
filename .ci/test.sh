#!/usr/bin/env bash
# "make test": installs what is missing where it may, starts private servers,
# runs every suite and ends with one line per suite and the totals. It goes on
# after a failure, so that one run shows everything; the exit code is 0 only
# when nothing failed and nothing that is required was missing.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=.ci/lib.sh
. .ci/lib.sh

work=$(mktemp -d)
results=$work/results # one line per suite: name, state, seconds, note; by tabs
missing=$work/missing # one line per missing thing: what, and how to get it
export UPLINE_COUNTS=$work/counts UPLINE_REASON=$work/reason
passed=0
failed=0
skipped=0

# suite NAME NOTE COMMAND... runs one suite in sequence. A command that counts
# tests writes its totals to $UPLINE_COUNTS; one that cannot run here exits
# with 75 and writes why to $UPLINE_REASON.
suite() {
  local name=$1 note=$2 rc=0 start=$SECONDS state=passed
  shift 2
  step "$name"
  rm -f "$UPLINE_COUNTS" "$UPLINE_REASON"
  run "$@" || rc=$?
  case $rc in
  0) ;;
  75) state=unavailable note="$note: $(cat "$UPLINE_REASON")" ;;
  *) state=FAILED ;;
  esac
  count "$state"
  printf '%s\t%s\t%s\t%s\n' "$name" "$state" "$((SECONDS - start))" "$counted$note" >>"$results"
}

# count adds a suite's totals. A suite that failed without a failed test, such
# as a linter, counts as one failure: "0 failed" is never said over a red run.
count() {
  local p=0 f=0 s=0
  counted=
  if [ -s "$UPLINE_COUNTS" ]; then
    read -r p f s <"$UPLINE_COUNTS"
    counted="$p passed, $f failed, $s skipped; "
  fi
  if [ "$1" = FAILED ] && [ "$f" -eq 0 ]; then f=1; fi
  passed=$((passed + p))
  failed=$((failed + f))
  skipped=$((skipped + s))
}

# lacks WHAT HOW notes something required that is not there and cannot be
# installed from here. It counts as a failure: what needs it was not tested.
lacks() {
  printf '%s\n      %s\n' "$1" "$2" >>"$missing"
  printf '%s\tunavailable\t0\t%s\n' "$1" "required; see above" >>"$results"
  failed=$((failed + 1))
}

# ---- what each suite runs ---------------------------------------------------

build() {
  # The product is one static program: it must build without a C compiler.
  export CGO_ENABLED=0
  without_downloads go build -buildvcs=false ./... || return 1
  if [ -d server/cmd/upline ]; then make --no-print-directory build; fi
}

go_tests() {
  local flags="-shuffle=on -count=1 -timeout=20m"
  if [ -n "$race" ]; then
    # With the race detector comes a check of every pointer's arithmetic. In SQLite, which is C made into Go, it takes
    # half of all the time; it is not made there. Races are looked for there as everywhere.
    flags="-race -gcflags=modernc.org/...=-d=checkptr=0 $flags"
    export CGO_ENABLED=1
  fi
  # shellcheck disable=SC2086 # flags are words
  $servers bash .ci/gotest.sh . $flags ./...
}

# -----------------------------------------------------------------------------

on_exit rm -rf "$work"
: >"$results"
: >"$missing"
need_go
own_caches

step "tools and servers"
bash .ci/install.sh
servers=
where="SQLite, PostgreSQL, RabbitMQ, Redis, the Kafka protocol"
if [ -n "${UPLINE_TEST_POSTGRES:-}" ] || find_postgres >/dev/null || have_docker; then
  servers="bash .ci/services.sh"
else
  where="SQLite only"
  lacks "PostgreSQL $postgres_min or newer" \
    "apt-get install postgresql, or brew install postgresql@17, or start Docker, or set UPLINE_TEST_POSTGRES to a superuser DSN"
fi
if ! { [ -n "${UPLINE_TEST_RABBITMQ:-}" ] || find_rabbit >/dev/null || have_docker; }; then
  lacks "RabbitMQ 3.10 or newer" "apt-get install rabbitmq-server, or brew install rabbitmq, or start Docker, or set UPLINE_TEST_RABBITMQ to an AMQP address"
fi
if ! { [ -n "${UPLINE_TEST_REDIS:-}" ] || have redis-server || have_docker; }; then
  lacks "Redis 7 or newer" "apt-get install redis-server, or brew install redis, or start Docker, or set UPLINE_TEST_REDIS to an address"
fi
race=
if can_race; then
  race=1
else
  lacks "C compiler (race detector)" "apt-get install gcc libc6-dev"
fi
have npm || lacks "Node with npm" "apt-get install nodejs npm, or https://nodejs.org (20.19 or newer)"
have phpunit || lacks "PHP with PHPUnit" "apt-get install php-cli phpunit, or https://phpunit.de"
have phpcs || lacks "PHP_CodeSniffer" "apt-get install php-codesniffer"
find_chromium >/dev/null || lacks "Chromium" "apt-get install chromium, or name a browser in UPLINE_CHROMIUM"
if [ -s "$missing" ]; then
  echo
  echo "Missing, and not installable from here; the rest runs, but the result cannot be green:"
  sed 's/^/   /' "$missing"
fi

suite build "without a C compiler" build
suite go "${race:+race detector, }$where" go_tests
suite chaos "kill -9, networks, disks, clocks, fail-over: nothing lost, nothing twice" bash .ci/chaos.sh --short
suite tools "the programs of .ci/tools" bash .ci/gotest.sh .ci/tools -count=1 ./...
suite generated "genqlient" bash .ci/lint.sh generated
suite lint "golangci-lint" bash .ci/lint.sh go
suite shopify "Shopify's command line tool and libraries" bash .ci/nodetest.sh shopify-app/oracle
suite samples "Shopify's own sample of every topic" bash .ci/samples.sh
suite extensions "Vitest, in Shopify's mock of its admin" bash .ci/vitest.sh shopify-app/oracle
suite browser "Chromium" bash .ci/browser.sh browser
suite screens "types, words, money, first load, Shopify's elements" bash .ci/nodetest.sh shopify-app/admin 'test/unit/*.test.mjs'
suite screens-browser "Chromium in five settings, axe" bash .ci/browser.sh admin/test
suite woocommerce-plugin "PHPUnit, logic without WordPress" bash .ci/phptest.sh plugins/woocommerce/upline-for-woocommerce
suite magento-module "PHPUnit without Magento, PSR-12" bash .ci/magento.sh
suite woocommerce-php "the same on PHP 7.4 to 8.5, as WebAssembly" bash .ci/phpversions.sh plugins/woocommerce/upline-for-woocommerce
suite woocommerce-store "WordPress of an npm package, a stand-in for WooCommerce, Chromium, the real server" bash .ci/store.sh
suite deploy "files for Kubernetes, systemd and the proxy, by the tools that read them" bash .ci/deploy.sh
suite scripts "shellcheck" bash .ci/lint.sh scripts
suite vulnerabilities "govulncheck" bash .ci/vuln.sh

step "summary"
while IFS="$(printf '\t')" read -r name state seconds note; do
  printf '%-28s %-12s %5s s  %s\n' "$name" "$state" "$seconds" "$note"
done <"$results"
echo
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
