#!/usr/bin/env bash
# Checks the Magento module: its style by PSR-12, and all that its PHPUnit suite
# holds, which needs no Magento.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=.ci/lib.sh
. .ci/lib.sh
have phpcs || unavailable "PHP_CodeSniffer is not installed"

module=plugins/magento/module-upline
rc=0
phpcs --standard="$module/.phpcs.xml" --extensions=php,phtml --ignore=*/Test/Unit/Stub/*,*/registration.php,*/bootstrap.php -n -q "$module" || rc=1
bash .ci/phptest.sh "$module" || rc=1
exit "$rc"
