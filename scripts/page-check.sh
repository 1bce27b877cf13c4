#!/usr/bin/env bash
# The simulator's page in headless Chromium. SIMULATOR names the binary
# (target/debug/simulator is built otherwise); an argument is a file for a screenshot.
set -euo pipefail
cd "$(dirname "$0")/.."
command -v chromium >/dev/null || { apt-get update -q && apt-get install -qy chromium; }
if [ -z "${SIMULATOR:-}" ]; then
  cargo build -q -p simulator
  SIMULATOR=target/debug/simulator
fi
npm ci --prefix scripts/page --silent --no-audit --no-fund
config=$(mktemp)
log=$(mktemp)
sed 's/^port = .*/port = 0/' simulator/src/default.toml >"$config"
"$SIMULATOR" --config "$config" --resource payg1 --log warn 2>"$log" &
simulator=$!
trap 'kill "$simulator"; rm -f "$config" "$log"' EXIT
url=
for _ in $(seq 100); do
  url=$(sed -n 's|^payg1  \(http://[0-9.:]*\).*|\1|p' "$log")
  [ -n "$url" ] && break
  sleep 0.1
done
[ -n "$url" ] || { cat "$log" >&2; exit 1; }
node scripts/page/check.mjs "$url/" "$@"
