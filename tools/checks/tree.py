"""The project's files, and how a check reports what it found in them."""

import os
import subprocess
import sys

# Bazel runs a check through links that lead back to the source file.
ROOT = os.path.realpath(os.path.join(os.path.dirname(
    os.path.realpath(__file__)), "..", ".."))


def files(*suffixes):
    """Lists the project's files, committed or about to be.

    Args:
      *suffixes: how names may end; any, if none is given.

    Returns:
      Sorted paths from the root, of files that exist.
    """
    # The clone may belong to another user than the one who checks it.
    listing = subprocess.run(
        ["git", "-c", "safe.directory=*", "-C", ROOT, "ls-files", "-z",
         "--cached", "--others", "--exclude-standard"],
        check=True, stdout=subprocess.PIPE).stdout.decode()
    paths = (path for path in listing.split("\0") if path)
    return sorted({
        path for path in paths
        if (not suffixes or path.endswith(suffixes))
        and os.path.isfile(os.path.join(ROOT, path))
    })


def read(path):
    """Returns the text of a file, by its path from the root."""
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def report(findings, number_checked, what):
    """Prints findings, one a line, and gives the exit code.

    Args:
      findings: lines of the form "path:line: what is wrong; what to do".
      number_checked: none at all means that the check itself is broken.
      what: the things checked, in the plural.
    """
    for finding in findings:
        print(finding)
    print("%d %s checked, %d findings" % (number_checked, what, len(findings)))
    if number_checked == 0:
        print("nothing was checked: the check does not see the tree")
        return 1
    return 1 if findings else 0


def run_tool(command, **kwargs):
    """Runs a linter at the root; returns (exit code, what it printed)."""
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False, **kwargs)
    return done.returncode, done.stdout.decode(errors="replace")


def main(check):
    """Runs a check's function and exits with its code."""
    sys.exit(check())
