#!/usr/bin/env bash
# The auditor's bundle from outside: opened by GNU tar, checked without the workspace, whole or not at all.
. "$(dirname "$0")/lib.sh"
export SIGILLO_WORKSPACE=w
workspace w
mkdir model && seq 9 >model/weights
expect 0 sigillo model release model --name r1 --system s --model m
expect 0 sigillo record placement --system s --actor Tester --market EU --placed-on 2026-05-01 --modality text
key=$(sigillo keys export log --format vkey)
sigillo log checkpoint >early
records 2 >two
expect 0 sigillo log append two

export_it=(sigillo bundle export -o audit.tar --pack eu-ai-act --as-of 2026-12-03)
expect 0 "${export_it[@]}" --json
json_has 'j["entries"] == 6 and "verdict_exit_code" in j'
cp audit.tar first.tar
expect 0 "${export_it[@]}"
cmp audit.tar first.tar || fail "the same inputs, other bytes"
# Opened without us, by tools that everybody has.
expect 0 tar -tf audit.tar
for member in MANIFEST.json checkpoint entries.jsonl log.vkey pack/pack.yaml trust.json verdict.json; do
  grep -qx "$member" .out || fail "no member $member"
done
mkdir opened && expect 0 tar -xf audit.tar -C opened
[ "$(wc -l <opened/entries.jsonl)" = 6 ] || fail "entries.jsonl has not 6 lines"
for proof in opened/proofs/*; do
  n=$(basename "$proof" .tlog-proof)
  sed -n "$((n + 1))p" opened/entries.jsonl | tr -d '\n' >leaf
  expect 0 sigillo log verify-proof "$proof" --leaf leaf --log-key "$key"
done
expect 0 python3 -c 'import tarfile; assert all(m.isreg() and m.mode == 0o600 and m.mtime == 0 for m in tarfile.open("audit.tar"))'

# Elsewhere, without the workspace.
unset SIGILLO_WORKSPACE
mkdir elsewhere && cp audit.tar early elsewhere && cd elsewhere
expect 2 sigillo bundle verify audit.tar
stdout_has "UNDECIDED"
stdout_has "only consistent with itself"
stdout_has "fingerprint sha256:"
expect 0 sigillo bundle verify audit.tar --log-key "$key" --since early --json
json_has 'j["verified"] and all(c["holds"] for c in j["checks"]) and j["verdict"]["as_of"] == "2026-12-03"'
[ "$(ls)" = "$(printf 'audit.tar\nearly')" ] || fail "verify left something: $(ls)"
printf 'x' | dd of=audit.tar bs=1 seek=5000 conv=notrunc status=none
expect 1 sigillo bundle verify audit.tar
stdout_has "NOT VERIFIED"
no_escapes
cd ..
sigillo --workspace other init --origin test.example/w >/dev/null
expect 1 sigillo bundle verify audit.tar --log-key "$(sigillo --workspace other keys export log --format vkey)"
stdout_has "known-key"
# A fork: another ledger's checkpoint under its own key is no checkpoint of this one.
sigillo --workspace other log checkpoint >foreign
expect 1 sigillo bundle verify audit.tar --log-key "$key" --since foreign
refuse 3 invalid-argument sigillo bundle verify audit.tar --since early
refuse 3 not-found sigillo bundle verify nowhere.tar
refuse 3 invalid-argument sigillo --workspace w bundle export -o x.tar --as-of 2026-12-03
refuse 3 not-found sigillo --workspace w bundle export -o x.tar --pack nosuch
refuse 3 not-found sigillo --workspace w bundle export -o nofolder/x.tar
refuse 3 not-found sigillo --workspace w bundle export -o x.tar --pack eu-ai-act --release nosuch
[ ! -e x.tar ] || fail "a refused export wrote a file"
# What a tar of another program may hold is refused.
ln -s /etc/passwd opened/link && tar -cf evil.tar -C opened .
expect 1 sigillo bundle verify evil.tar
# One member in the right form, but for what is said: names that lead elsewhere, links, a repeated and a huge member.
cat >craft.py <<'P'
import sys
def member(name, body=b"", kind=b"0", size=None, link=b""):
    head = bytearray(512)
    def put(at, text): head[at:at + len(text)] = text
    put(0, name); put(100, b"0000600"); put(108, b"0000000"); put(116, b"0000000")
    put(124, b"%011o" % (len(body) if size is None else size)); put(136, b"00000000000")
    put(148, b"        "); put(156, kind); put(157, link); put(257, b"ustar"); put(263, b"00")
    put(329, b"0000000"); put(337, b"0000000")
    put(148, b"%06o\0" % sum(head))
    return bytes(head) + body + bytes(-len(body) % 512)
end = bytes(1024)
cases = {
  "control": member(b"checkpoint", b"x") + end,
  "up": member(b"blobs/../../x", b"x") + end, "absolute": member(b"/tmp/x", b"x") + end,
  "dot": member(b"blobs/./x") + end, "empty": member(b"blobs//x") + end, "space": member(b"blobs/a b") + end,
  "link": member(b"blobs/x", kind=b"2", link=b"/etc/passwd") + end, "device": member(b"blobs/x", kind=b"3") + end,
  "twice": member(b"checkpoint") * 2 + end, "order": member(b"log.vkey") + member(b"checkpoint") + end,
  "huge": member(b"entries.jsonl", size=8 ** 11 - 1) + end, "cut": member(b"entries.jsonl", size=4096)}
open("crafted.tar", "wb").write(cases[sys.argv[1]])
P
for case in control up absolute dot empty space link device twice order huge cut; do
  python3 craft.py "$case"
  expect 1 sigillo bundle verify crafted.tar --json
  json_has 'j["checks"][-1]["check"] == "form" and not j["checks"][-1]["holds"]'
  # The control is refused for what it lacks, the others for their form.
  if [ "$case" = control ]; then stdout_has "no signed manifest"; else stdout_lacks "no signed manifest"; fi
done
mkfifo fifo && refuse 3 invalid-input sigillo bundle verify fifo

# Killed at random moments: the old file or the new one, never a part.
records 300 >more && expect 0 sigillo --workspace w log append more
cp audit.tar old.tar
killed=0
for ms in 2 5 10 20 40 80 120 200; do
  cp old.tar audit.tar
  timeout -s KILL "0.$(printf %03d $ms)" sigillo --workspace w bundle export -o audit.tar --pack eu-ai-act >/dev/null 2>&1 || killed=$((killed + 1))
  cmp -s audit.tar old.tar || expect 0 sigillo bundle verify audit.tar --log-key "$key"
done
[ "$killed" -gt 0 ] || note "nothing was killed in time"
# A full disk: no file, or the old one.
if [ "$(id -u)" = 0 ] && mkdir mnt && mount -t tmpfs -o size=64k tmpfs mnt 2>/dev/null; then
  CLEANUP+=("umount $SCRATCH/mnt")
  refuse 4 disk-full sigillo --workspace w bundle export -o mnt/b.tar --pack eu-ai-act
  has_remedy
  [ -z "$(ls -A mnt)" ] || fail "something was left on the full disk"
else
  note "no small file system can be mounted here: the full disk was not tried"
fi
echo "bundle holds"
