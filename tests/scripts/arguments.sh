#!/usr/bin/env bash
# Arguments that cannot be used: code, exit code, remedy; some in full (tests/golden).
. "$(dirname "$0")/lib.sh"

refuse 3 workspace-missing sigillo keys list; golden no_workspace.txt
export SIGILLO_WORKSPACE=w
workspace w
printf '1 2 3' >ids
# key and profile
refuse 3 key-missing sigillo text detect ids --tokens --key nosuch; golden no_key.txt
refuse 3 key-missing sigillo text detect ids --tokens --key log; has_remedy
refuse 3 key-missing sigillo text detect ids --tokens --key ../keys/mark; has_remedy
refuse 3 not-found sigillo text detect ids --tokens --key mark --profile nosuch; golden no_profile.txt
refuse 3 invalid-argument sigillo text detect ids --key mark; golden no_tokenizer.txt
refuse 3 invalid-argument sigillo text detect ids --key mark --tokens --tokenizer x
for threshold in 0 1 -1 nan inf 2; do
  refuse 3 invalid-argument sigillo text detect ids --key mark --tokens --threshold="$threshold"
done
for name in "" . .. ../x a/b A " " "$(printf 'x\ny')" "$(printf '%065d' 0)" --json; do
  refuse 3 invalid-argument sigillo keys generate -- "$name"
done
refuse 3 already-exists sigillo keys generate mark; golden key_exists.txt
refuse 3 already-exists sigillo init; golden workspace_exists.txt
refuse 3 unsupported sigillo keys export mark
refuse 3 key-missing sigillo keys export nosuch
chmod 644 w/keys/mark.watermark
refuse 3 key-insecure sigillo text detect ids --tokens --key mark; golden key_insecure.txt
chmod 600 w/keys/mark.watermark
chmod 640 w/keys/owner.pem
records 1 | refuse 3 key-insecure sigillo log append -
refuse 125 key-insecure sigillo run --model m -- true
chmod 600 w/keys/owner.pem
# gate
refuse 3 invalid-argument sigillo gate --pack eu-ai-act --as-of 2026-02-30; golden no_such_date.txt
for date in 2026-13-01 0000-00-00 tomorrow 2026-1-1 2026-12-03T00:00:00Z "" 99999-01-01 -1; do
  refuse 3 invalid-argument sigillo gate --pack eu-ai-act --as-of="$date"
done
refuse 3 not-found sigillo gate --pack ./nosuch; golden no_pack.txt
refuse 3 not-found sigillo gate --pack nosuch
refuse 3 invalid-argument sigillo gate --pack ""
refuse 3 not-found sigillo gate --pack ids/x
refuse 3 not-found sigillo gate --pack eu-ai-act --release nosuch; golden no_release.txt
refuse 3 invalid-argument sigillo gate --pack eu-ai-act --format text,json; has_remedy
refuse 3 not-found sigillo policy explain --pack eu-ai-act nosuch; has_remedy
# a pack that cannot be read: the error names file and line
packs=$(sigillo policy list --json | python3 -c 'import json,sys; print(json.load(sys.stdin)[0]["name"])')
mkdir -p pack/rules
cp -r "$(dirname "$(command -v sigillo)")/../share/sigillo/packs/$packs/." pack
rule=$(ls pack/rules/*.yaml | head -1)
cp "$rule" good.yaml
printf 'id: [unclosed\n' >>"$rule"
refuse 3 invalid-input sigillo gate --pack ./pack
grep -qE "$(basename "$rule"):[0-9]+" "$SCRATCH/.err" || fail "the error names no file and line"
printf '\xff\xfe' >"$rule"; refuse 3 invalid-input sigillo gate --pack ./pack
: >"$rule"; refuse 3 invalid-input sigillo gate --pack ./pack
cp good.yaml "$rule"; sed -i 's/^query:.*/query: SELECT/' "$rule"
refuse 3 invalid-input sigillo gate --pack ./pack
rm pack/pack.yaml; mkdir pack/pack.yaml
refuse 3 not-found sigillo gate --pack ./pack
# records
refuse 3 invalid-input sigillo record role-declaration --actor A; golden field_missing.txt
refuse 3 invalid-input sigillo record role-declaration --actor A --role king --jurisdiction EU
refuse 3 invalid-argument sigillo record role-declaration --actor A --role system_provider --jurisdiction EU --cop-signatory maybe
refuse 3 invalid-input sigillo record placement --system s --actor A --market EU --placed-on 2026-02-30 --modality text
refuse 3 not-found sigillo model release nosuch --name n --system s --model m
refuse 3 not-found sigillo dataset seal nosuch --name n --license MIT --source x; golden no_path.txt
refuse 3 not-found sigillo log show 99; golden no_entry.txt
refuse 3 invalid-argument sigillo log show 18446744073709551615
refuse 3 invalid-argument sigillo log show 18446744073709551616
expect 3 sigillo log prove 99; stderr_has "error ["
refuse 125 not-found sigillo run --model m --dataset nosuch -- touch started; golden no_dataset.txt
[ ! -e started ] || fail "the command was started although the start could not be recorded"
for empty in "--name= --license=MIT --source=x" "--name=n --license= --source=x" "--name=n --license=MIT --source="; do
  expect 3 sigillo dataset seal ids $empty; stderr_has "error [invalid-"
done
refuse 125 invalid-argument sigillo run --model= -- touch started
refuse 125 invalid-argument sigillo run --model "" -- touch started
[ ! -e started ] || fail "the command was started"
# the environment: an empty name is no name
mkdir here && cd here
SIGILLO_WORKSPACE= refuse 3 workspace-missing sigillo keys list
stderr_has ".sigillo"
cd ..
# --workspace is found before the verb, and a key or file may have a verb's name
expect 2 sigillo --workspace w text detect --key mark --tokens -- ids
expect 0 sigillo --workspace w keys generate run --algorithm watermark
expect 2 sigillo --workspace w text detect --key run --tokens -- ids
sound w
[ "$(size_of w)" = 2 ] || fail "a refused command left an entry"
echo "arguments hold"
