#!/usr/bin/env bash
# A full disk: every verb that writes says so, the ledger stays sound, and it goes on when there is space again.
. "$(dirname "$0")/lib.sh"
[ "$(id -u)" = 0 ] || skip "not root: no small file system can be mounted"
mkdir mnt
mount -t tmpfs -o size=4m tmpfs mnt 2>/dev/null || skip "no small file system can be mounted here"
CLEANUP+=("umount $SCRATCH/mnt")
export SIGILLO_WORKSPACE=$SCRATCH/mnt/w
workspace "$SIGILLO_WORKSPACE"
mkdir model texts && seq 99 >model/weights && seq 300 >texts/a
expect 0 sigillo model release model --name r1 --system s --model m
records 3 >three
fill() { cat /dev/zero >mnt/fill 2>/dev/null || true; }
free() { rm -f mnt/fill; }
# full COMMAND...: exits with 4 and says that the disk is full; nothing was recorded.
full() {
  local before; before=$(size_of "$SIGILLO_WORKSPACE")
  fill
  expect 4 "$@"
  grep -qE 'error \[(disk-full|io-error)\]' "$SCRATCH/.err" || fail "no error: $*"
  grep -q 'error \[disk-full\]' "$SCRATCH/.err" || fail "the error does not say that the disk is full: $*"
  stdout_empty; has_remedy
  free
  sound "$SIGILLO_WORKSPACE"
  [ "$(size_of "$SIGILLO_WORKSPACE")" = "$before" ] || fail "something was recorded: $*"
}
records 2000 >thousands
full sigillo log append thousands
full sigillo record placement --system s --actor A --market EU --placed-on 2026-05-01 --modality text
full sigillo dataset seal model --name n --license MIT --source x
full sigillo dataset seal "$SCRIPTS" --name n --license MIT --source x
full sigillo model release texts --name r2 --system s --model m
full sigillo keys generate k
full sigillo --workspace mnt/new init
[ ! -e mnt/new ] && [ -z "$(find mnt -name '.new*')" ] || fail "init left something behind"
# run: not started
fill; refuse 125 disk-full sigillo run --model m -- touch started; free
[ ! -e started ] || fail "the command was started"
# run: the disk fills meanwhile; the command's exit code stays, the loss is told
expect 7 sigillo run --model m -- sh -c 'cat /dev/zero >mnt/fill 2>/dev/null; exit 7'
stderr_has "could not be recorded"
free
sound "$SIGILLO_WORKSPACE"
expect 0 sigillo policy facts ev1_runs; stdout_has "no end recorded"
# readers need no space
fill
expect 0 sigillo log fsck
sigillo gate --pack eu-ai-act --json >"$SCRATCH/.out" 2>"$SCRATCH/.err" || [ $? -le 2 ] || fail "gate on a full disk"
json_has 'j["ledger"]["sound"]'
free
# again with space
expect 0 sigillo log append three
expect 0 sigillo dataset seal model --name n --license MIT --source x
expect 0 sigillo keys generate k
sound "$SIGILLO_WORKSPACE"
# Space runs out in the middle: batches that were acknowledged stay, whole.
before=$(size_of "$SIGILLO_WORKSPACE")
for left in 64 128 200 300 400 600; do
  fill; truncate -s -${left}K mnt/fill
  code=0; sigillo log append thousands >"$SCRATCH/.out" 2>"$SCRATCH/.err" || code=$?
  free
  [ "$code" = 0 ] || [ "$code" = 4 ] || fail "exit code $code with $left KiB left"
  [ "$code" = 0 ] || stderr_has "error [disk-full]"
  told=$(sed -n 's/.* \([0-9]*\) of 2000 records were appended.*/\1/p' "$SCRATCH/.err")
  sound "$SIGILLO_WORKSPACE"
  after=$(size_of "$SIGILLO_WORKSPACE")
  if [ "$code" = 4 ]; then
    [ "$((after - before))" -ge "${told:?}" ] || fail "$told acknowledged, $((after - before)) there"
  fi
  before=$after
done
# There is space, but no more files can be made: not even a WAL.
mkdir few
mount -t tmpfs -o size=16m,nr_inodes=200 tmpfs few
CLEANUP+=("umount $SCRATCH/few")
export SIGILLO_WORKSPACE=$SCRATCH/few/w
workspace "$SIGILLO_WORKSPACE"
[ ! -s "$SIGILLO_WORKSPACE"/ledger.db-wal ] || fail "the ledger was not closed"
rm -f "$SIGILLO_WORKSPACE"/ledger.db-wal "$SIGILLO_WORKSPACE"/ledger.db-shm
mkdir few/fill
for i in $(seq 200); do : 2>/dev/null >"few/fill/$i" || break; done
[ "$i" -lt 200 ] || fail "files can still be made"
refuse 4 disk-full sigillo log append three; has_remedy
rm -r few/fill
expect 0 sigillo log append three
sound "$SIGILLO_WORKSPACE"
echo "a full disk holds"
