#!/usr/bin/env bash
# Every text profile through the same verbs: write, detect, record; keys of one number and of many.
. "$(dirname "$0")/lib.sh"
export SIGILLO_WORKSPACE=$SCRATCH/w

mkdir corpus
python3 - <<'P'
import random
r = random.Random(7)
words = ["".join(r.choice("ba ce di fo gu la me ni po ru sta tre vi".split()) for _ in range(r.randint(1, 4))) for _ in range(900)]
for f in range(60):
    with open(f"corpus/{f:02}.txt", "w") as out:
        out.write(". ".join(" ".join(r.choices(words, k=9)) for _ in range(40)))
P
expect 0 tinylm train --corpus corpus --output model --vocabulary 500
workspace w
# The list that transformers' documentation uses, pasted as it stands there.
cat >published <<'K'
[654, 400, 836, 123, 340, 443, 597, 160, 57, 29, 590, 639, 13, 715, 468, 990, 966, 226, 324, 585, 118, 504, 421, 521, 129, 669, 732, 225, 90, 960]
K
expect 0 sigillo keys import published --from-file published --json
json_has 'j["algorithm"] == "uint64-list" and j["kind"] == "watermark"'
expect 0 sigillo keys generate other --algorithm watermark
detect() { sigillo text detect "$1" --profile "$2" --key "$3" --tokenizer model/tokenizer.json; }
for pair in vllm-gumbel:mark synthid-transformers:mark synthid-transformers:published; do
  profile=${pair%:*} key=${pair#*:}
  note "$profile with key $key"
  expect 0 tinylm write --model model --count 12 --seed 3 --output "$pair" --profile "$profile" --key-file "w/keys/$key.watermark"
  expect 0 detect "$pair" "$profile" "$key"
  stdout_has "12 found"
  expect 1 detect "$pair" "$profile" other
  stdout_has "0 found, 12 not found"
done
# One key, two profiles: each finds its own texts only.
expect 1 detect synthid-transformers:mark vllm-gumbel mark
stdout_has "0 found"
expect 1 detect vllm-gumbel:mark synthid-transformers mark
stdout_has "0 found"
# A list where one number is needed.
expect 3 detect vllm-gumbel:mark vllm-gumbel published
stderr_has "takes one 64-bit key"
expect 3 tinylm write --model model --count 1 --seed 3 --output x --profile vllm-gumbel --key-file w/keys/published.watermark
# Recorded with its profile.
expect 0 sigillo model release model --name r --system s --model tinylm
expect 0 sigillo outputs record synthid-transformers:mark --release r --profile synthid-transformers --key mark --tokenizer model/tokenizer.json --json
json_has 'j["count"] == 12 and j["found"] == 12'
sound w
