#!/usr/bin/env bash
# Makes Docker ready on this machine: engine, compose and buildx plugins, and the
# base image the Dockerfile names. What is there already is left alone.
#
#   scripts/docker-engine.sh            everything
#   scripts/docker-engine.sh --engine   no base image
#   scripts/docker-engine.sh --check    only say what is there: exit 0 when engine
#                                       and plugins are (builds pull base images)
#
# Meant for bare Debian machines (CI, sandboxes, dev container). Where no
# registry can be reached, the base image is made here: Debian by mmdebstrap, and
# this machine's own Rust. BASE_IMAGE names another one than the Dockerfile does.
set -euo pipefail
cd "$(dirname "$0")/.."
mode=${1:-all}
base_image=${BASE_IMAGE:-$(sed -n 's/^ARG BUILD_IMAGE=//p' Dockerfile)}
plugins=/usr/local/lib/docker/cli-plugins
log=/var/log/dockerd.log

say() { printf 'docker-engine [%3ds] %s\n' "$SECONDS" "$*"; }
die() { say "ERROR: $*" >&2; exit 1; }
has_engine() { docker version >/dev/null 2>&1; }
has_plugins() { docker compose version >/dev/null 2>&1 && docker buildx version >/dev/null 2>&1; }
has_image() { docker image inspect "$base_image" >/dev/null 2>&1; }
apt_install() {
  command -v apt-get >/dev/null || die "no apt-get here: install $* yourself"
  say "installing $*"
  [ -n "${updated:-}" ] || { apt-get -qq update || die "apt-get update failed"; updated=1; }
  # policy-rc.d: the package must not start the daemon, there may be no init system.
  local policy=/usr/sbin/policy-rc.d made=
  [ -e "$policy" ] || { printf '#!/bin/sh\nexit 101\n' >"$policy"; chmod +x "$policy"; made=1; }
  DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "$@" >/dev/null || failed=1
  [ -z "$made" ] || rm -f "$policy"
  [ -z "${failed:-}" ] || die "apt-get cannot install $*"
}
# Where this machine's own packages come from.
mirror() {
  local uri
  uri=$(awk '/^URIs:/ {print $2; exit}' /etc/apt/sources.list.d/debian.sources 2>/dev/null || true)
  [ -n "$uri" ] || uri=$(awk '/^deb / {for (i = 2; i <= NF; i++) if ($i ~ /:\/\//) {print $i; exit}}' /etc/apt/sources.list 2>/dev/null || true)
  [ -n "$uri" ] || die "no Debian mirror in this machine's apt sources"
  echo "$uri"
}

case $mode in
  all | --engine) ;;
  --check)
    has_engine || { say "no engine answers"; exit 1; }
    say "engine $(docker version -f '{{.Server.Version}}')"
    has_plugins || { say "compose or buildx plugin missing"; exit 1; }
    say "compose $(docker compose version --short), buildx $(docker buildx version | awk '{print $2}')"
    # BuildKit keeps what it pulls to itself, so this may be missing where all is well.
    if has_image; then say "image $base_image"; else say "image $base_image is not here: a build has to pull it"; fi
    exit 0 ;;
  *) die "unknown argument $mode (--engine, --check)" ;;
esac
if has_engine && has_plugins && { [ "$mode" = --engine ] || has_image; }; then
  say "ready: nothing to do"
  exit 0
fi

# The engine and the plugins need root; an image may be made by whoever may talk to the engine.
if ! has_engine || ! has_plugins; then
  [ "$(id -u)" = 0 ] || die "installing and starting Docker needs root"
  exec 9>/var/lock/docker-engine.lock
  flock 9
fi

if ! has_engine; then
  command -v dockerd >/dev/null || apt_install docker.io iptables ca-certificates
  if [ -f /var/run/docker.pid ] && ! kill -0 "$(cat /var/run/docker.pid)" 2>/dev/null; then rm -f /var/run/docker.pid; fi
  # Without an init system nobody has mounted this.
  mountpoint -q /sys/fs/cgroup || mount -t cgroup2 none /sys/fs/cgroup || true
  say "starting dockerd (log: $log)"
  setsid nohup dockerd >"$log" 2>&1 </dev/null 9>&- &
  for _ in $(seq 60); do has_engine && break; sleep 0.5; done
  has_engine || { tail -n 20 "$log" >&2; die "dockerd did not start"; }
fi
say "engine $(docker version -f '{{.Server.Version}}')"

# Debian has compose 2 and buildx since trixie: two programs that need only a C
# library of 2022, taken out of their packages, so that apt's sources stay as they are.
if ! has_plugins; then
  work=$(mktemp -d)
  mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$plugins"
  printf 'Types: deb\nURIs: %s\nSuites: trixie\nComponents: main\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n' "$(mirror)" >"$work/trixie.sources"
  apt=(-qq -o "Dir::Etc::sourcelist=$work/trixie.sources" -o Dir::Etc::sourceparts=/dev/null -o "Dir::State::lists=$work/lists"
    -o "Dir::Cache=$work/cache" -o Acquire::Languages=none -o APT::Sandbox::User=root)
  say "fetching docker-compose and docker-buildx from Debian trixie"
  apt-get "${apt[@]}" update && (cd "$work" && apt-get "${apt[@]}" download docker-compose docker-buildx) || die "cannot fetch the plugins"
  for package in "$work"/*.deb; do dpkg-deb -x "$package" "$work/tree"; done
  install -m 755 "$work"/tree/usr/libexec/docker/cli-plugins/docker-{compose,buildx} "$plugins/"
  rm -rf "$work"
  has_plugins || die "the plugins do not run"
fi
say "compose $(docker compose version --short), buildx $(docker buildx version | awk '{print $2}')"
[ "$mode" = --engine ] && exit 0

if ! has_image; then
  say "pulling $base_image"
  timeout 300 docker pull -q "$base_image" 2>/dev/null || say "it cannot be pulled"
fi
if ! has_image; then
  # A stand-in: Debian of the suite the tag names, a C compiler, and this machine's Rust.
  [ "$(id -u)" = 0 ] || die "making a base image needs root"
  command -v rustc >/dev/null || die "no registry and no Rust on this machine: no base image can be had"
  toolchain=$(rustc --print sysroot)
  wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml) found=$("$toolchain/bin/rustc" --version | awk '{print $2}')
  [ "$(printf '%s\n' "$wanted" "$found" | sort -V | head -1)" = "$wanted" ] || die "Rust $wanted is needed, this machine has $found"
  suite=${base_image##*-}
  command -v mmdebstrap >/dev/null || apt_install mmdebstrap
  say "making a stand-in for $base_image: Debian $suite with Rust $found from $toolchain"
  # The machine's own certificates go with it: builds may have to go through its proxy.
  export toolchain
  mmdebstrap -q --variant=minbase --include=ca-certificates,gcc,libc6-dev --dpkgopt=force-unsafe-io \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
    --customize-hook='for c in /usr/local/share/ca-certificates/*.crt; do [ ! -e "$c" ] || install -D -m 644 "$c" "$1$c"; done; chroot "$1" update-ca-certificates >/dev/null 2>&1' \
    --customize-hook='tar -C "$toolchain" --exclude=./share/doc --exclude=./share/man -cf - . | tar -C "$1/usr/local" --no-same-owner -xf -' \
    --customize-hook='rm -f "$1/etc/hostname"; : >"$1/etc/resolv.conf"' \
    "$suite" - "$(mirror)" 2>/dev/null |
    docker import --change 'CMD ["bash"]' --change 'LABEL stand-in=true' \
      --change 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' - "$base_image" >/dev/null
fi
say "image $base_image"
say ready
