#!/bin/bash
# The units are well-formed for the systemd that is installed, and the system
# unit stays as closed as it is. Nothing is started: systemd-analyze reads a copy
# whose program exists.
set -euo pipefail

# Tenths of systemd's own exposure score: 15 is 1.5, "OK".
readonly max_exposure=15

units=$(dirname "$(readlink -f "$1")")
copy=$(mktemp -d "${TEST_TMPDIR:-/tmp}/units.XXXXXX")
trap 'rm -rf "$copy"' EXIT
mkdir "$copy/user"
for unit in parleyd@.service user/parleyd.service; do
  sed -e 's|^ExecStart=/usr/bin/parleyd|ExecStart=/bin/true|' \
      -e '/^Documentation=/d' "$units/$unit" > "$copy/$unit"
done
cp "$copy/parleyd@.service" "$copy/parleyd@daemon.service"

fail() {
  echo "FAILED: $1" >&2
  exit 1
}

verify() {
  local output
  # An offline machine may lack the targets that a unit wants: not our fault.
  output=$(systemd-analyze verify "$@" 2>&1) || fail "verify $*: $output"
  if grep -F parleyd <<< "$output"; then fail "verify $* complains"; fi
}

export XDG_RUNTIME_DIR=$copy
verify --man=no "$copy/parleyd@daemon.service"
verify --man=no --user "$copy/user/parleyd.service"

systemd-analyze security --offline=true --threshold="$max_exposure" --no-pager \
  "$copy/parleyd@daemon.service" > "$copy/security" 2>&1 ||
  fail "the system unit is more exposed than $max_exposure tenths:
$(cat "$copy/security")"
tail -1 "$copy/security"

# A check that cannot fail proves nothing: the same unit without its sandbox.
grep -vE '^(Protect|Private|Restrict|System|Capability|NoNew|Memory|Lock)' \
  "$copy/parleyd@daemon.service" > "$copy/open@daemon.service"
if systemd-analyze security --offline=true --threshold="$max_exposure" \
  --no-pager "$copy/open@daemon.service" > /dev/null 2>&1; then
  fail "an open unit passes the exposure check"
fi
echo "ok"
