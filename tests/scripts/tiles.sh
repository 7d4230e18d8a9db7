#!/usr/bin/env bash
# The log as static files: export, the verifier, proofs without the ledger; kills and a full disk.
. "$(dirname "$0")/lib.sh"
export SIGILLO_WORKSPACE=w
workspace w
key=$(sigillo keys export log --format vkey)
records 600 >batch
expect 0 sigillo log append batch
sigillo log checkpoint >early
expect 0 sigillo log export public --json
json_has 'j["size"] == 602 and j["size_before"] == 0 and j["files_written"] == 7'
for file in checkpoint tile/0/000 tile/0/001 tile/0/002.p/90 tile/1/000.p/2 tile/entries/000 tile/entries/001 tile/entries/002.p/90; do
  [ -f "public/$file" ] || fail "there is no $file"
done
cmp early public/checkpoint || fail "another checkpoint was published"
[ "$(find public -type f | wc -l)" = 8 ] || fail "there are other files: $(find public)"
expect 0 sigillo log export public; stdout_has "is up to date"; stderr_empty

note "the verifier needs the folder and the key"
verify() { sigillo --workspace nosuch log verify-tiles "$@" --log-key "$key"; }
expect 0 verify public; stdout_has "verified: 4 tiles and 602 entries"
expect 0 verify public --json; json_has 'j["verified"] and j["entries"] == 602 and j["findings"] == []'
expect 0 sigillo log append batch
expect 0 sigillo log export public; stdout_has "600 entries more"
expect 0 verify public --since early
[ ! -e public/tile/0/002.p ] && [ ! -e public/tile/entries/002.p ] || fail "an old partial tile stays beside the full one"
cp -r public other
printf x | dd of=other/tile/entries/002 bs=1 seek=700 conv=notrunc status=none
expect 1 verify other; stdout_has "tile/entries/002, entry 51"; stdout_has "not verified: 1201 of 1202"
expect 1 verify other --json; json_has 'not j["verified"] and len(j["findings"]) == 1'
rm other/tile/0/004.p/178
expect 1 verify other; stdout_has "tile/0/004.p/178: it is missing"
cp early other/checkpoint
expect 1 verify other
expect 0 sigillo --workspace w2 init --origin o.example/x --actor Other
refuse 1 signature-invalid sigillo log verify-tiles public --log-key "$(sigillo --workspace w2 keys export log --format vkey)"
refuse 3 not-found verify nosuch
refuse 3 invalid-input sigillo log verify-tiles public --log-key nonsense

note "proofs from the folder"
sigillo log show 700 --raw >leaf
expect 0 sigillo --workspace nosuch log prove 700 --tiles public --log-key "$key" -o receipt
expect 0 sigillo log verify-proof receipt --leaf leaf --log-key "$key"
sigillo log prove 700 >same; cmp receipt same || fail "the ledger and the folder give two receipts"
expect 0 sigillo --workspace nosuch log prove --from early --tiles public --log-key "$key" -o growth
expect 0 sigillo log verify-consistency early growth --log-key "$key"
refuse 3 invalid-argument sigillo log prove 700 --tiles public; has_remedy
refuse 3 invalid-argument sigillo log prove 1202 --tiles public --log-key "$key"

note "what is refused"
refuse 3 invalid-argument sigillo log export w/public; has_remedy
refuse 3 invalid-argument sigillo log export .; has_remedy
mkdir full && echo mine >full/letter
refuse 3 already-exists sigillo log export full; has_remedy
refuse 3 already-exists sigillo --workspace w2 log export public; has_remedy
expect 0 verify public
cp w/ledger.db old.db
expect 0 sigillo log append batch
expect 0 sigillo log export public
mkdir copy && cp -r w/keys w/sigillo.json w/blobs copy/ && cp old.db copy/ledger.db
refuse 2 ledger-corrupt sigillo --workspace copy log export public; has_remedy; stderr_has "is signed for 1802 entries"
expect 0 verify public

if command -v strace >/dev/null && strace -o /dev/null true 2>/dev/null; then
  note "killed at each step"
  expect 0 sigillo log export base
  expect 0 sigillo log append batch
  strace -f -o calls -e trace=openat,rename,syncfs,fsync,write,mkdir sigillo log export count >/dev/null
  kills=0
  for call in rename syncfs fsync mkdir; do
    steps=$(grep -c " $call(" calls) || fail "an export does not call $call"
    for step in $(seq "$steps"); do
      rm -rf tree && cp -r base tree
      (strace -f -o /dev/null -e trace=$call -e inject=$call:signal=KILL:when="$step" sigillo log export tree; exit) >/dev/null 2>&1 || kills=$((kills + 1))
      expect 0 verify tree
      expect 0 sigillo log export tree; expect 0 verify tree; stdout_has "2402 entries"
      [ -z "$(find tree -name '*.tmp')" ] || fail "a temporary file stays"
    done
    # A disk that fails is an error, and the old checkpoint stays.
    [ "$call" = mkdir ] && continue
    rm -rf tree && cp -r base tree
    refuse 4 io-error strace -f -o /dev/null -e trace=$call -e inject=$call:error=EIO:when=1 sigillo log export tree
    cmp base/checkpoint tree/checkpoint || fail "a checkpoint was published though $call failed"
    expect 0 verify tree
  done
  [ "$kills" -ge 15 ] || fail "only $kills exports were killed"
else
  note "NOT DONE: kills at each step: strace is not there or may not trace"
fi

if [ "$(id -u)" = 0 ] && mkdir mnt && mount -t tmpfs -o size=300k tmpfs mnt 2>/dev/null; then
  CLEANUP+=("umount $SCRATCH/mnt")
  note "a full disk"
  refuse 4 disk-full sigillo log export mnt/tree; has_remedy
  [ ! -e mnt/tree/checkpoint ] || fail "a checkpoint was published"
  mount -o remount,size=8m mnt
  expect 0 sigillo log export mnt/tree
  expect 0 verify mnt/tree
else
  note "NOT DONE: a full disk: no small file system can be mounted here"
fi
