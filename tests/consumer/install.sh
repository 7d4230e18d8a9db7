#!/bin/sh
# install.sh CMAKE BUILD CC PAGE STRANGER: installs into an empty prefix; there the program of the
# page docs/operating/c-api.md is built by a stranger's CMake project, and with pkg-config by plain cc.
set -eu
cmake=$1 build=$2 cc=$3 page=$4 stranger=$5
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
fail() { echo "FAIL: $1" >&2; exit 1; }
prefix=$folder/prefix

"$cmake" --install "$build" --component capi --prefix "$prefix" >"$folder/log" || { cat "$folder/log"; exit 1; }
[ -f "$prefix/include/sigillo/sigillo.h" ] || fail "no header was installed"
[ "$(find "$prefix/include" -type f | wc -l)" = 1 ] || fail "headers without a library were installed"
libdir=$(dirname "$(find "$prefix" -name libsigillo.so)")
[ -n "$libdir" ] && [ -e "$libdir/libsigillo.so.0" ] || fail "no library was installed"
if grep -rqF "$build" "$libdir/cmake" "$libdir/pkgconfig"; then fail "the package names the build folder"; fi

cp -r "$stranger" "$folder/stranger"
awk '/^```c$/ { inside = 1; next } /^```$/ { inside = 0 } inside' "$page" >"$folder/stranger/snippet.c"
grep -q main "$folder/stranger/snippet.c" || fail "the page has no program"
# check PROGRAM: its output is what the page says.
expected=$(awk '/^```text$/ { inside = 1; next } /^```$/ { inside = 0 } inside' "$page")
check() {
  said=$("$@") || fail "$1 ended with $?"
  [ "$said" = "$expected" ] && [ -n "$said" ] || fail "$1 said \"$said\", the page says \"$expected\""
}

"$cmake" -S "$folder/stranger" -B "$folder/made" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_C_COMPILER="$cc" >"$folder/log" ||
  { cat "$folder/log"; exit 1; }
"$cmake" --build "$folder/made" >"$folder/log" || { cat "$folder/log"; exit 1; }
check "$folder/made/stranger"
# Control: a version that is not there is not found.
sed 's/Sigillo 0.1/Sigillo 0.2/' "$stranger/CMakeLists.txt" >"$folder/stranger/CMakeLists.txt"
if "$cmake" -S "$folder/stranger" -B "$folder/other" -DCMAKE_PREFIX_PATH="$prefix" >"$folder/log" 2>&1; then
  fail "version 0.2 was found"
fi

export PKG_CONFIG_PATH="$libdir/pkgconfig"
flags=$(pkg-config --cflags --libs sigillo)
# shellcheck disable=SC2086
"$cc" -std=c99 -Wall -Wextra -Wpedantic -Werror "$folder/stranger/snippet.c" $flags -o "$folder/plain"
LD_LIBRARY_PATH=$libdir check "$folder/plain"
pkg-config --atleast-version=0.1.0 sigillo || fail "pkg-config has no version"
echo "installed, found by CMake and by pkg-config"
