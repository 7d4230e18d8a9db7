#!/usr/bin/env bash
# `report`: one file, whatever the verdict; verified, refused, and bad input.
. "$(dirname "$0")/lib.sh"
export SIGILLO_WORKSPACE=w
workspace w
key() { { sigillo report verify "$1" --json 2>/dev/null || true; } | python3 -c 'import json, sys; print(json.load(sys.stdin)["signed_by"])'; }

# no evidence: undecided, and a page all the same
expect 2 sigillo report art50 --pack eu-ai-act -o none.html; stdout_has "Undecided"
expect 0 sigillo report verify none.html --key "$(key none.html)"
expect 0 sigillo record placement --system '</script><b>' --actor A --market EU --placed-on 2026-05-01 --modality text --high-risk false
mkdir data && echo words >data/a.txt
expect 0 sigillo model release data --name first --system '</script><b>' --model m
expect 2 sigillo report art50 --pack eu-ai-act --as-of 2026-12-03 --release first --output r.html --json
json_has 'j["exit_code"] == 2 and j["file"] == "r.html" and len(j["sha256"]) == 64'
[ "$(json 'j["sha256"]')" = "$(sha256sum r.html | cut -d' ' -f1)" ] || fail "the digest is another file's"
! grep -qF '</script><b>' r.html || fail "a name became markup"
! grep -qE '(src|action)=|@import|url\((https?:|//)' r.html || fail "the page asks for something"

# verification: whose key it is must come from elsewhere
expect 2 sigillo report verify r.html; stdout_has "UNDECIDED"
fingerprint=$(key r.html)
expect 0 sigillo report verify r.html --key "$fingerprint"; stdout_has "verified: that is the key you named"
record_key=$(python3 -c 'import json; print(json.load(open("w/sigillo.json"))["record_key"])')
sigillo keys export "$record_key" >pub.pem
expect 0 sigillo report verify r.html --key pub.pem --log-key "$(sigillo keys export log --format vkey)" --json
json_has 'j["verified"] and j["intact"] and j["checkpoint_verified"]'
expect 0 env SIGILLO_WORKSPACE=/nowhere sigillo report verify r.html --key pub.pem
refuse 1 signature-invalid sigillo report verify r.html --key "$(printf '%064d' 0)"; has_remedy
workspace other
refuse 1 signature-invalid sigillo report verify r.html --key pub.pem --log-key "$(sigillo --workspace other keys export log --format vkey)"
for change in 's/mandatory rules/mandatory rule/' 's/"exit_code":2/"exit_code":0/' 's/color-scheme:light/color-scheme:lighT/' 's/keyid":"./keyid":"x/'; do
  sed "$change" r.html >altered.html
  ! cmp -s r.html altered.html || fail "nothing changed: $change"
  refuse 1 signature-invalid sigillo report verify altered.html --key "$fingerprint"
done
for bad in data/a.txt w/sigillo.json pub.pem; do refuse 3 invalid-input sigillo report verify "$bad"; done
: >empty.html; refuse 3 invalid-input sigillo report verify empty.html
refuse 3 not-found sigillo report verify nosuch.html
refuse 3 not-found sigillo report verify r.html --key nosuch
refuse 3 invalid-input sigillo report verify r.html --key r.html
expect 3 sigillo report verify r.html --key pub.pem --log-key nosuch; stderr_has "error ["

# bad input; nothing is written
refuse 3 not-found sigillo report art50 --pack nosuch -o x.html
refuse 3 not-found sigillo report art50 --pack eu-ai-act --release nosuch -o x.html
refuse 3 invalid-argument sigillo report art50 --pack eu-ai-act --as-of tomorrow -o x.html
refuse 3 invalid-argument sigillo report art50 --pack eu-ai-act
refuse 3 invalid-argument sigillo report annex4 --pack eu-ai-act -o x.html
refuse 3 invalid-argument sigillo report
refuse 3 workspace-missing sigillo --workspace nosuch report art50 --pack eu-ai-act -o x.html
[ ! -e x.html ] || fail "a file was written"
expect 3 sigillo report art50 --pack eu-ai-act -o nosuch/x.html; stderr_has "error [not-found]"
mkdir folder.html; expect 3 sigillo report art50 --pack eu-ai-act -o folder.html; stderr_has "error ["

# An unsound ledger: a page that says so, and no verdict.
sqlite3 w/ledger.db "UPDATE entries SET leaf = CAST(substr(leaf, 1, 99) || x'41' || substr(leaf, 101) AS BLOB) WHERE idx = 2"
expect 2 sigillo report art50 --pack eu-ai-act --as-of 2026-12-03 -o unsound.html
grep -q 'No verdict: what is stored is not what was sealed' unsound.html && grep -q 'entry 2' unsound.html || fail "the page"
expect 0 sigillo report verify unsound.html --key "$fingerprint"
echo "the report holds"
