#!/usr/bin/env bash
# The positive control of lib.sh: each expectation fails when it should. Without it a broken lib.sh passes everything.
. "$(dirname "$0")/lib.sh"

# must_fail COMMAND...: in a subshell, so that its exit is not ours.
must_fail() {
  if ( trap - EXIT; "$@" ) 2>/dev/null; then echo "CONTROL FAILED: passes: $*" >&2; exit 1; fi
}
say() { printf '%b' "$1"; printf '%b' "$2" >&2; return "$3"; }
both() { expect "$1" say "$2" "$3" "$1"; "${@:4}"; }

expect 0 true
expect 3 say "" "" 3
must_fail expect 0 false
must_fail expect 3 true
must_fail expect 0 no-such-program
must_fail both 0 "out" "err" stdout_has err
must_fail both 0 "out" "err" stdout_lacks out
must_fail both 0 "out" "err" stderr_has out
must_fail both 0 "out" "" stdout_empty
must_fail both 0 "" "err" stderr_empty
must_fail both 0 '{"a":1}' "" json_has 'j["a"] == 2'
must_fail both 0 '{"a":1' "" json_has 'True'
both 0 '{"a":1}' "" json_has 'j["a"] == 1'
must_fail both 3 "" "an error\n" has_remedy
for bad in '\x1b[31m' '\xc2\x9b' 'a\tb' '\x7f' 'a\rb'; do must_fail both 0 "" "$bad" no_escapes; done
both 0 "line\nline\n" "\xc3\xa9 \xe2\x82\xac\n" no_escapes

error='sigillo: error [not-found] x\n  what to do: y\n'
refuse 3 not-found say "" "$error" 3
must_fail refuse 3 invalid-input say "" "$error" 3
must_fail refuse 4 not-found say "" "$error" 3
must_fail refuse 3 not-found say "data" "$error" 3
must_fail refuse 3 not-found say "" "" 3
must_fail refuse 3 not-found say "" "${error}terminate called after\n" 3

workspace w
sound w
printf x | dd of=w/ledger.db bs=1 seek=40 conv=notrunc status=none
sqlite3 w/ledger.db "UPDATE entries SET leaf_hash = zeroblob(32) WHERE idx = 1"
must_fail sound w
SIGILLO_UPDATE_GOLDEN= must_fail both 0 "" "no such golden output\n" golden no_workspace.txt
echo "all controls hold"
