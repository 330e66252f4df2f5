"""Holds source files to a length that one can read in one go."""

import tree

# Above the first, a file needs a reason here; above the second, none helps.
_LIMIT = 600
_HARD_LIMIT = 800

_REASONS = {}

_SUFFIXES = (".bazel", ".bzl", ".cc", ".h", ".proto", ".py", ".sh", ".ts")


def check_length(path, length, reasons):
    """Returns what is wrong with a file's number of lines, or None."""
    if length > _HARD_LIMIT:
        return "%s: %d lines, more than %d; split it by what changes together" % (
            path, length, _HARD_LIMIT)
    if length > _LIMIT and path not in reasons:
        return ("%s: %d lines, more than %d; split it, or say in "
                "tools/checks/check_size.py why not" % (path, length, _LIMIT))
    if length <= _LIMIT and path in reasons:
        return ("%s: %d lines; it needs no reason in tools/checks/check_size.py"
                % (path, length))
    return None


def check():
    paths = tree.files(*_SUFFIXES)
    findings = ["%s: is gone; take it out of tools/checks/check_size.py" % path
                for path in _REASONS if path not in paths]
    for path in paths:
        wrong = check_length(path, tree.read(path).count("\n"), _REASONS)
        if wrong:
            findings.append(wrong)
    return tree.report(findings, len(paths), "files")


if __name__ == "__main__":
    tree.main(check)
