#!/usr/bin/env bash
# Go's x/mod/sumdb (note and tlog, from Debian packages) judges a log of 70,000 entries that sigillo exports, and the
# proofs that it writes. Usage: judge.sh SIGILLO SCRATCH. Exit: 0 accepted, 1 refused, 77 Go is not installed.
set -euo pipefail
sigillo=$1 scratch=$2
here=$(cd "$(dirname "$0")" && pwd)
skip() { echo "SKIPPED: $*"; exit 77; }
fail() { echo "FAILED: $*" >&2; exit 1; }
install="run: apt-get install golang-go golang-golang-x-mod-dev"
command -v go >/dev/null || skip "go is not installed; $install"
[ -d /usr/share/gocode/src/golang.org/x/mod/sumdb/tlog ] || skip "golang.org/x/mod is not installed; $install"
rm -rf "$scratch" && mkdir -p "$scratch/files" && cd "$scratch"
GO111MODULE=off GOPATH=/usr/share/gocode GOCACHE=$scratch/cache GOFLAGS= go build -o judge "$here/judge.go" || fail "go cannot build the judge"

export SIGILLO_WORKSPACE=w
"$sigillo" init --origin test.example/tlog --actor Tester >/dev/null
key=$("$sigillo" keys export log --format vkey)
size=2
grow() {  # to SIZE entries
  seq -f '{"kind":"role-declaration","fields":{"actor":"actor %.0f","role":["system_provider"],"jurisdiction":["EU"]}}' $(($1 - size)) |
    "$sigillo" log append - >/dev/null
  size=$1
}
for old in 3 256 300 65536; do grow $old; "$sigillo" log checkpoint >files/$old.checkpoint; done
"$sigillo" log export public >/dev/null
grow 70000
"$sigillo" log export public >/dev/null
for old in 3 256 300 65536; do "$sigillo" log prove --from files/$old.checkpoint -o files/$old.growth; done
for index in 0 1 255 256 65535 65536 69999; do
  "$sigillo" log prove $index --tiles public --log-key "$key" -o files/$index.tlog-proof
  "$sigillo" log show $index --raw >files/$index.leaf
done
"$sigillo" log prove 256 -o files/256.tlog-proof
./judge public "$key" files >verdict || fail "the judge refuses it"
grep -q "at size 70000: .* 7 receipts, 4 proofs of growth" verdict || fail "the judge did not see all of it: $(cat verdict)"
cat verdict

# Controls: the judge refuses each of these after one byte was changed.
flip() { python3 -c 'import sys; f = open(sys.argv[1], "r+b"); f.seek(int(sys.argv[2])); b = f.read(1)[0]; f.seek(-1, 1); f.write(bytes([b ^ 1]))' "$@"; }
changed() {  # FILE OFFSET WHAT THE JUDGE SAYS
  cp "$1" kept
  flip "$1" "$2"
  ! ./judge public "$key" files >out 2>&1 || fail "the judge accepts a changed $1"
  grep -qE "$3" out || fail "the judge refuses a changed $1 for another reason: $(cat out)"
  cp kept "$1"
}
changed public/tile/0/000 40 "invalid|inconsistent"
changed public/tile/0/273.p/112 3500 "invalid|inconsistent"
changed public/tile/1/000 5 "invalid|inconsistent"
changed public/tile/2/000.p/1 31 "invalid|inconsistent"
changed public/tile/entries/000 20 "entry 0: "
changed public/checkpoint $(($(wc -c <public/checkpoint) - 20)) "checkpoint: "
changed files/300.growth 60 "300.growth|hash: "
changed files/65535.tlog-proof 80 "65535.tlog-proof|hash: "
changed files/0.leaf 30 "0.tlog-proof"
./judge public "$key" files >/dev/null || fail "the controls changed more than they should"
echo "9 changed bytes are refused"

# Ledgers that survived a kill in the middle of an append, at a write or a synchronisation: what was acknowledged before
# is there, and the judge accepts what they export.
if ! command -v strace >/dev/null || ! strace -o /dev/null -e trace=none true 2>/dev/null; then
  echo "no ledger that was killed was judged: strace is not installed, or cannot trace here"
  exit 0
fi
export SIGILLO_WORKSPACE=killed
"$sigillo" init --origin test.example/killed --actor Tester >/dev/null
key=$("$sigillo" keys export log --format vkey)
size=2
grow 300
seq -f '{"kind":"role-declaration","fields":{"actor":"late %.0f","role":["system_provider"],"jurisdiction":["EU"]}}' 300 >late
judged=0 sizes=
for place in pwrite64:1 pwrite64:20 pwrite64:60 fdatasync:1 fdatasync:2 fdatasync:3 fdatasync:4; do
  rm -rf survivor public killed.trace && cp -a killed survivor
  code=0
  bash -c '"$@"; exit $?' - strace -f -o killed.trace -e "trace=${place%:*}" -e "inject=${place%:*}:signal=KILL:when=${place#*:}" \
    "$sigillo" --workspace survivor log append late >/dev/null 2>&1 || code=$?
  [ "$code" = 137 ] || fail "$place: not killed, but exit code $code"
  "$sigillo" --workspace survivor log checkpoint >/dev/null || fail "$place: no checkpoint afterwards"
  "$sigillo" --workspace survivor log export public >/dev/null || fail "$place: no export afterwards"
  ./judge public "$key" >verdict || fail "$place: the judge refuses it"
  grep -qE "at size (300|600): " verdict || fail "$place: neither before nor after the batch: $(cat verdict)"
  judged=$((judged + 1)) sizes+=$(grep -oE "at size [0-9]+" verdict)
done
[[ $sizes == *300* && $sizes == *600* ]] || fail "all were killed on the same side of the commit: $sizes"
echo "$judged ledgers that were killed while they appended are accepted"
