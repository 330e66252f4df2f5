#!/bin/bash
# Runs the server's tests from Bazel's runfiles.
set -euo pipefail

export TMPDIR="${TEST_TMPDIR}"
export REALTIME_SERVER_DIR="${PWD}/tools/realtime_server"
export NODE_PATH="${PWD}/../realtime_server_npm/node_modules"
exec node --test "${REALTIME_SERVER_DIR}"/dist/test/*.test.js
