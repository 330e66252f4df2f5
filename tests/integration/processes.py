"""The reference server and daemons as processes, for programs in Python."""

import json
import os
import queue
import shutil
import signal
import socket
import subprocess
import tempfile
import threading

# Longer than anything takes that works at all.
PATIENCE_S = 60


class Failure(Exception):
    """Something is not as it must be."""


class Programs:
    """Where the programs are.

    Attributes:
      server: tools/realtime_server/run.
      parleyd: the daemon.
      parleyctl: its command line.
    """

    def __init__(self, server, parleyd, parleyctl):
        self.server = os.path.abspath(server)
        self.parleyd = os.path.abspath(parleyd)
        self.parleyctl = os.path.abspath(parleyctl)

    @staticmethod
    def add_arguments(parser):
        for name in ["server", "parleyd", "parleyctl"]:
            parser.add_argument("--" + name, required=True)


class Playground:
    """A folder, and the processes that keep their files in it.

    Leaving its `with` block kills and removes everything, unless
    `leave_running` was called.
    """

    def __init__(self, programs):
        self.programs = programs
        # Short: the path of a socket may have 107 bytes.
        self.folder = tempfile.mkdtemp(prefix="parley.", dir="/tmp")
        self._processes = []
        self._left = False

    def __enter__(self):
        # Ending in good order is what kills the children.
        signal.signal(signal.SIGTERM, lambda *_: self._interrupt())
        return self

    def __exit__(self, kind, *_):
        if self._left:
            return
        for process in self._processes:
            kill(process)
        if kind is not None:
            self.print_logs()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self, command, log, **kwargs):
        """Starts a process; what it says on stderr goes into a log."""
        with open(os.path.join(self.folder, log), "ab") as errors:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stderr=errors,
                env=self.environment(), start_new_session=True, **kwargs)
        self._processes.append(process)
        return process

    def environment(self):
        """Nothing of the caller's but where programs are."""
        names = ["CONFIG_HOME", "STATE_HOME", "RUNTIME_DIR"]
        return dict({"XDG_" + name: self.folder for name in names},
                    PATH=os.environ["PATH"], HOME=self.folder)

    def leave_running(self):
        """Returns the ids of the processes, which are no longer ours."""
        self._left = True
        return [process.pid for process in self._processes
                if process.poll() is None]

    def print_logs(self):
        for name in sorted(os.listdir(self.folder)):
            if not name.endswith(".log"):
                continue
            with open(os.path.join(self.folder, name),
                      errors="replace") as log:
                lines = log.readlines()[-40:]
            print("--- the end of %s" % name)
            print("".join(lines), end="")

    def _interrupt(self):
        raise KeyboardInterrupt


class Server:
    """tools/realtime_server, with its messages on disk."""

    def __init__(self, playground):
        self._playground = playground
        self._run = playground.programs.server
        # Bound, so that nobody else gets the port while the server is down.
        self._port_holder = socket.socket()
        self._port_holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._port_holder.bind(("127.0.0.1", 0))
        self.url = "http://127.0.0.1:%d" % self._port_holder.getsockname()[1]
        self._process = None

    def start(self):
        self._process = self._playground.start(
            [self._run, "--port", self.url.rsplit(":", 1)[1], "--data",
             os.path.join(self._playground.folder, "server")],
            "server.log", stdout=subprocess.PIPE, text=True)
        # It says so within seconds, or ends.
        line = self._process.stdout.readline()
        if line != "listening %s\n" % self.url:
            raise Failure("the realtime server did not start: %r" % line)

    def kill(self):
        kill(self._process)

    def token(self, user):
        return self._output("token", "--user", user)

    def history(self, room, user):
        """Returns the room's messages, as JSON objects, in their order."""
        lines = self._output("history", "--url", self.url, "--user", user,
                             "--room", room).splitlines()
        return [json.loads(line) for line in lines]

    def _output(self, *arguments):
        return subprocess.run(
            (self._run,) + arguments, env=self._playground.environment(),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True,
            timeout=PATIENCE_S, text=True).stdout


class Daemon:
    """parleyd of one user. What it keeps outlives it."""

    def __init__(self, playground, server, user, socket_path=None):
        self._playground = playground
        self._server = server
        self.user = user
        self.socket_path = socket_path or os.path.join(
            playground.folder, user + ".sock")
        self._token_file = os.path.join(playground.folder, user + ".token")
        with open(os.open(self._token_file, os.O_CREAT | os.O_WRONLY, 0o600),
                  "w") as token:
            token.write(server.token(user))
        self._process = None

    def start(self):
        """Returns once clients are served."""
        ready, writer = os.pipe()
        self._process = self._playground.start(
            [self._playground.programs.parleyd,
             "--socket", self.socket_path,
             "--state-dir", os.path.join(self._playground.folder, self.user),
             "--server-url", self._server.url,
             "--token-file", self._token_file,
             "--ready-fd", str(writer)],
            self.user + ".log", stdout=subprocess.DEVNULL, pass_fds=[writer])
        os.close(writer)
        with open(ready) as pipe:
            # It is served, or its end closes the pipe.
            if not pipe.readline():
                raise Failure("the daemon of %s did not start" % self.user)

    @property
    def pid(self):
        return self._process.pid

    def kill(self):
        kill(self._process)

    def ctl_command(self, *arguments):
        return [self._playground.programs.parleyctl, "--socket",
                self.socket_path] + list(arguments)

    def ctl(self, *arguments):
        """Runs parleyctl; returns (exit code, stdout, stderr)."""
        done = subprocess.run(
            self.ctl_command(*arguments), env=self._playground.environment(),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, timeout=2 * PATIENCE_S, check=False,
            text=True)
        return done.returncode, done.stdout, done.stderr

    def ctl_json(self, *arguments):
        code, output, errors = self.ctl(*arguments, "--json")
        if code != 0:
            raise Failure("parleyctl %s ended with %d: %s" % (
                " ".join(arguments), code, errors))
        return json.loads(output)


class Lines:
    """The lines that a process prints, as they come.

    A pipe has no deadline of its own, so a thread reads it.
    """

    def __init__(self, process):
        self._queue = queue.Queue()
        threading.Thread(target=self._read, args=[process.stdout],
                         daemon=True).start()

    def next(self, what):
        """Returns the next line, or fails naming what was waited for."""
        try:
            line = self._queue.get(timeout=PATIENCE_S)
        except queue.Empty:
            line = None
        if line is None:
            raise Failure("waited in vain for " + what)
        return line

    def _read(self, pipe):
        for line in pipe:
            self._queue.put(line)
        self._queue.put(None)


def kill(process):
    """kill -9, and waits until it is gone."""
    if process.poll() is None:
        process.kill()
    process.wait()
