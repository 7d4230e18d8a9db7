#!/usr/bin/env bash
# Help, version and manual page; arguments that are no arguments.
. "$(dirname "$0")/lib.sh"

# Every verb and sub-verb, from the program's own list.
subcommands() { sigillo "$@" --help | sed -n '/^Subcommands:/,/^$/s/^  \([a-z][a-z-]*\) .*/\1/p'; }
verbs=()
while read -r verb; do
  verbs+=("$verb")
  while read -r child; do verbs+=("$verb $child"); done < <(subcommands "$verb")
done < <(subcommands)
for known in init "keys generate" "record role-declaration" "dataset seal" "model release" "outputs record" run \
  "text detect" "log fsck" gate "policy facts"; do
  printf '%s\n' "${verbs[@]}" | grep -qx "$known" || fail "help does not list \"$known\""
done

expect 0 sigillo --help
stderr_empty
stdout_has "Exit codes: 0 done"
expect 0 sigillo --man-page
cp "$SCRATCH/.out" page
for verb in "${verbs[@]}"; do
  expect 0 sigillo $verb --help
  stderr_empty
  stdout_has "--help"
  # A command that does something shows how it is typed, and the program understands what it shows.
  if ! grep -q '^Subcommands:' "$SCRATCH/.out"; then
    grep -A 1 -x 'Example:' "$SCRATCH/.out" | grep "^  sigillo $verb" >/dev/null || fail "\"$verb --help\" has no example"
    grep -A 1 -x 'Example:' "$SCRATCH/.out" | tail -n 1 >>examples
  fi
  # Each line of an option or a positional is "  name   description", or a name whose description is on the next line.
  awk '/^(Options|Positionals|Subcommands):/ {list = 1; next} /^$/ {list = 0}
       list && /^  [^ ]/ {if (open) exit 1; open = $0 !~ /^  .*[^ ]  +[^ ]/; next}
       list && /^      / {open = 0}
       END {if (open) exit 1}' "$SCRATCH/.out" || fail "something in \"$verb --help\" has no description"
  grep -qx "\.SS ${verb//-/\\\\-}" page || fail "the manual page lacks \"$verb\""
done
for option in workspace origin algorithm from-file tokenizer threshold as-of output-dir log-key license; do
  grep -q "${option//-/\\\\-}" page || fail "the manual page lacks --$option"
done
if command -v man >/dev/null && man --version >/dev/null 2>&1; then
  expect 0 man --warnings -E UTF-8 -l page
  stderr_empty
elif command -v groff >/dev/null; then
  expect 0 groff -man -Tutf8 -ww page
  stderr_empty
else
  note "neither man nor groff is here: the manual page was not rendered"
fi

expect 0 sigillo --version
grep -qxE 'sigillo [0-9]+\.[0-9]+\.[0-9]+' "$SCRATCH/.out" || fail "--version says something else"

touch log.vkey  # examples read it
while read -r example; do
  example=${example%%>*}
  (eval "sigillo --workspace nowhere ${example#sigillo }") >"$SCRATCH/.out" 2>"$SCRATCH/.err" </dev/null || true
  ! grep -qE 'invalid-argument.*(expected|required|not in|not been)' "$SCRATCH/.err" || fail "the example is not understood: $example"
  rm -rf nowhere audit.tar sigillo-backup.tar w1
done <examples
[ "$(wc -l <examples)" -gt 30 ] || fail "there are few examples"
rm -f examples log.vkey

# completion
for shell in bash zsh fish; do
  expect 0 sigillo completion $shell
  stdout_has verify-proof
done
expect 0 sigillo completion bash
complete_words() {  # complete_words WORDS...: what bash offers after them
  bash -c 'source .out 2>/dev/null; COMP_WORDS=(sigillo "$@"); COMP_CWORD=$#; _sigillo; printf "%s\n" "${COMPREPLY[@]}"' - "$@"
}
complete_words log ver | grep -x verify-proof >/dev/null || fail "completion of \"log ver\""
complete_words gate --rel | grep -x -- --release >/dev/null || fail "completion of \"gate --rel\""
complete_words --workspace w keys e | grep -x export >/dev/null || fail "completion behind an option"

for bad in "" nosuch --nosuch "log" "log nosuch" "log show" "log show x" "log show -1" "keys generate" "gate" "gate --pack" \
  "gate --pack eu-ai-act --format xml" "policy nosuch" "keys generate k --algorithm rsa" "init extra" "log list --nosuch" \
  "text detect" "text detect f --key k --threshold x" "model release" "outputs record" "dataset seal x" "record nosuch"; do
  expect 3 sigillo $bad
  stdout_empty
  stderr_has "sigillo: error [invalid-argument] "
  has_remedy
done
for bad in "run" "run --model m" "run --model m true" "run --nosuch --model m -- true" "run -- true" "run --model m --"; do
  refuse 125 invalid-argument sigillo $bad
  has_remedy
done
[ "$(ls)" = page ] || fail "something was made: $(ls)"
echo "help holds"
