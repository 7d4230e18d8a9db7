#!/usr/bin/env bash
# SIGKILL at random moments: afterwards the ledger is sound and every acknowledged record is there.
. "$(dirname "$0")/lib.sh"
export SIGILLO_WORKSPACE=w
workspace w
RANDOM=20261202  # fixed: a failure repeats, as far as timing lets it
rounds=${SIGILLO_KILL_ROUNDS:-20}

# Three processes append what a driver counts: each acknowledgement is written down by the shell after the exit.
mkdir model && seq 9 >model/weights
expect 0 sigillo model release model --name r1 --system s --model m
mkdir texts
for i in $(seq 30); do seq "$i" $((i + 400)) >"texts/$i"; done
cat >tokenizer.py <<'P'
import json
keep = list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256))
names, extra = {}, 0
for b in range(256):
    if b in keep: names[chr(b)] = b
    else: names[chr(256 + extra)] = b; extra += 1
level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
print(json.dumps({"version": "1.0", "added_tokens": [], "normalizer": None, "pre_tokenizer": level, "post_processor": None,
  "decoder": level, "model": {"type": "BPE", "unk_token": None, "byte_fallback": False, "vocab": names, "merges": []}}))
P
python3 tokenizer.py >tokenizer.json
# How long one takes alone: kills are spread over that time and a little more.
took() { local t0 t1; t0=$(date +%s%N); "$@" >/dev/null 2>&1; t1=$(date +%s%N); echo $(((t1 - t0) / 1000000)); }
records 500 base >base
append_ms=$(took sigillo log append base)
outputs=(sigillo outputs record texts --release r1 --key mark --tokenizer tokenizer.json --json)
expect 0 "${outputs[@]}"
outputs_ms=$(took "${outputs[@]}")
note "append ${append_ms} ms, outputs record ${outputs_ms} ms"

# killed MILLISECONDS COMMAND...: true if it ended before the kill.
killed() {
  local wait=$1 pid code=0
  shift
  "$@" >ack 2>/dev/null &
  pid=$!
  sleep "$(printf '%d.%03d' $((wait / 1000)) $((wait % 1000)))"
  kill -KILL "$pid" 2>/dev/null || true
  wait "$pid" 2>/dev/null || code=$?
  [ "$code" = 0 ]
}
expected=$(size_of w) finished=0
for round in $(seq "$rounds"); do
  records 500 "round $round" >batch
  if killed $((RANDOM % (append_ms + append_ms / 4 + 1))) sigillo log append batch --json; then
    finished=$((finished + 1))
    acknowledged="round $round 500"
    sqlite3 -readonly w/ledger.db 'SELECT count(*) FROM entries' >/dev/null
    first=$(sed 's/.*"first":\([0-9]*\).*/\1/' ack)
    sigillo log show $((first + 499)) | grep -q "\"$acknowledged\"" || fail "round $round: an acknowledged record is not there"
    expected=$((first + 500))
  fi
  sound w
  size=$(size_of w)
  [ "$size" -ge "$expected" ] || fail "round $round: $size entries, $expected were acknowledged"
  expected=$size
  if killed $((RANDOM % (outputs_ms + outputs_ms / 4 + 1))) "${outputs[@]}"; then
    finished=$((finished + 1))
    grep -q '"count":30' ack || fail "outputs record: no receipt"
    [ "$(size_of w)" = $((expected + 1)) ] || fail "round $round: the acknowledged batch is not there"
  fi
  sound w
  expected=$(size_of w)
done
note "$finished of $((2 * rounds)) ended before they were killed"
[ "$finished" -lt $((2 * rounds)) ] || fail "nothing was killed: this round proves nothing"
expect 0 sigillo log append base
sound w
echo "kills hold"
