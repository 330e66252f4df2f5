"""Holds C++ and .proto files to .clang-format."""

import os
import re

import tree

_CLANG_FORMAT = os.environ.get("CLANG_FORMAT", "clang-format-14")


def check():
    paths = tree.files(".cc", ".h", ".proto")
    if not paths:
        return tree.report([], 0, "files")
    code, output = tree.run_tool(
        [_CLANG_FORMAT, "--dry-run", "--Werror"] + paths)
    wrong = sorted(set(re.findall(r"^(\S+?):\d+:\d+: error:", output, re.M)))
    findings = ["%s: not formatted; run: %s -i %s" % (path, _CLANG_FORMAT, path)
                for path in wrong]
    if code != 0 and not findings:
        findings = [output]
    return tree.report(findings, len(paths), "files")


if __name__ == "__main__":
    tree.main(check)
