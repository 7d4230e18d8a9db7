#!/usr/bin/env bash
# Shards from outside: a ledger is sealed and goes on under another key; old receipts hold, a reader who knows the first key gets
# the newest, a run goes on over a rotation, and a rotation killed at any system call is finished by the next.
. "$(dirname "$0")/lib.sh"
export SIGILLO_WORKSPACE=$SCRATCH/w
workspace w
records 3 >three
expect 0 sigillo log append three
key1=$(sigillo keys export log --format vkey)
expect 0 sigillo log prove 4 -o old.proof
sigillo log show 4 --raw >old.leaf
sigillo log checkpoint >early

# A run that begins in one shard and ends in the next.
mkdir out
sigillo run --model m --output out -- sh -c 'touch started; while [ ! -e rotated ]; do sleep 0.1; done; echo weights >out/m' &
run=$!
while [ ! -e started ]; do sleep 0.1; done
expect 0 sigillo log rotate --json
json_has 'j["shard"] == 2 and j["first_entry"] == 7 and j["origin"].startswith("test.example/w/") and j["origin"].endswith("-2")'
[ ! -e w/keys/log.pem ] || fail "the old private key is still there"
touch rotated
wait "$run"
sound w
stdout_has "11 entries in 2 shards"
expect 0 sigillo log list --kind run-end --json
json_has 'j["entry"] == 10'
expect 0 sigillo model release out --name r1 --system s --model m
expect 0 sigillo policy facts ev1_runs
stdout_has completed
expect 0 sigillo lineage r1
stdout_has "entry 10"
key2=$(sigillo keys export log-2 --format vkey)
[ "$(sigillo keys export log --format vkey)" = "$key1" ] || fail "the sealed log's key is another"

# Numbers go on; receipts are of one log.
expect 0 sigillo log show 4 --json
json_has 'j["entry"] == 4 and j["shard"] == 1 and j["index"] == 4'
expect 0 sigillo log show 9 --json
json_has 'j["kind"] == "shard-start" and j["shard"] == 2 and j["index"] == 2'
refuse 3 not-found sigillo log show 12
expect 0 sigillo log list
[ "$(wc -l <.out)" = 12 ] || fail "the list has $(wc -l <.out) entries"
expect 0 sigillo log list --shard 1
[ "$(wc -l <.out)" = 7 ] || fail "the list of shard 1 has $(wc -l <.out) entries"
refuse 3 not-found sigillo log list --shard 3
expect 0 sigillo log list --subject m --kind run-start --json
expect 0 sigillo log verify-proof old.proof --leaf old.leaf --log-key "$key1"
expect 0 sigillo log prove 4 -o again.proof
expect 0 sigillo log verify-proof again.proof --leaf old.leaf --log-key "$key1"
refuse 1 signature-invalid sigillo log verify-proof again.proof --leaf old.leaf --log-key "$key2"
expect 0 sigillo log prove 10 -o new.proof
sigillo log show 10 --raw >new.leaf
expect 0 sigillo log verify-proof new.proof --leaf new.leaf --log-key "$key2" --json
json_has 'j["index"] == 3'
expect 0 sigillo log prove --from early --shard 1 -o growth
expect 0 sigillo log verify-consistency early growth --log-key "$key1"
refuse 3 unsupported sigillo log sigstore-bundle 4 --output x.json --trusted-root y.json

# From the first key to the newest, offline.
expect 0 sigillo log rotate --origin example.com/third
key3=$(sigillo keys export log-3 --format vkey)
expect 0 sigillo log handovers -o handovers.json
expect 0 env -u SIGILLO_WORKSPACE sigillo log verify-handovers handovers.json --log-key "$key1"
[ "$(cat .out)" = "$key1
$key2
$key3" ] || fail "the keys are not those of the shards: $(cat .out)"
expect 0 sigillo log verify-handovers handovers.json --log-key "$key3" --json
json_has 'j["verified"] and len(j["log_keys"]) == 1'
expect 0 sigillo --workspace namesake init --origin test.example/w --actor Tester
refuse 1 signature-invalid sigillo log verify-handovers handovers.json --log-key "$(sigillo --workspace namesake keys export log --format vkey)"
sed 's/"format":1/"format":2/' handovers.json >bad.json
refuse 3 unsupported sigillo log verify-handovers bad.json --log-key "$key1"
refuse 3 already-exists sigillo log rotate --origin example.com/third
expect 0 sigillo log shards --json
json_has '[s["sealed"] for s in j] == [True, True, False] and j[2]["first_entry"] == j[1]["first_entry"] + j[1]["size"]'
for key in "$key1" "$key2" "$key3"; do expect 0 sigillo log fsck --log-key "$key"; done
expect 0 sigillo log fsck --log-key "$key1" --since early

# The auditor's bundle holds all shards, and any shard's key anchors it.
expect 0 sigillo bundle export -o audit.tar --pack eu-ai-act --as-of 2026-12-03 --json
json_has 'j["entries"] == 16'
expect 0 tar -tf audit.tar
for member in shards/1/entries.jsonl shards/1/checkpoint shards/2/entries.jsonl entries.jsonl; do
  grep -qx "$member" .out || fail "no member $member"
done
mkdir opened && expect 0 tar -xf audit.tar -C opened
for proof in opened/proofs/*; do
  n=$(basename "$proof" .tlog-proof)
  sigillo log show "$n" --raw >leaf
  shard=$(sigillo log show "$n" --json | sed 's/.*"shard":\([0-9]*\).*/\1/')
  eval "key=\$key$shard"
  expect 0 sigillo log verify-proof "$proof" --leaf leaf --log-key "$key"
done
for key in "$key1" "$key2" "$key3"; do
  expect 0 env -u SIGILLO_WORKSPACE sigillo bundle verify audit.tar --log-key "$key"
done
expect 0 env -u SIGILLO_WORKSPACE sigillo bundle verify audit.tar --log-key "$key1" --since early
at=$(grep -abo shards/1/checkpoint audit.tar | sed -n '$s/:.*//p')
printf 'x' | dd of=audit.tar bs=1 seek=$((at + 600)) conv=notrunc status=none
expect 1 sigillo bundle verify audit.tar --log-key "$key1"

# A backup holds all; an older program would be told.
expect 0 sigillo backup b.tar
expect 0 tar -tf b.tar
stdout_has shards/2/ledger.db
sigillo log checkpoint >late
expect 0 sigillo restore b.tar --to r --since late
sound r
expect 0 sigillo --workspace r log append three
grep -q '"format":2' w/sigillo.json || fail "the workspace does not say that it has shards"

# Keys that sign records come and go, too.
cp -r w keyed
expect 0 sigillo --workspace keyed keys rotate owner-2 --json
json_has 'len(j["entries"]) == 2'
[ ! -e keyed/keys/owner.pem ] || fail "the old record key is still there"
expect 0 sigillo --workspace keyed log append three
sound keyed
refuse 3 already-exists sigillo --workspace keyed keys rotate owner-2
refuse 3 invalid-argument sigillo --workspace keyed keys revoke owner-2
refuse 3 not-found sigillo --workspace keyed keys revoke owner
expect 0 sigillo --workspace keyed log rotate
sound keyed

# Somebody who may write the files.
cp -r w t
sqlite3 t/ledger.db "DELETE FROM meta WHERE name = 'sealed'"
sqlite3 t/ledger.db "UPDATE state SET size = size"
cp t/ledger.db t/shards/2/ledger.db
expect 2 sigillo --workspace t log fsck
stdout_has "error [handover]"
rm -rf t && cp -r w t && rm -rf t/shards/2
expect 2 sigillo --workspace t log fsck
stdout_has "error [shard]"

# Killed at the nth call of each system call that makes something last.
if command -v strace >/dev/null && strace -f -qq -o /dev/null true 2>/dev/null; then
  workspace k
  expect 0 sigillo --workspace k log append three
  kills=0
  for call in fsync fdatasync rename unlink unlinkat syncfs pwrite64 mkdir rmdir; do
    for n in 1 2 3 4 6 9 13 18 25 35 50; do
      rm -rf c && cp -r k c
      code=0
      # In a shell of its own, whose word about the kill nobody needs.
      (strace -f -qq -o /dev/null -e "trace=$call" -e "inject=$call:signal=KILL:when=$n" \
        sigillo --workspace c log rotate --origin example.com/next) >/dev/null 2>&1 || code=$?
      [ "$code" != 0 ] || break
      kills=$((kills + 1))
      if grep -q '"shard":2' c/sigillo.json; then
        sound c
        continue
      fi
      expect 0 sigillo --workspace c log rotate --origin example.com/next
      sound c
      [ ! -e c/keys/log.pem ] || fail "killed at $call $n: the old private key is still there"
      [ ! -e c/shards/2.new ] || fail "killed at $call $n: something is left"
      expect 0 sigillo --workspace c log append three
      sound c
    done
  done
  note "$kills rotations were killed"
  [ "$kills" -gt 20 ] || fail "only $kills were killed: this proves little"
else
  note "strace cannot be used here: rotations were not killed"
fi
echo "shards hold"
