#!/bin/sh
# exported_symbols.sh NM HEADER LIBRARY: the library exports the functions that the header declares,
# and nothing else.
set -u
nm=$1 header=$2 library=$3
listing=$("$nm" -D --defined-only "$library") || { echo "FAIL: $nm failed on $library"; exit 1; }
# Kind A is the version node of the linker script.
exported=$(printf '%s\n' "$listing" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | sort)
declared=$(grep -oE '\bsigillo_[a-z0-9_]+\(' "$header" | tr -d '(' | grep -v '_$' | sort -u)
[ -n "$exported" ] || { echo "FAIL: $library exports nothing"; exit 1; }
[ -n "$declared" ] || { echo "FAIL: $header declares nothing"; exit 1; }
status=0
for name in $exported; do
  printf '%s\n' "$declared" | grep -qx "$name" || { echo "FAIL: exports $name, which $header does not declare"; status=1; }
done
for name in $declared; do
  printf '%s\n' "$exported" | grep -qx "$name" || { echo "FAIL: does not export $name"; status=1; }
done
echo "$(printf '%s\n' "$exported" | wc -l) symbols"
exit "$status"
