#!/usr/bin/env bash
# `sigillo serve` from outside: it starts, answers, keeps nothing of a text, and ends when it is told to.
. "$(dirname "$0")/lib.sh"
command -v curl >/dev/null || skip "curl is not installed"
export SIGILLO_WORKSPACE=$SCRATCH/w
workspace w
mkdir corpus
cp "$SCRIPTS/../unit/examples/sample.txt" corpus/
expect 0 tinylm train --corpus corpus --output model --vocabulary 500
expect 0 tinylm write --model model --count 2 --seed 1 --tokens-mean 400 --output marked --key-file w/keys/mark.watermark
detector=mark:vllm-gumbel:model/tokenizer.json

# What cannot be served is refused before a port is opened.
refuse 3 invalid-argument sigillo serve --detector mark
refuse 3 invalid-argument sigillo serve --detector mark:vllm-gumbel:
refuse 3 key-missing sigillo serve --detector nosuch:vllm-gumbel:model/tokenizer.json
refuse 3 not-found sigillo serve --detector mark:nosuch:model/tokenizer.json
refuse 3 not-found sigillo serve --detector mark:vllm-gumbel:nosuch.json
refuse 3 invalid-argument sigillo serve --detector $detector --listen localhost
refuse 3 workspace-missing sigillo --workspace none serve --detector $detector

# start ARGUMENTS...: the server runs, $url is where.
start() {
  : >serve.out  # what an earlier server said is not read
  sigillo serve --listen 127.0.0.1:0 --detector $detector "$@" >serve.out 2>serve.err &
  server=$!
  CLEANUP+=("kill $server 2>/dev/null")
  for _ in $(seq 100); do
    url=$(sed -n 's/^listening on //p' serve.out)
    [ -z "$url" ] || return 0
    kill -0 $server 2>/dev/null || fail "the server ended: $(cat serve.err)"
    sleep 0.1
  done
  fail "the server does not say where it listens"
}
# end SIGNAL: it ends by itself, with 0.
end() {
  kill -"$1" $server
  local code=0
  wait $server || code=$?
  [ $code = 0 ] || fail "SIG$1 ends the server with $code"
  grep -q '^sigillo serve: stopped after [0-9]* requests' serve.err || fail "it does not say that it stopped"
}
ask() { expect 0 curl -sS -o "$SCRATCH/answer" -w '%{http_code} %{content_type}\n' "$@"; }
answer_has() {
  python3 -c 'import json, sys; j = json.load(open(sys.argv[1])); sys.exit(0 if eval(sys.argv[2]) else 1)' "$SCRATCH/answer" "$1" ||
    fail "the answer: not true: $1: $(head -c 500 "$SCRATCH/answer")"
}

start --metrics-listen 127.0.0.1:0
refuse 3 already-exists sigillo serve --detector $detector --listen "${url#http://}"
ask "$url/healthz"; stdout_has "200 text/plain"
ask "$url/readyz"; stdout_has "200 text/plain"
ask "$url/metrics"; stdout_has "404 application/problem+json"
metrics=$(sed -n 's/^metrics at //p' serve.out)
ask "$metrics/"; stdout_has "404 application/problem+json"
ask "$url/openapi.json"; stdout_has "200 application/json"
cmp answer "$SCRIPTS/../../app/server/assets/openapi.json" || fail "the description is not the file of the repository"
ask --data-binary @marked/0001.txt -H 'Content-Type: text/plain' "$url/v1/verify?receipt=true"
stdout_has "200 application/json"
answer_has 'j["verdict"] == "watermark_found" and j["signals"][0]["log10_p_micro"] < -6000000'
answer_has 'j["receipt"]["payloadType"] == "application/vnd.in-toto+json"'
sha=$(sha256sum <marked/0001.txt | cut -d' ' -f1)
answer_has "j['content_sha256'] == '$sha'"
ask -F file=@marked/0001.txt -F lang=fr "$url/"; stdout_has "200 text/html"
grep -q 'Nous avons trouvé notre filigrane' answer || fail "the page gives another answer"
ask "$metrics/metrics"; stdout_has "200 text/plain"
grep -q 'sigillo_verifications_total{verdict="watermark_found"} 2' answer || fail "the metrics count otherwise"

# Records: with a token only, until it is revoked.
expect 0 sigillo tokens create clerk --scope records:write --json
token=$(json 'j["token"]') id=$(json 'j["id"]')
! grep -qF "$token" w/tokens.json || fail "the token is stored"
[ "$(stat -c %a w/tokens.json)" = 600 ] || fail "others can read the tokens"
append() { ask -H "Authorization: Bearer $1" -H 'Content-Type: application/json' -d "$(records 1)" "$url/v1/records"; }
append nonsense; stdout_has 401
append "$token"; stdout_has 201
answer_has 'j["entry"] == 2'
sound w
expect 0 sigillo tokens list --json; json_has "j[0]['id'] == '$id' and 'token' not in j[0] and 'sha256' not in j[0]"
expect 0 sigillo tokens revoke "$id"
append "$token"; stdout_has 401
refuse 3 not-found sigillo tokens revoke "$id"

# Nothing of a text is kept: not in a file, not in a log line, not in a core.
marker=$(head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n')
for _ in $(seq 40); do printf '%s ' "$marker"; done >"$SCRATCH/.marked"
sha=$(sha256sum <"$SCRATCH/.marked" | cut -d' ' -f1)
for target in "/v1/verify?receipt=true" "/v1/verify"; do
  ask --data-binary @"$SCRATCH/.marked" -H 'Content-Type: text/plain' "$url$target"; stdout_has 200
done
ask -F file=@"$SCRATCH/.marked" "$url/"; stdout_has 200
ask --data-binary "{\"text\":\"$marker $marker\"}" -H 'Content-Type: application/json' "$url/v1/verify"; stdout_has 200
ask --data-binary "$marker" -H 'Content-Type: image/png' "$url/v1/verify"; stdout_has 415
! grep -q "$marker" answer || fail "a refusal echoes the content"
ask "$url/$marker"; stdout_has 404
grep -q 'Max core file size *0 ' "/proc/$server/limits" || fail "a core could be written"
[ "$(id -u)" != 0 ] || note "root reads /proc/PID/mem of everybody: PR_SET_DUMPABLE is checked by the server itself"
kept() { grep -rlF -e "$1" "$SCRATCH" --exclude=.marked --exclude=answer || true; }
echo "$marker" >control
[ -n "$(kept "$marker")" ] || fail "the search finds nothing at all"
rm control
[ -z "$(kept "$marker")" ] || fail "the text is in $(kept "$marker")"
rm -f answer
[ -z "$(kept "$sha")" ] || fail "its hash is in $(kept "$sha")"
for file in /tmp/* /var/tmp/*; do
  if [ -f "$file" ] && [ "$file" -nt serve.out ]; then
    ! grep -qF "$marker" "$file" 2>/dev/null || fail "the text is in $file"
  fi
done
end TERM
[ -z "$(kept "$marker")" ] || fail "the text is in $(kept "$marker")"
[ "$(wc -l <serve.err)" = 1 ] || fail "more is logged than the end: $(cat serve.err)"

# The public limit; another address; the other signal.
start --rate 0.001 --burst 2
for wanted in 200 200 429; do ask -d x -H 'Content-Type: text/plain' "$url/v1/verify"; stdout_has "$wanted"; done
end INT
: >serve.out; : >serve.err
sigillo serve --listen 0.0.0.0:0 --detector $detector >serve.out 2>serve.err & server=$!
for _ in $(seq 100); do grep -q listening serve.out && grep -q proxy serve.err && break; sleep 0.1; done
grep -q 'put a proxy with TLS before it' serve.err || fail "no warning for an address that others reach"
end TERM
echo "the server holds"
