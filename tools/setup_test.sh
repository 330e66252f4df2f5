#!/usr/bin/env bash
# What tools/setup takes for missing, by the package database of this machine.
set -euo pipefail
# shellcheck source=tools/setup
source tools/setup

fail() {
  printf '%s\n' "$*"
  exit 1
}

# expect_missing EXPECTED PACKAGE...
expect_missing() {
  local expected="$1" missing
  shift
  missing="$(missing_packages "$@")"
  [[ "$missing" == "$expected" ]] ||
    fail "of '$*' is missing: '$missing', not '$expected'"
}

expect_missing '' dpkg
# Packages that dpkg has never heard of: the state of a bare machine.
expect_missing no-such-package dpkg no-such-package
expect_missing $'no-such-a\nno-such-b' no-such-a dpkg no-such-b

# Only what is missing is installed, and what apt-get says is not believed.
asked="$TEST_TMPDIR/asked"
apt_install() { printf '%s' "$*" >"$asked"; }
if (install_missing dpkg no-such-a no-such-b) 2>"$TEST_TMPDIR/words"; then
  fail 'a package that apt-get did not install goes unnoticed'
fi
[[ "$(<"$asked")" == 'no-such-a no-such-b' ]] || fail "asked: $(<"$asked")"
grep -q 'did not install: no-such-a' "$TEST_TMPDIR/words" ||
  fail "said: $(<"$TEST_TMPDIR/words")"
rm "$asked"
install_missing dpkg
[[ ! -e "$asked" ]] || fail 'what is installed is installed again'
