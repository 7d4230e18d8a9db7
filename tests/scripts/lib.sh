# What the scripts of this folder share. To be sourced: . "$(dirname "$0")/lib.sh"
#
# SIGILLO_TEST_BIN names the folder of the programs. Each script works in a folder of its own, which
# is removed at the end, and stops at the first expectation that does not hold.
set -euo pipefail

SCRIPTS=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
PATH="${SIGILLO_TEST_BIN:?the folder of sigillo and tinylm}:$PATH"
unset SIGILLO_WORKSPACE SIGILLO_PACKS
export LC_ALL=C.UTF-8
SCRATCH=$(mktemp -d "${TMPDIR:-/tmp}/sigillo-test.XXXXXX")
chmod 755 "$SCRATCH"
CLEANUP=()
finish() {
  local status=$? command
  [ "$status" = 0 ] || [ "$status" = 77 ] || [ -n "$FAILED" ] ||
    echo "FAILED: $(basename "$0") stopped with $status at a command that it did not expect to fail" >&2
  for command in "${CLEANUP[@]}"; do eval "$command" || true; done
  cd / && rm -rf "$SCRATCH"
  exit "$status"
}
trap finish EXIT
cd "$SCRATCH"

FAILED=
fail() {
  FAILED=yes
  echo "FAILED (line ${BASH_LINENO[-2]} of $(basename "$0")): $*" >&2
  echo "--- stdout" >&2; head -c 2000 "$SCRATCH/.out" >&2 || true
  echo "--- stderr" >&2; head -c 2000 "$SCRATCH/.err" >&2 || true
  exit 1
}
skip() { echo "SKIPPED: $*"; exit 77; }
note() { echo "-- $*"; }

# expect EXIT COMMAND...: the command ends with EXIT. Its output is in .out and .err; standard input is ours.
expect() {
  local wanted=$1 code=0
  shift
  "$@" >"$SCRATCH/.out" 2>"$SCRATCH/.err" || code=$?
  [ "$code" = "$wanted" ] || fail "exit code $code, not $wanted: $*"
}
stdout_has() { grep -qF -- "$1" "$SCRATCH/.out" || fail "standard output does not hold \"$1\""; }
stdout_lacks() { ! grep -qF -- "$1" "$SCRATCH/.out" || fail "standard output holds \"$1\""; }
stderr_has() { grep -qF -- "$1" "$SCRATCH/.err" || fail "standard error does not hold \"$1\""; }
stdout_empty() { [ ! -s "$SCRATCH/.out" ] || fail "there is something on standard output"; }
stderr_empty() { [ ! -s "$SCRATCH/.err" ] || fail "there is something on standard error"; }
# json_has EXPRESSION: true in Python, with `j` the JSON value on standard output.
json_has() {
  python3 -c 'import json, sys; j = json.load(open(sys.argv[1], encoding="utf-8")); sys.exit(0 if eval(sys.argv[2]) else 1)' \
    "$SCRATCH/.out" "$1" 2>/dev/null || fail "JSON on standard output: not true: $1"
}
# json EXPRESSION: prints it.
json() { python3 -c 'import json, sys; j = json.load(open(sys.argv[1])); print(eval(sys.argv[2]))' "$SCRATCH/.out" "$1"; }

# refuse EXIT CODE COMMAND...: an error of this code and nothing on standard output; no crash, no raw escape.
refuse() {
  local wanted=$1 code=$2
  shift 2
  expect "$wanted" "$@"
  grep -q "^sigillo: error \[$code\] ." "$SCRATCH/.err" || fail "no error [$code]: $*"
  stdout_empty
  ! grep -qE 'terminate called|AddressSanitizer|runtime error' "$SCRATCH/.err" || fail "a crash: $*"
  no_escapes
}
has_remedy() { grep -q '^  what to do: .' "$SCRATCH/.err" || fail "the error names no remedy"; }
# Neither stream holds a control character other than a line feed.
no_escapes() {
  ! LC_ALL=C grep -qaP '[\x00-\x09\x0b-\x1f\x7f]|\xc2[\x80-\x9f]' "$SCRATCH/.out" "$SCRATCH/.err" ||
    fail "a control character reaches the terminal"
}
# golden NAME: standard error is tests/golden/NAME. SIGILLO_UPDATE_GOLDEN=1 writes it anew: read the difference.
golden() {
  local file="$SCRIPTS/../golden/$1"
  if [ "${SIGILLO_UPDATE_GOLDEN:-}" = 1 ]; then cp "$SCRATCH/.err" "$file"; fi
  diff -u "$file" "$SCRATCH/.err" >&2 || fail "standard error is not tests/golden/$1"
}

# workspace DIR: a workspace with a watermark key "mark".
workspace() {
  expect 0 sigillo --workspace "$1" init --origin "test.example/$(basename "$1")" --actor Tester
  expect 0 sigillo --workspace "$1" keys generate mark --algorithm watermark
}
# records COUNT [PREFIX]: that many role declarations, one a line.
records() {
  seq -f '{"kind":"role-declaration","fields":{"actor":"'"${2:-actor}"' %.0f","role":["system_provider"],"jurisdiction":["EU"]}}' "$1"
}
# sound DIR: fsck finds no error.
sound() { expect 0 sigillo --workspace "$1" log fsck; stdout_has "the ledger is sound"; }
size_of() { sqlite3 -readonly "$1/ledger.db" 'SELECT size FROM state'; }
