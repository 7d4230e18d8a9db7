#!/usr/bin/env bash
# A full disk, a read-only one, and lost permissions under `sigillo serve`: records are refused with 503, everything that reads goes on,
# and records are taken again when the disk is well.
. "$(dirname "$0")/lib.sh"
command -v curl >/dev/null || skip "curl is not installed"
[ "$(id -u)" = 0 ] || skip "not root: no small file system can be mounted"
mkdir mnt
mount -t tmpfs -o size=6m tmpfs mnt 2>/dev/null || skip "no small file system can be mounted here"
CLEANUP+=("umount $SCRATCH/mnt")
export SIGILLO_WORKSPACE=$SCRATCH/mnt/w
workspace "$SIGILLO_WORKSPACE"
mkdir corpus
cp "$SCRIPTS/../unit/examples/sample.txt" corpus/
expect 0 tinylm train --corpus corpus --output model --vocabulary 500
expect 0 sigillo tokens create clerk --scope records:write --json
token=$(json 'j["token"]')
# Without root's rights, which no file mode stops.
chown -R nobody mnt
chmod 755 model model/*
: >serve.out
setpriv --reuid nobody --clear-groups -- "$(command -v sigillo)" serve --listen 127.0.0.1:0 --publish-log \
  --detector mark:vllm-gumbel:model/tokenizer.json >serve.out 2>serve.err &
server=$!
CLEANUP=("kill $server 2>/dev/null" "wait $server 2>/dev/null" "${CLEANUP[@]}")
for _ in $(seq 100); do
  url=$(sed -n 's/^listening on //p' serve.out)
  [ -z "$url" ] || break
  kill -0 $server 2>/dev/null || fail "the server ended: $(cat serve.err)"
  sleep 0.1
done
[ -n "$url" ] || fail "the server does not say where it listens"
ask() { expect 0 curl -sS -o "$SCRATCH/answer" -w '%{http_code} %{content_type}\n' "$@"; }
number=0
append() {
  number=$((number + 1))
  ask -H "Authorization: Bearer $token" -H 'Content-Type: application/json' -d "$(records 1 "round $number")" "$url/v1/records"
}
reads() {
  ask "$url/checkpoint"; stdout_has "200 text/plain"
  ask "$url/v1/proofs/0"; stdout_has "200 text/plain"
  ask "$url/tile/entries/000.p/2"; stdout_has "200 application/octet-stream"
  ask "$url/readyz"; stdout_has "200"
  printf 'some words' | expect 0 curl -sS -o "$SCRATCH/answer" -w '%{http_code}\n' --data-binary @- -H 'Content-Type: text/plain' "$url/v1/verify"
  stdout_has 200
}
# refused CODE: a record is refused with 503, nothing is recorded, and reading goes on.
refused() {
  local before; before=$(size_of "$SIGILLO_WORKSPACE")
  append; stdout_has "503 application/problem+json"
  grep -q "\"code\":\"$1\"" answer || fail "the problem is not $1: $(cat answer)"
  reads
  [ "$(size_of "$SIGILLO_WORKSPACE")" = "$before" ] || fail "something was recorded: $1"
}
taken() { append; stdout_has "201"; sound "$SIGILLO_WORKSPACE"; }
taken
reads
cat /dev/zero >mnt/fill 2>/dev/null || true
for _ in 1 2 3; do refused disk-full; done
rm mnt/fill
taken
mount -o remount,ro mnt 2>/dev/null && {
  refused 'read-only\|permission-denied\|io-error'
  mount -o remount,rw mnt
  taken
}
# The ledger is open already, and stays so; the checkpoint store is not writable any more.
chown root mnt/w/signed
refused permission-denied
chown nobody mnt/w/signed
taken
expect 0 sigillo log fsck --json; json_has 'j["uncovered"] == 0'
echo "a sick disk stops records and nothing else"
