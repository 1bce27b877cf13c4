#!/usr/bin/env bash
# Makes .venv with the pinned Python packages the checks use (see scripts/requirements.txt).
set -euo pipefail
cd "$(dirname "$0")/.."
if ! python3 -c 'import venv, ensurepip' 2>/dev/null; then
  apt-get update -q && apt-get install -qy python3 python3-venv curl
fi
command -v curl >/dev/null || { apt-get update -q && apt-get install -qy curl; }
[ -x .venv/bin/python ] || python3 -m venv .venv
.venv/bin/pip install -q --disable-pip-version-check -r scripts/requirements.txt
