#!/usr/bin/env bash
# A log and its witnesses as processes: two honest ones, and beside them one that lies, one that is down and one
# that is slow; receipts that are checked with a quorum; a ledger that was rolled back.
. "$(dirname "$0")/lib.sh"
export no_proxy=127.0.0.1
export SIGILLO_WORKSPACE=$SCRATCH/w
workspace w
log_key=$(sigillo keys export log --format vkey)

# Folders of witnesses: made once, each with a key of its own.
for n in 1 2 3; do expect 0 sigillo witness init w$n --name "witness.example/w$n"; done
refuse 3 already-exists sigillo witness init w1 --name witness.example/w1
refuse 3 invalid-argument sigillo witness init bad --name "a b"
[ ! -e bad ] || fail "something is left of a witness that was not made"
refuse 3 not-found sigillo witness key nowhere
refuse 3 invalid-argument sigillo witness serve w1 --listen 127.0.0.1:0  # it watches no log
refuse 3 invalid-input sigillo witness watch w1 nonsense
refuse 3 invalid-argument sigillo witness watch w1 "$(sigillo witness key w2)"
for n in 1 2 3; do
  expect 0 sigillo witness watch w$n "$log_key"
  key[n]=$(sigillo witness key w$n)
done
refuse 3 already-exists sigillo witness watch w1 "$log_key"
expect 0 sigillo witness key w1 --json; json_has 'j["name"] == "witness.example/w1" and len(j["logs"]) == 1'
[ "$(stat -c %a w1/keys/witness.pem)" = 600 ] || fail "others can read the key of a witness"

# start N: the witness wN runs, url[N] is where.
start() {
  : >w$1.out  # what an earlier one said is not read
  sigillo witness serve w$1 --listen "${2:-127.0.0.1:0}" >w$1.out 2>w$1.err &
  server[$1]=$!
  CLEANUP+=("kill ${server[$1]} 2>/dev/null")
  for _ in $(seq 100); do
    url[$1]=$(sed -n 's/^listening on //p' w$1.out)
    [ -z "${url[$1]}" ] || return 0
    kill -0 ${server[$1]} 2>/dev/null || fail "the witness ended: $(cat w$1.err)"
    sleep 0.1
  done
  fail "the witness does not say where it listens"
}
start 1; start 2; start 3

# A stranger with a socket: "lies" answers 200 with garbage, "slow" after five seconds, "moved" with a redirect.
cat >stranger.py <<'PYTHON'
import http.server, sys, time
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        kind = self.path.split("/")[1]
        if kind == "slow": time.sleep(5)
        self.send_response(301 if kind == "moved" else 200)
        if kind == "moved": self.send_header("Location", sys.argv[1] + "/add-checkpoint")
        body = b"\x1b[31m lies\n" * (100000 if kind == "endless" else 1)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *arguments): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
PYTHON
python3 stranger.py "${url[3]}" >stranger.out 2>stranger.err &
CLEANUP+=("kill $! 2>/dev/null")
for _ in $(seq 100); do [ -s stranger.out ] && break; sleep 0.1; done
stranger=http://127.0.0.1:$(cat stranger.out)

# policy QUORUM URL3 [GROUP]: the file `policy`; the third witness is where we like.
policy() {
  {
    echo "# two of three"
    echo "log $log_key"
    echo "witness one ${key[1]} ${url[1]}"
    echo "witness two ${key[2]} ${url[2]}"
    echo "witness three ${key[3]} $2"
    echo "group some ${3:-2} one two three"
    echo "quorum $1"
  } >policy
}

note "every witness is well"
policy some "${url[3]}" all
expect 0 sigillo log cosign --policy policy --json
json_has 'j["quorum_met"] and [w["state"] for w in j["witnesses"]] == ["cosigned"] * 3'
expect 0 sigillo log prove 1 --policy policy -o receipt
[ "$(grep -c '^— ' receipt)" = 4 ] || fail "the receipt has not the lines of a log and three witnesses"
sigillo log show 1 --raw >leaf
expect 0 sigillo log verify-proof receipt --leaf leaf --policy policy --json
json_has 'j["verified"] and j["quorum"] == "some" and [c["witness"] for c in j["cosigned"]] == ["one", "two", "three"]'
expect 0 sigillo log verify-proof receipt --leaf leaf --policy policy --log-key "$log_key"
stdout_has "verified: this is entry 1 of test.example/w at size 2"; stdout_has "cosigned by two at 2"
expect 0 sigillo log verify-proof receipt --leaf leaf --log-key "$log_key" --json; json_has 'j["quorum"] is None'
sound w

note "backup and bundle carry the cosigned checkpoint"
expect 0 sigillo log checkpoint; cp .out cosigned
expect 0 sigillo backup backup.tar
expect 0 sigillo restore backup.tar --to restored --since cosigned
expect 0 sigillo --workspace restored log checkpoint
cmp .out cosigned || fail "the copy has another checkpoint"
[ ! -e restored/witnesses.json ] || fail "a memory of the present came out of a backup"
expect 0 sigillo bundle export --output bundle.tar --pack eu-ai-act --as-of 2026-12-03
expect 0 sigillo bundle verify bundle.tar --log-key "$log_key"
tar -xOf bundle.tar checkpoint | cmp - cosigned || fail "the bundle has another checkpoint"

note "one of three is down, lies, is slow, has moved, is endless: two are enough, and three are not"
kill -TERM ${server[3]}; wait ${server[3]} || fail "the witness does not end with 0"
grep -q '^sigillo witness serve: stopped after [0-9]* requests' w3.err || fail "it does not say that it stopped"
i=0
for place in "${url[3]} unreachable" "$stranger/lies invalid" "$stranger/slow unreachable" "$stranger/moved refused" \
             "$stranger/endless unreachable" "http://127.0.0.1:1 unreachable"; do
  set -- $place
  i=$((i + 1))
  expect 0 sigillo log append - <<<"$(records 1 "$i")"
  policy some "$1" all
  refuse 1 not-trusted sigillo log cosign --policy policy --timeout 1
  has_remedy
  stderr_has "three $2"; stderr_has "one cosigned"
  expect 0 sigillo log prove 1 -o receipt
  [ "$(grep -c '^— ' receipt)" = 1 ] || fail "a checkpoint without its quorum was published"
  refuse 1 not-trusted sigillo log verify-proof receipt --leaf leaf --policy policy
  expect 0 sigillo log cosign --policy policy --timeout 1 --fail-open --json
  json_has 'not j["quorum_met"] and len([w for w in j["witnesses"] if w["state"] == "cosigned"]) == 2'
  stderr_has "published because of --fail-open"; no_escapes
  policy some "$1"
  expect 0 sigillo log cosign --policy policy --timeout 1 -o checkpoint
  stdout_empty; no_escapes
  expect 0 sigillo log prove 1 --policy policy -o receipt
  expect 0 sigillo log verify-proof receipt --leaf leaf --policy policy
done
sound w

note "a shard of its own log: what the witnesses cosigned of the one before does not count against it"
cp -r w rotated
expect 0 sigillo --workspace rotated log rotate --origin test.example/w2
expect 0 sigillo --workspace rotated keys export log-2 --format vkey; next_key=$(cat .out)
sed "s|^log .*|log $next_key|" policy >next
refuse 1 not-trusted sigillo --workspace rotated log cosign --policy next
! grep -qE 'rolled back|says 0 now' "$SCRATCH/.err" || fail "the witnesses of the shard before are accused"
expect 0 sigillo --workspace rotated log append - <<<"$(records 40 more)"
refuse 1 not-trusted sigillo --workspace rotated log cosign --policy next
! grep -qE 'rolled back|says 0 now' "$SCRATCH/.err" || fail "the witnesses of the shard before are accused"

note "receipts of another log, another leaf, other witnesses"
workspace other
other_key=$(sigillo --workspace other keys export log --format vkey)
refuse 1 not-trusted sigillo log verify-proof receipt --leaf leaf --policy policy --log-key "$other_key"
sed "s|^log .*|log $other_key|" policy >foreign
printf 'log %s\nquorum none\n' "$other_key" >unwitnessed
refuse 1 signature-invalid sigillo log verify-proof receipt --leaf leaf --policy unwitnessed
refuse 1 not-trusted sigillo log verify-proof receipt --leaf leaf --policy foreign
refuse 1 not-trusted sigillo log cosign --policy foreign
sigillo log show 0 --raw >leaf0
refuse 1 proof-invalid sigillo log verify-proof receipt --leaf leaf0 --policy policy
refuse 3 invalid-argument sigillo log verify-proof receipt --leaf leaf
printf 'log %s\nquorum none\r\n' "$log_key" >broken
refuse 3 invalid-input sigillo log verify-proof receipt --leaf leaf --policy broken
stderr_has "broken: policy line 2"
printf 'witness a %s ftp://127.0.0.1/\nquorum a\n' "${key[1]}" >broken
refuse 3 invalid-argument sigillo log cosign --policy broken

note "a ledger that was restored from a copy is stopped, whatever is given"
start 3
policy some "${url[3]}"
cp -r w copy
expect 0 sigillo log append - <<<"$(records 3 later)"
expect 0 sigillo log cosign --policy policy
rm -r w; cp -r copy w
refuse 2 ledger-corrupt sigillo log cosign --policy policy
has_remedy; stderr_has "rolled back"
refuse 2 ledger-corrupt sigillo log cosign --policy policy --fail-open
expect 0 sigillo log append - <<<"$(records 5 otherwise)"
rm -f w/witnesses.json
refuse 2 ledger-corrupt sigillo log cosign --policy policy --fail-open
stderr_has "another history of this log"
# What the log did sign is at the witness, for everybody.
if command -v curl >/dev/null; then
  hash=$(printf %s test.example/w | sha256sum | cut -d' ' -f1)
  expect 0 curl -sS "${url[1]}/$hash/checkpoint"
  [ "$(sed -n 2p .out)" = 11 ] || fail "the witness holds another size"
fi

note "a witness without its state does not begin anew"
kill -TERM ${server[1]}; wait ${server[1]} || true
rm w1/state.db*
refuse 2 ledger-corrupt sigillo witness serve w1
has_remedy
[ ! -e w1/state.db ] || fail "a state was made"
