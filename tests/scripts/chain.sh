#!/usr/bin/env bash
# The whole story on a small corpus: from init to a verdict, and what tampering does to it.
. "$(dirname "$0")/lib.sh"
export SIGILLO_WORKSPACE=$SCRATCH/w

# Invented words in sentences: about 400 kB, the same every time, with enough choice to carry a
# mark, and in many documents: a marked text is a function of its key and of where it starts.
mkdir corpus
python3 - <<'P'
import random
r = random.Random(20261202)
part = ["ba", "ce", "di", "fo", "gu", "la", "me", "ni", "po", "ru", "sta", "tre", "vi", "zo", "an", "el", "ir", "os", "un", "sh"]
words = ["".join(r.choice(part) for _ in range(r.randint(1, 4))) for _ in range(4000)]
weights = [1 / (i + 8) for i in range(len(words))]
for f in range(1200):
    topic = r.choices(words, k=12)
    def word(): return r.choice(topic) if r.random() < 0.6 else r.choices(words, weights)[0]
    with open(f"corpus/{f:04}.txt", "w") as out:
        for _ in range(3):
            sentences = [" ".join(word() for _ in range(r.randint(5, 14))).capitalize() for _ in range(2)]
            out.write(". ".join(sentences) + "\n\n")
P
expect 0 sigillo init --origin demo.example/audit --actor "Demo Provider" --json
json_has '"checkpoint" in j and j["origin"] == "demo.example/audit" and "workspace" in j'
expect 0 sigillo keys generate release --algorithm watermark --json
json_has 'j["kind"] == "watermark" and j["name"] == "release" and "public_key" not in j'
expect 0 sigillo keys generate other --algorithm watermark
expect 0 sigillo record role-declaration --actor "Demo Provider" --role system_provider --jurisdiction EU --cop-signatory false --json
json_has 'j["entry"] == 2 and len(j["leaf_hash"]) == 64 and "checkpoint" in j'
expect 0 sigillo record placement --system s --actor "Demo Provider" --market EU --placed-on 2026-05-01 --modality text --high-risk false
expect 0 sigillo record marking-config --system s --release marked --modality text --layer watermark --scheme vllm-gumbel --key-id release --applied-at inference
expect 0 sigillo record detector-release --system s --scheme vllm-gumbel --form software --url https://example.com/sigillo
expect 0 sigillo dataset seal corpus --name corpus --license CC0-1.0 --source https://example.com/corpus --json
json_has 'j["files"] == 1200 and len(j["root"]) == 64 and len(j["manifest"]) == 64 and "entry" in j["receipt"]'
expect 0 sigillo run --model tinylm --dataset corpus --output model -- tinylm train --corpus corpus --output model --vocabulary 600
expect 0 tinylm write --model model --count 200 --seed 1 --output marked --key-file w/keys/release.watermark
expect 0 tinylm write --model model --count 200 --seed 2 --output unmarked
tokenizer=model/tokenizer.json
for release in marked unmarked; do
  expect 0 sigillo model release model --name "$release" --system s --model tinylm --json
  json_has 'len(j["run_id"]) == 32'
  expect 0 sigillo outputs record "$release" --release "$release" --key release --tokenizer $tokenizer --json
  json_has 'j["count"] == 200 and j["found"] + j["not_found"] + j["inconclusive"] == 200 and len(j["batch_root"]) == 64'
done

# detection
expect 0 sigillo text detect marked --key release --tokenizer $tokenizer
stdout_has "200 found, 0 not found, 0 inconclusive"
expect 1 sigillo text detect unmarked --key release --tokenizer $tokenizer
stdout_has "0 found, 200 not found"
expect 1 sigillo text detect marked --key other --tokenizer $tokenizer
stdout_has "0 found, 200 not found"
expect 0 sigillo text detect marked --key release --tokenizer $tokenizer --json
json_has 'len(j) == 200 and max(d["detection"]["log10_p_micro"] for d in j) <= -6000000'
expect 0 sigillo text detect - --key release --tokenizer $tokenizer --json <marked/0001.txt
json_has 'j[0]["file"] == "-"'
expect 1 sigillo text detect unmarked --key release --tokenizer $tokenizer --json
# Binomial(200, 1e-3): more than 3 with probability below 6e-5
json_has 'sum(d["detection"]["log10_p_micro"] <= -3000000 for d in j) <= 3'

# the gate
gate() { sigillo gate --pack eu-ai-act --as-of "$1" --release "$2" "${@:3}"; }
expect 0 gate 2026-12-03 marked; stdout_has "PASSED"
expect 1 gate 2026-12-03 unmarked; stdout_has "Article 50(2)"; stdout_has "unmarked/text: fail"; stdout_has "what to do"
expect 0 gate 2026-11-23 marked; stdout_has "transitional until 2026-12-02"
expect 0 gate 2026-11-23 unmarked; stdout_has "transitional until 2026-12-02"
expect 0 gate 2026-01-01 marked
expect 1 gate 2026-12-03 unmarked --json
json_has 'j["exit_code"] == 1 and j["ledger"]["sound"] and j["as_of"].startswith("2026-12-03") and len(j["checkpoint"]["root"]) == 64'
json_has 'len(j["rules"]) > 5 and all(r["reason"] or r["subjects"] for r in j["rules"])'
expect 0 gate 2026-12-03 marked --json; cp "$SCRATCH/.out" gate1.json
expect 0 gate 2026-12-03 marked --json; cmp gate1.json "$SCRATCH/.out" || fail "the same question has two answers"
cp -a w copy
expect 0 sigillo --workspace copy gate --pack eu-ai-act --as-of 2026-12-03 --release marked --json
cmp gate1.json "$SCRATCH/.out" || fail "a copy of the workspace has another answer"
rm -rf copy

# a later word takes no earlier one back, and nobody inherits another's measurement
again() { rm -rf c; cp -a w c; }
again
expect 0 sigillo --workspace c outputs record unmarked --release unmarked --key other --tokenizer $tokenizer
expect 1 sigillo --workspace c gate --pack eu-ai-act --as-of 2026-12-03 --release unmarked
expect 0 sigillo --workspace c outputs record marked --release marked --key other --tokenizer $tokenizer
expect 0 sigillo --workspace c gate --pack eu-ai-act --as-of 2026-12-03 --release marked  # a wrong key is no miss
expect 0 sigillo --workspace c record marking-config --system s --release marked --modality text --layer watermark --scheme vllm-gumbel --key-id other --applied-at inference
expect 1 sigillo --workspace c gate --pack eu-ai-act --as-of 2026-12-03 --release marked; stdout_has "200 of 200 outputs carry no mark"
again
expect 0 sigillo --workspace c record marking-config --system s --release marked --modality text --layer watermark --scheme vllm-gumbel --applied-at inference
expect 2 sigillo --workspace c gate --pack eu-ai-act --as-of 2026-12-03 --release marked; stdout_has "names no watermark layer with its key"
again
expect 0 sigillo --workspace c record placement --system s --actor "Demo Provider" --market EU --placed-on 2026-09-01 --modality text --high-risk false
expect 2 sigillo --workspace c gate --pack eu-ai-act --as-of 2026-11-23 --release unmarked; stdout_has "a person has to judge"
again
mkdir evil; echo other weights >evil/model
expect 0 sigillo --workspace c model release evil --name marked --system s --model tinylm
expect 2 sigillo --workspace c gate --pack eu-ai-act --as-of 2026-12-03 --release marked; stdout_has "no output of this release is recorded"
again
cp -a model there; touch there
expect 0 sigillo --workspace c run --model tinylm --output there -- true
stderr_has "outputs not recorded"
expect 127 sigillo --workspace c run --model idle -- ./nosuch  # what never ran has used nothing
expect 0 sigillo --workspace c policy facts ev1_runs --json
json_has '[r["flop_basis"] for r in j["views"]["ev1_runs"] if r["model"] == "idle"] == ["measured"]'
expect 0 sigillo --workspace c model release there --name third --system s --model tinylm --json
first=$(json 'j["run_id"]')
expect 0 sigillo --workspace c run --model tinylm --output there -- sh -c 'for f in there/*; do cat "$f" >x; cat x >"$f"; done'
expect 0 sigillo --workspace c model release there --name fourth --system s --model tinylm --json
json_has "j['run_id'] == '$first'"
again
sqlite3 c/ledger.db "DELETE FROM checkpoints WHERE size = (SELECT max(size) FROM checkpoints)"  # hides the newest entries
expect 2 sigillo --workspace c gate --pack eu-ai-act --as-of 2026-12-03 --release marked; stdout_has "no stored checkpoint covers them"
expect 0 sigillo --workspace c log checkpoint
expect 0 sigillo --workspace c gate --pack eu-ai-act --as-of 2026-12-03 --release marked
mkdir -p hollow/eu-ai-act/rules
(cd hollow && expect 3 sigillo gate --pack eu-ai-act --as-of 2026-12-03 --release nosuch; SIGILLO_PACKS='' expect 0 sigillo --workspace ../w gate --pack eu-ai-act --as-of 2026-12-03 --release marked)
rm -rf c

# facts and log
expect 0 sigillo policy facts --json; json_has 'isinstance(j, dict) and "demo.example/audit" in str(j)'
expect 0 sigillo policy list --json; json_has 'j[0]["name"] == "eu-ai-act"'
expect 0 sigillo policy test --pack eu-ai-act --json; json_has 'len(j) > 30 and all(c["passed"] for c in j)'
expect 0 sigillo policy lint --pack eu-ai-act --json; json_has 'j == []'
expect 0 sigillo log list --kind outputs-batch --json
entry=$(sed -n '1s/.*"entry":\([0-9]*\).*/\1/p' "$SCRATCH/.out")
expect 0 sigillo log show "$entry" --json
json_has 'j["kind"] == "outputs-batch" and j["fields"]["count"] == 200 and len(j["signed_by"]) == 1'
lines=$(json 'j["fields"]["lines"]')
expect 0 sigillo log list --kind dataset-manifest --json
expect 0 sigillo log show "$(json 'j["entry"]')" --json
manifest=$(json 'j["fields"]["manifest"]')
expect 0 sigillo log prove "$entry" -o receipt
sigillo log show "$entry" --raw >leaf
vkey=$(sigillo keys export log --format vkey)
expect 0 sigillo log verify-proof receipt --leaf leaf --log-key "$vkey" --json
json_has "j[\"verified\"] and j[\"index\"] == $entry and j[\"origin\"] == 'demo.example/audit'"
expect 0 env SIGILLO_WORKSPACE=/nowhere sigillo log verify-proof receipt --leaf leaf --log-key "$vkey"
expect 0 sigillo log fsck --json; json_has 'j["sound"] and j["findings"] == [] and j["blobs"] >= 6'
! grep -rqF "$(cat w/keys/release.watermark)" w/ledger.db w/blobs w/evidence.db || fail "the watermark key is in the evidence"

# tampering
flip() { printf '%b' "$(printf '\\x%02x' $(($(od -An -tu1 -j "$2" -N 1 "$1") ^ 1)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none; }
tampered() {  # tampered PLACE: fsck names it, gate and facts refuse
  expect 2 sigillo --workspace c log fsck
  stdout_has "NOT sound"; stdout_has "$1"; no_escapes
  expect 2 sigillo --workspace c log fsck --json
  json_has "not j['sound'] and any('$1' in f['place'] + f['message'] for f in j['findings'] if f['severity'] == 'error')"
  expect 2 sigillo --workspace c gate --pack eu-ai-act --as-of 2026-12-03 --release marked
  stdout_has "refuses to judge"; stdout_has "$1"
  expect 2 sigillo --workspace c gate --pack eu-ai-act --as-of 2026-12-03 --release marked --json
  json_has 'j["exit_code"] == 2 and not j["ledger"]["sound"] and "refused" in j'
  rm -rf c
}
copy() { rm -rf c; cp -a w c; }
copy; sqlite3 c/ledger.db "UPDATE entries SET leaf = CAST(substr(leaf, 1, 99) || x'41' || substr(leaf, 101) AS BLOB) WHERE idx = 3"; tampered "entry 3"
copy; sqlite3 c/evidence.db "UPDATE ev1_systems SET placed_on = '2026-09-01'"; tampered "ev1_systems"
copy; flip "c/blobs/${lines:0:2}/${lines:2}" 40; tampered "$lines"
copy; flip "c/blobs/${manifest:0:2}/${manifest:2}" 200; tampered "$manifest"
copy; rm "c/blobs/${manifest:0:2}/${manifest:2}"; tampered "$manifest"
copy; sqlite3 c/ledger.db "DELETE FROM entries WHERE idx = 4"; tampered "entry 4"
copy; sqlite3 c/ledger.db "UPDATE checkpoints SET note = replace(note, 'demo.example/audit', 'demo.example/other') WHERE size = 2"; tampered "checkpoint of size 2"
copy; sqlite3 c/ledger.db "UPDATE meta SET value = 'demo.example/other'"; tampered "entry 0"
copy; sqlite3 c/ledger.db "UPDATE state SET root = zeroblob(32)"; tampered "ledger head"
sound w
echo "the chain holds"
