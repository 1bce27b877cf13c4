# One image with the three binaries and nothing else: `docker build .`
#
# The binaries are linked statically, so the image starts from nothing: no
# distribution, no shell, nothing to patch but ourselves. Roots for TLS are
# compiled in (webpki); names are resolved by the C library's own resolver.
#
# No cache mounts and no `# syntax=` line: every builder can run this, and a
# layer cache of any kind (local, registry, CI) is enough to make it fast.

# A machine without a registry can bring its own; it needs Rust (the
# rust-version of Cargo.toml), a C compiler and libc6-dev.
ARG BUILD_IMAGE=rust:1.95-slim-bookworm

FROM ${BUILD_IMAGE} AS build
WORKDIR /src
# With a target named, these flags are for the binaries alone: procedural macros
# and build scripts stay dynamic. `host-tuple` is this machine's: amd64 and arm64
# build alike.
ENV RUSTFLAGS="-C target-feature=+crt-static" \
    CARGO_BUILD_TARGET=host-tuple
# `off` builds in half the time, for those who change our sources; `thin` is what
# the release profile says.
ARG LTO=thin
ENV CARGO_PROFILE_RELEASE_LTO=${LTO}

# What other people wrote, in a layer that only manifests and the lock file
# change: the manifests, with empty sources for this one command. The crate for
# test suites (containers) and the tools of the simulator's bench are no part of the
# image; the workspace names them.
COPY Cargo.toml Cargo.lock ./
COPY seam/Cargo.toml seam/
COPY tokens/Cargo.toml tokens/
COPY simulator/Cargo.toml simulator/
COPY simulator/bench/Cargo.toml simulator/bench/
COPY gateway/Cargo.toml gateway/
COPY harness/Cargo.toml harness/
COPY containers/Cargo.toml containers/
RUN set -e; \
    for crate in */ simulator/bench/; do \
      mkdir ${crate}src; touch ${crate}src/lib.rs; echo 'fn main() {}' >${crate}src/main.rs; \
    done; \
    cargo build -p simulator -p gateway -p harness --release --locked; \
    rm -r */src simulator/bench/src

# What we wrote, and the file tree of the image. Cargo compares times and the
# files copied may be older than their empty stand-ins: hence the `touch`.
# Symbols stay, debug information does not: backtraces of a panic name functions.
COPY seam seam
COPY tokens tokens
COPY simulator simulator
COPY gateway gateway
COPY harness harness
RUN find . -path ./target -prune -o -name '*.rs' -exec touch {} + \
    && cargo build -p simulator -p gateway -p harness --release --locked \
    && install -D -t /image/usr/local/bin target/*/release/simulator target/*/release/gateway target/*/release/harness \
    && mkdir -p /image/etc \
    && echo 'bench:x:65532:65532:bench:/bench:/sbin/nologin' >/image/etc/passwd \
    && echo 'bench:x:65532:' >/image/etc/group \
    && echo 'hosts: files dns' >/image/etc/nsswitch.conf

FROM scratch
COPY --from=build /image /
COPY capabilities /bench/capabilities
COPY scenarios /bench/scenarios
USER 65532:65532
WORKDIR /bench
# Reachable from outside the container, with the first capability's files. All
# of it, and more, can be set from outside: see sample.env.
ENV PATH=/usr/local/bin \
    SIMULATOR_HOST=0.0.0.0 \
    SIMULATOR_CONFIG=/bench/capabilities/simulator.toml \
    GATEWAY_LISTEN=0.0.0.0:8000 \
    GATEWAY_CONFIG=/bench/capabilities/latency-routing/gateway.toml
EXPOSE 8000 8001 8002 8003
CMD ["simulator"]
# For the default command; the other two bring their own or `--no-healthcheck`.
HEALTHCHECK --interval=5s --timeout=2s --start-period=5s --retries=3 CMD ["simulator", "healthcheck"]

# Last, since these change with every build.
ARG VERSION=dev
ARG REVISION=unknown
ARG CREATED=unknown
LABEL org.opencontainers.image.title="GenAI gateway test bench" \
      org.opencontainers.image.description="Simulator of Azure OpenAI, gateway for API Management policies, harness that asserts" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}"
