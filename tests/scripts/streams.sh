#!/usr/bin/env bash
# Standard streams that are full, closed or broken: never success without output, never a crash, never data in a wrong file.
. "$(dirname "$0")/lib.sh"
export SIGILLO_WORKSPACE=w
workspace w
records 300 >many && expect 0 sigillo log append many
seq 300 >text

verbs=("--help" "--version" "--man-page" "gate --help" "keys list" "keys export log" "log list" "log list --json" "log show 5" "log show 5 --raw"
  "log prove 5" "log fsck" "log checkpoint" "policy list" "policy facts" "policy explain --pack eu-ai-act" "policy test --pack eu-ai-act"
  "gate --pack eu-ai-act" "gate --pack eu-ai-act --json" "text detect text --tokens --key mark" "record placement --schema")
for verb in "${verbs[@]}"; do
  code=0; sigillo $verb >/dev/full 2>"$SCRATCH/.err" || code=$?
  : >"$SCRATCH/.out"
  [ "$code" = 4 ] || fail "exit code $code with a full standard output: $verb"
  stderr_has "error [io-error] standard output could not be written"
  code=0; sigillo $verb >&- 2>"$SCRATCH/.err" || code=$?
  [ "$code" = 4 ] || fail "exit code $code with a closed standard output: $verb"
  stderr_has "error [io-error] standard output could not be written"
done
sound w
# Without standard error the exit codes are the same.
for stream in /dev/full closed; do
  for case in "3 --nosuch" "3 keys export nosuch" "3 gate --pack nosuch" "0 log fsck" "3 log append nosuch"; do
    code=0
    if [ "$stream" = closed ]; then sigillo ${case#* } >/dev/null 2>&- || code=$?; else sigillo ${case#* } >/dev/null 2>/dev/full || code=$?; fi
    [ "$code" = "${case%% *}" ] || fail "exit code $code with standard error $stream: $case"
  done
done
# Writers with all streams closed: what is printed does not land in a file of the workspace.
sigillo log append many >&- 2>&- <&- || [ $? = 4 ] || fail "append with closed streams"
sigillo keys generate closed >&- 2>&- <&- || [ $? = 4 ] || fail "keys with closed streams"
sigillo --workspace new init >&- 2>&- <&- || [ $? = 4 ] || fail "init with closed streams"
sigillo gate --pack eu-ai-act --json >&- 2>&- <&- || [ $? = 4 ] || fail "gate with closed streams"
sound w; sound new
refuse 3 invalid-input sigillo log append - </dev/null
code=0; sigillo log append - <&- >"$SCRATCH/.out" 2>"$SCRATCH/.err" || code=$?
[ "$code" = 4 ] || [ "$code" = 3 ] || fail "exit code $code with a closed standard input"
stderr_has "error ["
# A reader that leaves early
sigillo log list | head -1 >/dev/null || true
sound w
# --output-dir and -o
expect 3 sigillo log prove 1 -o nosuch/receipt; stderr_has "error [not-found]"; [ ! -e nosuch ] || fail "a folder was made"
: >file
sigillo gate --pack eu-ai-act --output-dir file/x >"$SCRATCH/.out" 2>"$SCRATCH/.err" && fail "gate wrote below a file"
stderr_has "error ["
expect 2 sigillo gate --pack eu-ai-act --format text,json --output-dir out
[ -s out/gate.txt ] && python3 -m json.tool out/gate.json >/dev/null || fail "gate's files"
echo "streams hold"
