#!/usr/bin/env bash
# Backup under a running appender, restore, consistency proofs, migrate, doctor; killed, and on a full disk.
. "$(dirname "$0")/lib.sh"
export SIGILLO_WORKSPACE=w
workspace w
records 3 >three
expect 0 sigillo log append three
key=$(sigillo keys export log --format vkey)
sigillo log checkpoint >early

# Consistency proofs: with the workspace, and without.
records 4 four >more && expect 0 sigillo log append more
expect 0 sigillo log prove --from 2
grep -qx "old 2" .out || fail "the proof does not begin with its size"
expect 0 sigillo log prove --from early -o proof
expect 0 env -u SIGILLO_WORKSPACE sigillo log verify-consistency early proof --log-key "$key" --json
json_has 'j["verified"] and j["old_size"] == 5 and j["size"] == 9'
sed 's/^old 5/old 4/' proof >bad
refuse 1 proof-invalid sigillo log verify-consistency early bad --log-key "$key"
expect 0 sigillo --workspace namesake init --origin test.example/w --actor Tester  # the same name, another key
refuse 1 signature-invalid sigillo log verify-consistency early proof --log-key "$(sigillo --workspace namesake keys export log --format vkey)"
refuse 3 invalid-input sigillo log verify-consistency early three --log-key "$key"
for bad in "" "--from 0" "--from 10" "1 --from 2"; do refuse 3 invalid-argument sigillo log prove $bad; has_remedy; done
expect 0 sigillo log prove 1
stdout_has "c2sp.org/tlog-proof@v1"

# A backup while another process appends.
(for i in $(seq 30); do records 20 "b$i" | sigillo log append - >/dev/null; done) &
appender=$!
sleep 0.2
expect 0 sigillo backup b.tar
stderr_has "keys and the private values"
wait "$appender"
[ "$(stat -c %a b.tar)" = 600 ] || fail "others may read the backup"
refuse 3 already-exists sigillo backup b.tar
expect 0 tar -tf b.tar
stdout_has "keys/owner.pem"
sigillo log checkpoint >late
refuse 3 invalid-argument sigillo restore b.tar --to r
stderr_has "without a trace"
refuse 2 ledger-corrupt sigillo restore b.tar --to r --since late
has_remedy
[ ! -e r ] || fail "a refused restore left a folder"
expect 0 sigillo restore b.tar --to r --since early
sound r
expect 0 sigillo restore b.tar --to lossy --accept-loss
expect 0 sigillo --workspace lossy log fsck
stdout_has "an old copy of"
expect 0 sigillo --workspace lossy log append three
sound lossy
# Whoever holds the later checkpoint sees the fork.
expect 2 sigillo --workspace lossy log fsck --log-key "$key" --since late
refuse 3 already-exists sigillo restore b.tar --to r --accept-loss
expect 0 sigillo backup nokeys.tar --without-keys
expect 0 tar -tf nokeys.tar
stdout_lacks "keys/"
refuse 3 key-missing sigillo restore nokeys.tar --to n --accept-loss
refuse 3 invalid-input sigillo restore three --to n --accept-loss

# migrate and doctor
expect 0 sigillo migrate
stdout_has "nothing to do"
cp -r r newer && sqlite3 newer/ledger.db 'PRAGMA user_version=99'
refuse 3 workspace-newer sigillo --workspace newer migrate
expect 0 sigillo doctor --json
json_has 'all(c["health"] in ("ok", "warn") for c in j) and {"workspace", "secrets", "disk", "storage", "clock", "ledger", "packs", "profiles"} <= {c["name"] for c in j}'
chmod 644 r/keys/owner.pem
expect 1 sigillo --workspace r doctor
stdout_has "others may read r/keys/owner.pem"
stdout_has "what to do: chmod 600"
chmod 600 r/keys/owner.pem
sqlite3 r/ledger.db "UPDATE entries SET leaf = x'00' WHERE idx = 3"
expect 1 sigillo --workspace r doctor
stdout_has "fail  ledger"
refuse 2 ledger-corrupt sigillo --workspace r backup damaged.tar
expect 1 sigillo --workspace nowhere doctor
stdout_has "fail  workspace"

# Killed at random moments: a whole backup or none, a whole workspace or none.
killed=0
for ms in 5 15 30 60 100 150; do
  rm -rf k.tar k
  timeout -s KILL "0.$(printf %03d "$ms")" sigillo backup k.tar >/dev/null 2>&1 || killed=$((killed + 1))
  [ ! -e k.tar ] || expect 0 sigillo restore k.tar --to k --accept-loss
  rm -rf k
  timeout -s KILL "0.$(printf %03d "$ms")" sigillo restore b.tar --to k --accept-loss >/dev/null 2>&1 || killed=$((killed + 1))
  [ ! -e k ] || sound k
done
[ "$killed" -gt 0 ] || fail "nothing was killed: this proves nothing"
if [ "$(id -u)" = 0 ] && mkdir mnt && mount -t tmpfs -o size=256k tmpfs mnt 2>/dev/null; then
  CLEANUP+=("umount $SCRATCH/mnt")
  refuse 4 disk-full sigillo backup mnt/b.tar
  has_remedy
  [ -z "$(ls -A mnt)" ] || fail "something was left on the full disk: $(ls -A mnt)"
  head -c 220k /dev/zero >mnt/fill
  refuse 4 disk-full sigillo restore b.tar --to mnt/r --accept-loss
  [ "$(ls -A mnt)" = fill ] || fail "something was left on the full disk: $(ls -A mnt)"
else
  note "no small file system can be mounted here: the full disk was not tried"
fi
echo "care holds"
