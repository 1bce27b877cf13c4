#!/usr/bin/env bash
# Runs both latency-routing scenarios over the seed toolkit's own policy documents,
# unmodified: FOLDER holds the four files of `capabilities/latency-routing` of
# the public repository Azure-Samples/apim-genai-gateway-toolkit.
#
#   scripts/seed-documents.sh path/to/apim-genai-gateway-toolkit/capabilities/latency-routing
set -euo pipefail
folder=$(realpath "${1:?usage: scripts/seed-documents.sh FOLDER}")
cd "$(dirname "$0")/.."
for file in latency-routing-inbound latency-routing-backend latency-routing-policy set-latency-policy; do
  [ -f "$folder/$file.xml" ] || { echo "$folder has no $file.xml" >&2; exit 2; }
done

# Our configuration and scenarios, with the documents taken from the folder.
bench=$(mktemp -d)
trap 'rm -rf "$bench"' EXIT
mkdir -p "$bench/capabilities"
cp -r scenarios "$bench/"
cp -r capabilities/latency-routing "$bench/capabilities/"
sed -i \
  -e "s|id = \"read-backend-order\"|id = \"latency-routing-inbound\"|" \
  -e "s|id = \"forward-by-order\"|id = \"latency-routing-backend\"|" \
  -e "s|\"read-backend-order.xml\"|\"$folder/latency-routing-inbound.xml\"|" \
  -e "s|\"forward-by-order.xml\"|\"$folder/latency-routing-backend.xml\"|" \
  -e "s|\"latency-routing.xml\"|\"$folder/latency-routing-policy.xml\"|" \
  -e "s|\"set-preferred-backends.xml\"|\"$folder/set-latency-policy.xml\"|" \
  "$bench/capabilities/latency-routing/gateway.toml"
# An older version of the repository names a backend's URL in a named value.
printf '\n[[named_values]]\nname = "payg-endpoint-1"\nvalue = "http://localhost:8002/openai"\n' \
  >>"$bench/capabilities/latency-routing/gateway.toml"

cargo build -q --release --locked
target/release/gateway check "$bench/capabilities/latency-routing/gateway.toml"
for scenario in latency-routing latency-routing-failover; do
  target/release/harness run "$bench/scenarios/$scenario.toml" ${HARNESS_ARGS:-}
done
