"""Holds .proto files to buf's rules, and the API to what was agreed.

Every change of the API shows up here: one that breaks clients or the disk as
such, any other as a baseline that is out of date. A reviewer then sees the
baseline among the changed files, and knows that the API changed.
"""

import os
import sys
import tempfile

import tree

BASELINE = os.path.join(tree.ROOT, "protos", "api_baseline.binpb")
_UPDATE = "run tools/checks/update_api_baseline"


class Buf:
    """buf on the project's protos.

    Attributes:
      launcher: the path of its launcher, a Node script.
    """

    def __init__(self, launcher):
        self.launcher = os.path.abspath(launcher)

    def run(self, *arguments):
        """Returns (exit code, output)."""
        with tempfile.TemporaryDirectory() as cache:
            return tree.run_tool(
                ["node", self.launcher, arguments[0], "protos"]
                + list(arguments[1:]),
                env=dict(os.environ, BUF_CACHE_DIR=cache, HOME=cache))

    def build(self, output):
        """Writes the descriptors, without comments and positions."""
        code, message = self.run("build", "--exclude-source-info", "-o", output)
        if code != 0:
            raise ValueError("buf build failed:\n" + message)

    def breaking_changes(self, baseline):
        """Returns lines that name what breaks users of the baseline."""
        code, output = self.run("breaking", "--against", baseline)
        lines = [line for line in output.splitlines() if line]
        return lines or (["buf breaking failed"] if code != 0 else [])


def check(launcher):
    buf = Buf(launcher)
    code, output = buf.run("lint")
    findings = [line for line in output.splitlines() if line]
    if code != 0 and not findings:
        findings.append("buf lint failed")
    if not findings:
        findings += _check_baseline(buf)
    return tree.report(findings, len(tree.files(".proto")), "files")


def _check_baseline(buf):
    if not os.path.exists(BASELINE):
        return ["protos/api_baseline.binpb: is missing; " + _UPDATE]
    broken = ["%s; a client or a store in use would break" % line
              for line in buf.breaking_changes(BASELINE)]
    if broken:
        return broken
    with tempfile.TemporaryDirectory() as folder:
        current = os.path.join(folder, "current.binpb")
        buf.build(current)
        with open(current, "rb") as new, open(BASELINE, "rb") as old:
            if new.read() != old.read():
                return ["protos/api_baseline.binpb: is out of date; " + _UPDATE]
    return []


if __name__ == "__main__":
    tree.main(lambda: check(sys.argv[1]))
