#!/usr/bin/env bash
# Installs what "make test" needs and does not find, from the packages of
# Debian or Ubuntu, as root. Anywhere else it changes nothing; test.sh then
# names what is missing.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=.ci/lib.sh
. .ci/lib.sh

cluster_conf=/etc/postgresql-common/createcluster.conf
log=$(mktemp)
saved_conf=
policy= # set while a policy of ours forbids starting services

cleanup() {
  if [ -n "$policy" ]; then rm -f "$policy"; fi
  if [ -n "$saved_conf" ]; then mv "$saved_conf" "$cluster_conf"; fi
  rm -f "$log"
}

# apt COMMAND... runs apt-get without questions; its chatter is shown only
# when it fails.
apt() {
  DEBIAN_FRONTEND=noninteractive apt-get -q -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300 "$@" >"$log" 2>&1 </dev/null || {
    tail -n 20 "$log" >&2
    return 1
  }
}

update() {
  local tries=1
  until apt update; do
    tries=$((tries + 1))
    if [ "$tries" -gt 3 ]; then
      say "apt-get update failed; trying with the lists that are there"
      return 0
    fi
    say "apt-get update failed; trying again"
    sleep 5
  done
}

# install keeps Debian from starting what it installs: our servers are private,
# made for one run.
install() {
  say "installing $*"
  if ! [ -e /usr/sbin/policy-rc.d ]; then
    policy=/usr/sbin/policy-rc.d
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
  fi
  apt install -y --no-install-recommends "$@" || {
    say "not installed: $*"
    return 1
  }
}

# install_postgres keeps Debian from making and starting a database of its
# own: ours are private, made for one run.
install_postgres() {
  local version
  for version in 15 16 17 18 19 20; do
    apt-cache show "postgresql-$version" >/dev/null 2>&1 || continue
    install postgresql-common || return 1
    if [ -f "$cluster_conf" ]; then
      saved_conf=$cluster_conf.before-upline
      cp -p "$cluster_conf" "$saved_conf"
      echo 'create_main_cluster = false' >>"$cluster_conf"
    fi
    install "postgresql-$version"
    return
  done
  say "these package lists have no PostgreSQL $postgres_min or newer"
  return 1
}

on_exit cleanup
packages=()
postgres=
can_race || packages+=(gcc libc6-dev)
have shellcheck || packages+=(shellcheck)
have phpunit || packages+=(php-cli php-mbstring php-xml phpunit)
have phpcs || packages+=(php-codesniffer)
have php && php -r 'exit(extension_loaded("pdo_sqlite") ? 0 : 1);' || packages+=(php-sqlite3)
have redis-server || [ -n "${UPLINE_TEST_REDIS:-}" ] || packages+=(redis-server)
find_rabbit >/dev/null || [ -n "${UPLINE_TEST_RABBITMQ:-}" ] || packages+=(rabbitmq-server)
have nginx || [ -x /usr/sbin/nginx ] || packages+=(nginx-light)
have npm || packages+=(nodejs npm)
find_chromium >/dev/null || packages+=(chromium)
[ -n "${UPLINE_TEST_POSTGRES:-}" ] || find_postgres >/dev/null || postgres=1
if [ "${#packages[@]}" -eq 0 ] && [ -z "$postgres" ]; then
  say "everything needed is installed"
  exit 0
fi
if ! am_root || ! have apt-get; then
  say "not root on Debian or Ubuntu: nothing is installed"
  exit 0
fi
say "reading the package lists"
update
if [ "${#packages[@]}" -gt 0 ]; then install "${packages[@]}" || true; fi
if [ -n "$postgres" ]; then install_postgres || true; fi
