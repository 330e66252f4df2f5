"""Holds #include lines and code to the rules in dependency_rules.py.

Bazel's visibility says the same of our own packages; it cannot see headers in
/usr/include, nor what code does with the standard library.
"""

import posixpath
import re

import dependency_rules
import tree

_INCLUDE = re.compile(r"^\s*#\s*include\s*([<\"])([^>\"]+)[>\"]")
_OURS = re.compile(r"^(clients|daemon|protos|tests|tools)/")
_SYSTEM = re.compile(
    r"^[a-z_0-9]+$|^(arpa|linux|net|netinet|sys)/\w+\.h$|^[a-z_0-9]+\.h$")
_TEST = re.compile(r"(_test|_testing|\.test|\.spec)\.\w+$|(^|/)test_\w+\.py$")

# Comments and string literals of C++ and TypeScript.
_CPP_NOISE = re.compile(
    r"//[^\n]*|/\*.*?\*/|R\"(\w*)\(.*?\)\1\"|\"(?:\\.|[^\"\\\n])*\"|"
    r"'(?:\\.|[^'\\\n])+'", re.S)
_PYTHON_NOISE = re.compile(
    r"\"\"\".*?\"\"\"|#[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'",
    re.S)


def strip_noise(path, text):
    """Blanks comments and strings, except in #include lines."""

    def blank(match):
        line = text[text.rfind("\n", 0, match.start()) + 1:match.start()]
        if match.group(0)[0] == '"' and re.match(r"\s*#\s*include\s*$", line):
            return match.group(0)
        # A number like 1'000'000 is no character literal.
        if match.group(0)[0] == "'" and line[-1:].isalnum():
            return match.group(0)
        return re.sub(r"[^\n]", " ", match.group(0))

    noise = _PYTHON_NOISE if path.endswith(".py") else _CPP_NOISE
    return noise.sub(blank, text)


def is_test(path):
    return path.startswith("tests/") or bool(_TEST.search(path))


def _within(path, package):
    """Whether a file is in a package, whose last part may be `*`, or below."""
    if package == "":
        return True
    if package.endswith("/*"):
        parent = package[:-1]
        return path.startswith(parent) and "/" in path[len(parent):]
    return path.startswith(package + "/")


def package_rule(path):
    """Returns the most particular key of PACKAGES that holds a file."""
    matching = [package for package in dependency_rules.PACKAGES
                if _within(path, package)]
    # At one depth, a name is more particular than `*`.
    return max(matching, default=None,
               key=lambda package: (package.count("/"), package[-1] != "*"))


def _component(path):
    return "/".join(path.split("/")[:3])


def _first_party(path, included):
    """Returns why a file may not include one of ours, or None."""
    rule = package_rule(path)
    if rule is None:
        return None
    target = package_rule(included)
    if target is None:
        target = next((allowed
                       for allowed in dependency_rules.PACKAGES[rule]
                       if _within(included, allowed)), None)
    if rule == target and (rule != "daemon/core/*" or
                           _component(path) == _component(included)):
        return None
    for allowed in dependency_rules.PACKAGES[rule]:
        if target == allowed or allowed in ("daemon", "protos") and _within(
                included, allowed):
            return None
        if allowed.endswith("/*") and target is not None and _within(
                included, allowed):
            return None
    return "%s may not include %s: %s" % (
        rule, included, dependency_rules.WHY_PACKAGES)


def _third_party(path, included, libraries):
    """Returns what is wrong with including a header of the system, or None."""
    for name, library in libraries.items():
        if any(re.match(header, included) for header in library["headers"]):
            if any(_within(path, user) for user in library["users"]):
                return None
            return "%s may not use %s (%s): %s" % (
                posixpath.dirname(path), name, included, library["why"])
    if _SYSTEM.match(included):
        return None
    return ("%s belongs to no library of tools/third_party/libraries.bzl"
            % included)


def _included_path(included, known):
    """The path from the root of what an #include names, if it is ours."""
    if _OURS.match(included):
        return included
    # Generated headers are included by their path below protos/.
    generated = re.sub(r"(\.grpc)?\.pb\.h$", ".proto", included)
    if generated != included and "protos/" + generated in known:
        return "protos/" + generated
    return None


def check_text(path, text, libraries, known=frozenset()):
    """Returns the findings of one file.

    Args:
      path: from the root.
      text: the file's text.
      libraries: the table of third-party libraries.
      known: paths of all files, to tell our generated headers from others'.
    """
    findings = []
    test = is_test(path)
    core = path.startswith(
        tuple(package + "/" for package in dependency_rules.DETERMINISTIC))
    bans = []
    if test:
        bans += dependency_rules.TEST_BANS
    elif core:
        bans += dependency_rules.CORE_BANS
    for number, line in enumerate(strip_noise(path, text).split("\n"), 1):
        wrong = []
        match = _INCLUDE.match(line)
        # A test crosses packages as it needs; Bazel's visibility still holds.
        if match and not test:
            ours = _included_path(match.group(2), known)
            wrong.append(
                _first_party(path, ours) if ours
                else _third_party(path, match.group(2), libraries))
        for ban in bans:
            if ban.pattern.search(line) and path not in ban.exceptions:
                wrong.append("%s: %s; use %s" % (ban.what, ban.why,
                                                 ban.instead))
        findings += ["%s:%d: %s" % (path, number, what)
                     for what in wrong if what]
    return findings


def check():
    libraries = dependency_rules.read_libraries(
        tree.read("tools/third_party/libraries.bzl"))
    known = frozenset(tree.files(".proto"))
    paths = tree.files(".cc", ".h", ".ts", ".py")
    findings = []
    for path in paths:
        findings += check_text(path, tree.read(path), libraries, known)
    return tree.report(findings, len(paths), "files")


if __name__ == "__main__":
    tree.main(check)
