#!/usr/bin/env bash
# How the scripts beside it talk: each step is announced before it begins, and a failure ends with a sentence that says
# what to do. Sourced by scripts, which count their own steps in STEPS.

STEP=0
STEP_NAME='starting'

step() {
  STEP=$((STEP + 1))
  STEP_NAME=$1
  printf '\n%s== %d/%d  %s%s\n' "$BOLD" "$STEP" "$STEPS" "$1" "$PLAIN"
}

# fail WHAT HINT: the last thing a script says.
fail() {
  printf '\n%sFailed: %s%s\n%s\n' "$BOLD" "$1" "$PLAIN" "${2:-}" >&2
  exit 1
}

# Set as the ERR trap (set -E): names the step in which a command without a sentence of its own failed.
unexplained() {
  local code=$?
  [ "$BASH_SUBSHELL" = 0 ] || exit "$code"
  printf '\n%sFailed in step %d, %s (exit code %d); the lines above say why.%s\n' \
    "$BOLD" "$STEP" "$STEP_NAME" "$code" "$PLAIN" >&2
  exit "$code"
}

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
  BOLD=$'\033[1m' PLAIN=$'\033[0m'
else
  BOLD='' PLAIN=''
fi
