#!/bin/bash
# Runs a command over a copy of this folder's sources with the npm packages
# beside them, as Node's tools expect it: they follow Bazel's symbolic links to
# where neither is.
#
# usage: in_scratch.sh NODE_MODULES COMMAND...
set -euo pipefail

packages="$(readlink -f "$1")"
shift

scratch="$(mktemp -d)"
trap 'rm -rf "${scratch}"' EXIT

tar -C tools/realtime_server --exclude=./dist --exclude=./node_modules -ch . |
  tar -C "${scratch}" -x
ln -s "${packages}" "${scratch}/node_modules"
cd "${scratch}"
"$@"
