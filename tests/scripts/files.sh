#!/usr/bin/env bash
# Files that are not what they should be, for each verb that reads one. Nothing is recorded, nothing is printed as a result.
. "$(dirname "$0")/lib.sh"
export SIGILLO_WORKSPACE=w
workspace w

mkdir bad texts
: >bad/empty
head -c 5000 /dev/urandom >bad/binary
printf '\xff\xfeh\0i\0' >bad/utf16
printf '<!DOCTYPE html><html><body>404</body></html>\n' >bad/html
printf '\xff\xd8\xff\xe0\0\x10JFIF\0' >bad/jpeg
printf '\0' >bad/nul
truncate -s 300M bad/huge
mkfifo bad/fifo
mkdir bad/folder
ln -s nowhere bad/dangling
ln -s loop bad/loop
readable=(empty binary utf16 html jpeg nul)

# A small tokenizer: the 256 bytes, no merges.
tokenizer() {
  python3 - "$1" <<'P'
import json, sys
keep = list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256))
names, extra = {}, 0
for b in range(256):
    if b in keep: names[chr(b)] = b
    else: names[chr(256 + extra)] = b; extra += 1
json.dump({"version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": None,
  "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True},
  "post_processor": None, "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
  "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None, "end_of_word_suffix": None,
  "fuse_unk": False, "byte_fallback": False, "ignore_merges": False, "vocab": names, "merges": []}}, open(sys.argv[1], "w"))
P
}
tokenizer tokenizer.json
seq 200 >texts/a
expect 1 sigillo text detect texts --key mark --tokenizer tokenizer.json
mkdir model && seq 9 >model/weights
expect 0 sigillo model release model --name r1 --system s --model m
entries=$(size_of w)

# text detect and outputs record: the text
for name in huge:input-too-large fifo:invalid-input dangling:not-found loop:io-error nosuch:not-found empty:invalid-input \
  binary:invalid-input utf16:invalid-input jpeg:invalid-input folder:invalid-input; do
  file=bad/${name%:*} code=${name#*:} exit=3
  [ "$code" != io-error ] || exit=4
  refuse $exit "$code" sigillo text detect "$file" --key mark --tokenizer tokenizer.json
  stderr_has "$file"
  refuse $exit "$code" sigillo outputs record "$file" --release r1 --key mark --tokenizer tokenizer.json
done
for name in /dev/zero /dev/null; do
  expect 3 sigillo text detect $name --key mark --tokenizer tokenizer.json
  stderr_has "error [invalid-input]"; stdout_empty
done
refuse 3 input-too-large sigillo text detect - --key mark --tokenizer tokenizer.json < <(head -c 20000000 /dev/zero)
# a hole in the table could be taken for a result: one bad file ends the whole command
refuse 3 invalid-input sigillo text detect texts bad/empty --key mark --tokenizer tokenizer.json
# ids
for ids in -1 2147483648 99999999999999999999 1e3 0x10 "1 2 x" "1;2" "1.5" '{"a":1}' '"1"' "[1,null]"; do
  printf '%s' "$ids" >ids
  refuse 3 invalid-input sigillo text detect ids --key mark --tokens; has_remedy
done
printf '[0, 1, 2147483647]' >ids
expect 2 sigillo text detect ids --key mark --tokens
for name in binary utf16 html jpeg empty nul; do refuse 3 invalid-input sigillo text detect bad/$name --key mark --tokens; done
# tokenizer
for name in "${readable[@]}" folder fifo; do
  expect 3 sigillo text detect texts/a --key mark --tokenizer bad/$name
  stderr_has "sigillo: error ["; stdout_empty; no_escapes
done
refuse 3 input-too-large sigillo text detect texts/a --key mark --tokenizer bad/huge
refuse 3 not-found sigillo text detect texts/a --key mark --tokenizer nosuch
head -c 1000 tokenizer.json >cut.json
refuse 3 invalid-input sigillo text detect texts/a --key mark --tokenizer cut.json
for change in 's/"BPE"/"Unigram"/' 's/"BPE"/"WordPiece"/' 's/"byte_fallback": false/"byte_fallback": true/' \
  's/"normalizer": null/"normalizer": {"type": "Lowercase"}/' 's/"pre_tokenizer": {[^}]*}/"pre_tokenizer": {"type": "Whitespace"}/'; do
  sed "$change" tokenizer.json >other.json
  ! cmp -s tokenizer.json other.json || fail "the change $change changes nothing"
  expect 3 sigillo text detect texts/a --key mark --tokenizer other.json
  grep -qE 'error \[(unsupported|invalid-input)\]' "$SCRATCH/.err" || fail "another tokenizer: no error: $change"
  stdout_empty
done
sed 's/"!": 33/"!": 2147483648/' tokenizer.json >other.json
expect 3 sigillo text detect texts/a --key mark --tokenizer other.json
sed 's/"!": 33/"!": -1/' tokenizer.json >other.json
expect 3 sigillo text detect texts/a --key mark --tokenizer other.json

# log append
for name in "${readable[@]}" folder fifo; do
  refuse 3 invalid-input sigillo log append bad/$name
done
refuse 3 input-too-large sigillo log append bad/huge
refuse 3 not-found sigillo log append nosuch
refuse 3 invalid-input sigillo log append /dev/zero
records 3 >good
{ cat good; printf '{"kind":"role-decl'; } >cut
refuse 3 invalid-input sigillo log append cut
stderr_has "line 4, nothing was appended"
# dataset seal and model release
for name in nosuch:not-found fifo:invalid-input folder:invalid-input dangling:not-found; do
  refuse 3 "${name#*:}" sigillo dataset seal "bad/${name%:*}" --name n --license MIT --source x
  refuse 3 "${name#*:}" sigillo model release "bad/${name%:*}" --name n --system s --model m
done
refuse 3 unsupported sigillo dataset seal bad --name n --license MIT --source x; has_remedy
refuse 3 invalid-input sigillo dataset seal /dev/zero --name n --license MIT --source x
# keys import
for name in "${readable[@]}" folder fifo html; do
  expect 3 sigillo keys import k --from-file bad/$name
  stderr_has "sigillo: error ["; stdout_empty; no_escapes
done
refuse 3 input-too-large sigillo keys import k --from-file bad/huge
refuse 3 invalid-input sigillo keys import k --from-file - <<<18446744073709551616
stderr_has "64-bit"
! grep -q 18446744073709551616 "$SCRATCH/.err" || fail "the error shows the key"
sed 's/[A-Za-z]/A/g' w/keys/owner.pem >bad.pem
expect 3 sigillo keys import k --from-file bad.pem
# receipts
expect 0 sigillo log prove 1 -o receipt
sigillo log show 1 --raw >leaf
vkey=$(sigillo keys export log --format vkey)
expect 0 sigillo log verify-proof receipt --leaf leaf --log-key "$vkey"
printf x >>leaf
expect 1 sigillo log verify-proof receipt --leaf leaf --log-key "$vkey"
stderr_has "error [proof-invalid]"
for name in "${readable[@]}" folder fifo huge nosuch; do
  expect 3 sigillo log verify-proof bad/$name --leaf leaf --log-key "$vkey"
  stderr_has "error ["; stdout_empty; no_escapes
done
for key in "" x "a+b+c" "$(printf 'x\x1b[1m')"; do
  expect 3 sigillo log verify-proof receipt --leaf leaf --log-key "$key"
  stderr_has "error ["; no_escapes
done
sigillo --workspace other init --origin other.example >/dev/null
sigillo log show 1 --raw >leaf
expect 1 sigillo log verify-proof receipt --leaf leaf --log-key "$(sigillo --workspace other keys export log --format vkey)"
stderr_has "error [signature-invalid]"

[ "$(size_of w)" = "$entries" ] || fail "a refused input left an entry"
sound w
echo "files hold"
