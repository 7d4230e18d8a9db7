#!/usr/bin/env bash
# Others judge what the gate and the lineage write. Usage: judge.sh WHAT FIXTURES SCRATCH; WHAT is sarif, junit or picture.
# Exit: 0 accepted, 1 refused, 77 the judge is not installed. Each judge must also refuse a file that is broken on purpose.
set -euo pipefail
what=$1 fixtures=$2 scratch=$3
here=$(cd "$(dirname "$0")" && pwd)
skip() { echo "SKIPPED: $*"; exit 77; }
fail() { echo "FAILED: $*" >&2; exit 1; }
rm -rf "$scratch" && mkdir -p "$scratch/made"
SIGILLO_FIXTURES=$scratch/made "$fixtures" >"$scratch/fixtures.log" || fail "the fixtures: $(cat "$scratch/fixtures.log")"
cd "$scratch"

case $what in
  sarif)
    tool=$here/../node_modules/@microsoft/sarif-multitool-linux/Sarif.Multitool
    [ -f "$tool" ] || skip "sarif-multitool is not installed; run: npm install --prefix tests/interop"
    # npm leaves it without the right to run, and the folder may not be ours.
    [ -x "$tool" ] || chmod u+x "$tool" || skip "sarif-multitool cannot be made executable"
    # judged FILE...: prints the findings (errors and warnings) of SARIF and of GitHub's rules.
    judged() {
      "$tool" validate "$@" --rule-kind 'Sarif;Ghas' --output findings.sarif --log ForceOverwrite >tool.log 2>&1 || true
      [ -s findings.sarif ] || fail "the judge wrote nothing: $(cat tool.log)"
      python3 - "$#" <<'P'
import json, sys
run = json.load(open("findings.sarif", encoding="utf-8-sig"))["runs"][0]
notes = [n for i in run.get("invocations", []) for n in i.get("toolConfigurationNotifications", []) + i.get("toolExecutionNotifications", []) if n.get("level") == "error"]
for n in notes: print("judge:", n["message"]["text"])
for r in run.get("results") or []:
    print(r["ruleId"], r.get("level", "warning"), r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"], json.dumps(r["message"])[:300])
P
    }
    files=(made/*.sarif)
    [ "${#files[@]}" -ge 30 ] || fail "only ${#files[@]} fixtures"
    judged "${files[@]}" >found.txt
    [ ! -s found.txt ] || { cat found.txt >&2; fail "$(wc -l <found.txt) findings"; }
    # Control: a result without a place is what GitHub refuses a whole file for.
    python3 - <<'P'
import glob, json
log = json.load(open(sorted(glob.glob("made/*fail-mandatory.sarif"))[0]))
del log["runs"][0]["results"][0]["locations"]
json.dump(log, open("broken.sarif", "w"))
P
    judged broken.sarif >found.txt
    grep -q GH1015 found.txt || fail "the judge does not see a result without a location"
    echo "${#files[@]} SARIF files: 0 findings; without a location: $(wc -l <found.txt)" ;;
  junit)
    command -v xmllint >/dev/null || skip "xmllint is not installed; run: apt-get install libxml2-utils"
    files=(made/*.junit.xml)
    [ "${#files[@]}" -ge 15 ] || fail "only ${#files[@]} fixtures"
    xmllint --noout --nonet --schema "$here/junit.xsd" "${files[@]}" 2>lint.txt || { cat lint.txt >&2; fail "not valid"; }
    # Controls: a name twice, and a failure without a message.
    whole=$(ls made/*hostile.junit.xml)
    python3 - "$whole" <<'P'
import re, sys
text = open(sys.argv[1], encoding="utf-8").read()
names = re.findall(r' name="(X-1: [^"]*)"', text)
open("twice.xml", "w").write(text.replace(names[0], names[1]))
open("bare.xml", "w").write(re.sub(r'<failure message="[^"]*"', "<failure", text))
P
    for broken in twice bare; do
      ! xmllint --noout --nonet --schema "$here/junit.xsd" $broken.xml 2>lint.txt || fail "the schema accepts $broken.xml"
    done
    echo "${#files[@]} JUnit files are valid; two broken ones are not" ;;
  picture)
    command -v dot >/dev/null || skip "graphviz is not installed; run: apt-get install graphviz"
    command -v xmllint >/dev/null || skip "xmllint is not installed; run: apt-get install libxml2-utils"
    dot -Tsvg made/hostile.dot -o dot.svg 2>dot.txt || { cat dot.txt >&2; fail "dot refuses the graph"; }
    [ ! -s dot.txt ] || { cat dot.txt >&2; fail "dot warns"; }
    [ "$(grep -c '<g id="node' dot.svg)" = 27 ] || fail "dot sees $(grep -c '<g id="node' dot.svg) nodes"
    xmllint --noout --nonet made/hostile.svg || fail "the SVG is not well-formed"
    active=$(xmllint --nonet --xpath 'count(//*[local-name()="script" or local-name()="foreignObject"] | //@*[local-name()="href" or local-name()="src" or starts-with(local-name(), "on")])' made/hostile.svg)
    [ "$active" = 0 ] || fail "the SVG holds $active scripts or references"
    sed 's/label="/label=/' made/hostile.dot >broken.dot
    ! dot -Tsvg broken.dot -o broken.svg 2>/dev/null || fail "dot accepts a broken graph"
    echo "dot and xmllint accept the pictures" ;;
  *) fail "no such judge: $what" ;;
esac
