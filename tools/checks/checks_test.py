"""Tests of the checks themselves; check_includes has a file of its own."""

import unittest

import check_docs
import check_size
import check_top_level

_FILES = {
    "README.md": "# Parley\n\n## Build `it`\n",
    "daemon/app/BUILD.bazel": 'parley_cc_binary(\n    name = "parleyd",\n)\n',
    "daemon/app/main.cc": "",
    "daemon/base/a_fuzzer.cc": "",
    "daemon/base/BUILD.bazel": 'parley_cc_fuzzer(\n    name = "a_fuzzer",\n)\n',
    "tools/setup": "",
}
_TREE = check_docs.Tree(list(_FILES), _FILES.get)


class DocsTest(unittest.TestCase):

    def findings(self, text, document="README.md"):
        return check_docs.check_document(document, text, _TREE)

    def test_what_exists_passes(self):
        self.assertEqual(self.findings(
            "[code](daemon/app/main.cc#L12) [here](#build-it) [folder](daemon/)"
            " [web](https://example.org/daemon/none)\n"
            "`daemon/app/main.cc`, `//daemon/app:parleyd`, `//daemon/app:main.cc`\n"
            "`//daemon/base:a_fuzzer_replay_test` `//daemon/...` `//...`\n"
            "`daemon/*/main.cc` `daemon/{app,base}/` `tools/<name>`\n"
            "```\ntools/setup --all && bazel build //daemon/app:parleyd\n```\n"),
            [])

    def test_links_from_a_folder(self):
        self.assertEqual(
            self.findings("[up](../../README.md#build-it)", "daemon/app/a.md"),
            [])
        self.assertEqual(
            len(self.findings("[up](../README.md)", "daemon/app/a.md")), 1)

    def test_what_does_not_exist_fails(self):
        for text in [
            "[code](daemon/app/gone.cc)",
            "[here](#gone)",
            "`daemon/gone/`",
            "`daemon/{app,gone}/`",
            "`daemon/*/gone.cc`",
            "`//daemon/gone`",
            "`//daemon/app:gone`",
            "```\ntools/gone --all\n```",
        ]:
            with self.subTest(text=text):
                self.assertEqual(len(self.findings(text)), 1)

    def test_finding_names_the_line(self):
        self.assertEqual(self.findings("\n\n`tools/gone`"),
                         ["README.md:3: tools/gone does not exist"])


class SizeTest(unittest.TestCase):

    def test_limits(self):
        reasons = {"listed.cc": "one table"}
        for path, length, passes in [
            ("a.cc", 600, True),
            ("a.cc", 601, False),
            ("listed.cc", 601, True),
            ("listed.cc", 800, True),
            ("listed.cc", 801, False),
            ("listed.cc", 600, False),
        ]:
            with self.subTest(path=path, length=length):
                self.assertEqual(
                    check_size.check_length(path, length, reasons) is None,
                    passes)


class TopLevelTest(unittest.TestCase):

    def test_strangers_and_gaps_are_found(self):
        findings = check_top_level.check_entries(["src/a.cc", "README.md"])
        self.assertTrue(any(line.startswith("src:") for line in findings))
        self.assertTrue(any(line.startswith("WORKSPACE:") for line in findings))
        self.assertFalse(any(line.startswith("README") for line in findings))


if __name__ == "__main__":
    unittest.main()
