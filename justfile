# The usual loops. `just` lists them, `just --dry-run NAME` prints what one does.
# Every line works without just, too.

# Lists the recipes.
[private]
default:
    @"{{ just_executable() }}" --list --unsorted

# All tests, or those of one crate: `just test gateway`, `just test gateway retry`.
[group('work')]
test crate="" filter="":
    cargo test {{ if crate == "" { "--workspace" } else { "-p " + crate } }} {{ filter }}

# Formatting and lints, as CI sees them.
[group('work')]
check:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings

# Formats everything.
[group('work')]
fmt:
    cargo fmt --all

# A scenario on virtual time: `just scenario scenarios/latency-routing.toml --seed 7`.
[group('work')]
scenario file="scenarios/latency-routing.toml" *args:
    cargo run --release --bin harness -- run {{ file }} {{ args }}

# Every problem of every shipped scenario and the files it names.
[group('work')]
check-scenarios:
    for file in scenarios/*.toml; do cargo run -q --release --bin harness -- check "$file" || exit; done

# The fastest binaries: 20 minutes the first time. Prints where they are.
[group('work')]
dist *args:
    scripts/dist {{ args }}

# Simulators and gateway of a capability, in the foreground; Ctrl-C ends both.
[group('work')]
serve capability="latency-routing":
    cargo build --release
    trap 'kill 0' EXIT; target/release/simulator --config capabilities/simulator.toml & \
      target/release/gateway --config capabilities/{{ capability }}/gateway.toml

# Accepts changed snapshots of a crate; read the diff afterwards.
[group('generated')]
bless crate:
    INSTA_UPDATE=always cargo test -p {{ crate }}
    git status --short -- '*.snap'

# Writes the generated schemas and reference pages under docs/.
[group('generated')]
docs:
    cargo build
    target/debug/harness schema > docs/scenario.schema.json
    target/debug/harness schema --markdown > docs/scenario-reference.md
    target/debug/simulator schema > docs/simulator.schema.json
    target/debug/simulator schema --markdown > docs/simulator-reference.md
    target/debug/gateway schema > docs/gateway.schema.json
    target/debug/gateway schema --markdown > docs/gateway-reference.md
    git status --short -- docs

# curl, the official SDKs, and the SDK page's examples, against real processes.
[group('checks')]
real-clients:
    scripts/real-clients.sh

# Licences, sources, duplicates, advisories.
[group('checks')]
dependencies:
    scripts/check-dependencies.sh

# Image and composed stack, asserted; five minutes, or `just docker-check none`.
[group('checks')]
docker-check scenario="scenarios/latency-routing.toml":
    DOCKER_SCENARIO={{ scenario }} REQUIRE_DOCKER=1 scripts/docker-check.sh

# Everything CI does.
[group('checks')]
ci:
    .ci/run

# Makes Docker ready on a bare Debian machine.
[group('containers')]
docker-engine:
    if [ "$(id -u)" = 0 ]; then scripts/docker-engine.sh; else sudo scripts/docker-engine.sh; fi

# Builds the image and starts the four services: `just up --profile observability`.
[group('containers')]
up *profile:
    docker compose {{ profile }} up --build --wait

# Restarts the gateway, after editing a policy.
[group('containers')]
reload:
    docker compose restart gateway

# What the services log.
[group('containers')]
logs *service:
    docker compose logs --follow {{ service }}

# A scenario in real time against the running stack.
[group('containers')]
stack-scenario file="scenarios/latency-routing.toml" *args:
    docker compose run --rm harness run {{ file }} {{ args }}

# Stops and removes the services.
[group('containers')]
down:
    docker compose --profile observability --profile harness down
