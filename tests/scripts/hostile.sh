#!/usr/bin/env bash
# Content that is made to mislead: terminal escapes, deep and ambiguous JSON, foreign signatures.
. "$(dirname "$0")/lib.sh"
export SIGILLO_WORKSPACE=w
workspace w
base=$(size_of w)
esc=$(printf '\033[2J\033]0;owned\007') c1=$(printf '\xc2\x9b31m') bidi=$(printf 'a\xe2\x80\xaegpj.exe')

# names of files
mkdir texts
seq 300 >"texts/$esc"
seq 300 >"texts/$(printf 'line\nbreak')"
seq 300 >"texts/$c1"
seq 300 >"texts/$(printf 'bad\xff\xfeutf8')"
seq 300 >"texts/$bidi"
expect 1 sigillo text detect texts --key mark --tokens
no_escapes
! grep -q $'\xe2\x80\xae' "$SCRATCH/.out" || fail "a mark that reorders text reaches the terminal"
[ "$(grep -c 'not_found$' "$SCRATCH/.out")" = 5 ] || fail "not one line a file"
iconv -f UTF-8 -t UTF-8 "$SCRATCH/.out" >/dev/null || fail "the table is not UTF-8"
expect 1 sigillo text detect texts --key mark --tokens --json
json_has 'len(j) == 5 and all(d["detection"]["result"] == "not_found" for d in j)'
no_escapes
for name in "$esc" "$c1" "$(printf 'a\nb')" "$(printf '\xff')"; do
  refuse 3 not-found sigillo text detect "$name" --key mark --tokens
  refuse 3 key-missing sigillo text detect texts --key "$name" --tokens
  refuse 3 not-found sigillo text detect texts --key mark --tokens --profile "$name"
  refuse 3 workspace-missing sigillo --workspace "$name" log list
  refuse 3 not-found sigillo gate --pack "$name"
  refuse 3 invalid-argument sigillo gate --pack eu-ai-act --as-of "$name"
  refuse 3 invalid-argument sigillo "$name"
  refuse 3 invalid-argument sigillo log list --"$name"
  refuse 3 invalid-argument sigillo keys generate "$name"
  refuse 3 not-found sigillo dataset seal "$name" --name n --license MIT --source x
  refuse 3 not-found sigillo log append "$name"
done
expect 0 sigillo --workspace "$SCRATCH/$esc" init
no_escapes
expect 0 sigillo --workspace "$SCRATCH/$(printf '\xff')" init --json
json_has '"checkpoint" in j'

# fields
line() { python3 -c 'import json, sys; print(json.dumps({"kind": "role-declaration", "fields": {"actor": eval(sys.argv[1]), "role": ["system_provider"], "jurisdiction": ["EU"]}}))' "$1"; }
for value in '"a\nb"' '"\x1b[31m"' '"\x7f"' '"\0"' '"x" * 5000' '""' '5' 'None' '["x"]' '{}' '"\ud800"' '1.5' '10**30' 'True'; do
  line "$value" >one
  refuse 3 invalid-input sigillo log append one
  stderr_has "line 1, nothing was appended"
done
printf '{"kind":"role-declaration","fields":{"actor":"\xff","role":"system_provider","jurisdiction":["EU"]}}' >one
refuse 3 invalid-input sigillo log append one
expect 3 sigillo record role-declaration --actor "$esc" --role system_provider --jurisdiction EU; no_escapes
expect 3 sigillo record role-declaration --actor "$(printf '\xff')" --role system_provider --jurisdiction EU; no_escapes
good=$(line '"x"') stem=$(line '"x"' | sed 's/..$//')
while IFS= read -r bad; do
  printf '%s\n' "$bad" >one
  refuse 3 invalid-input sigillo log append one
done <<LINES
[]
null
"text"
{}
{"kind":"role-declaration"}
{"kind":"role-declaration","fields":[]}
{"kind":"role-declaration","fields":{}}
{"kind":"role-declaration","kind":"placement","fields":{}}
{"kind":"genesis","fields":{}}
{"kind":"trust-list","fields":{}}
{"kind":"run-end","fields":{}}
{"kind":"outputs-batch","fields":{}}
{"kind":"nosuch","fields":{}}
{"kind":5,"fields":{}}
$stem,"actor":"y"}}
$stem,"extra":"y"}}
$stem},"extra":"y"}
$good $good
$good,
{"payloadType":"x"}
{"payloadType":"application/vnd.in-toto+json","payload":"!!","signatures":[]}
{"payloadType":"application/vnd.in-toto+json","payload":"e30=","signatures":[{"keyid":"","sig":"AA=="}]}
NaN
{"kind":"role-declaration","fields":{"actor":1e999}}
LINES
for open in '[' '{"a":' '{"kind":['; do
  python3 -c 'import sys; print(sys.argv[1] * 200000)' "$open" >deep
  refuse 3 invalid-input sigillo log append deep
done
python3 -c 'print("{\"kind\":\"role-declaration\",\"fields\":" + "[" * 3000000 + "]" * 3000000 + "}")' >deep
expect 3 sigillo log append deep; stderr_has "error ["
{ records 3; line '"\x1b"'; records 3; } >mixed
refuse 3 invalid-input sigillo log append mixed
stderr_has "line 4"
[ "$(size_of w)" = "$base" ] || fail "a refused record is in the ledger"
# What is allowed but awkward is shown without its teeth.
line '"\x9b31m \u202egpj"' >one
expect 0 sigillo log append one
for verb in "log list" "log show $base" "policy facts" "gate --pack eu-ai-act" "log fsck"; do
  sigillo $verb >"$SCRATCH/.out" 2>"$SCRATCH/.err" || true
  no_escapes
  ! grep -q $'\xe2\x80\xae' "$SCRATCH/.out" || fail "a mark that reorders text reaches the terminal: $verb"
done
printf '%s\n\n%s\n' "$good" "$good" >one
expect 3 sigillo log append one; stderr_has "line 2"
printf '%s\r\n%s' "$good" "$good" >one
expect 0 sigillo log append one

# An envelope that somebody else signed is kept, warned of, and counts for nothing.
workspace other
expect 0 sigillo --workspace other record role-declaration --actor Stranger --role system_provider --jurisdiction EU
sigillo --workspace other log show 2 --raw >foreign
expect 0 sigillo log append foreign
entry=$(($(size_of w) - 1))
sound w
stdout_has "warning [trust] entry $entry"
expect 0 sigillo policy facts --json
! grep -q Stranger "$SCRATCH/.out" || fail "a stranger's record counts"
# ... and cannot take over: another ledger's genesis and trust list
for index in 0 1; do
  sigillo --workspace other log show $index --raw >foreign
  expect 0 sigillo log append foreign
done
sound w
stdout_has "warning [trust] entry $((entry + 1))"
records 1 after | sigillo log append - >/dev/null
expect 0 sigillo policy facts --json
grep -q "after 1" "$SCRATCH/.out" || fail "our own record no longer counts"
# A signature that a trusted key never made would be damage for ever: it is refused at the door.
forge() {
  python3 - "$1" <<'P'
import base64, json, sys
e = json.load(open(sys.argv[1]))
s = bytearray(base64.b64decode(e["signatures"][0]["sig"])); s[0] ^= 1
e["signatures"][0]["sig"] = base64.b64encode(s).decode()
json.dump(e, open("forged", "w"))
P
}
cp -a w elsewhere
expect 0 sigillo --workspace elsewhere record role-declaration --actor Late --role system_provider --jurisdiction EU
sigillo --workspace elsewhere log show "$(($(size_of elsewhere) - 1))" --raw >late
forge late
size=$(size_of w)
expect 1 sigillo log append forged
stderr_has "error [signature-invalid]"; has_remedy
[ "$(size_of w)" = "$size" ] || fail "a forged signature is in the ledger"
# ... the true one is taken, and counts
expect 0 sigillo log append late
expect 0 sigillo policy facts --json; grep -q Late "$SCRATCH/.out" || fail "a record of the owner's key does not count"
# ... once: the same statement again is only warned of, and refused where its signature does not hold
expect 0 sigillo log append late
expect 1 sigillo log append forged
sound w; stdout_has "it repeats a record that counts already"
echo "hostile content holds"
