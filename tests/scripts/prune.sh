#!/usr/bin/env bash
# Pruning from outside: a shard that may go goes, with its blobs and hidden values; what others hold of it still verifies, the rest
# stays sound, and a pruning killed at any system call is finished by the next.
. "$(dirname "$0")/lib.sh"
export SIGILLO_WORKSPACE=$SCRATCH/w
workspace w
expect 0 sigillo log prune --json
json_has 'j == {"dry_run": False, "pruned": []}'
refuse 3 invalid-argument sigillo log prune --shard 1
refuse 3 not-found sigillo log prune --shard 2
refuse 3 invalid-argument sigillo log prune --shard 0
records 3 >three
expect 0 sigillo log append three
expect 0 sigillo log rotate
expect 0 sigillo log shards
stdout_has "prunable from $(date -u -d '+10 years +8 days' +%Y-)"
refuse 3 invalid-argument sigillo log prune --shard 1
stderr_has "Art. 18(1)"
has_remedy
expect 0 sigillo log prune --dry-run --json
json_has 'j["pruned"] == [] and j["next"]["shard"] == 1'
sound w

# A workspace whose clock stood at 2010 and 2011.
SIGILLO_AGED=$SCRATCH/old test_audit "[.aged-workspace]" >/dev/null || skip "test_audit is not there to make an old workspace"
cp -a old aged
export SIGILLO_WORKSPACE=$SCRATCH/aged
key1=$(sigillo keys export log --format vkey)
key3=$(sigillo keys export log-3 --format vkey)
expect 0 sigillo log prove 2 -o receipt
sigillo log show 2 --raw >leaf
expect 0 sigillo log list --kind run-start
[ "$(wc -l <.out)" = 1 ] || fail "the run is not found"
grep -q a-word-that-is-nowhere-else aged/private.db || fail "there is nothing to delete"
expect 0 sigillo log shards --json
json_has 'j[0]["prunable_from"].startswith("2020-01-") and j[1]["prunable_from"] == "2011-12-31T09:00:00Z" and "prunable_from" not in j[2]'
refuse 3 invalid-argument sigillo log prune --shard 2
refuse 3 invalid-argument sigillo log prune --shard 3

expect 0 sigillo record legal-hold --hold case --state placed --reason "a court's order"
refuse 3 invalid-argument sigillo log prune
stderr_has 'legal hold "case"'
expect 0 sigillo record legal-hold --hold case --state lifted --reason "closed"

expect 0 sigillo log prune --shard 1 --dry-run
stdout_has "would be pruned"
[ -e aged/ledger.db ] || fail "a dry run deletes"
expect 0 sigillo log prune --shard 1 --json
json_has 'j["pruned"][0]["shard"] == 1 and j["pruned"][0]["values"] == 5 and j["pruned"][0]["blobs"] == 2'
entry=$(json 'j["pruned"][0]["entry"]')
[ ! -e aged/ledger.db ] && [ ! -e aged/index.db ] || fail "the ledger is there still"
! grep -rq a-word-that-is-nowhere-else aged || fail "the value is still somewhere"
sound aged
stdout_has "shard 1 was pruned by entry $entry"
expect 0 sigillo log show "$entry" --json
json_has 'j["kind"] == "shard-pruned" and "Art. 18(1)" in j["fields"]["basis"]'

# What is gone is told; what others hold verifies.
for command in "log show 2" "log prove 2" "log show 0"; do
  refuse 3 not-found sigillo $command
  stderr_has "shard 1 was pruned, by entry $entry"
done
refuse 3 not-found sigillo log list --shard 1
refuse 3 not-found sigillo log prove --from 2 --shard 1
expect 0 sigillo log list --kind run-start
stdout_empty
stderr_has "shard 1 was pruned"
expect 0 sigillo log verify-proof receipt --leaf leaf --log-key "$key1"
expect 0 sigillo log handovers -o chain
expect 0 env -u SIGILLO_WORKSPACE sigillo log verify-handovers chain --log-key "$key1"
[ "$(wc -l <.out)" = 3 ] || fail "the chain does not reach the newest key"
for key in "$key1" "$key3"; do expect 0 sigillo log fsck --log-key "$key"; done
sigillo log shards --json | python3 -c 'import json, sys; sys.stdout.write(json.load(sys.stdin)[0]["checkpoint"])' >final
expect 0 sigillo log fsck --log-key "$key1" --since final
expect 0 sigillo log shards
stdout_has "by entry $entry"
sigillo gate --pack eu-ai-act --as-of 2026-12-03 >/dev/null 2>.err || true
stderr_has "nothing that it recorded is in the evidence"
sound aged

# Bundle, backup.
expect 0 sigillo bundle export -o audit.tar --pack eu-ai-act --as-of 2026-12-03
expect 0 tar -tf audit.tar
stdout_has shards/1/pruned.json
stdout_lacks shards/1/entries.jsonl
for key in "$key1" "$key3"; do
  expect 0 env -u SIGILLO_WORKSPACE sigillo bundle verify audit.tar --log-key "$key"
done
stdout_has "shard 1 was pruned by entry $entry"
expect 0 env -u SIGILLO_WORKSPACE sigillo bundle verify audit.tar --log-key "$key1" --since final
at=$(grep -abo shards/1/pruned.json audit.tar | sed -n '$s/:.*//p')
printf 'x' | dd of=audit.tar bs=1 seek=$((at + 700)) conv=notrunc status=none
expect 1 sigillo bundle verify audit.tar --log-key "$key1"
expect 0 sigillo backup b.tar
expect 0 sigillo restore b.tar --to r --since final --log-key "$key1"
sound r
expect 0 sigillo --workspace r log append three

# The next one; then somebody who may write the files.
expect 0 sigillo log prune --json
json_has '[p["shard"] for p in j["pruned"]] == [2]'
sound aged
cp -r aged t && rm t/pruned.json
expect 2 sigillo --workspace t log fsck
stdout_has "error [shard]"
rm -rf t && cp -r aged t && sed -i 's/"first_entry":0/"first_entry":1/' t/pruned.json
expect 2 sigillo --workspace t log fsck
stdout_has "error [pruned]"
rm -rf t && cp -r old t && cp aged/pruned.json t/pruned.json
expect 2 sigillo --workspace t log fsck
stdout_has "somebody took it away"
rm -rf t && cp -r aged t && cp old/ledger.db t/ledger.db
expect 0 sigillo --workspace t log fsck
stdout_has "warning [pruning]"
expect 0 sigillo --workspace t log prune
[ ! -e t/ledger.db ] || fail "it is there still"

# Killed at the nth call of each system call that makes something last.
if command -v strace >/dev/null && strace -f -qq -o /dev/null true 2>/dev/null; then
  kills=0
  for call in fsync fdatasync rename unlink unlinkat syncfs pwrite64; do
    for n in 1 2 3 5 9 18 35; do
      rm -rf c && cp -r old c
      find c/blobs -type f -exec touch -d 2020-01-01 {} +
      code=0
      # In a shell of its own, whose word about the kill nobody needs.
      (strace -f -qq -o /dev/null -e "trace=$call" -e "inject=$call:signal=KILL:when=$n" \
        sigillo --workspace c log prune) >/dev/null 2>&1 || code=$?
      [ "$code" != 0 ] || break
      kills=$((kills + 1))
      sound c
      expect 0 sigillo --workspace c log prune
      sound c
      stdout_lacks "[pruning]"
      expect 0 sigillo --workspace c log shards --json
      json_has '[s["pruned"] for s in j] == [True, True, False]'
      [ ! -e c/ledger.db ] && [ ! -e c/shards/2/ledger.db ] || fail "killed at $call $n: a ledger is left"
      ! grep -rq a-word-that-is-nowhere-else c || fail "killed at $call $n: a value is left"
      [ "$(find c/blobs -type f | wc -l)" = 0 ] || fail "killed at $call $n: a blob is left"
    done
  done
  note "$kills prunings were killed"
  [ "$kills" -gt 12 ] || fail "only $kills were killed: this proves little"
else
  note "strace cannot be used here: prunings were not killed"
fi
echo "prunings hold"
