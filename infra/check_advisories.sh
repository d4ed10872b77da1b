#!/usr/bin/env bash
# Checks dependencies against the RustSec database where it can be had. Without it, for instance where only a
# package registry can be reached, this says so and passes: the other checks do not depend on it.
# Usage: check_advisories.sh <cargo-deny>
set -euo pipefail

cargo_deny=$1
fetch_limit_s=60

# A Mac has no timeout(1).
limit=()
if command -v timeout >/dev/null; then limit=(timeout "$fetch_limit_s"); fi

if ${limit[@]+"${limit[@]}"} "$cargo_deny" --log-level error fetch db 2>/dev/null; then
    "$cargo_deny" --locked check --disable-fetch advisories
else
    echo "NOT CHECKED: advisories. The RustSec database (github.com/rustsec/advisory-db) cannot be fetched from here."
fi
