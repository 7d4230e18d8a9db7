#!/bin/sh
# once.sh PROGRAM: each benchmark of the program runs, once; an error in one, or none at all, is a failure.
set -u
listed=$("$1" --benchmark_list_tests=true) || { echo "FAIL: no list"; exit 1; }
output=$("$1" --benchmark_min_time=0 --benchmark_format=csv 2>&1) || { echo "$output"; echo "FAIL: $1"; exit 1; }
[ -n "$listed" ] || { echo "FAIL: no benchmarks"; exit 1; }
echo "$output"
status=0
for name in $(printf '%s\n' "$listed" | tr ' ' '\n'); do
  line=$(printf '%s\n' "$output" | grep -F "\"$name\"," ) || { echo "FAIL: $name did not run"; status=1; continue; }
  case $line in *ERROR*|*,true,*) echo "FAIL: $name: $line"; status=1 ;; esac
done
exit "$status"
