#!/usr/bin/env bash
# Requests a second and latencies of `sigillo serve`, with wrk on the same machine. Prints Markdown for docs/performance.md.
# usage: tests/bench/serve.sh FOLDER_OF_PROGRAMS [SECONDS]
set -euo pipefail
bin=$(cd "${1:?the folder of sigillo and tinylm}" && pwd) seconds=${2:-10}
command -v wrk >/dev/null || { echo "wrk is not installed" >&2; exit 4; }
corpus=$(cd "$(dirname "$0")/../unit/examples" && pwd)/sample.txt
scratch=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server"; rm -rf "$scratch"' EXIT
cd "$scratch"
export SIGILLO_WORKSPACE=w
"$bin/sigillo" init --origin bench.example/s --actor Bench >/dev/null
"$bin/sigillo" keys generate mark --algorithm watermark >/dev/null
mkdir corpus && cp "$corpus" corpus/
"$bin/tinylm" train --corpus corpus --output model --vocabulary 500 >/dev/null
"$bin/tinylm" write --model model --count 1 --seed 1 --tokens-mean 500 --tokens-spread 0 --output marked --key-file w/keys/mark.watermark >/dev/null
python3 - >records <<'P'
for i in range(20000):
    print('{"kind":"role-declaration","fields":{"actor":"actor %d","role":["system_provider"],"jurisdiction":["EU"]}}' % i)
P
"$bin/sigillo" log append records >/dev/null
: >out
"$bin/sigillo" serve --listen 127.0.0.1:0 --rate 1e9 --burst 1e9 --publish-log --log-rate 1e9 --detector mark:vllm-gumbel:model/tokenizer.json >out 2>err &
server=$!
for _ in $(seq 100); do url=$(sed -n 's/^listening on //p' out); [ -z "$url" ] || break; sleep 0.1; done
curl -sf -H 'Content-Type: text/plain' --data-binary @marked/0001.txt "$url/v1/verify" >answer
python3 - >post.lua <<'P'
text = open("marked/0001.txt", encoding="utf-8").read()
print('wrk.method = "POST"\nwrk.headers["Content-Type"] = "text/plain"\nwrk.body = [==[' + "\n" + text + ']==]')
P
echo "CPU: $(sed -n 's/^model name[[:space:]]*: //p' /proc/cpuinfo | head -1), $(nproc) cores; compiler: $(c++ --version | head -1); load before: $(cut -d' ' -f1 /proc/loadavg)"
echo "Text: $(wc -c <marked/0001.txt) bytes, $(python3 -c 'import json; s = json.load(open("answer"))["signals"][0]; print(s["tokens"], "tokens,", s["scored"], "scored")')"
echo
echo "| what | connections | requests a second | p50 | p99 | not 2xx |"
echo "| --- | --- | --- | --- | --- | --- |"
measure() {  # NAME CONNECTIONS ARGUMENTS...
  wrk --latency -t1 -c"$2" -d"${seconds}s" "${@:3}" >wrk.out
  printf '| %s | %s | %s | %s | %s | %s |\n' "$1" "$2" "$(awk '/Requests\/sec/ {print $2}' wrk.out)" "$(awk '$1 == "50%" {print $2}' wrk.out)" \
    "$(awk '$1 == "99%" {print $2}' wrk.out)" "$(awk '/Non-2xx/ {n = $NF} END {print n + 0}' wrk.out)"
}
measure "GET /healthz" 32 "$url/healthz"
measure "POST /v1/verify" 32 -s post.lua "$url/v1/verify"
measure "POST /v1/verify?receipt=true" 32 -s post.lua "$url/v1/verify?receipt=true"
measure "GET /" 32 "$url/"
# Paths of the published log, each chosen at random among 20,000 entries.
log_paths() { printf 'request = function() return wrk.format("GET", string.format(%s)) end\n' "$1" >log.lua; }
measure "GET /checkpoint" 32 "$url/checkpoint"
log_paths '"/v1/proofs/%d", math.random(0, 19999)'
measure "GET /v1/proofs/N (a receipt)" 32 -s log.lua "$url/"
log_paths '"/tile/0/%03d", math.random(0, 77)'
measure "GET /tile/0/N (8 KiB)" 32 -s log.lua "$url/"
log_paths '"/tile/entries/%03d", math.random(0, 77)'
measure "GET /tile/entries/N" 32 -s log.lua "$url/"
# Records, each made durable and covered by a checkpoint before it is answered: who waits shares them.
kill "$server"; wait "$server" || true
token=$("$bin/sigillo" tokens create bench --scope records:write --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["token"])')
: >out
"$bin/sigillo" serve --listen 127.0.0.1:0 --threads 256 --detector mark:vllm-gumbel:model/tokenizer.json >out 2>err &
server=$!
for _ in $(seq 100); do url=$(sed -n 's/^listening on //p' out); [ -z "$url" ] || break; sleep 0.1; done
cat >record.lua <<L
local number = 0
request = function()
  number = number + 1
  return wrk.format("POST", "/v1/records", {["Content-Type"] = "application/json", ["Authorization"] = "Bearer $token"},
    string.format('{"kind":"role-declaration","fields":{"actor":"bench %d","role":["system_provider"],"jurisdiction":["EU"]}}', number))
end
L
for connections in 1 32 256; do measure "POST /v1/records" $connections -s record.lua "$url/"; done
"$bin/sigillo" log fsck >fsck.out 2>&1 || { echo "the ledger is not sound" >&2; exit 1; }
