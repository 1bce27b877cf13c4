#!/usr/bin/env bash
# Runs our scenarios over the seed toolkit's own policy documents, unmodified:
# FOLDER is the folder `capabilities` of the public repository
# Azure-Samples/apim-genai-gateway-toolkit, or one with the same folders in it.
# Capabilities of which it lacks a document are skipped, and named.
#
#   scripts/seed-documents.sh path/to/apim-genai-gateway-toolkit/capabilities [CAPABILITY...]
#
# HARNESS_ARGS is added to each `harness run`; PROFILE=debug builds faster.
set -euo pipefail
usage="usage: scripts/seed-documents.sh FOLDER [CAPABILITY...]"
folder=$(realpath "${1:?$usage}")
shift
cd "$(dirname "$0")/.."
profile=${PROFILE:-release}

# Our capability, what its document is, our name of it, the toolkit's document.
# `policy`: a file in our gateway.toml. `fragment`: an id that the toolkit's
# policies include; ours have ids of their own and stay beside them.
documents="
latency-routing          fragment  latency-routing-inbound     latency-routing/latency-routing-inbound.xml
latency-routing          fragment  latency-routing-backend     latency-routing/latency-routing-backend.xml
latency-routing          policy    latency-routing.xml         latency-routing/latency-routing-policy.xml
latency-routing          policy    set-preferred-backends.xml  latency-routing/set-latency-policy.xml
load-balancing           fragment  simple-round-robin          load-balancing/simple-round-robin.xml
load-balancing           policy    round-robin-simple.xml      load-balancing/simple-round-robin-policy.xml
load-balancing           fragment  simple-round-robin-v2       load-balancing-v2/simple-round-robin.xml
load-balancing           policy    round-robin-simple-v2.xml   load-balancing-v2/simple-round-robin-policy.xml
load-balancing           fragment  weighted-round-robin        load-balancing/weighted-round-robin.xml
load-balancing           policy    round-robin-weighted.xml    load-balancing/weighted-round-robin-policy.xml
load-balancing           fragment  weighted-round-robin-v2     load-balancing-v2/weighted-round-robin.xml
load-balancing           policy    round-robin-weighted-v2.xml load-balancing-v2/weighted-round-robin-policy.xml
manage-spikes-with-payg  fragment  retry-with-payg             manage-spikes-with-payg/retry-with-payg.xml
manage-spikes-with-payg  policy    retry-with-payg.xml         manage-spikes-with-payg/retry-with-payg-policy.xml
manage-spikes-with-payg  fragment  retry-with-payg-v2          manage-spikes-with-payg-v2/retry-with-payg.xml
manage-spikes-with-payg  policy    retry-with-payg-v2.xml      manage-spikes-with-payg-v2/retry-with-payg-policy.xml
"

# Older versions of the repository name URLs and keys in named values.
named_values="
ptu-endpoint-1   http://localhost:8001/openai
payg-endpoint-1  http://localhost:8002/openai
payg-endpoint-2  http://localhost:8003/openai
ptu-key-1        ${SIMULATOR_API_KEY:-simulator-key}
"

# Our configuration and scenarios, with the documents taken from the folder.
bench=$(mktemp -d)
trap 'rm -rf "$bench"' EXIT
cp -r capabilities scenarios "$bench/"

if [ "$profile" = release ]; then release=--release; else release=; fi
# shellcheck disable=SC2086
cargo build -q -p gateway -p harness $release --locked

ran=0 failed=()
chosen=${*:-$(awk 'NF { print $1 }' <<<"$documents" | uniq)}
for capability in $chosen; do
  rows=$(awk -v own="$capability" '$1 == own { print $2, $3, $4 }' <<<"$documents")
  [ -n "$rows" ] || { echo "unknown capability $capability" >&2; exit 2; }
  gateway=$bench/capabilities/$capability/gateway.toml
  missing=
  while read -r kind name document; do
    [ -f "$folder/$document" ] || missing="$missing $document"
    case $kind in
      policy) sed -i "s|= \"$name\"|= \"$folder/$document\"|" "$gateway" ;;
      fragment) printf '\n[[fragments]]\nid = "%s"\nfile = "%s"\n' "$name" "$folder/$document" >>"$gateway" ;;
    esac
  done <<<"$rows"
  if [ -n "$missing" ]; then echo "== $capability: skipped, $folder lacks$missing"; continue; fi
  while read -r name value; do
    [ -z "$name" ] || printf '\n[[named_values]]\nname = "%s"\nvalue = "%s"\n' "$name" "$value" >>"$gateway"
  done <<<"$named_values"
  echo "== $capability"
  "target/$profile/gateway" check "$gateway"
  for scenario in $(grep -l "capabilities/$capability/gateway.toml" scenarios/*.toml); do
    # Those older versions also name the backend by its URL in x-apim-backend.
    if grep -qs '"selected-url"' "$folder/$capability"/*-policy.xml; then
      sed -i -e '/by_simulator/s|"ptu-backend-1"|"http://localhost:8001/openai"|' \
        -e '/by_simulator/s|"payg-backend-1"|"http://localhost:8002/openai"|' \
        -e '/by_simulator/s|"payg-backend-2"|"http://localhost:8003/openai"|' "$bench/$scenario"
    fi
    ran=$((ran + 1))
    # shellcheck disable=SC2086
    "target/$profile/harness" run "$bench/$scenario" ${HARNESS_ARGS:-} || failed+=("$scenario")
  done
done
[ $ran != 0 ] || { echo "nothing was run" >&2; exit 2; }
echo "$ran scenarios run, ${#failed[@]} not passed${failed[*]:+: ${failed[*]}}"
[ ${#failed[@]} = 0 ]
