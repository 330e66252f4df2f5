"""Holds documents to the tree: what they link to and name exists.

Checked are relative links with their anchors and, in code spans and blocks,
paths below the top-level folders and Bazel labels. `*` and `{a,b}` in a path
match as they do in a shell; a path with `<` or `...` names nothing in
particular and is passed over.
"""

import fnmatch
import itertools
import posixpath
import re

import tree

_DOCUMENTS = re.compile(
    r"^[^/]*\.md$|^daemon/decisions/[^/]*\.md$|^tools/.*\.md$|^protos/.*\.md$|"
    r"^(clients|tests)/.*\.md$")

_LINK = re.compile(r"\[[^\]]*\]\(\s*<?([^)\s>]+)>?[^)]*\)")
_FENCE = re.compile(r"^\s*(```|~~~)")
_CODE_SPAN = re.compile(r"(`+)(.+?)\1")
_PATH = re.compile(
    r"(?<![\w/.@~$}-])((?:clients|daemon|protos|tests|tools|\.ci)/"
    r"[\w./*{},<>-]*)")
_LABEL = re.compile(r"(?<![\w:/@])//([\w./-]*)(?::([\w./-]+))?")
_HEADING = re.compile(r"^#{1,6}\s+(.*?)\s*#*\s*$")


def anchors(text):
    """Returns the anchors of a document's headings, as forges name them."""
    result = set()
    fenced = False
    for line in text.split("\n"):
        if _FENCE.match(line):
            fenced = not fenced
        match = None if fenced else _HEADING.match(line)
        if match:
            title = re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", r"\1",
                           match.group(1))
            slug = re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
            unique = slug
            for number in itertools.count(1):
                if unique not in result:
                    break
                unique = "%s-%d" % (slug, number)
            result.add(unique)
    return result


def _expand_braces(path):
    match = re.search(r"\{([^{}]*)\}", path)
    if not match:
        return [path]
    return [expanded for option in match.group(1).split(",")
            for expanded in _expand_braces(
                path[:match.start()] + option + path[match.end():])]


class Tree:
    """What exists.

    Attributes:
      paths: files and folders, from the root.
      read: a function from a path to its text.
    """

    def __init__(self, files, read):
        self.read = read
        self.paths = set(files)
        for path in files:
            while "/" in path:
                path = posixpath.dirname(path)
                self.paths.add(path)

    def has(self, path):
        path = path.rstrip("/")
        if "*" in path:
            return any(fnmatch.fnmatchcase(known, path)
                       for known in self.paths)
        return path in self.paths

    def has_target(self, package, name):
        build = posixpath.join(package, "BUILD.bazel")
        if build not in self.paths:
            return False
        if name is None or name == "all" or self.has(
                posixpath.join(package, name)):
            return True
        # Macros make more targets of a name.
        names = re.findall(r"name = \"([^\"]+)\"", self.read(build))
        return any(name == known or name == known + "_replay_test"
                   for known in names)


def _check_link(document, target, tree_):
    if re.match(r"^[a-z][a-z+.-]*:", target):
        return None
    path, _, anchor = target.partition("#")
    full = posixpath.normpath(
        posixpath.join(posixpath.dirname(document), path)) if path else document
    if not tree_.has(full):
        return "the link %s leads nowhere" % target
    # In code an anchor names a line, which moves.
    if anchor and full.endswith(".md") and anchor not in anchors(
            tree_.read(full)):
        return "the link %s names no heading there" % target
    return None


def _check_code(code, tree_):
    for match in _PATH.finditer(code):
        path = match.group(1).rstrip(".,-")
        if "<" in path or "..." in path:
            continue
        for expanded in _expand_braces(path):
            if not tree_.has(expanded):
                yield "%s does not exist" % expanded
    for match in _LABEL.finditer(code):
        package, name = match.groups()
        if "..." in package or not package and name is None:
            continue
        package = package.rstrip("/")
        if not tree_.has_target(package, name or posixpath.basename(package)):
            yield "%s is no target" % match.group(0)


def check_document(document, text, tree_):
    """Returns the findings of one document."""
    findings = []
    fenced = False
    for number, line in enumerate(text.split("\n"), 1):
        if _FENCE.match(line):
            fenced = not fenced
            continue
        if fenced:
            codes, prose = [line], ""
        else:
            codes = [match.group(2) for match in _CODE_SPAN.finditer(line)]
            prose = line
        wrong = [_check_link(document, match.group(1), tree_)
                 for match in _LINK.finditer(prose)]
        for code in codes:
            wrong += _check_code(code, tree_)
        findings += ["%s:%d: %s" % (document, number, what)
                     for what in wrong if what]
    return findings


def check():
    files = tree.files()
    tree_ = Tree(files, tree.read)
    documents = [path for path in files if _DOCUMENTS.match(path)]
    findings = []
    for document in documents:
        findings += check_document(document, tree.read(document), tree_)
    return tree.report(findings, len(documents), "documents")


if __name__ == "__main__":
    tree.main(check)
