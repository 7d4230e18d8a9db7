#!/usr/bin/env bash
# gate's formats and `lineage` from outside: files, exit codes, and nothing that stays from an earlier call.
. "$(dirname "$0")/lib.sh"
export SIGILLO_WORKSPACE=w
workspace w
expect 0 sigillo record placement --system s --actor A --market EU --placed-on 2026-05-01 --modality text --high-risk false
mkdir data && echo words >data/a.txt
expect 0 sigillo dataset seal data --name corpus --license CC0-1.0 --source https://example.com/corpus
expect 0 sigillo run --model m --dataset corpus --output out -- sh -c 'mkdir out; echo weights >out/model'
expect 0 sigillo model release out --name first --system s --model m
all="gate.txt gate.json gate.sarif gate.junit.xml"

# Nothing marked is recorded: undecided, in every format.
expect 2 sigillo gate --pack eu-ai-act --as-of 2026-12-03 --format text,json,sarif,junit --output-dir ci
stdout_empty
for file in $all; do [ -s "ci/$file" ] || fail "no $file"; done
expect 2 sigillo gate --pack eu-ai-act --as-of 2026-12-03 --format sarif
json_has 'not j["runs"][0]["invocations"][0]["executionSuccessful"] and j["runs"][0]["invocations"][0]["exitCode"] == 2'
json_has 'j["runs"][0]["properties"]["as_of"] == "2026-12-03" and len(j["runs"][0]["properties"]["pack_digest"]) == 64'
json_has 'all(r["locations"] for r in j["runs"][0]["results"]) and all(r["kind"] != "pass" for r in j["runs"][0]["results"])'
sarif=$(json 'len(j["runs"][0]["results"])')
expect 2 sigillo gate --pack eu-ai-act --as-of 2026-12-03 --format sarif --sarif-all
json_has "len(j['runs'][0]['results']) > $sarif"
expect 2 sigillo gate --pack eu-ai-act --as-of 2026-12-03 --format junit
stdout_has '<error '; stdout_has 'file="eu-ai-act/rules/'; stdout_has 'name="checkpoint_root"'
cp "$SCRATCH/.out" junit1
expect 2 sigillo gate --pack eu-ai-act --as-of 2026-12-03 --format junit
cmp junit1 "$SCRATCH/.out" || fail "the same question has two answers"
# A pack of one rule that holds: the files are green.
mkdir -p green/rules
cat >green/pack.yaml <<'P'
apiVersion: policy/v1
name: green
version: 1.0.0
title: Green
documentation: One rule that holds.
sources:
  - { title: Example law, url: "https://example.org/law", state: 2026-11-23 }
P
sed -n '/^```yaml/,/^```/p' "$SCRIPTS/../../docs/formats/verdict.md" | sed '/^```/d' >green/rules/EX-1.yaml
expect 0 sigillo gate --pack ./green --format text,json,sarif,junit --output-dir ci
! grep -qE '<(error|failure) ' ci/gate.junit.xml || fail "red although the gate passed"

# A call that fails leaves no answer of an earlier one.
stale() {  # stale EXIT ARGUMENTS...
  local wanted=$1 file
  shift
  expect 0 sigillo gate --pack ./green --format text,json,sarif,junit --output-dir ci
  expect "$wanted" "$@"
  for file in $all; do [ ! -e "ci/$file" ] || fail "$file survived: $*"; done
}
stale 3 sigillo gate --pack nosuch --output-dir ci
stale 3 sigillo gate --pack ./green --as-of tomorrow --output-dir ci
stale 3 sigillo gate --pack ./green --release nosuch --output-dir ci
stale 3 sigillo gate --pack ./green --format text,pdf --output-dir ci
stale 3 sigillo --workspace nosuch gate --pack ./green --output-dir ci
expect 0 sigillo gate --pack ./green --format text,json --output-dir ci
expect 0 sigillo gate --pack ./green --format junit --output-dir ci
[ ! -e ci/gate.txt ] && [ ! -e ci/gate.json ] || fail "formats that were not asked for stayed"
mkdir -p taken/gate.txt/x
expect 4 sigillo gate --pack ./green --format text,junit --output-dir taken; stderr_has "error ["
touch file
expect 3 sigillo gate --pack ./green --output-dir file/x; stderr_has "error [not-found]"
if [ "$(id -u)" != 0 ]; then
  mkdir closed && chmod 500 closed
  expect 4 sigillo gate --pack ./green --output-dir closed; stderr_has "error ["
fi

# bad input
refuse 3 invalid-argument sigillo gate --pack eu-ai-act --format pdf; has_remedy
refuse 3 invalid-argument sigillo gate --pack eu-ai-act --format sarif,junit; has_remedy
refuse 3 not-found sigillo lineage nosuch; has_remedy
refuse 3 not-found sigillo lineage corpus --from release
refuse 3 invalid-argument sigillo lineage corpus --from model
refuse 3 invalid-argument sigillo lineage corpus --direction up
refuse 3 invalid-argument sigillo lineage corpus --format pdf
refuse 3 invalid-argument sigillo lineage corpus --kind model
refuse 3 invalid-argument sigillo lineage corpus --kind release --format svg
for depth in -1 1001 x; do refuse 3 invalid-argument sigillo lineage corpus --depth=$depth; done

# lineage
expect 0 sigillo lineage corpus --direction descendants --kind release; stdout_has first
expect 0 sigillo lineage corpus --direction descendants --kind release --json
json_has '[n["name"] for n in j] == ["first"]'
expect 0 sigillo lineage first --direction ancestors --json
json_has '{n["kind"] for n in j["nodes"]} == {"dataset", "run", "release"} and len(j["edges"]) == 2 and j["gaps"] == 0'
expect 0 sigillo lineage --format dot; stdout_has "digraph lineage"
expect 0 sigillo lineage --format svg; stdout_has "</svg>"; stdout_has "<desc "
expect 0 sigillo lineage; stdout_has "dataset corpus"; stdout_has "licence: CC0-1.0"
expect 0 sigillo model release data --name orphan --system other --model m
expect 0 sigillo lineage orphan; stdout_has "MISSING: no recorded run made this release"; stdout_has "no placement is recorded"
workspace empty
expect 0 sigillo --workspace empty lineage; stdout_has "0 nodes"
expect 0 sigillo --workspace empty lineage --format svg

# An unsound ledger: no verdict and no lineage, in every format.
sqlite3 w/ledger.db "UPDATE entries SET leaf = CAST(substr(leaf, 1, 99) || x'41' || substr(leaf, 101) AS BLOB) WHERE idx = 3"
expect 2 sigillo gate --pack ./green --format text,json,sarif,junit --output-dir ci
grep -q 'refuses to judge' ci/gate.txt && grep -q '"refused"' ci/gate.json || fail "text and JSON"
grep -q '<error message="Undecided' ci/gate.junit.xml && grep -q 'entry 3' ci/gate.junit.xml || fail "JUnit"
cp ci/gate.sarif "$SCRATCH/.out"
json_has 'j["runs"][0]["results"][0]["ruleId"] == "SIGILLO-LEDGER" and "entry 3" in j["runs"][0]["results"][0]["message"]["text"]'
expect 2 sigillo lineage corpus; stdout_empty; stderr_has "NOT sound"
echo "the formats hold"
