#!/usr/bin/env bash
# COSE receipts from the outside: the key that the first one makes, receipts that hold and those that do not, and a key that
# an owner takes back.
. "$(dirname "$0")/lib.sh"
export SIGILLO_WORKSPACE=$SCRATCH/w
workspace w
expect 0 sigillo log append - <<<"$(records 5)"
first=$(size_of w)

note "the key is made once, and the ledger names it"
refuse 3 key-missing sigillo keys export cose --format cose-key
refuse 3 not-found sigillo log cose-receipt 99 -o none.cose
[ "$(size_of w)" = "$first" ] && [ ! -e w/keys/cose.pem ] || fail "a receipt that cannot be leaves something behind"
expect 0 sigillo log cose-receipt 4 -o four.cose --json
json_has "j['index'] == 4 and j['size'] == $first + 1 and j['origin'] == 'test.example/w' and len(j['key']) == 64"
[ "$(stat -c %a w/keys/cose.pem)" = 600 ] || fail "the key can be read by others"
expect 0 sigillo log show "$first" --json
json_has "j['kind'] == 'trust-list' and j['fields']['keys'][-1]['kinds'] == ['cose-receipt']"
expect 0 sigillo log cose-receipt 0 -o zero.cose; stdout_has "entry 0 of test.example/w at size $((first + 1))"
[ "$(size_of w)" = $((first + 1)) ] || fail "the second receipt appends something"
sound w

note "offline, with nothing but receipt, entry and key"
sigillo keys export cose --format cose-key >cose.key
key=$(cat cose.key)
sigillo log show 4 --raw >four
sigillo log show 0 --raw >zero
unset SIGILLO_WORKSPACE
expect 0 sigillo log verify-cose four.cose --leaf four --key "$key" --origin test.example/w --json
json_has "j['verified'] and j['index'] == 4 and j['size'] == $first + 1"
expect 0 sigillo log verify-cose zero.cose --entry zero --key "$key"; stdout_has "verified: this is entry 0 of test.example/w"

note "what does not hold"
refuse 1 signature-invalid sigillo log verify-cose four.cose --leaf zero --key "$key"
refuse 1 not-trusted sigillo log verify-cose four.cose --leaf four --key "$key" --origin test.example/other
workspace other
expect 0 sigillo --workspace other log cose-receipt 1 -o other.cose
other=$(sigillo --workspace other keys export cose --format cose-key)
refuse 1 not-trusted sigillo log verify-cose four.cose --leaf four --key "$other"
has_remedy
refuse 1 not-trusted sigillo log verify-cose other.cose --leaf four --key "$key"
python3 - <<'PYTHON'
receipt = open("four.cose", "rb").read()
open("flipped.cose", "wb").write(receipt[:-1] + bytes([receipt[-1] ^ 1]))
open("longer.cose", "wb").write(receipt + b"\0")
open("untagged.cose", "wb").write(receipt[1:])
open("moved.cose", "wb").write(receipt.replace(b"entry/4/of", b"entry/5/of"))
open("huge.cose", "wb").write(receipt + bytes(20000))
open("empty.cose", "wb").write(b"")
PYTHON
refuse 1 signature-invalid sigillo log verify-cose flipped.cose --leaf four --key "$key"
refuse 1 proof-invalid sigillo log verify-cose moved.cose --leaf four --key "$key"
for name in longer untagged empty; do
  refuse 3 invalid-input sigillo log verify-cose $name.cose --leaf four --key "$key"
done
refuse 3 input-too-large sigillo log verify-cose huge.cose --leaf four --key "$key"
refuse 3 invalid-input sigillo log verify-cose four.cose --leaf four --key zz
refuse 3 invalid-input sigillo log verify-cose four.cose --leaf four --key "${key}00"
refuse 3 invalid-argument sigillo log verify-cose four.cose --leaf four --key ""
refuse 3 invalid-argument sigillo log verify-cose four.cose --leaf four

note "keys that sign something else"
export SIGILLO_WORKSPACE=$SCRATCH/w
for name in log owner; do refuse 3 unsupported sigillo keys export $name --format cose-key; done
refuse 3 unsupported sigillo keys export cose --format vkey

note "a key that is taken back stays so"
# The first trust list once more, with another time, signed by the owner's key with a tool of somebody else's.
sigillo log show 1 --raw >first.json
sigillo log show "$first" --json >last.json
python3 - <<'PYTHON'
import base64, json, subprocess
envelope = json.load(open("first.json"))
statement = json.loads(base64.b64decode(envelope["payload"]))
statement["predicate"]["recorded_at"] = json.load(open("last.json"))["fields"]["recorded_at"]
statement["predicate"]["keys"][0]["actor"] = "Tester, alone"
canonical = lambda value: json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
payload, kind = canonical(statement), envelope["payloadType"].encode()
open("pae", "wb").write(b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload))
subprocess.run(["openssl", "pkeyutl", "-sign", "-rawin", "-inkey", "w/keys/owner.pem", "-in", "pae", "-out", "sig"], check=True)
envelope["payload"] = base64.b64encode(payload).decode()
envelope["signatures"][0]["sig"] = base64.b64encode(open("sig", "rb").read()).decode()
open("without.json", "wb").write(canonical(envelope) + b"\n")
PYTHON
expect 0 sigillo log append without.json
size=$(size_of w)
refuse 1 not-trusted sigillo log cose-receipt 4 -o again.cose
has_remedy
[ "$(size_of w)" = "$size" ] && [ ! -e again.cose ] || fail "a refused receipt leaves something behind"
mkdir away && mv w/keys/cose.* away/
expect 0 sigillo log cose-receipt 4 -o again.cose
refuse 1 not-trusted sigillo log verify-cose again.cose --leaf four --key "$key"
expect 0 sigillo log verify-cose again.cose --leaf four --key "$(sigillo keys export cose --format cose-key)"
sound w
