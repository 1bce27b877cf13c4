#!/usr/bin/env bash
# cargo-deny: licences, sources and duplicates always. Known vulnerabilities need
# the RustSec database, which lives on GitHub: where that cannot be reached, this
# says so and goes on, unless REQUIRE_ADVISORIES=1.
set -euo pipefail
cd "$(dirname "$0")/.."
deny=.venv/bin/cargo-deny
[ -x "$deny" ] || scripts/python-venv.sh
"$deny" deny --locked check licenses sources bans
if "$deny" deny --locked check advisories 2>advisories.log; then
  echo "advisories: none apply"
  .venv/bin/cargo-audit audit
elif grep -q "failed to fetch advisory database" advisories.log && [ "${REQUIRE_ADVISORIES:-0}" != 1 ]; then
  echo "WARNING: advisories were NOT checked: the RustSec database cannot be reached from here" >&2
else
  cat advisories.log >&2
  exit 1
fi
rm -f advisories.log
