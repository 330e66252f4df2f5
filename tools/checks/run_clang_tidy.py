"""Runs clang-tidy on the project's C++ files.

usage: run_clang_tidy.py [FILE...]    all .cc files, if none is named
"""

import concurrent.futures
import os
import re
import subprocess
import sys
import tempfile

import tree

_CLANG_TIDY = os.environ.get("CLANG_TIDY", "clang-tidy-14")
_FLAGS = ["-std=c++17", "-DTOML_HEADER_ONLY=1", "-DSPDLOG_COMPILED_LIB",
          "-DSPDLOG_SHARED_LIB", "-DSPDLOG_FMT_EXTERNAL"]


def _generate(folder):
    """Generates what the files include, as tools/bazel/proto.bzl does."""
    protos = tree.files(".proto")
    subprocess.run(
        ["protoc", "-Iprotos", "-I.", "--cpp_out=" + folder,
         "--grpc_out=" + folder,
         "--plugin=protoc-gen-grpc=/usr/bin/grpc_cpp_plugin"] + protos,
        cwd=tree.ROOT, check=True)
    # As clients/cpp/testing/BUILD.bazel does.
    mocks = os.path.join(folder, "clients", "cpp", "testing")
    os.makedirs(mocks)
    subprocess.run(
        ["protoc", "-Iprotos", "--grpc_out=generate_mock_code=true:" + mocks,
         "--plugin=protoc-gen-grpc=/usr/bin/grpc_cpp_plugin"]
        + [proto for proto in protos if proto.startswith("protos/parley/")],
        cwd=tree.ROOT, check=True)


def _tidy(path, generated):
    return tree.run_tool(
        [_CLANG_TIDY, "--quiet", path, "--", "-I.", "-isystem", generated]
        + _FLAGS)


def _diagnostics(output):
    """Yields diagnostics, each with the lines that explain it."""
    diagnostic = []
    for line in output.splitlines():
        if re.match(r"\S+:\d+:\d+: (error|warning): ", line) and diagnostic:
            yield "\n".join(diagnostic)
            diagnostic = []
        # A quiet clang-tidy still counts the warnings of system headers.
        if not line.endswith((" generated.", " treated as error")):
            diagnostic.append(line)
    if diagnostic:
        yield "\n".join(diagnostic)


def _shard(paths):
    """The part of a test that Bazel runs in parts, each on one core."""
    parts = int(os.environ.get("TEST_TOTAL_SHARDS", "1"))
    if parts == 1:
        return paths, os.cpu_count()
    with open(os.environ["TEST_SHARD_STATUS_FILE"], "w", encoding="ascii"):
        pass  # says that this program knows of parts
    return paths[int(os.environ["TEST_SHARD_INDEX"])::parts], 1


def check(paths):
    paths, threads = _shard(paths or tree.files(".cc"))
    # A header's finding comes up in every file that includes it.
    findings = {}
    with tempfile.TemporaryDirectory() as generated, \
            concurrent.futures.ThreadPoolExecutor(threads) as pool:
        _generate(generated)
        results = pool.map(lambda path: _tidy(path, generated), paths)
        for path, (code, output) in zip(paths, results):
            if code != 0:
                for finding in _diagnostics(output):
                    findings.setdefault(
                        finding.replace(tree.ROOT + "/", "").replace("./", ""))
                findings.setdefault("%s: clang-tidy fails" % path)
    return tree.report(list(findings), len(paths), "files")


if __name__ == "__main__":
    tree.main(lambda: check(sys.argv[1:]))
