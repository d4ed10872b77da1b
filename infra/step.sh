#!/usr/bin/env bash
# Runs a command and adds a line to a file: the step's name, its seconds, its exit status, separated by tabs.
# Usage: step.sh FILE NAME COMMAND [ARGUMENT ...]
set -uo pipefail

file=$1 name=$2
shift 2
mkdir -p "$(dirname "$file")"
started=$SECONDS
"$@"
status=$?
printf '%s\t%s\t%s\n' "$name" "$((SECONDS - started))" "$status" >>"$file"
exit "$status"
