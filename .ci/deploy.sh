#!/usr/bin/env bash
# Checks the files for containers, Kubernetes, systemd and the proxy with the
# tools that read them, as far as they are installed:
#
#   bash .ci/deploy.sh
#
# That every setting they name is read by the program is a Go test.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=.ci/lib.sh
. .ci/lib.sh
folder=$(mktemp -d)
cleanup() { rm -rf "$folder"; }
on_exit cleanup
checked=0
failed=0
absent=

# check TOOL COMMAND... runs a check, or notes that its tool is not there.
check() {
  if ! have "$1"; then
    absent="$absent $1"
    return 0
  fi
  shift
  if "$@" >"$folder/said" 2>&1; then
    checked=$((checked + 1))
  else
    failed=$((failed + 1))
    cat "$folder/said"
  fi
}

kubernetes() {
  cp -R deploy/kubernetes "$folder/kubernetes"
  cp deploy/kubernetes/upline.env.example "$folder/kubernetes/upline.env"
  kubectl kustomize "$folder/kubernetes" >"$folder/all.yaml" && grep -q '^kind: Deployment' "$folder/all.yaml"
}

# The program is not where the unit says on this machine; something else is.
unit() {
  sed 's#^ExecStart=/usr/local/bin/upline#ExecStart=/bin/true#' deploy/upline.service >"$folder/upline.service"
  systemd-analyze verify "$folder/upline.service"
}

# The replicas' names are known in their network only.
proxy() {
  sed -E 's/upline-[123]:8080/127.0.0.1:8080/' deploy/nginx.conf >"$folder/nginx.conf"
  nginx -t -p "$folder" -c "$folder/nginx.conf"
}

check kubectl kubernetes
check systemd-analyze unit
check nginx proxy
if have docker && docker compose version >/dev/null 2>&1; then
  UPLINE_KEYS=x check docker docker compose config --quiet
else
  absent="$absent docker-compose"
fi
[ -z "$absent" ] || say "not installed, so not asked:$absent"
if [ -n "${UPLINE_COUNTS:-}" ]; then echo "$checked $failed 0" >"$UPLINE_COUNTS"; fi
[ "$failed" = 0 ] || exit 1
[ "$checked" -gt 0 ] || unavailable "none of kubectl, systemd-analyze, nginx and docker compose is installed"
say "$checked checked"
