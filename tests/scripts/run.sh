#!/usr/bin/env bash
# `sigillo run` never disturbs its command: exit codes, signals, streams and arguments go through; what is known is kept.
. "$(dirname "$0")/lib.sh"
export SIGILLO_WORKSPACE=$SCRATCH/w
workspace w
run() { sigillo run --model m "$@"; }
ends() { expect 0 sigillo policy facts ev1_runs --json; json 'j'; }

for code in 0 1 3 4 77 125 255; do expect "$code" run -- sh -c "exit $code"; done
expect 127 run -- no-such-program
printf 'x' >not-executable
expect 126 run -- ./not-executable
expect 126 run -- "$SCRATCH"
for signal in TERM KILL INT SEGV; do
  expect $((128 + $(kill -l "$signal"))) run -- sh -c "ulimit -c 0; kill -$signal \$\$"
done
# streams
seq 100000 >numbers
expect 0 run -- cat <numbers
cmp numbers "$SCRATCH/.out" || fail "standard input or output was touched"
head -c 300000 /dev/urandom >noise
run -- sh -c 'cat; cat "$0" >&2' noise <noise >out 2>err || fail "binary streams"
cmp noise out || fail "binary standard output was touched"
head -c 300000 err | cmp - noise || fail "standard error was touched"
expect 0 run -- sh -c 'cat; echo nothing' </dev/null
[ "$(cat "$SCRATCH/.out")" = nothing ] || fail "standard output holds more than the command's"
# A closed stream stays closed, and no file of ours takes its number.
run -- test ! -e /proc/self/fd/1 >&- || fail "the command's standard output is not closed"
run -- sh -c 'exit 5' 2>&- && fail "exit code" || [ $? = 5 ] || fail "exit code with closed standard error"
run -- sh -c 'exit 6' 2>/dev/full && fail "exit code" || [ $? = 6 ] || fail "exit code with full standard error"
run -- sh -c 'echo lost' >/dev/full 2>/dev/null || [ $? != 125 ] || fail "a full standard output is the command's own matter"
code=$( { { run -- sh -c 'sleep 0.3; exit 7'; echo $? >&3; } 2>&1 | true; } 3>&1 ); [ "$code" = 7 ] || fail "broken pipe: exit code $code"
# arguments
cat >show.py <<'P'
import sys
print(len(sys.argv) - 1)
for a in sys.argv[1:]: print(repr(a))
P
expect 0 run -- python3 show.py --model -h -- "" "a b" "*" '$HOME' --help -- run "$(printf 'x\ny')"
python3 show.py --model -h -- "" "a b" "*" '$HOME' --help -- run "$(printf 'x\ny')" | cmp - "$SCRATCH/.out" || fail "arguments were changed"
expect 0 run -- printenv SIGILLO_RUN_ID
grep -qxE '[0-9a-f]{32}' "$SCRATCH/.out" || fail "no run id in the environment"
expect 127 run -- --version
# the workspace may stand before the verb, relative, and the command may change the folder
expect 0 env -u SIGILLO_WORKSPACE sigillo --workspace w run --model m -- sh -c 'cd / && echo "{\"flop\":\"5\",\"flop_method\":\"x\"}" >"$SIGILLO_RUN_REPORT"'
expect 0 run -- sh -c 'head -c 100000 /dev/zero >"$SIGILLO_RUN_REPORT"'
expect 0 run -- sh -c 'mkdir "$SIGILLO_RUN_REPORT"'
expect 0 run -- sh -c 'echo "{\"flop\":\"1e5\",\"flop_method\":\"x\"}" >"$SIGILLO_RUN_REPORT"'
expect 0 run --output nowhere -- true
sound w
expect 0 sigillo --workspace w log list --kind run-start --json
starts=$(wc -l <"$SCRATCH/.out")
expect 0 sigillo --workspace w log list --kind run-end --json
[ "$(wc -l <"$SCRATCH/.out")" = "$starts" ] || fail "a run has no end"

# signals: SIGTERM is passed on, and the end is recorded
sigillo run --model term -- sleep 60 2>term.err &
pid=$!
until [ "$(sigillo log list --kind run-start --json | wc -l)" -gt "$starts" ]; do sleep 0.1; done
until pgrep -P "$pid" -x sleep >/dev/null; do sleep 0.05; done
kill -TERM "$pid"; code=0; wait "$pid" || code=$?
[ "$code" = 143 ] || fail "exit code $code after SIGTERM"
grep -q "end is entry" term.err || fail "the end was not recorded after SIGTERM"
# SIGKILL of sigillo: the start stays, and the facts say that no end is known
sigillo run --model lost -- sleep 5 2>/dev/null &
pid=$!
until child=$(pgrep -P "$pid" -x sleep); do sleep 0.05; done
kill -KILL "$pid"; wait "$pid" 2>/dev/null || true
kill "$child" 2>/dev/null || true
sound w
expect 0 sigillo policy facts ev1_runs
grep -E ' lost ' "$SCRATCH/.out" | grep -q "no end recorded" || fail "the facts do not say that the killed run has no end"
[ "$(grep -c "no end recorded" "$SCRATCH/.out")" = 1 ] || fail "another run has no end"
# no workspace: the command does not start
cd "$SCRATCH" && mkdir elsewhere && cd elsewhere
refuse 125 workspace-missing env -u SIGILLO_WORKSPACE sigillo run --model m -- touch started
[ ! -e started ] || fail "the command was started"
# the workspace vanishes under the command: its exit code stays
cp -a ../w gone
expect 9 sigillo --workspace gone run --model m -- sh -c 'rm -rf gone; exit 9'
stderr_has "could not be recorded"
echo "run holds"
