#!/usr/bin/env bash
# A file system that becomes read-only, and permissions that are lost, while sigillo is at work: exit code 4 and a
# remedy, nothing acknowledged is lost, and it goes on when that is over.
. "$(dirname "$0")/lib.sh"
[ "$(id -u)" = 0 ] || skip "not root: nothing can be mounted, and no permissions can be lost"
command -v setpriv >/dev/null || skip "setpriv is not installed"
mkdir mnt
mount -t tmpfs -o size=32m tmpfs mnt 2>/dev/null || skip "nothing can be mounted here"
CLEANUP+=("umount $SCRATCH/mnt")
export SIGILLO_WORKSPACE=$SCRATCH/mnt/w
workspace "$SIGILLO_WORKSPACE"
records 3 >three
mkdir model && seq 99 >model/weights
expect 0 sigillo log append three

reads() {
  expect 0 "$@" sigillo log fsck; stdout_has "the ledger is sound"
  expect 0 "$@" sigillo log list
  expect 0 "$@" sigillo log show 2
  expect 0 "$@" sigillo log prove 1
}
# Entries of the ledger, which nobody has open.
size() { sqlite3 "file:$SIGILLO_WORKSPACE/ledger.db?immutable=1" 'SELECT size FROM state'; }
# refused CODE COMMAND...: exit code 4, this code, a remedy, and nothing recorded.
refused() {
  local code=$1 before; shift
  before=$(size)
  refuse 4 "$code" "$@"; has_remedy
  [ "$(size)" = "$before" ] || fail "something was recorded: $*"
}

# Read-only. A kernel does this to a file system of its own accord after an error of the disk.
mount -o remount,ro mnt
refused read-only sigillo log append three
refused read-only sigillo log checkpoint
refused read-only sigillo record placement --system s --actor A --market EU --placed-on 2026-05-01 --modality text
refused read-only sigillo dataset seal model --name n --license MIT --source x
refused read-only sigillo keys generate k
refuse 125 read-only sigillo run --model m -- touch started; has_remedy
[ ! -e started ] || fail "the command was started"
reads
mount -o remount,rw mnt
# ... while a command runs that takes days: its exit code stays, and what is missing is told.
expect 7 sigillo run --model m -- sh -c "mount -o remount,ro '$SCRATCH/mnt'; exit 7"
stderr_has "could not be recorded"
mount -o remount,rw mnt
sound "$SIGILLO_WORKSPACE"
expect 0 sigillo policy facts ev1_runs; stdout_has "no end recorded"
# ... with a writer's WAL that nobody can copy back: SQLite needs shared memory for it.
cp -a "$SIGILLO_WORKSPACE" mnt/left
python3 - mnt/left/ledger.db <<'P'
import os, sqlite3, sys
database = sqlite3.connect(sys.argv[1])
database.execute("INSERT INTO meta VALUES ('x', 'y')")
database.execute("DELETE FROM meta WHERE name = 'x'")
database.commit()
os._exit(0)
P
[ -s mnt/left/ledger.db-wal ] || fail "no WAL was left behind"
mount -o remount,ro mnt
refuse 4 read-only sigillo --workspace mnt/left log append three; has_remedy
mount -o remount,rw mnt
sound mnt/left

# Permissions. Root has all of them; the owner here is somebody else.
chown -R 65534:65534 mnt
chmod 755 mnt
owner() { setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }
expect 0 owner sigillo log append three
# The ledger and its folder become somebody else's, or the keys.
chown root "$SIGILLO_WORKSPACE" "$SIGILLO_WORKSPACE"/ledger.db*
before=$(size)
expect 4 owner sigillo log append three
grep -qE '^sigillo: error \[(read-only|permission-denied)\] .' "$SCRATCH/.err" || fail "no code"
has_remedy; stdout_empty
reads owner
chown 65534 "$SIGILLO_WORKSPACE" "$SIGILLO_WORKSPACE"/ledger.db*
chown root "$SIGILLO_WORKSPACE"/keys
refuse 4 permission-denied owner sigillo log append three; has_remedy
chown 65534 "$SIGILLO_WORKSPACE"/keys
[ "$(size)" = "$before" ] || fail "something was recorded"
expect 0 owner sigillo log append three
# ... lost while a command runs
expect 7 owner sigillo run --model m -- sh -c 'chmod 500 "$SIGILLO_WORKSPACE"; chmod 400 "$SIGILLO_WORKSPACE"/ledger.db; exit 7'
stderr_has "could not be recorded"
chmod 755 "$SIGILLO_WORKSPACE" && chmod 644 "$SIGILLO_WORKSPACE"/ledger.db*
expect 0 owner sigillo log append three
sound "$SIGILLO_WORKSPACE"
echo "read-only and without permission hold"
