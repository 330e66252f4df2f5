"""Two people talk while the network, a daemon and the server fail.

tools/demo plays it for a reader; //tests/integration:demo_test is the same. It
shows what each of them types and sees, and verifies that no message was lost,
doubled or reordered.
"""

import argparse
import json
import shlex
import subprocess
import sys

from tests.integration import processes

ROOM = "general"


def title(text):
    print("\n== %s" % text, flush=True)


def tell(text):
    print("   %s" % text, flush=True)


class Person:
    """A user with a daemon. What they type and see is shown.

    Attributes:
      name: the user.
      daemon: the user's daemon.
      said: the texts that the daemon accepted, in their order.
    """

    def __init__(self, playground, server, name):
        self.name = name
        self.daemon = processes.Daemon(playground, server, name)
        self.said = []

    def types(self, *arguments):
        """Shows a command and what it prints; it must succeed."""
        print("\n%s$ parleyctl %s" % (self.name, shlex.join(arguments)),
              flush=True)
        code, output, errors = self.daemon.ctl(*arguments)
        for line in (output + errors).splitlines():
            tell(line)
        if code != 0:
            raise processes.Failure("this ended with exit code %d" % code)
        return output

    def says(self, text, *arguments):
        """Sends a message under a name that tells its number."""
        self.said.append(text)
        self.repeats(*arguments)

    def repeats(self, *arguments):
        """Sends the last message, under its name; the first time or again."""
        self.types("message", "send", "--room", ROOM, "--text", self.said[-1],
                   "--client-message-id",
                   "%s-%d" % (self.name, len(self.said)), *arguments)

    def outbox(self):
        return [entry["text"] for entry in
                self.daemon.ctl_json("outbox", "list")["entries"]]

    def sees(self):
        """Returns (sender, text) of the messages that the daemon lists."""
        return [(message["sender"], message["text"]) for message in
                self.daemon.ctl_json("message", "list", "--room", ROOM)
                ["messages"]]


class Screen:
    """What a user's program shows of the others: a watch of the messages."""

    def __init__(self, playground, person):
        self._person = person
        self._process = playground.start(
            person.daemon.ctl_command("watch", "--topics", "messages",
                                      "--json"),
            person.name + ".watch.log", stdout=subprocess.PIPE, text=True)
        self._lines = processes.Lines(self._process)
        self._shown = []

    def close(self):
        processes.kill(self._process)

    def shows(self, sender, texts):
        """Waits until these messages of a sender came, in this order."""
        wanted = len(self._shown) + len(texts)
        while len(self._shown) < wanted:
            batch = json.loads(self._lines.next(
                "%s to see %r of %s" % (self._person.name, texts, sender)))
            for update in batch["updates"]:
                message = update.get("message")
                # An update of a message that is there already is no news.
                if message and message["sender"] == sender and (
                        message["messageId"] not in
                        [shown["messageId"] for shown in self._shown]):
                    self._shown.append(message)
                    tell("%s sees  %s: %s" % (self._person.name, sender,
                                              message["text"]))
        check("%s sees what %s wrote, in its order" % (
            self._person.name, sender),
              [message["text"] for message in self._shown[-len(texts):]],
              texts)


def check(what, found, wanted):
    if found != wanted:
        raise processes.Failure("%s: no. Found %r, wanted %r" % (
            what, found, wanted))
    tell("[ok] " + what)


def online(server, alice, bob, playground):
    title("A realtime server, and a daemon for alice and one for bob")
    server.start()
    tell("tools/realtime_server listens on %s" % server.url)
    for person in [alice, bob]:
        person.daemon.start()
        tell("parleyd of %s runs with pid %d" % (person.name,
                                                 person.daemon.pid))
    for person in [alice, bob]:
        person.types("health", "--upstream", "--wait", "60s")
        person.types("room", "join", "--room", ROOM)
    screen = Screen(playground, bob)

    title("Online: what is sent arrives")
    alice.says("Hi Bob, are you there?", "--wait", "sent")
    screen.shows("alice", alice.said[-1:])
    bob.says("Yes. Hello Alice!", "--wait", "sent")
    return screen


def offline(alice, bob):
    title("Offline: alice's train enters a tunnel, and she goes on writing")
    alice.types("disconnect")
    for text in ["I am on a train", "there is no network here",
                 "but what I write is kept"]:
        alice.says(text)
    alice.types("outbox", "list")
    alice.types("status")
    bob.says("Are you still there?", "--wait", "sent")


def killed(alice):
    title("kill -9: alice's daemon dies with three messages queued")
    waiting = alice.said[-3:]
    tell("kill -9 %d" % alice.daemon.pid)
    alice.daemon.kill()
    alice.daemon.start()
    tell("parleyd of alice runs again, with pid %d" % alice.daemon.pid)
    alice.types("outbox", "list")
    check("all three are still queued, in their order", alice.outbox(),
          waiting)
    tell("")
    tell("Was the last one accepted before the crash? alice's program cannot")
    tell("know, so it sends it again under the same name:")
    alice.repeats()
    check("there are still three", alice.outbox(), waiting)


def reconnect(alice, screen):
    title("Reconnect: the tunnel ends")
    alice.types("connect")
    screen.shows("alice", alice.said[-3:])


def server_crash(server, alice, bob, screen):
    title("The server dies, both go on writing, then alice's daemon dies too")
    server.kill()
    tell("kill -9 of the server")
    alice.says("is the server gone?")
    alice.says("no matter")
    bob.says("I write on, too")
    tell("")
    tell("kill -9 %d" % alice.daemon.pid)
    alice.daemon.kill()
    server.start()
    tell("the server runs again; bob's daemon finds it by itself")
    tell("")
    tell("His message once more, only to wait until the server has it:")
    bob.repeats("--wait", "sent")
    # Only now: what was said while bob was away, his daemon does not fetch.
    alice.daemon.start()
    tell("")
    tell("parleyd of alice runs again, with pid %d" % alice.daemon.pid)
    screen.shows("alice", alice.said[-2:])
    alice.repeats("--wait", "sent")


def verify(server, alice, bob):
    title("The end: what does the server have, and what does bob see?")
    history = [(message["userId"], message["content"])
               for message in server.history(ROOM, "bob")]
    for number, (sender, text) in enumerate(history, 1):
        tell("%2d  %-6s %s" % (number, sender, text))
    for person in [alice, bob]:
        check("each message of %s is there once, in order" % person.name,
              [text for sender, text in history if sender == person.name],
              person.said)
        check("nothing of %s is left in the outbox" % person.name,
              person.outbox(), [])
    check("there is nothing else", len(history),
          len(alice.said) + len(bob.said))
    bob.types("message", "list", "--room", ROOM)
    check("bob sees the same, in the same order", bob.sees(), history)
    alice.types("status")


def print_stay(playground, alice, bob):
    ctl = {person.name: "%s --socket %s" % (
        playground.programs.parleyctl, person.daemon.socket_path)
           for person in [alice, bob]}
    title("All of it stays. To try, in other terminals:")
    print("""
  {alice} status
  {bob} watch
  {alice} message send --room general --text 'Hello again'
  {alice} disconnect
  {alice} outbox list
  {alice} connect
  {bob} message list --room general
  {alice} --help

To stop it:

  kill {pids}; rm -r {folder}
""".format(pids=" ".join(map(str, playground.leave_running())),
           folder=playground.folder, **ctl), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    processes.Programs.add_arguments(parser)
    parser.add_argument("--stay", action="store_true",
                        help="leave server and daemons running at the end")
    options = parser.parse_args()
    programs = processes.Programs(options.server, options.parleyd,
                                  options.parleyctl)
    try:
        with processes.Playground(programs) as playground:
            server = processes.Server(playground)
            alice = Person(playground, server, "alice")
            bob = Person(playground, server, "bob")
            screen = online(server, alice, bob, playground)
            offline(alice, bob)
            killed(alice)
            reconnect(alice, screen)
            server_crash(server, alice, bob, screen)
            screen.close()
            verify(server, alice, bob)
            title("No message was lost, doubled or reordered.")
            if options.stay:
                print_stay(playground, alice, bob)
    except processes.Failure as failure:
        print("\nFAILED: %s" % failure, flush=True)
        return 1
    except KeyboardInterrupt:
        print("\ninterrupted; everything is stopped", flush=True)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
