#!/usr/bin/env bash
# What `make test-web` needs beside the local stack: Node 18 or newer, npm, Chromium.
#   prerequisites.sh check      says what is missing; exit status 1 if anything is
#   prerequisites.sh install    installs it through apt-get, as root; else says what is missing
set -euo pipefail

missing() {
    command -v node >/dev/null || echo nodejs
    command -v npm >/dev/null || echo npm
    local browser
    for browser in "${CHROMIUM:-}" /usr/bin/chromium /usr/bin/chromium-browser /usr/bin/google-chrome; do
        [ -n "$browser" ] && [ -x "$browser" ] && return
    done
    echo chromium
}

packages=$(missing | xargs)
if [ "${1:-}" = install ] && [ -n "$packages" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "installing $packages"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    # Words on purpose: one argument a package.
    # shellcheck disable=SC2086
    apt-get install -y -qq --no-install-recommends $packages >/dev/null
    packages=$(missing | xargs)
fi
if [ -n "$packages" ]; then
    echo "missing for make test-web: $packages. Install them (Debian: apt-get install $packages); CHROMIUM=… names a browser elsewhere." >&2
    exit 1
fi
if ! node -e 'process.exit(+process.versions.node.split(".")[0] < 18 ? 1 : 0)'; then
    echo "make test-web needs Node 18 or newer; this is $(node --version)" >&2
    exit 1
fi
