#!/usr/bin/env bash
# Workspaces that are absent, foreign, newer, damaged, locked or not ours to write.
. "$(dirname "$0")/lib.sh"
workspace w
mkdir model && seq 99 >model/weights
expect 0 sigillo --workspace w model release model --name r1 --system s --model m
seq 300 >text
records 2 >two

# each EXIT CODE DIR: every verb that needs the workspace gives this error, `run` with 125.
each() {
  local exit=$1 code=$2 dir=$3
  refuse "$exit" "$code" sigillo --workspace "$dir" log append two
  refuse "$exit" "$code" sigillo --workspace "$dir" log fsck
  refuse "$exit" "$code" sigillo --workspace "$dir" gate --pack eu-ai-act
  refuse "$exit" "$code" sigillo --workspace "$dir" dataset seal model --name n --license MIT --source x
  refuse "$exit" "$code" sigillo --workspace "$dir" model release model --name n --system s --model m
  refuse 125 "$code" sigillo --workspace "$dir" run --model m -- touch started
  has_remedy
  [ ! -e started ] || fail "the command was started"
}
# whole EXIT CODE DIR: the keyring's users too.
whole() {
  each "$@"
  refuse "$1" "$2" sigillo --workspace "$3" text detect text --tokens --key mark
  refuse "$1" "$2" sigillo --workspace "$3" keys list
  refuse "$1" "$2" sigillo --workspace "$3" log list
}
ledger() {  # ledger EXIT CODE: on a copy "c" whose ledger was changed
  each "$1" "$2" c
  refuse "$1" "$2" sigillo --workspace c log list
  rm -rf c
}

# absent or something else
mkdir empty && echo hello >file
for dir in nosuch empty file /dev/null; do whole 3 workspace-missing "$dir"; done
[ -z "$(ls -A empty)" ] && [ ! -e nosuch ] || fail "something was made by accident"
# sigillo.json
cp -a w c && sed -i 's/"format":1/"format":3/' c/sigillo.json && whole 3 workspace-newer c
for content in '' '{' '[]' '{}' '{"format":"1"}' '{"format":1}' '{"format":1,"origin":5}'; do
  printf '%s' "$content" >c/sigillo.json; whole 3 invalid-input c
done
head -c 100 /dev/urandom >c/sigillo.json; whole 3 invalid-input c
truncate -s 1M c/sigillo.json; whole 3 input-too-large c
rm c/sigillo.json; mkdir c/sigillo.json; whole 3 invalid-input c
rm -rf c
# ledger.db
cp -a w c && sqlite3 c/ledger.db 'PRAGMA user_version = 2' && ledger 3 workspace-newer
cp -a w c && sqlite3 c/ledger.db 'PRAGMA user_version = 0' && ledger 2 ledger-corrupt
cp -a w c && sqlite3 c/ledger.db 'PRAGMA application_id = 1' && ledger 2 ledger-corrupt
cp -a w c && head -c 20000 /dev/urandom >c/ledger.db && ledger 2 ledger-corrupt
cp -a w c && : >c/ledger.db && ledger 2 ledger-corrupt
cp -a w c && truncate -s 100 c/ledger.db && ledger 2 ledger-corrupt
cp -a w c && sqlite3 c/ledger.db 'DELETE FROM state' && expect 2 sigillo --workspace c log append two && stderr_has '[ledger-corrupt]'
expect 2 sigillo --workspace c log fsck; rm -rf c
for table in entries state checkpoints meta; do
  cp -a w c && sqlite3 c/ledger.db "DROP TABLE $table"
  for verb in "log append two" "log fsck" "gate --pack eu-ai-act"; do
    expect 2 sigillo --workspace c $verb
    grep -q 'error' "$SCRATCH/.err" "$SCRATCH/.out" || fail "no error: $verb without table $table"
  done
  rm -rf c
done
cp -a w c && truncate -s 8192 c/ledger.db
for verb in "log append two" "log fsck" "gate --pack eu-ai-act"; do expect 2 sigillo --workspace c $verb; done
rm -rf c
cp -a w c && rm c/ledger.db
for verb in "log append two" "log fsck" "gate --pack eu-ai-act" "log list"; do
  expect 2 sigillo --workspace c $verb; stderr_has "error [ledger-corrupt]"
  [ ! -e c/ledger.db ] || fail "$verb made a new ledger"
done
rm -rf c
cp -a w c && rm c/ledger.db && mkdir c/ledger.db
for verb in "log append two" "log fsck" "gate --pack eu-ai-act"; do
  expect 2 sigillo --workspace c $verb
  stderr_has "error [ledger-corrupt]"
done
rm -rf c
# keys
cp -a w c && rm c/keys/owner.pem && refuse 3 not-found sigillo --workspace c log append two; sound c
head -c 100 /dev/urandom >c/keys/owner.pem; chmod 600 c/keys/owner.pem
refuse 3 invalid-input sigillo --workspace c log append two
sigillo --workspace other init >/dev/null
cp other/keys/owner.pem c/keys/owner.pem; refuse 3 key-missing sigillo --workspace c log append two
cp other/keys/log.* c/keys/; cp w/keys/owner.* c/keys/
# the log's key was exchanged: what it would sign is not this ledger's
expect 1 sigillo --workspace c log append two; stderr_has "error [signature-invalid]"
sound w
rm -rf c other
# derived tables
for change in ':' 'head -c 9000 /dev/urandom' 'echo text'; do
  cp -a w c
  eval "$change" >c/evidence.db
  expect 2 sigillo --workspace c log fsck; stdout_has evidence.db; stdout_has "delete evidence.db"
  expect 2 sigillo --workspace c gate --pack eu-ai-act; stdout_has "refuses to judge"
  rm c/evidence.db; sound c; rm -rf c
done

# locked: we wait 10 seconds, then say so
cp -a w c
python3 - c/ledger.db ready <<'P' &
import sqlite3, sys, time
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("BEGIN IMMEDIATE")
open(sys.argv[2], "w").close()
time.sleep(120)
P
holder=$!; CLEANUP+=("kill $holder")
until [ -e ready ]; do sleep 0.05; done
{ code=0; sigillo --workspace c run --model m -- touch started 2>run.err || code=$?; echo $code >run.code; } &
waiting=$!
before=$(date +%s)
refuse 4 locked sigillo --workspace c log append two; has_remedy
[ $(($(date +%s) - before)) -ge 8 ] || fail "it did not wait for the lock"
wait "$waiting"
[ "$(cat run.code)" = 125 ] && grep -q 'error \[locked\]' run.err && [ ! -e started ] || fail "run under a lock: $(cat run.err)"
sound c
expect 0 sigillo --workspace c log list
kill "$holder"; wait "$holder" 2>/dev/null || true
expect 0 sigillo --workspace c log append two
sound c; rm -rf c

# two writers at once: both are acknowledged, nothing is lost
records 150 one >a; records 150 two >b
sigillo --workspace w log append a --json >a.json & one=$!
sigillo --workspace w log append b --json >b.json & two=$!
wait $one || fail "the first of two writers"; wait $two || fail "the second of two writers"
sound w
[ "$(sqlite3 -readonly w/ledger.db 'SELECT count(*) FROM entries')" = 303 ] || fail "$(size_of w) entries after two writers"

# somebody else's, and read-only
if [ "$(id -u)" != 0 ] || ! command -v setpriv >/dev/null; then note "not root: the unprivileged reader was not tried"; else
  cp -a w c; chmod -R a+rX c; chmod 600 c/keys/*.pem c/keys/*.watermark
  # The release r1 has no outputs, so that the gate cannot decide; it has judged all the same.
  expect 2 sigillo --workspace c gate --pack eu-ai-act --json; json_has '"refused" not in j'
  sigillo --workspace c policy facts >/dev/null
  cp -a c before
  nobody() { setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }
  expect 0 nobody sigillo --workspace c log fsck; stdout_has "the ledger is sound"
  expect 2 nobody sigillo --workspace c gate --pack eu-ai-act --json
  json_has 'j["ledger"]["sound"] and "refused" not in j'
  expect 0 nobody sigillo --workspace c log list
  expect 0 nobody sigillo --workspace c log prove 1
  records 1 >/dev/null
  refuse 4 permission-denied nobody sigillo --workspace c log append two; has_remedy
  refuse 4 permission-denied nobody sigillo --workspace c dataset seal model --name n --license MIT --source x
  refuse 4 permission-denied nobody sigillo --workspace c text detect text --tokens --key mark
  refuse 4 permission-denied nobody sigillo --workspace c keys generate k
  refuse 4 permission-denied nobody sigillo --workspace c/new init
  refuse 125 permission-denied nobody sigillo --workspace c run --model m -- touch started
  diff -r c before || fail "a reader changed the workspace"
  chmod 700 c
  refuse 4 permission-denied nobody sigillo --workspace c log fsck
  refuse 4 permission-denied nobody sigillo --workspace c log append two
  chmod 755 c; chmod 600 c/ledger.db
  refuse 4 permission-denied nobody sigillo --workspace c log fsck
  chmod 644 c/ledger.db
  # keys that may be read, in a folder that may not be written
  chmod 644 c/keys/*.json; chown -R 65534 c/keys
  expect 4 nobody sigillo --workspace c log append two
  grep -qE 'error \[(read-only|permission-denied)\]' "$SCRATCH/.err" || fail "append to a ledger that is not ours to write"
  sound c
fi
if [ "$(id -u)" = 0 ] && mkdir mnt && mount -t tmpfs -o size=8m tmpfs mnt 2>/dev/null; then
  CLEANUP+=("umount $SCRATCH/mnt")
  cp -a w mnt/w; mount -o remount,ro mnt
  sound mnt/w
  expect 0 sigillo --workspace mnt/w log list
  expect 2 sigillo --workspace mnt/w gate --pack eu-ai-act; stdout_has "cannot be decided"
  stderr_has "note: evidence.db was not written"
  for verb in "log append two" "dataset seal model --name n --license MIT --source x" "keys generate k" \
    "model release model --name n --system s --model m" "record role-declaration --actor A --role system_provider --jurisdiction EU"; do
    refuse 4 read-only sigillo --workspace mnt/w $verb; has_remedy
  done
  refuse 4 read-only sigillo --workspace mnt/new init
  refuse 125 read-only sigillo --workspace mnt/w run --model m -- touch started
  [ ! -e started ] || fail "the command was started"
  expect 1 sigillo --workspace mnt/w text detect text --tokens --key mark
else note "no mount: the read-only file system was not tried"; fi
echo "workspaces hold"
