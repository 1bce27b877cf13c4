#!/usr/bin/env bash
# Runs our scenarios over the seed toolkit's own policy documents, unmodified:
# FOLDER is the folder `capabilities` of the public repository
# Azure-Samples/apim-genai-gateway-toolkit, or one with the same folders in it.
# A scenario runs when the folder has every document of the APIs it calls; what
# is skipped is named, and so is every document that is missing.
#
#   scripts/seed-documents.sh path/to/apim-genai-gateway-toolkit/capabilities [CAPABILITY...]
#
# The toolkit has no documents for rate limiting since it replaced that
# capability by prioritization, so there is nothing to run ours beside.
#
# HARNESS_ARGS is added to each `harness run`; PROFILE=debug builds faster.
# DOCUMENTS_ONLY=1 checks that the documents load, and runs nothing.
set -euo pipefail
usage="usage: scripts/seed-documents.sh FOLDER [CAPABILITY...]"
folder=$(realpath "${1:?$usage}")
shift
cd "$(dirname "$0")/.."
profile=${PROFILE:-release}

# Our capability; the first part of the API's path, as scenarios call it; what
# the document is; our name of it; the toolkit's document.
# `policy`: a file in our gateway.toml. `fragment`: an id that the toolkit's
# policies include; ours have ids of their own and stay beside them.
documents="
latency-routing          latency-routing                   fragment  latency-routing-inbound     latency-routing/latency-routing-inbound.xml
latency-routing          latency-routing                   fragment  latency-routing-backend     latency-routing/latency-routing-backend.xml
latency-routing          latency-routing                   policy    latency-routing.xml         latency-routing/latency-routing-policy.xml
latency-routing          helpers                           policy    set-preferred-backends.xml  latency-routing/set-latency-policy.xml
load-balancing           round-robin-simple                fragment  simple-round-robin          load-balancing/simple-round-robin.xml
load-balancing           round-robin-simple                policy    round-robin-simple.xml      load-balancing/simple-round-robin-policy.xml
load-balancing           round-robin-simple-v2             fragment  simple-round-robin-v2       load-balancing-v2/simple-round-robin.xml
load-balancing           round-robin-simple-v2             policy    round-robin-simple-v2.xml   load-balancing-v2/simple-round-robin-policy.xml
load-balancing           round-robin-weighted              fragment  weighted-round-robin        load-balancing/weighted-round-robin.xml
load-balancing           round-robin-weighted              policy    round-robin-weighted.xml    load-balancing/weighted-round-robin-policy.xml
load-balancing           round-robin-weighted-v2           fragment  weighted-round-robin-v2     load-balancing-v2/weighted-round-robin.xml
load-balancing           round-robin-weighted-v2           policy    round-robin-weighted-v2.xml load-balancing-v2/weighted-round-robin-policy.xml
manage-spikes-with-payg  retry-with-payg                   fragment  retry-with-payg             manage-spikes-with-payg/retry-with-payg.xml
manage-spikes-with-payg  retry-with-payg                   policy    retry-with-payg.xml         manage-spikes-with-payg/retry-with-payg-policy.xml
manage-spikes-with-payg  retry-with-payg-v2                fragment  retry-with-payg-v2          manage-spikes-with-payg-v2/retry-with-payg.xml
manage-spikes-with-payg  retry-with-payg-v2                policy    retry-with-payg-v2.xml      manage-spikes-with-payg-v2/retry-with-payg-policy.xml
prioritization           prioritization-token-calculating  policy    token-calculating.xml       prioritization/prioritization-token-calculating.xml
prioritization           prioritization-token-tracking     policy    token-tracking.xml          prioritization/prioritization-token-tracking.xml
usage-tracking           usage-tracking                    fragment  usage-tracking-inbound      usage-tracking/usage-tracking-inbound.xml
usage-tracking           usage-tracking                    fragment  usage-tracking-outbound     usage-tracking/usage-tracking-outbound.xml
usage-tracking           usage-tracking                    policy    usage-tracking.xml          usage-tracking/usage-tracking-policy.xml
"
all=$(awk 'NF' <<<"$documents")

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

# The API's documents that the folder lacks.
lacking() {
  awk -v api="$1" '$2 == api { print $5 }' <<<"$all" | while read -r document; do
    [ -f "$folder/$document" ] || printf ' %s' "$document"
  done
}

ran=0 loaded=0 failed=() skipped=() refused=()
chosen=${*:-$(awk '{ print $1 }' <<<"$all" | uniq)}
for capability in $chosen; do
  rows=$(awk -v own="$capability" '$1 == own' <<<"$all")
  [ -n "$rows" ] || { echo "unknown capability $capability" >&2; exit 2; }
  gateway=$bench/capabilities/$capability/gateway.toml
  echo "== $capability"
  while read -r _ api kind name document; do
    [ -z "$(lacking "$api")" ] || continue
    loaded=$((loaded + 1))
    case $kind in
      policy) sed -i "s|= \"$name\"|= \"$folder/$document\"|" "$gateway" ;;
      fragment) printf '\n[[fragments]]\nid = "%s"\nfile = "%s"\n' "$name" "$folder/$document" >>"$gateway" ;;
    esac
  done <<<"$rows"
  while read -r name value; do
    [ -z "$name" ] || printf '\n[[named_values]]\nname = "%s"\nvalue = "%s"\n' "$name" "$value" >>"$gateway"
  done <<<"$named_values"
  "target/$profile/gateway" check "$gateway" || { refused+=("$capability"); continue; }
  [ -z "${DOCUMENTS_ONLY:-}" ] || continue
  for scenario in $(grep -l "capabilities/$capability/gateway.toml" scenarios/*.toml); do
    missing=
    for api in $(awk '{ print $2 }' <<<"$rows" | uniq); do
      grep -q "\"/$api/" "$scenario" || continue
      missing=$missing$(lacking "$api")
      # Those older versions also name the backend by its URL in x-apim-backend.
      policy=$folder/$(awk -v api="$api" '$2 == api && $3 == "policy" { print $5 }' <<<"$all")
      if grep -qs '"selected-url"' "$policy"; then
        sed -i -e '/by_simulator/s|"ptu-backend-1"|"http://localhost:8001/openai"|' \
          -e '/by_simulator/s|"payg-backend-1"|"http://localhost:8002/openai"|' \
          -e '/by_simulator/s|"payg-backend-2"|"http://localhost:8003/openai"|' "$bench/$scenario"
      fi
    done
    if [ -n "$missing" ]; then
      echo "$scenario: skipped, $folder lacks$missing"
      skipped+=("$scenario")
      continue
    fi
    ran=$((ran + 1))
    # shellcheck disable=SC2086
    "target/$profile/harness" run "$bench/$scenario" ${HARNESS_ARGS:-} || failed+=("$scenario")
  done
done
echo "$loaded of $(wc -l <<<"$all") documents taken from $folder"
list() { printf '%s %s%s\n' "$1" "$2" "${3:+: $3}"; }
[ ${#refused[@]} = 0 ] || list "${#refused[@]}" "capabilities whose documents do not load" "${refused[*]}"
[ ${#skipped[@]} = 0 ] || list "${#skipped[@]}" "scenarios skipped" "${skipped[*]}"
list "$ran" "scenarios run, ${#failed[@]} not passed" "${failed[*]}"
[ $loaded != 0 ] || { echo "the folder has no document of the toolkit" >&2; exit 2; }
[ ${#failed[@]} = 0 ] && [ ${#refused[@]} = 0 ]
