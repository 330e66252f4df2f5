"""Holds Bazel files to buildifier's format and to its warnings."""

import os
import sys

import tree

# All but those that want rule sets which came after Debian's Bazel.
_WARNINGS = ",".join("-native-" + rule for rule in [
    "cc-binary", "cc-library", "cc-test", "py", "sh-binary", "sh-library",
    "sh-test",
])


def check(buildifier):
    paths = [path for path in tree.files()
             if path.endswith((".bazel", ".bzl")) or path == "WORKSPACE"]
    code, output = tree.run_tool(
        ["node", buildifier, "-mode=check", "-lint=warn",
         "-warnings=" + _WARNINGS] + paths)
    findings = [line for line in output.splitlines() if line]
    if code != 0:
        findings.append("run: node %s FILE" % buildifier)
    return tree.report(findings, len(paths), "files")


if __name__ == "__main__":
    tree.main(lambda: check(os.path.abspath(sys.argv[1])))
