#!/usr/bin/env bash
# Drives the simulator and the gateway, over sockets on ports 18000 to 18007, with
# curl, the official openai clients (Python, Node), frameworks over them
# (langchain-openai, litellm, semantic-kernel) and async-openai (Rust), and runs the
# examples of docs/sdk-clients.md. Binaries are those of PROFILE: release where it was built
# before, as in CI, else debug.
set -euo pipefail
cd "$(dirname "$0")/.."

target=${CARGO_TARGET_DIR:-target}
[ -x "$target/release/simulator" ] && [ -x "$target/release/gateway" ] && built=release || built=debug
profile=${PROFILE:-$built}
bin=$target/$profile
[ "$profile" = release ] && flags=(--release) || flags=()

scripts/python-venv.sh
# In an environment of their own: they pin what the other checks pin otherwise.
[ -x .venv-frameworks/bin/python ] || python3 -m venv .venv-frameworks
.venv-frameworks/bin/pip install -q --disable-pip-version-check -r scripts/clients/requirements.txt
if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
  echo "node or npm is missing: installing Debian's nodejs and npm"
  apt-get update -q && apt-get install -qy --no-install-recommends nodejs npm
fi
npm --prefix scripts/clients/node ci --no-fund --no-audit --loglevel=error
cargo build -q --locked -p simulator -p gateway "${flags[@]}"
rust_client=$target/clients
CARGO_TARGET_DIR=$rust_client cargo build -q --locked --manifest-path scripts/clients/rust/Cargo.toml

# What is in the environment for real clients must not reach these.
for name in $(compgen -e); do
  case $name in OPENAI_* | AZURE_OPENAI_* | SIMULATOR_* | GATEWAY_*) unset "$name" ;; esac
done
export PYTHONDONTWRITEBYTECODE=1 NO_PROXY=127.0.0.1,localhost no_proxy=127.0.0.1,localhost
export SIMULATOR_API_KEY=simulator-key APIM_KEY_ONE=subscription-key-one

logs=$(mktemp -d)
pids=()
finish() {
  local status=$?
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  wait 2>/dev/null || true
  if [ "$status" != 0 ]; then tail -n 20 "$logs"/*.log >&2; fi
  rm -rf "$logs"
}
trap finish EXIT
serve() { # NAME COMMAND...
  local name=$1
  shift
  "$@" >"$logs/$name.log" 2>&1 & pids+=($!)
}

# What the page describes, ten thousand ports higher: the built-in simulators and
# the capability in front of them.
"$bin/simulator" default-config | sed 's/^port = 8/port = 18/' >"$logs/built-in.toml"
serve built-in "$bin/simulator" --config "$logs/built-in.toml"
capability=capabilities/latency-routing/gateway.toml
serve gateway env PTU1_URL=http://127.0.0.1:18001 PAYG1_URL=http://127.0.0.1:18002 \
  PAYG2_URL=http://127.0.0.1:18003 "$bin/gateway" --config "$capability" --listen 127.0.0.1:18000
# What the SDK suites use: quick simulators, the capability and a plain gateway.
export SIMULATOR_URL=http://127.0.0.1:18004
ENTRA_TOKEN=$("$bin/simulator" token)
export ENTRA_TOKEN
export CAPABILITY_URL=http://127.0.0.1:18005/latency-routing PASS_THROUGH_URL=http://127.0.0.1:18006
cp scripts/clients/simulator.toml "$logs/clients.toml" # it writes its authority beside itself
serve simulator "$bin/simulator" --config "$logs/clients.toml"
export SIMULATOR_HTTPS_URL=https://localhost:18007
serve capability env PTU1_URL=$SIMULATOR_URL PAYG1_URL=$SIMULATOR_URL PAYG2_URL=$SIMULATOR_URL \
  "$bin/gateway" --config "$capability" --listen 127.0.0.1:18005
serve pass-through "$bin/gateway" --config scripts/clients/gateway.toml
healthy() { for _ in $(seq 100); do curl -sf -o /dev/null "http://127.0.0.1:$1/healthz" && return; sleep 0.1; done; }
for port in 18000 18001 18002 18003 18004 18005 18006; do
  healthy "$port" || { echo "nothing healthy on port $port" >&2; exit 1; }
done
# A port that another program has would be answered by that program.
for pid in "${pids[@]}"; do
  kill -0 "$pid" 2>/dev/null || { echo "a server has stopped: is a port of 18000 to 18006 taken?" >&2; exit 1; }
done

# What curl sees: the status, the bodies, and one event after another.
path=openai/deployments/gpt-35-turbo/chat/completions?api-version=2024-10-21
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
simulator=http://127.0.0.1:18002 gateway=http://127.0.0.1:18000/latency-routing
echo "curl"
for target in "$simulator $SIMULATOR_API_KEY" "$gateway $APIM_KEY_ONE"; do
  read -r url secret <<<"$target"
  expect "chat at $url" "$(ask "$url" "$secret")" 200 '"object":"chat.completion"'
  streaming='{"messages":[{"role":"user","content":"hello"}],"max_tokens":5,"stream":true}'
  expect "stream at $url" "$(ask "$url" "$secret" "$path" "$streaming")" 200 'data: [DONE]'
done
v1=$(curl -s -H "authorization: Bearer $SIMULATOR_API_KEY" -w '\n%{http_code}' \
  -d '{"model":"gpt-35-turbo",'"${body#\{}" "$simulator/openai/v1/chat/completions")
expect "chat at $simulator/openai/v1" "$v1" 200 '"object":"chat.completion"'
expect "no api-version" "$(ask "$simulator" "$SIMULATOR_API_KEY" "${path%%\?*}")" 404 \
  '{"error":{"code":"404","message": "Resource not found"}}'
expect "wrong key at the simulator" "$(ask "$simulator" nonsense)" 401 '"code":"401"'
expect "wrong key at the gateway" "$(ask "$gateway" nonsense)" 401 'Access denied due to invalid subscription key.'
expect "unknown operation at the gateway" "$(ask http://127.0.0.1:18000 "$APIM_KEY_ONE" nothing/here)" 404 \
  '{ "statusCode": 404, "message": "Resource not found" }'

# The suites wait most of the time: side by side, printed one after the other.
pytest=(.venv/bin/pytest -c scripts/clients/pytest.ini)
(cd scripts/clients/node && node --test --test-reporter=spec) >"$logs/node" 2>&1 & node=$!
"${pytest[@]}" scripts/clients/test_page.py >"$logs/page" 2>&1 & page=$!
frameworks() {
  SSL_CERT_FILE=$logs/authority.pem LITELLM_LOCAL_MODEL_COST_MAP=True \
    .venv-frameworks/bin/pytest -c scripts/clients/pytest.ini scripts/clients/test_frameworks.py
}
frameworks >"$logs/frameworks" 2>&1 & frameworks=$!
pids+=("$node" "$page" "$frameworks")
failed=0
echo "openai for Python"
"${pytest[@]}" scripts/clients/test_openai.py scripts/clients/test_entra.py || failed=1
echo "openai for JavaScript, Node $(node --version)"
wait "$node" || failed=1
cat "$logs/node"
echo "langchain-openai, litellm, semantic-kernel"
wait "$frameworks" || failed=1
cat "$logs/frameworks"
echo "async-openai"
"$rust_client/debug/async-openai-check" || failed=1
echo "docs/sdk-clients.md"
wait "$page" || failed=1
cat "$logs/page"
exit "$failed"
