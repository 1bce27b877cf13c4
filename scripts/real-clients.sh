#!/usr/bin/env bash
# Starts the simulator and the gateway with the latency-routing configuration on
# their own ports, and drives them with curl and the official openai client.
set -euo pipefail
cd "$(dirname "$0")/.."
[ -x .venv/bin/python ] || scripts/python-venv.sh
cargo build -q --release --locked

capability=capabilities/latency-routing
export SIMULATOR_API_KEY=${SIMULATOR_API_KEY:-simulator-key}
key=${APIM_KEY_ONE:-subscription-key-one}
logs=$(mktemp -d)
pids=()
finish() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  wait 2>/dev/null || true
  rm -rf "$logs"
}
trap finish EXIT

target/release/simulator --config "$capability/simulator.toml" 2>"$logs/simulator" & pids+=($!)
target/release/gateway --config "$capability/gateway.toml" 2>"$logs/gateway" & pids+=($!)
for port in 8000 8001 8002 8003; do
  curl -sf --retry 40 --retry-delay 1 --retry-connrefused -o /dev/null "http://127.0.0.1:$port/healthz" || {
    echo "nothing healthy on port $port" >&2
    cat "$logs"/* >&2
    exit 1
  }
done

# What curl sees: the status, the bodies, and one event after another.
path=openai/deployments/gpt-35-turbo-100k-token/chat/completions?api-version=2024-10-21
body='{"messages":[{"role":"user","content":"hello"}],"max_tokens":5}'
ask() { curl -s --max-time 30 -H 'content-type: application/json' -d "${4:-$body}" -H "api-key: $2" -w '\n%{http_code}' "$1/${3:-$path}"; }
expect() {
  local name=$1 got=$2 status=$3 text=$4
  if [ "${got##*$'\n'}" = "$status" ] && grep -qF -- "$text" <<<"$got"; then
    echo "  ok   $name: $status"
  else
    printf '  FAIL %s: wanted %s and `%s`, got:\n%s\n' "$name" "$status" "$text" "$got"
    exit 1
  fi
}
simulator=http://127.0.0.1:8002 gateway=http://127.0.0.1:8000/latency-routing
echo "curl"
for target in "$simulator $SIMULATOR_API_KEY" "$gateway $key"; do
  read -r url secret <<<"$target"
  expect "chat at $url" "$(ask "$url" "$secret")" 200 '"object":"chat.completion"'
  streaming='{"messages":[{"role":"user","content":"hello"}],"max_tokens":5,"stream":true}'
  expect "stream at $url" "$(ask "$url" "$secret" "$path" "$streaming")" 200 'data: [DONE]'
done
expect "no api-version" "$(ask "$simulator" "$SIMULATOR_API_KEY" "${path%%\?*}")" 404 \
  '{"error":{"code":"404","message": "Resource not found"}}'
expect "wrong key at the simulator" "$(ask "$simulator" nonsense)" 401 '"code":"401"'
expect "wrong key at the gateway" "$(ask "$gateway" nonsense)" 401 'Access denied due to invalid subscription key.'
expect "unknown operation at the gateway" "$(ask http://127.0.0.1:8000 "$key" nothing/here)" 404 \
  '{ "statusCode": 404, "message": "Resource not found" }'

.venv/bin/python scripts/openai_client_check.py simulator "$simulator" "$SIMULATOR_API_KEY"
.venv/bin/python scripts/openai_client_check.py gateway "$gateway" "$key" --gateway
