#!/usr/bin/env bash
# Lints the healthy networks, which must pass, and their broken siblings, which must not.
set -euo pipefail

modlint=${MODLINT:-modlint}
checkpoints=${1:-examples/checkpoints}

lint() { # folder, expected exit code
  local code=0
  printf '\n$ modlint check -v %s\n\n' "$1"
  "$modlint" check --verbose --output-format full "$1" || code=$?
  printf '\nExit code %d' "$code"
  if [ "$code" -ne "$2" ]; then
    printf ', but %d was expected.\n' "$2"
    exit 1
  fi
  printf ', as expected.\n'
}

lint "$checkpoints/healthy" 0
lint "$checkpoints/broken" 1
