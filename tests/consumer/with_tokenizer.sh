#!/bin/sh
# with_tokenizer.sh TINYLM SAMPLE COMMAND...: COMMAND gets a folder for a keyring and a tokenizer.json.
set -eu
tinylm=$1 sample=$2
shift 2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/corpus" "$folder/keys"
cp "$sample" "$folder/corpus/sample.txt"
"$tinylm" train --corpus "$folder/corpus" --output "$folder/model" --vocabulary 300 --quiet >"$folder/log"
"$@" "$folder/keys" "$folder/model/tokenizer.json"
