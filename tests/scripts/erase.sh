#!/usr/bin/env bash
# Erasure from outside: what a run hid is deleted from the file's bytes, the ledger says so, and all that was given out
# before still verifies; a hold forbids it; a backup brings it back, and fsck tells.
. "$(dirname "$0")/lib.sh"
export SIGILLO_WORKSPACE=$SCRATCH/w
workspace w
mkdir out
expect 0 sigillo run --model m --output out -- sh -c 'echo weights >out/m; : a-word-that-is-nowhere-else'
grep -q a-word-that-is-nowhere-else w/private.db || fail "the command's line is not stored"
entry=$(sigillo log list --kind run-start --json | sed -n '1s/.*"entry":\([0-9]*\).*/\1/p')
expect 0 sigillo log prove "$entry" -o receipt
sigillo log show "$entry" --raw >leaf
key=$(sigillo keys export log --format vkey)
expect 0 sigillo backup before.tar

expect 0 sigillo values list --json
json_has 'len(j) == 5 and all(v["stored"] and "erased" not in v for v in j)'
refuse 3 invalid-argument sigillo values erase --field command
refuse 3 invalid-argument sigillo values erase --reason "no selection"
refuse 3 not-found sigillo values erase --field nosuch --reason r
refuse 3 not-found sigillo values erase 0000000000000000000000000000000000000000000000000000000000000000 --reason r

expect 0 sigillo record legal-hold --hold case --state placed --reason "a court's order"
refuse 3 invalid-argument sigillo values erase --entry "$entry" --field command --reason "request 1"
grep -q 'legal hold "case"' "$SCRATCH/.err" || fail "the hold is not named: $(cat "$SCRATCH/.err")"
grep -q a-word-that-is-nowhere-else w/private.db || fail "erased in spite of a hold"
expect 0 sigillo record legal-hold --hold case --state lifted --reason "closed"

expect 0 sigillo values erase --entry "$entry" --field command --reason "request 1" --json
json_has 'j["erased"] == 1 and len(j["entries"]) == 1'
! grep -rq a-word-that-is-nowhere-else w || fail "the value is still somewhere: $(grep -rl a-word-that-is-nowhere-else w)"
expect 0 sigillo values erase --entry "$entry" --field command --reason "request 1" --json
json_has 'j["erased"] == 0 and j["entries"] == []'
expect 0 sigillo values list --field command
grep -q "erased by entry" "$SCRATCH/.out" || fail "the list does not say it"
expect 0 sigillo log fsck
expect 0 sigillo log verify-proof receipt --leaf leaf --log-key "$key"

# A copy from before brings it back.
expect 0 sigillo restore before.tar --to old --accept-loss
cp old/private.db w/private.db
expect 0 sigillo log fsck
grep -q "values erase --again" "$SCRATCH/.out" "$SCRATCH/.err" || fail "fsck does not tell of a value that came back"
expect 0 sigillo values erase --again --json
json_has 'j["erased"] == 1 and j["entries"] == []'
! grep -q a-word-that-is-nowhere-else w/private.db || fail "the value came back and stays"
expect 0 sigillo log fsck
echo "erasure holds"
