"""The examples of README.md do what it says: they send, and see it."""

import argparse
import os
import subprocess
import sys
import unittest

from tests.integration import processes

OPTIONS = None


class ExamplesTest(unittest.TestCase):

    def play(self, command, text):
        """Runs an example against a daemon of the profile `default`."""
        programs = processes.Programs(OPTIONS.server, OPTIONS.parleyd,
                                      OPTIONS.parleyctl)
        with processes.Playground(programs) as playground:
            server = processes.Server(playground)
            server.start()
            os.mkdir(os.path.join(playground.folder, "parley"), 0o700)
            daemon = processes.Daemon(
                playground, server, "alice",
                os.path.join(playground.folder, "parley", "default.sock"))
            daemon.start()
            daemon.ctl_json("room", "join", "--room", "general")
            lines = processes.Lines(playground.start(
                command, "example.log", stdout=subprocess.PIPE, text=True))
            # It prints its own message when that is queued, or sent, or both.
            while lines.next("the example's own message") != (
                    "alice: %s\n" % text):
                pass
            daemon.ctl_json("message", "send", "--room", "general", "--text",
                            "and this came later")
            while lines.next("a later message") != (
                    "alice: and this came later\n"):
                pass

    def test_cpp(self):
        self.play([os.path.abspath(OPTIONS.cpp_example)], "hello from C++")

    def test_python(self):
        # The example imports what protoc made, which lies beside it.
        self.play(["/usr/bin/env",
                   "PYTHONPATH=" + os.path.abspath(OPTIONS.python_stubs),
                   "/usr/bin/python3",
                   os.path.abspath(OPTIONS.python_example)],
                  "hello from Python")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    processes.Programs.add_arguments(parser)
    for name in ["cpp-example", "python-example", "python-stubs"]:
        parser.add_argument("--" + name, required=True)
    OPTIONS, rest = parser.parse_known_args()
    unittest.main(argv=sys.argv[:1] + rest)
