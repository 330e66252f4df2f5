"""parleyd as whoever starts it sees it: arguments, files, signals, readiness.

usage: parleyd_test.py PARLEYD
"""

import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import unittest

PARLEYD = ""
PATIENCE_S = 30
TOKEN = "canary.token.that-must-not-show"


class ParleydTest(unittest.TestCase):

    def setUp(self):
        # Short: the path of a Unix socket has at most 107 bytes.
        self.dir = tempfile.mkdtemp(prefix="parley.", dir="/tmp")
        self.addCleanup(shutil.rmtree, self.dir)
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(self.path("notify"))
        self.notify.settimeout(PATIENCE_S)
        self.addCleanup(self.notify.close)
        # Held, but not listened to: connections are refused.
        refusing = socket.socket()
        refusing.bind(("127.0.0.1", 0))
        self.addCleanup(refusing.close)
        self.server = "http://127.0.0.1:%d" % refusing.getsockname()[1]
        self.write("token", TOKEN + "\n", 0o600)
        self.token_file = True

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, text, mode=0o600):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(self.path(name), mode)

    def mode(self, name):
        return stat.S_IMODE(os.stat(self.path(name)).st_mode)

    def command(self, *arguments):
        return [PARLEYD, "--socket", self.path("sock"), "--state-dir",
                self.path("state")] + list(arguments)

    def environment(self):
        return {"HOME": self.dir, "NOTIFY_SOCKET": self.path("notify")}

    def refused(self, *arguments):
        """Runs it to its end; returns the exit code and what it said."""
        done = subprocess.run(self.command(*arguments), capture_output=True,
                              text=True, timeout=PATIENCE_S, check=False,
                              env=self.environment())
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        self.assertTrue(done.stderr.startswith("parleyd: "), done.stderr)
        return done.returncode, done.stderr.strip()

    def start(self, *arguments):
        """A daemon that serves, and an open file of what it logs."""
        log = open(self.path("log"), "w+", encoding="utf-8")
        self.addCleanup(log.close)
        read_end, write_end = os.pipe()
        if self.token_file:
            arguments += ("--token-file", self.path("token"))
        daemon = subprocess.Popen(
            self.command("--log-level", "debug", "--ready-fd", str(write_end),
                         *arguments),
            stderr=log, pass_fds=[write_end], env=self.environment())
        self.addCleanup(daemon.wait)
        self.addCleanup(daemon.kill)
        os.close(write_end)
        with os.fdopen(read_end, "rb") as ready:
            self.assertEqual(ready.read(), b"1\n")
        return daemon, log

    def next_notice(self, prefix):
        """What systemd is told, up to the first that starts with `prefix`."""
        while True:
            notice = self.notify.recv(4096).decode()
            if notice.startswith(prefix):
                return notice

    def stop(self, daemon, log, number=signal.SIGTERM):
        daemon.send_signal(number)
        self.assertEqual(daemon.wait(PATIENCE_S), 0)
        log.seek(0)
        return log.read()

    def test_command_line(self):
        help_text = subprocess.run([PARLEYD, "--help"], capture_output=True,
                                   text=True, check=True).stdout
        self.assertIn("--state-dir", help_text)
        code, words = self.refused("--sokcet", "x")
        self.assertEqual(code, 2)
        self.assertIn("--sokcet", words)

    def test_refuses_to_run_without_a_server(self):
        code, words = self.refused()
        self.assertEqual(code, 1)
        self.assertIn("server_url", words)
        self.assertIn("--server-url", words)

    def test_check_config_changes_nothing(self):
        done = subprocess.run(
            self.command("--server-url", self.server, "--check-config"),
            capture_output=True, text=True, check=True,
            env=self.environment())
        self.assertIn('server_url = "%s"  # --server-url\n' % self.server,
                      done.stdout)
        self.assertEqual(done.stderr, "")
        self.assertFalse(os.path.exists(self.path("state")))

    def test_a_life(self):
        daemon, log = self.start("--server-url", self.server)
        self.next_notice("READY=1")
        words = self.next_notice("STATUS=WAITING")
        self.assertIn("connection refused by " + self.server[len("http://"):], words)
        self.assertEqual(self.mode("state"), 0o700)
        self.assertEqual(self.mode("sock"), 0o600)
        daemon.send_signal(signal.SIGHUP)
        text = self.stop(daemon, log)
        self.next_notice("STOPPING=1")
        self.assertIn("SIGHUP does nothing", text)
        self.assertIn("of a signal", text)
        self.assertFalse(os.path.exists(self.path("sock")))
        # No core, no secret, nothing of it for others.
        self.assertNotIn(TOKEN, text)
        for folder, _, names in os.walk(self.path("state")):
            for name in names:
                path = os.path.join(folder, name)
                self.assertEqual(os.stat(path).st_mode & 0o077, 0, path)
                with open(path, "rb") as file:
                    self.assertNotIn(TOKEN.encode(), file.read(), path)

    def test_sigint_ends_it_too(self):
        daemon, log = self.start("--server-url", self.server)
        self.assertIn("stopped", self.stop(daemon, log, signal.SIGINT))

    def test_starts_again_after_a_kill(self):
        daemon, _ = self.start("--server-url", self.server)
        code, words = self.refused("--server-url", self.server)
        self.assertEqual(code, 1)
        self.assertIn("in use by parleyd pid %d" % daemon.pid, words)
        daemon.kill()
        daemon.wait()
        daemon, log = self.start("--server-url", self.server)
        self.stop(daemon, log)

    def test_narrows_what_others_can_enter(self):
        os.mkdir(self.path("state"))
        os.chmod(self.path("state"), 0o755)
        os.chmod(self.path("token"), 0o644)
        daemon, log = self.start("--server-url", self.server)
        self.next_notice("STATUS=WAITING")
        self.assertEqual(self.mode("state"), 0o700)
        text = self.stop(daemon, log)
        self.assertIn("it was narrowed", text)
        self.assertIn("others can read the token file", text)

    def test_waits_for_a_token(self):
        os.remove(self.path("token"))
        daemon, log = self.start("--server-url", self.server)
        words = self.next_notice("STATUS=CREDENTIALS_REQUIRED")
        self.assertIn(self.path("token"), words)
        self.assertIsNone(daemon.poll())
        self.stop(daemon, log)

    def test_runs_a_program_for_the_token(self):
        self.token_file = False
        os.mkdir(self.path("k"))
        self.write("k/get-token", "#!/bin/sh\n"
                   "echo \"$1 $PARLEY_PROFILE $PARLEY_SERVER_URL "
                   "$NOTIFY_SOCKET.\" >>\"$HOME/runs\"\n"
                   "echo %s\n" % TOKEN, 0o700)
        self.write("config", 'server_url = "%s"\n'
                   'token_command = ["k/get-token", "of work"]\n' % self.server)
        daemon, log = self.start("--config", self.path("config"))
        words = self.next_notice("STATUS=WAITING")
        self.assertIn("connection refused by", words)
        self.next_notice("STATUS=CONNECTING")
        self.next_notice("STATUS=WAITING")
        with open("/proc/%d/cmdline" % daemon.pid, "rb") as file:
            self.assertNotIn(TOKEN.encode(), file.read())
        text = self.stop(daemon, log)
        self.assertNotIn(TOKEN, text)
        with open(self.path("runs"), encoding="utf-8") as file:
            runs = file.read().splitlines()
        self.assertGreaterEqual(len(runs), 2)  # once for each attempt
        self.assertEqual(set(runs), {"of work default %s ." % self.server})

    def test_says_why_the_program_gave_no_token(self):
        self.token_file = False
        self.write("config", 'server_url = "%s"\ntoken_command = ["/bin/sh", '
                   '"-c", "echo log in first >&2; exit 3"]\n' % self.server)
        daemon, log = self.start("--config", self.path("config"))
        words = self.next_notice("STATUS=CREDENTIALS_REQUIRED")
        self.assertIn("token_command /bin/sh gave no token: it ended with exit "
                      "code 3: log in first", words)
        self.stop(daemon, log)

    def test_stops_while_the_program_for_the_token_runs(self):
        self.token_file = False
        os.mkfifo(self.path("started"))
        self.write("config", 'server_url = "%s"\ntoken_command = ["/bin/sh", '
                   '"-c", "echo >$HOME/started; sleep 600"]\n' % self.server)
        daemon, log = self.start("--config", self.path("config"))
        with open(self.path("started"), "rb") as started:
            started.read()
        self.assertIn("stopped", self.stop(daemon, log))

    def test_refuses_a_ready_descriptor_that_is_not_open(self):
        code, words = self.refused("--server-url", self.server, "--ready-fd",
                                   "99")
        self.assertEqual(code, 1)
        self.assertIn("--ready-fd 99: Bad file descriptor", words)
        self.assertFalse(os.path.exists(self.path("state")))

    def test_the_service_managers_directories(self):
        environment = dict(self.environment(),
                           STATE_DIRECTORY=self.path("s"),
                           RUNTIME_DIRECTORY=self.path("r"),
                           CONFIGURATION_DIRECTORY=self.path("c"),
                           CREDENTIALS_DIRECTORY=self.path("k"))
        os.mkdir(self.path("c"))
        self.write("c/default.toml", 'server_url = "%s"\n' % self.server)
        done = subprocess.run([PARLEYD, "--check-config"],
                              capture_output=True, text=True, check=True,
                              env=environment)
        for line in ("# configuration %s (" % self.path("c/default.toml"),
                     "# state directory %s (" % self.path("s"),
                     "# socket %s (" % self.path("r/default.sock"),
                     'token_file = "%s"' % self.path("k/token")):
            self.assertIn(line, done.stdout)


if __name__ == "__main__":
    PARLEYD = os.path.abspath(sys.argv.pop(1))
    unittest.main()
