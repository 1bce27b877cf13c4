#!/usr/bin/env bash
# Drives the simulator and the gateway, over sockets on ports 18000 to 18008
# (PORTS=190: 19000 to 19008), with curl, the official openai clients (Python, Node),
# frameworks over them (langchain-openai, litellm, semantic-kernel) and async-openai
# (Rust), and runs the examples of docs/sdk-clients.md. What every client is to show is
# in scripts/clients/cases.toml; a table says at the end what each has shown.
#
# Binaries are those of the folder BIN, or of PROFILE: release where it was built
# before, else debug.
set -euo pipefail
cd "$(dirname "$0")/.."

export PORTS=${PORTS:-180}
step() { printf '%s (%ss)\n' "$*" "$SECONDS"; }

target=${CARGO_TARGET_DIR:-target}
[ -x "$target/release/simulator" ] && [ -x "$target/release/gateway" ] && built=release || built=debug
profile=${PROFILE:-$built}
bin=${BIN:-$target/$profile}
[ "$profile" = release ] && flags=(--release) || flags=()

step "installing clients"
scripts/python-venv.sh
# In an environment of their own: they pin what the other checks pin otherwise. Beside
# the builds, since it mostly waits for downloads.
frameworks() {
  [ -x .venv-frameworks/bin/python ] || python3 -m venv .venv-frameworks
  .venv-frameworks/bin/pip install -q --disable-pip-version-check --no-compile --no-deps -r scripts/clients/requirements.txt
}
frameworks & frameworks=$!
if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
  echo "node or npm is missing: installing Debian's nodejs and npm"
  apt-get update -q && apt-get install -qy --no-install-recommends nodejs npm
fi
npm --prefix scripts/clients/node ci --no-fund --no-audit --loglevel=error
[ -n "${BIN:-}" ] || cargo build -q --locked -p simulator -p gateway "${flags[@]}"
rust_client=$target/clients
CARGO_TARGET_DIR=$rust_client cargo build -q --locked --manifest-path scripts/clients/rust/Cargo.toml
wait "$frameworks"
step "starting simulators and gateways"

# What is in the environment for real clients must not reach these.
for name in $(compgen -e); do
  case $name in OPENAI_* | AZURE_OPENAI_* | SIMULATOR_* | GATEWAY_*) unset "$name" ;; esac
done
export PYTHONDONTWRITEBYTECODE=1 NO_PROXY=127.0.0.1,localhost no_proxy=127.0.0.1,localhost
export SIMULATOR_API_KEY=simulator-key APIM_KEY_ONE=subscription-key-one

logs=$(mktemp -d)
export RESULTS=$logs/results
mkdir "$RESULTS"
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

# What the page describes, on other ports: the built-in simulators and
# the capability in front of them.
"$bin/simulator" default-config | sed "s/^port = 80/port = $PORTS/" >"$logs/built-in.toml"
serve built-in "$bin/simulator" --config "$logs/built-in.toml"
capability=capabilities/latency-routing/gateway.toml
serve gateway env PTU1_URL=http://127.0.0.1:${PORTS}01 PAYG1_URL=http://127.0.0.1:${PORTS}02 \
  PAYG2_URL=http://127.0.0.1:${PORTS}03 "$bin/gateway" --config "$capability" --listen 127.0.0.1:${PORTS}00
# What the SDK suites use: quick simulators, the capability and a plain gateway.
export SIMULATOR_URL=http://127.0.0.1:${PORTS}04 OPENAI_URL=http://127.0.0.1:${PORTS}08
ENTRA_TOKEN=$("$bin/simulator" token)
export ENTRA_TOKEN
export CAPABILITY_URL=http://127.0.0.1:${PORTS}05/latency-routing PASS_THROUGH_URL=http://127.0.0.1:${PORTS}06
sed "s/port = 180/port = $PORTS/" scripts/clients/simulator.toml >"$logs/clients.toml" # it writes its authority beside itself
serve simulator "$bin/simulator" --config "$logs/clients.toml"
export SIMULATOR_HTTPS_URL=https://localhost:${PORTS}07
serve capability env PTU1_URL=$SIMULATOR_URL PAYG1_URL=$SIMULATOR_URL PAYG2_URL=$SIMULATOR_URL \
  "$bin/gateway" --config "$capability" --listen 127.0.0.1:${PORTS}05
serve pass-through "$bin/gateway" --config scripts/clients/gateway.toml --listen "127.0.0.1:${PORTS}06"
healthy() { for _ in $(seq 100); do curl -sf -o /dev/null "http://127.0.0.1:$1/healthz" && return; sleep 0.1; done; }
for port in "$PORTS"{00,01,02,03,04,05,06,08}; do
  healthy "$port" || { echo "nothing healthy on port $port" >&2; exit 1; }
done
# A port that another program has would be answered by that program.
for pid in "${pids[@]}"; do
  kill -0 "$pid" 2>/dev/null || { echo "a server has stopped: is a port of ${PORTS}00 to ${PORTS}08 taken?" >&2; exit 1; }
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
simulator=http://127.0.0.1:${PORTS}02 gateway=http://127.0.0.1:${PORTS}00/latency-routing
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
expect "unknown operation at the gateway" "$(ask http://127.0.0.1:${PORTS}00 "$APIM_KEY_ONE" nothing/here)" 404 \
  '{ "statusCode": 404, "message": "Resource not found" }'

# The suites wait most of the time: side by side, printed one after the other.
names=() suites=()
suite() { # NAME COMMAND...
  local name=$1
  shift
  "$@" >"$logs/suite-${#suites[@]}" 2>&1 & suites+=($!) pids+=($!) names+=("$name")
}
official() { .venv/bin/pytest -c scripts/clients/pytest.ini "${@/#/scripts/clients/}"; }
framework() {
  SSL_CERT_FILE=$logs/authority.pem LITELLM_LOCAL_MODEL_COST_MAP=True LANGSMITH_TRACING=false \
    .venv-frameworks/bin/pytest -c scripts/clients/pytest.ini "${@/#/scripts/clients/}"
}
node_suite() (cd scripts/clients/node && node --test --test-reporter=spec)

step "suites"
suite "openai for Python" official test_cases_openai.py test_openai.py test_entra.py
suite "openai for JavaScript, Node $(node --version)" node_suite
suite "langchain-openai, litellm" framework test_cases_langchain.py test_cases_litellm.py
suite "semantic-kernel" framework test_cases_semantic_kernel.py
suite "async-openai" "$rust_client/debug/async-openai-check"
suite "docs/sdk-clients.md" official test_page.py
failed=0
for i in "${!suites[@]}"; do
  wait "${suites[i]}" || failed=1
  echo "${names[i]}"
  cat "$logs/suite-$i"
done
step "what each client has shown"
python3 scripts/clients/table.py "$RESULTS" || failed=1
exit "$failed"
