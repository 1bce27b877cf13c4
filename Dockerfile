# The three binaries in one image. The base images are arguments, so that a
# machine without a registry can bring its own.
ARG BUILD_IMAGE=rust:1.95-slim-bookworm
ARG RUN_IMAGE=debian:bookworm-slim

FROM ${BUILD_IMAGE} AS build
WORKDIR /src
COPY . .
RUN cargo build --workspace --release --locked

FROM ${RUN_IMAGE}
COPY --from=build /src/target/release/simulator /src/target/release/gateway /src/target/release/harness /usr/local/bin/
USER 65532:65532
WORKDIR /bench
CMD ["simulator", "--host", "0.0.0.0"]
