#!/usr/bin/env bash
# Time stamps from the outside: an authority made of the openssl command, over HTTP and by files; a foreign one,
# one that refuses and one that talks nonsense; receipts that are checked with their stamp; the openssl command
# as a judge of what we stored.
. "$(dirname "$0")/lib.sh"
export no_proxy=127.0.0.1
export SIGILLO_WORKSPACE=$SCRATCH/w
workspace w
log_key=$(sigillo keys export log --format vkey)

# authority DIR: a root and a certificate for time stamping, in DIR.
authority() { bash "$SCRIPTS/authority.sh" "$1" >"$1.log" 2>&1 || fail "no authority: $(tail -3 "$1.log")"; }
# answer DIR QUERY RESPONSE
answer() {
  (cd "$1"; openssl ts -reply -config tsa.cnf -queryfile "$SCRATCH/$2" -signer tsa.pem -inkey tsa.key -out "$SCRATCH/$3") \
    2>>"$1/log" || fail "no answer: $(tail -3 "$1/log")"
}
authority tsa
authority foreign

cat >server.py <<'PYTHON'
import http.server, subprocess, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        query = self.rfile.read(int(self.headers["Content-Length"]))
        kind = self.path.split("/")[1]
        status, body = 200, b"\x1b[31m nonsense"
        if kind == "stamp" and self.headers["Content-Type"] == "application/timestamp-query":
            open("tsa/q", "wb").write(query)
            subprocess.run(["openssl", "ts", "-reply", "-config", "tsa.cnf", "-queryfile", "q", "-signer", "tsa.pem",
                            "-inkey", "tsa.key", "-out", "r"], cwd="tsa", check=True, stderr=subprocess.DEVNULL)
            body = open("tsa/r", "rb").read()
        if kind == "replay": body = open("tsa/r", "rb").read()
        if kind == "endless": body = b"\x30" * 70000
        if kind == "down": status = 503
        self.send_response(status)
        self.send_header("Content-Type", "application/timestamp-reply")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *arguments): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
PYTHON
python3 server.py >server.out 2>server.err &
CLEANUP+=("kill $! 2>/dev/null")
for _ in $(seq 100); do [ -s server.out ] && break; sleep 0.1; done
url=http://127.0.0.1:$(cat server.out)

note "over HTTP"
expect 0 sigillo log append - <<<"$(records 3)"
size=$(size_of w)
expect 0 sigillo log stamp --tsa "$url/stamp" --tsa-roots tsa/ca.pem --json
json_has "j['size'] == $size and j['entry'] == $size and j['authority'] == 'CN=tsa' and j['time'].startswith('2')"
sound w
expect 0 sigillo log stamps --tsa-roots tsa/ca.pem --json; json_has 'j["verified"] and len(j["token"]) == 64'
expect 0 sigillo log stamps; stdout_has "CN=tsa"; stdout_lacks verified
expect 1 sigillo log stamps --tsa-roots foreign/ca.pem; stdout_has "NOT VERIFIED"

note "a receipt with its time stamp: one answer"
expect 0 sigillo log prove 2 -o receipt --time-stamp receipt.tsr
sigillo log show 2 --raw >leaf
check="sigillo log verify-proof receipt --leaf leaf --log-key $log_key"
expect 0 $check --time-stamp receipt.tsr --tsa-roots tsa/ca.pem
stdout_has "verified: this is entry 2 of test.example/w at size $size"; stdout_has "stamped by CN=tsa at 2"
expect 0 $check --tsr receipt.tsr --tsa-roots tsa/ca.pem --json
json_has 'j["verified"] and j["time_stamp"]["authority"] == "CN=tsa"'
refuse 1 not-trusted $check --time-stamp receipt.tsr --tsa-roots foreign/ca.pem
has_remedy
refuse 3 invalid-argument $check --time-stamp receipt.tsr
refuse 3 invalid-argument $check --tsa-roots tsa/ca.pem
refuse 3 invalid-input $check --time-stamp leaf --tsa-roots tsa/ca.pem
refuse 3 invalid-input $check --time-stamp receipt.tsr --tsa-roots leaf
sigillo log show 1 --raw >leaf1
refuse 1 proof-invalid sigillo log verify-proof receipt --leaf leaf1 --log-key "$log_key" --time-stamp receipt.tsr --tsa-roots tsa/ca.pem
expect 0 sigillo log prove 2 -o later
refuse 1 proof-invalid sigillo log verify-proof later --leaf leaf --log-key "$log_key" --time-stamp receipt.tsr --tsa-roots tsa/ca.pem
refuse 3 not-found sigillo log prove "$size" --time-stamp none.tsr -o none
[ ! -e none ] && [ ! -e none.tsr ] || fail "something was written"
refuse 3 invalid-argument sigillo log prove --from 2 --time-stamp none.tsr

note "the openssl command verifies what was stored"
sed '1,/^$/d' receipt | head -n 5 >stamped
expect 0 openssl ts -verify -in receipt.tsr -data stamped -CAfile tsa/ca.pem
echo >>stamped
expect 1 openssl ts -verify -in receipt.tsr -data stamped -CAfile tsa/ca.pem

note "authorities that do not do their work: nothing is recorded"
before=$(size_of w)
refuse 1 not-trusted sigillo log stamp --tsa "$url/stamp" --tsa-roots foreign/ca.pem
refuse 1 proof-invalid sigillo log stamp --tsa "$url/replay" --tsa-roots tsa/ca.pem
refuse 3 invalid-input sigillo log stamp --tsa "$url/nonsense" --tsa-roots tsa/ca.pem
refuse 3 input-too-large sigillo log stamp --tsa "$url/endless" --tsa-roots tsa/ca.pem
refuse 4 io-error sigillo log stamp --tsa "$url/down" --tsa-roots tsa/ca.pem
refuse 4 io-error sigillo log stamp --tsa http://127.0.0.1:1/ --tsa-roots tsa/ca.pem
refuse 3 invalid-argument sigillo log stamp --tsa ftp://127.0.0.1/ --tsa-roots tsa/ca.pem
refuse 3 invalid-argument sigillo log stamp --tsa "$url/stamp"
refuse 3 invalid-argument sigillo log stamp --tsa-roots tsa/ca.pem
[ "$(size_of w)" = "$before" ] || fail "something was recorded"

note "by files, while the ledger grows"
expect 0 sigillo log stamp --request q.tsq --json; json_has 'len(j["imprint"]) == 64'
expect 0 openssl ts -query -in q.tsq -text; stdout_has "Nonce: 0x"; stdout_has "Certificate required: yes"
expect 0 sigillo log append - <<<"$(records 2 later)"
answer tsa q.tsq r.tsr
answer foreign q.tsq f.tsr
expect 0 sigillo log stamp --request q2.tsq
refuse 1 proof-invalid sigillo log stamp --request q2.tsq --response r.tsr --tsa-roots tsa/ca.pem
refuse 1 not-trusted sigillo log stamp --request q.tsq --response f.tsr --tsa-roots tsa/ca.pem
refuse 3 invalid-argument sigillo log stamp --request q.tsq --response r.tsr
refuse 3 invalid-argument sigillo log stamp --response r.tsr --tsa-roots tsa/ca.pem
expect 0 sigillo log stamp --request q.tsq --response r.tsr --tsa-roots tsa/ca.pem
stdout_has "size $before stamped at"
sound w
[ "$(sigillo log stamps --tsa-roots tsa/ca.pem | grep -c '  verified$')" = 2 ] || fail "there are not two time stamps"

note "Sigstore bundles, with a time stamp on the entry's signature"
expect 0 sigillo log sigstore-bundle 2 -o plain.json
stdout_has "entry 2 of test.example/w/sigstore at size"; stdout_has "no time stamp"
expect 0 sigillo log sigstore-bundle 2 -o online.json --trusted-root root.json --tsa "$url/stamp" --tsa-roots tsa/ca.pem --json
json_has 'j["entry"] == 2 and j["bundle"] == "online.json" and j["time_stamp"]["authority"] == "CN=tsa"'
expect 0 sigillo log sigstore-bundle 2 --request s.tsq --json; json_has 'j["entry"] == 2 and len(j["imprint"]) == 64'
answer tsa s.tsq s.tsr
answer foreign s.tsq sf.tsr
bundle="sigillo log sigstore-bundle 2 -o files.json --request s.tsq"
refuse 1 not-trusted $bundle --response sf.tsr --tsa-roots tsa/ca.pem
refuse 1 proof-invalid sigillo log sigstore-bundle 1 -o files.json --request s.tsq --response s.tsr --tsa-roots tsa/ca.pem
refuse 3 invalid-argument $bundle --response s.tsr
refuse 3 invalid-argument sigillo log sigstore-bundle 2 -o files.json --response s.tsr --tsa-roots tsa/ca.pem
refuse 3 invalid-argument sigillo log sigstore-bundle 2 -o files.json --tsa-roots tsa/ca.pem
refuse 3 invalid-argument sigillo log sigstore-bundle 2
refuse 3 not-found sigillo log sigstore-bundle 99999 -o files.json
[ ! -e files.json ] || fail "a bundle was written"
expect 0 $bundle --response s.tsr --tsa-roots tsa/ca.pem
stdout_has "signature stamped by CN=tsa at 2"
expect 0 python3 - <<'PYTHON'
import base64, hashlib, json
plain, online, files = (json.load(open(name + ".json")) for name in ("plain", "online", "files"))
for bundle in (online, files):
    assert len(bundle["verificationMaterial"].pop("timestampVerificationData")["rfc3161Timestamps"]) == 1
assert plain == online == files
assert plain["mediaType"] == "application/vnd.dev.sigstore.bundle.v0.3+json"
body = json.loads(base64.b64decode(plain["verificationMaterial"]["tlogEntries"][0]["canonicalizedBody"]))
payload = base64.b64decode(plain["dsseEnvelope"]["payload"])
kind = plain["dsseEnvelope"]["payloadType"].encode()
pae = b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)
digest = body["spec"]["hashedRekordV002"]["data"]["digest"]
assert base64.b64decode(digest) == hashlib.sha256(pae).digest()
root = json.load(open("root.json"))
assert len(root["tlogs"]) == 1 and len(root["timestampAuthorities"][0]["certChain"]["certificates"]) == 2
PYTHON
sound w

note "a time stamp of another ledger, and one that was damaged"
workspace other
expect 0 sigillo --workspace other log stamp --request o.tsq
answer tsa o.tsq o.tsr
refuse 1 proof-invalid sigillo log stamp --request o.tsq --response o.tsr --tsa-roots tsa/ca.pem
token=$(sigillo log stamps --json | head -n 1 | python3 -c 'import json, sys; print(json.load(sys.stdin)["token"])')
chmod u+w "w/blobs/${token:0:2}/${token:2}"
echo x >>"w/blobs/${token:0:2}/${token:2}"
expect 2 sigillo log fsck; stdout_has "(time-stamp), token blob"
