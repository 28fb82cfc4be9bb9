#!/usr/bin/env bash
# "make test": installs what is missing where it may, starts private servers,
# runs every suite and ends with one line per suite and the totals. It goes on
# after a failure, so that one run shows everything; the exit code is 0 only
# when nothing failed and nothing that is required was missing.
# shellcheck disable=SC2030,SC2031 # suites that run aside have results of their own
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=.ci/lib.sh
. .ci/lib.sh

work=$(mktemp -d)
results=$work/results # one line per suite: name, state, seconds, note; by tabs
missing=$work/missing # one line per missing thing: what, and how to get it
export UPLINE_COUNTS=$work/counts UPLINE_REASON=$work/reason
memory= # a folder in memory, to be removed at the end

# suite NAME NOTE COMMAND... runs one suite in sequence. A command that counts
# tests writes its totals to $UPLINE_COUNTS; one that cannot run here exits
# with 75 and writes why to $UPLINE_REASON.
suite() {
  local name=$1 note=$2 rc=0 start=$SECONDS state=passed p=0 f=0 s=0
  shift 2
  step "$name"
  rm -f "$UPLINE_COUNTS" "$UPLINE_REASON"
  run said "$results.said" "$@" || rc=$?
  case $rc in
  0) ;;
  75) state=unavailable note="$note: $(cat "$UPLINE_REASON")" ;;
  *) state=FAILED ;;
  esac
  if [ -s "$UPLINE_COUNTS" ]; then
    read -r p f s <"$UPLINE_COUNTS"
    note="$p passed, $f failed, $s skipped; $note"
  fi
  # A suite that failed without a failed test, such as a linter, counts as one
  # failure: "0 failed" is never said over a red run.
  if [ "$state" = FAILED ] && [ "$f" -eq 0 ]; then f=1; fi
  if [ "$state" = FAILED ]; then why "$name"; fi
  result "$name" "$state" "$((SECONDS - start))" "$p" "$f" "$s" "$note"
}

# said FILE COMMAND... runs a command and keeps what it says in a file, too.
said() {
  local file=$1 rc=0
  shift
  "$@" 2>&1 | tee "$file" || rc=$?
  return "$rc"
}

# why NAME keeps the lines of what a suite said that name what failed, for the
# end: whoever sees no more than the last lines of a run sees them. Where none
# does, the last lines are kept.
why() {
  {
    grep -E '✘|✖|^not ok|^FAIL|^ *--- FAIL|_test\.go:[0-9]+: |^ *(Assertion)?Error: |^[0-9]+\) ' "$results.said" || tail -n 5 "$results.said"
  } | cut -c1-200 | awk 'NR <= 8' | sed "s|^|$1: |" >>"$results.why"
}

# result NAME STATE SECONDS PASSED FAILED SKIPPED NOTE is one line of the summary.
result() { printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$@" >>"$results"; }

# lacks WHAT HOW notes something required that is not there and cannot be
# installed from here. It counts as a failure: what needs it was not tested.
lacks() {
  printf '%s\n      %s\n' "$1" "$2" >>"$missing"
  result "$1" unavailable 0 0 1 0 "required; see above"
}

beside= # the process that runs suites beside those of this one

# aside FUNCTION runs the suites of a function, one after the other, beside
# those that follow. What they say is kept for join.
aside() {
  mkdir "$work/aside"
  set -m
  (
    on_exit true
    results=$work/aside/results
    : >"$results.why"
    UPLINE_COUNTS=$work/aside/counts UPLINE_REASON=$work/aside/reason
    "$1"
  ) </dev/null >"$work/aside/output" 2>&1 &
  beside=$!
  set +m
}

# join waits for the suites that aside began and shows all that they said, as
# if they had run here.
join() {
  local rc=0
  wait "$beside" || rc=$?
  beside=
  cat "$work/aside/output"
  cat "$work/aside/results" >>"$results" || rc=1
  cat "$work/aside/results.why" >>"$results.why"
  [ "$rc" -eq 0 ] || result "suites run aside" FAILED 0 0 1 0 "they did not come to their end"
}

cleanup() {
  if [ -n "$beside" ]; then
    kill -TERM "$beside" 2>/dev/null || true
    wait "$beside" 2>/dev/null || true
  fi
  rm -rf "$work"
  if [ -n "$memory" ]; then rm -rf "$memory"; fi
}

# memory_folder makes a folder in memory for the databases of the Go tests,
# where there is one with room and programs may be run from it. They wait for
# the disk at every commit otherwise, thousands of times, and no test of theirs
# cuts the power: they end processes, which a file in memory outlives.
memory_folder() {
  local shared=/dev/shm room
  if ! [ -d "$shared" ] || ! [ -w "$shared" ]; then return 0; fi
  room=$(df -Pk "$shared" | awk 'NR == 2 { print $4 }')
  [ "${room:-0}" -ge 4000000 ] || return 0
  room=$(awk '/^MemAvailable:/ { print $2 }' /proc/meminfo 2>/dev/null)
  [ "${room:-0}" -ge 8000000 ] || return 0
  memory=$(mktemp -d "$shared/upline-test.XXXXXX") || return 0
  printf '#!/bin/sh\n' >"$memory/program"
  chmod 755 "$memory/program"
  if "$memory/program" 2>/dev/null; then return 0; fi
  rm -rf "$memory"
  memory=
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
  local folder=
  if [ -n "$memory" ]; then folder="env TMPDIR=$memory GOTMPDIR=${TMPDIR:-/tmp}"; fi
  # shellcheck disable=SC2086 # these are words
  $servers $folder bash .ci/gotest.sh . $flags ./...
}

# light are the suites that leave one processor and most of the memory free,
# or wait for the network. They share npm's folders, so they run in sequence.
light() {
  suite shopify "Shopify's command line tool and libraries" bash .ci/nodetest.sh shopify-app/oracle
  suite samples "Shopify's own sample of every topic" bash .ci/samples.sh
  suite extensions "Vitest, in Shopify's mock of its admin" bash .ci/vitest.sh shopify-app/oracle
  suite screens "types, words, money, first load, Shopify's elements" bash .ci/nodetest.sh shopify-app/admin 'test/unit/*.test.mjs'
  suite woocommerce-plugin "PHPUnit, logic without WordPress" bash .ci/phptest.sh plugins/woocommerce/upline-for-woocommerce
  suite magento-module "PHPUnit without Magento, PSR-12" bash .ci/magento.sh
  suite woocommerce-php "the same on PHP 7.4 to 8.5, as WebAssembly" bash .ci/phpversions.sh plugins/woocommerce/upline-for-woocommerce
  suite magento-php "the same on PHP 8.3 to 8.5, as WebAssembly" bash .ci/phpversions.sh plugins/magento/module-upline 8.3 8.4 8.5
  suite deploy "files for Kubernetes, systemd and the proxy, by the tools that read them" bash .ci/deploy.sh
  suite scripts "shellcheck" bash .ci/lint.sh scripts
  suite vulnerabilities "govulncheck" bash .ci/vuln.sh
}

# -----------------------------------------------------------------------------

on_exit cleanup
: >"$results"
: >"$results.why"
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

memory_folder

suite build "without a C compiler" build
aside light
suite go "${race:+race detector, }$where" go_tests
join
suite replicas "three by hand behind nginx, as docs/deployment.md says, one killed" bash .ci/replicas.sh
suite chaos "kill -9, networks, disks, clocks, fail-over: nothing lost, nothing twice" bash .ci/chaos.sh --short
suite tools "the programs of .ci/tools" bash .ci/gotest.sh .ci/tools -count=1 ./...
suite generated "genqlient" bash .ci/lint.sh generated
suite lint "golangci-lint" bash .ci/lint.sh go
suite browser "Chromium" bash .ci/browser.sh browser
suite screens-browser "Chromium in five settings, axe" bash .ci/browser.sh admin/test
suite woocommerce-store "WordPress of an npm package, a stand-in for WooCommerce, Chromium, the real server" bash .ci/store.sh

step "summary"
passed=0 failed=0 skipped=0
while IFS="$(printf '\t')" read -r name state seconds p f s note; do
  printf '%-28s %-12s %5s s  %s\n' "$name" "$state" "$seconds" "$note"
  passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
done <"$results"
echo
echo "$passed passed, $failed failed, $skipped skipped"
cat "$results.why"
[ "$failed" -eq 0 ]
