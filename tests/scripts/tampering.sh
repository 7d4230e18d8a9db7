#!/usr/bin/env bash
# What somebody who may write to the workspace, or to the folder around it, can try: hide, divert, hang, crash, execute.
. "$(dirname "$0")/lib.sh"
workspace w
records 3 >three
expect 0 sigillo --workspace w log append three
sigillo --workspace w policy facts >/dev/null
size=$(size_of w)
copy() { rm -rf c; cp -a w c; }
in_time() { expect "$1" timeout 20 "${@:2}"; }

# A checkpoint that is deleted hides entries: told, and with an earlier one in hand, refused.
vkey=$(sigillo --workspace w keys export log --format vkey)
sigillo --workspace w log checkpoint >known
copy; sqlite3 c/ledger.db "DELETE FROM checkpoints WHERE size = $size"; rm c/evidence.db
expect 0 sigillo --workspace c log fsck --json
json_has 'j["uncovered"] == 3 and any(f["check"] == "uncovered" and f["severity"] == "warning" for f in j["findings"])'
expect 0 sigillo --workspace w log fsck --log-key "$vkey" --since known --json
json_has 'j["uncovered"] == 0 and not j["findings"]'
expect 2 sigillo --workspace c log fsck --log-key "$vkey" --since known
stdout_has "error [known-checkpoint]"
# An empty value is not "not given".
refuse 3 invalid-argument sigillo --workspace c log fsck --log-key ''
refuse 3 invalid-argument sigillo --workspace c log fsck --log-key=
refuse 3 invalid-argument sigillo --workspace '' log list
for option in --as-of --release --pack --output-dir; do
  refuse 3 invalid-argument sigillo --workspace w gate --pack eu-ai-act "$option" ''
done

# Triggers, views and tables that are not ours.
for change in "CREATE TRIGGER t AFTER INSERT ON entries BEGIN DELETE FROM entries WHERE idx = new.idx; END" \
  "CREATE VIEW v AS SELECT 1" "CREATE TABLE extra(a)" "CREATE INDEX i ON entries(leaf)" \
  "DROP TABLE checkpoints; CREATE VIEW checkpoints AS WITH RECURSIVE n(size) AS (SELECT 1 UNION ALL SELECT size + 1 FROM n) SELECT size, 'x' AS note, x'00' AS subtrees FROM n"; do
  copy; sqlite3 c/ledger.db "$change"
  for verb in "log append three" "log fsck" "log list" "log checkpoint" "gate --pack eu-ai-act"; do
    in_time 2 sigillo --workspace c $verb; stderr_has "error [ledger-corrupt]"
  done
done
copy; sqlite3 c/evidence.db "DROP TABLE ev1_runs; CREATE VIEW ev1_runs AS WITH RECURSIVE n(run_id) AS (SELECT 1 UNION ALL SELECT run_id + 1 FROM n) SELECT run_id FROM n"
in_time 2 sigillo --workspace c log fsck; stdout_has "error [projection] evidence.db"
# A FIFO has no other end.
for file in ledger.db evidence.db private.db ledger.db-wal; do
  copy; rm -f c/$file; mkfifo c/$file
  in_time 2 sigillo --workspace c log fsck
  grep -q 'is not a regular file' "$SCRATCH/.out" "$SCRATCH/.err" || fail "a FIFO in place of $file"
done
in_time 125 sigillo --workspace c run --model m -- true

# A key's description leads to no other file.
copy; cp -a w other
printf '%s' "$(sed 's|"name":"owner"|"name":"../../other/keys/owner"|' c/keys/owner.json)" >c/keys/owner.json
refuse 3 invalid-input sigillo --workspace c record role-declaration --actor A --role system_provider --jurisdiction EU
# A verifier key under which anybody can sign.
weak=$(python3 -c '
import base64, hashlib
raw = bytes([1]) + bytes([1] + [0] * 31)
print("x+%s+%s" % (hashlib.sha256(b"x\n" + raw).digest()[:4].hex(), base64.b64encode(raw).decode()))')
expect 3 sigillo --workspace w log fsck --log-key "$weak"; stderr_has "small order"

# Secrets are not sealed.
ln -s w link
for path in w w/keys . link/keys w/keys/owner.pem w/../w; do
  refuse 3 invalid-argument sigillo --workspace w dataset seal "$path" --name n --license MIT --source x
  refuse 3 invalid-argument sigillo --workspace w model release "$path" --name n --system s --model m
  refuse 125 invalid-argument sigillo --workspace w run --model m --output "$path" -- touch started
done
[ ! -e started ] || fail "the command was started"
[ "$(size_of w)" = "$size" ] || fail "something was recorded"

# No folder to be in; no room for the answer; no memory.
mkdir gone; (cd gone && rmdir ../gone && refuse 3 not-found sigillo init)
for verb in "record role-declaration --actor A --role system_provider --jurisdiction EU" "log append three" "dataset seal three --name d --license MIT --source x" \
  "model release three --name r --system s --model m"; do
  code=0; sigillo --workspace w $verb >/dev/full 2>"$SCRATCH/.err" || code=$?
  [ "$code" = 4 ] || fail "exit code $code: $verb"
  stderr_has "in the ledger"; stderr_has "entry $size"; stderr_has "do not run the command again"
  size=$(size_of w)
done
seq 1000000 >many
expect 4 bash -c 'ulimit -v 40000; exec sigillo --workspace w text detect many --key mark --tokens'
stderr_has "error [io-error] there is not enough memory"

# The folder's own git configuration names programs.
if command -v git >/dev/null; then
  git init -q repo && cd repo
  printf '#!/bin/sh\necho ran >>"%s"\ncat\n' "$SCRATCH/executed" >evil && chmod +x evil
  git config user.name n && git config user.email e@example.com
  echo '*.txt filter=f' >.gitattributes && echo one >a.txt && git add -A && git commit -qm 1
  git config core.fsmonitor "$PWD/evil"; git config filter.f.clean "$PWD/evil"; git config filter.f.required true
  git config filter.f.process "$PWD/evil"
  touch -d '2020-01-01' a.txt
  expect 0 sigillo --workspace ../w run --model m -- true
  [ ! -e "$SCRATCH/executed" ] || fail "a program of the repository was executed"
  sigillo --workspace ../w log list --kind run-start --json | tail -1 >"$SCRATCH/.out"
  expect 0 sigillo --workspace ../w log show "$(json 'j["entry"]')" --json
  json_has 'j["fields"]["code"]["dirty"] is False'
  echo two >a.txt
  git status --porcelain >/dev/null 2>&1 || true
  [ -e "$SCRATCH/executed" ] || fail "control: git itself executes nothing"
  cd ..
else note "no git: its configuration was not tried"; fi
# What the command leaves as its report is removed, whatever it is; no link is followed.
mkdir kept && echo x >kept/file
expect 0 sigillo --workspace w run --model m -- sh -c 'mkdir "$SIGILLO_RUN_REPORT" && echo x >"$SIGILLO_RUN_REPORT/x" && ln -s "$PWD/kept" "$SIGILLO_RUN_REPORT/link"'
! ls w/run-*.report 2>/dev/null || fail "a report is left"
[ -e kept/file ] || fail "a link was followed"
sound w
echo "tampering holds"
