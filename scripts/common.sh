# What the other scripts share: where they are, how they speak, how they fail.
# shellcheck shell=bash

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export PATH="$PWD/.venv/bin:$PATH"
# Slow lines are common where these run; a big wheel takes longer than uv's default of 30 s.
export UV_HTTP_TIMEOUT="${UV_HTTP_TIMEOUT:-180}" UV_NO_PROGRESS="${UV_NO_PROGRESS-${CI:+1}}"
[ -n "$UV_NO_PROGRESS" ] || unset UV_NO_PROGRESS
export PIP_DISABLE_PIP_VERSION_CHECK=1

say() { printf '· %s\n' "$*"; }

# Prints each line that follows the message, then ends.
fail() {
  printf '\n' >&2
  printf '%s\n' "$@" >&2
  exit 1
}

# Runs a command quietly; shows what it said only if it fails.
# quietly "what it does" COMMAND...
quietly() {
  local what=$1 log started=$SECONDS
  shift
  say "$what …"
  log=$(mktemp "${TMPDIR:-/tmp}/fairihub-make.XXXXXX")
  (while sleep 10; do say "  … $((SECONDS - started)) s"; done) &
  local ticking=$!
  local ended=0
  "$@" >"$log" 2>&1 </dev/null || ended=$?
  kill "$ticking" 2>/dev/null
  wait "$ticking" 2>/dev/null || true
  if [ "$ended" != 0 ]; then
    tail -40 "$log" >&2
    rm -f "$log"
    fail "This failed: $what." "The command was: $*"
  fi
  rm -f "$log"
  [ $((SECONDS - started)) -lt 2 ] || say "  done in $((SECONDS - started)) s"
}

# Playwright brings a Node of its own that lacks a library on small systems; then ours drives it.
drive_browsers() {
  local own
  own=$(python -c 'import pathlib, playwright; print(pathlib.Path(playwright.__file__).parent)')/driver/node
  "$own" --version >/dev/null 2>&1 || export PLAYWRIGHT_NODEJS_PATH="${PLAYWRIGHT_NODEJS_PATH:-$(command -v node)}"
}
