"""Holds the top level to the entries that a newcomer is told of."""

import tree

_ENTRIES = {
    ".bazelignore", ".bazelrc", ".ci", ".clang-format", ".clang-tidy",
    ".gitignore",
    "ARCHITECTURE.md", "BUILD.bazel", "CONTRIBUTING.md", "LICENSE", "README.md",
    "WORKSPACE",
    "clients", "daemon", "protos", "tests", "tools",
}


def check_entries(paths):
    """Returns the findings for a list of the project's files."""
    found = {path.split("/")[0] for path in paths}
    return (["%s: does not belong at the top level; each folder says what it "
             "holds in ARCHITECTURE.md" % name
             for name in sorted(found - _ENTRIES)] +
            ["%s: is missing" % name for name in sorted(_ENTRIES - found)])


def check():
    paths = tree.files()
    return tree.report(check_entries(paths), len(paths), "files")


if __name__ == "__main__":
    tree.main(check)
