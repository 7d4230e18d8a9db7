#!/usr/bin/env bash
# Each system call of an append fails, or is the last before SIGKILL, as Tessera tests its own: afterwards the ledger
# is sound, what was acknowledged is there once, and a failure has a code and a remedy.
#
# SIGILLO_INJECT=all takes every call and every fault (minutes); otherwise the write path is killed at every call, and
# the rest is a selection that the last line counts.
# In memory where there is such a file system: nothing here loses power.
[ ! -w /dev/shm ] || [ -n "${TMPDIR:-}" ] || export TMPDIR=/dev/shm
. "$(dirname "$0")/lib.sh"
command -v strace >/dev/null || skip "strace is not installed; run: apt-get install strace"
strace -o /dev/null -e trace=none true 2>/dev/null || skip "strace cannot trace here (ptrace is not permitted)"
all=$([ "${SIGILLO_INJECT:-}" = all ] && echo yes || echo no)

workspace base
records 1 unlucky >one
expect 0 sigillo --workspace base log append one
one=(log append one)
# A second way to begin: a writer was killed, and its WAL is there to be recovered.
cp -a base left
bash -c '"$@"; exit $?' - strace -f -o /dev/null -e trace=unlink -e inject=unlink:signal=KILL:when=1 \
  sigillo --workspace left log append one >/dev/null 2>&1 || true
[ -s left/ledger.db-wal ] || fail "no WAL was left behind"

# calls BEGINNING: "SYSCALL N" for each call after the workspace was first touched; before that the program is loaded.
write_path='pwrite64 write fsync fdatasync ftruncate rename renameat renameat2 unlink unlinkat mkdir mkdirat fallocate syncfs'
read_path='openat pread64 read fcntl close newfstatat flock'
calls() {
  rm -rf w && cp -a "$1" w
  strace -f -o trace -e "trace=$(echo "$write_path $read_path" | tr ' ' ,)" sigillo --workspace w "${one[@]}" \
    >/dev/null 2>&1 || fail "strace: the append fails without a fault"
  awk '{ sub(/^[0-9]+ +/, ""); name = $0; sub(/\(.*/, "", name); if (name !~ /^[a-z0-9]+$/) next; count[name]++
         if (/"w\//) begun = 1
         if (begun) print name, count[name] }' trace
}

tried=0 told=0 done=0 killed=0
# inject BEGINNING SYSCALL N FAULT: one append with this fault, and what holds afterwards.
inject() {
  local start=$1 call=$2 n=$3 fault=$4 code=0 before after
  rm -rf w && cp -a "$start" w
  before=$(size_of w)
  # In a shell of its own, whose word about the kill nobody needs.
  bash -c '"$@"; exit $?' - strace -f -o trace -e "trace=$call" -e "inject=$call:$fault:when=$n" \
    sigillo --workspace w "${one[@]}" >"$SCRATCH/.out" 2>"$SCRATCH/.err" || code=$?
  local what="$start, $call $n, $fault"
  tried=$((tried + 1))
  case "$code:$fault" in
    0:*) grep -q '^1 records appended' "$SCRATCH/.out" || fail "$what: exit code 0 and no acknowledgement"; done=$((done + 1)) ;;
    137:signal=*) killed=$((killed + 1)) ;;
    4:error=*)
      grep -qE '^sigillo: error \[(io-error|disk-full|permission-denied|locked|read-only)\] .' "$SCRATCH/.err" || fail "$what: no code"
      has_remedy; stdout_empty; told=$((told + 1)) ;;
    # A page that cannot be read is a damaged file for SQLite.
    2:error=EIO)
      [ "$call" = pread64 ] || fail "$what: exit code $code"
      grep -q '^sigillo: error \[ledger-corrupt\] .' "$SCRATCH/.err" || fail "$what: no code"
      has_remedy; stdout_empty; told=$((told + 1)) ;;
    *) fail "$what: exit code $code" ;;
  esac
  local acknowledged=0
  ! grep -q '^1 records appended' "$SCRATCH/.out" || acknowledged=1
  expect 0 sigillo --workspace w log fsck
  stdout_has "the ledger is sound"
  after=$(size_of w)
  [ "$after" -ge $((before + acknowledged)) ] || fail "$what: an acknowledged record is not there"
  [ "$after" -le $((before + 1)) ] || fail "$what: the record is there twice"
  # Whatever happened, the ledger goes on.
  if [ "$all" = yes ] || [ $((tried % 5)) = 0 ]; then
    expect 0 sigillo --workspace w log append one
    [ "$(size_of w)" = $((after + 1)) ] || fail "$what: the next append is not there"
    sound w
  fi
}

began=$SECONDS
for start in base left; do
  calls "$start" >"list.$start"
  [ "$(wc -l <"list.$start")" -gt 60 ] || fail "too few calls were counted: $(wc -l <"list.$start")"
  position=0
  while read -r call n; do
    position=$((position + 1))
    if [[ " $write_path " == *" $call "* ]]; then
      inject "$start" "$call" "$n" signal=KILL
      if [ "$all" = yes ] || { [ "$start" = base ] && { [ "$call" != pwrite64 ] || [ $((n % 4)) = 0 ]; }; }; then
        inject "$start" "$call" "$n" error=EIO
        inject "$start" "$call" "$n" error=ENOSPC
      fi
    elif [ "$all" = yes ] || [ $((position % 12)) = 0 ]; then
      inject "$start" "$call" "$n" error=EIO
      [ "$all" = no ] || inject "$start" "$call" "$n" signal=KILL
    fi
  done <"list.$start"
done
[ "$killed" -gt 50 ] && [ "$told" -gt 20 ] || fail "too little happened: $killed killed, $told told"
note "$(cat list.base list.left | wc -l) calls; $tried faults in $((SECONDS - began)) s: $killed killed, $told told of an error, $done went on"
echo "injected faults hold"
