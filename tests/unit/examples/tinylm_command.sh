#!/bin/sh
# The command line of tinylm: exit codes, files, signals. Usage: tinylm_command.sh TINYLM CORPUS_FILE SCRATCH
set -eu
tinylm=$1 corpus_file=$2 scratch=$3
rm -rf "$scratch"
mkdir -p "$scratch/corpus"
cp "$corpus_file" "$scratch/corpus/a.txt"

fail() { echo "FAILED: $1" >&2; exit 1; }
# expect CODE COMMAND...: the command ends with CODE; its output is in $scratch/out and $scratch/err.
expect() {
  wanted=$1; shift
  code=0; "$@" >"$scratch/out" 2>"$scratch/err" || code=$?
  [ "$code" = "$wanted" ] || { cat "$scratch/err" >&2; fail "exit code $code, not $wanted: $*"; }
}
# A positive control: expect() does tell a wrong code.
if (expect 3 true) 2>/dev/null; then fail "expect does not notice a wrong exit code"; fi

expect 0 "$tinylm" --help
grep -q "not a neural network" "$scratch/out" || fail "--help does not say what the model is"
expect 3 "$tinylm"
expect 3 "$tinylm" train --corpus "$scratch/corpus"
expect 3 "$tinylm" train --corpus "$scratch/nowhere" --output "$scratch/m"
grep -q "nowhere" "$scratch/err" || fail "the message does not name the folder"
expect 3 "$tinylm" train --corpus "$scratch/corpus" --output "$scratch/m" --vocabulary 12
[ ! -e "$scratch/m" ] || fail "a failed training left files"

SIGILLO_RUN_REPORT="$scratch/report.json" expect 0 "$tinylm" train --corpus "$scratch/corpus" --output "$scratch/m" --vocabulary 400 --json
grep -q '"flop":"[1-9][0-9]*"' "$scratch/report.json" || fail "the run report holds no FLOP"
grep -q '"mean_entropy_millinats":[1-9][0-9]*[,}]' "$scratch/report.json" || fail "the run report holds no entropy"
[ "$(ls -A "$scratch/m" | tr '\n' ' ')" = "model.tinylm tokenizer.json " ] || fail "the model's folder holds other files"
expect 0 "$tinylm" train --corpus "$scratch/corpus" --output "$scratch/n" --vocabulary 400
cmp "$scratch/m/model.tinylm" "$scratch/n/model.tinylm" || fail "two trainings differ"
cmp "$scratch/m/tokenizer.json" "$scratch/n/tokenizer.json" || fail "two trainings differ"

expect 0 "$tinylm" write --model "$scratch/m" --count 3 --seed 5 --output "$scratch/t" --tokens-mean 40 --tokens-spread 5
[ "$(ls -A "$scratch/t" | tr '\n' ' ')" = "0001.txt 0002.txt 0003.txt " ] || fail "the texts have other names"
expect 0 "$tinylm" write --model "$scratch/m" --count 1 --seed 5 --output "$scratch/u" --tokens-mean 40 --tokens-spread 5
cmp "$scratch/t/0001.txt" "$scratch/u/0001.txt" || fail "text 1 depends on the count"
printf '0x2a\n' >"$scratch/hex"; printf '42' >"$scratch/decimal"
for key in hex decimal; do
  expect 0 "$tinylm" write --model "$scratch/m" --count 1 --seed 5 --output "$scratch/$key.d" --key-file "$scratch/$key"
done
cmp "$scratch/hex.d/0001.txt" "$scratch/decimal.d/0001.txt" || fail "0x2a and 42 are different keys"
cmp -s "$scratch/hex.d/0001.txt" "$scratch/t/0001.txt" && fail "the key changes nothing"
for bad in "" "0x" "4 2" "-1" "18446744073709551616" "0xfeedg"; do
  printf '%s' "$bad" >"$scratch/bad"
  expect 3 "$tinylm" write --model "$scratch/m" --count 1 --seed 5 --output "$scratch/v" --key-file "$scratch/bad"
  case $bad in ?????*) ! grep -qF -- "$bad" "$scratch/err" || fail "the message shows the key" ;; esac
done
expect 3 "$tinylm" write --model "$scratch/m" --count 1 --seed 5 --output "$scratch/v" --profile none
expect 3 "$tinylm" write --model "$scratch/m" --count 0 --seed 5 --output "$scratch/v"
head -c 1000 "$scratch/m/model.tinylm" >"$scratch/n/model.tinylm"
expect 3 "$tinylm" write --model "$scratch/n" --count 1 --seed 5 --output "$scratch/v"

# SIGTERM while texts are being written: exit 143, whole texts only, nothing temporary.
"$tinylm" write --model "$scratch/m" --count 1000000 --seed 5 --output "$scratch/w" 2>"$scratch/err" &
pid=$!
tries=0
until [ -e "$scratch/w/0003.txt" ]; do
  tries=$((tries + 1)); [ "$tries" -lt 600 ] || fail "no text after a minute"
  sleep 0.1
done
kill -TERM "$pid"
code=0; wait "$pid" || code=$?
[ "$code" = 143 ] || fail "exit code $code after SIGTERM, not 143"
[ -z "$(find "$scratch/w" -name '.*' -type f)" ] || fail "temporary files are left"
[ -z "$(find "$scratch/w" -name '*.txt' -empty)" ] || fail "an empty text is left"
rm -rf "$scratch"
echo "all command-line checks passed"
