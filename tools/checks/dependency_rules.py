"""The dependency rules as data: who may include what, and why not.

Third-party libraries stand in tools/third_party/libraries.bzl, which Bazel
reads as well. A package's rule is that of its longest listed parent.
"""

import ast
import re

# Package -> packages it may include, besides itself. Dependencies point one
# way; what stands to the right of a package never appears in its list.
PACKAGES = {
    "daemon/base": [],
    "daemon/model": ["daemon/base"],
    "daemon/engineio": ["daemon/base", "daemon/model"],
    "daemon/socketio": ["daemon/base", "daemon/model", "daemon/engineio"],
    "daemon/wire": [
        "daemon/base", "daemon/model", "daemon/engineio", "daemon/socketio",
    ],
    "daemon/storage": ["daemon/base", "daemon/model", "protos/storage"],
    "daemon/storage/rocksdb": [
        "daemon/base", "daemon/model", "daemon/storage", "protos/storage",
    ],
    # What components share. They never see each other; sync_engine and
    # step_executor, in daemon/core itself, put them together.
    "daemon/core/api": [
        "daemon/base", "daemon/model", "daemon/engineio", "daemon/socketio",
        "daemon/wire", "daemon/storage",
    ],
    "daemon/core/*": [
        "daemon/base", "daemon/model", "daemon/engineio", "daemon/socketio",
        "daemon/wire", "daemon/storage", "daemon/core/api",
    ],
    "daemon/core": [
        "daemon/base", "daemon/model", "daemon/engineio", "daemon/socketio",
        "daemon/wire", "daemon/storage", "daemon/core/*",
    ],
    "daemon/runtime": [
        "daemon/base", "daemon/model", "daemon/engineio", "daemon/socketio",
        "daemon/wire", "daemon/storage", "daemon/core", "daemon/core/*",
    ],
    "daemon/platform": ["daemon/base", "daemon/core/api", "daemon/runtime"],
    "daemon/transport": [
        "daemon/base", "daemon/model", "daemon/engineio", "daemon/core/api",
        "daemon/runtime",
    ],
    "daemon/rpc": [
        "daemon/base", "daemon/model", "daemon/storage", "daemon/core/api",
        "daemon/runtime", "protos/google", "protos/grpc", "protos/parley",
    ],
    "daemon/app": ["daemon", "protos"],
    "clients": ["protos"],
    "tests": ["clients", "daemon", "protos"],
    "tools": [],
}

WHY_PACKAGES = "dependencies point one way (ARCHITECTURE.md, the tree)"

# Packages whose every input is an argument, so that a seed replays a run.
DETERMINISTIC = (
    "daemon/base", "daemon/model", "daemon/engineio", "daemon/socketio",
    "daemon/wire", "daemon/core",
)


class Ban:
    """Text that may not appear in code; comments and strings may have it.

    Attributes:
      pattern: a compiled regular expression.
      what: its name for people.
      why: the reason.
      instead: what to use.
      exceptions: {path: reason}.
    """

    def __init__(self, pattern, what, why, instead, exceptions=None):
        self.pattern = re.compile(pattern)
        self.what = what
        self.why = why
        self.instead = instead
        self.exceptions = exceptions or {}


# In the deterministic packages, except their tests.
CORE_BANS = [
    Ban(r"\babsl::(Now|GetCurrentTimeNanos)\b|\b(steady|system|"
        r"high_resolution)_clock\b|\b(gettimeofday|clock_gettime|"
        r"std::time)\s*\(|#include\s*[<\"](chrono|ctime|sys/time\.h|"
        r"absl/time/clock\.h)[>\"]",
        "a clock", "a replayed run has its own time",
        "the time that comes with the event",
        {"daemon/base/logging.cc": "a log line has the time it was written",
         "daemon/base/mutex.h": "a timed wait of the runtime's threads"}),
    Ban(r"\bstd::(jthread|thread|async|future|promise|mutex|shared_mutex|"
        r"recursive_mutex|condition_variable|lock_guard|unique_lock|"
        r"scoped_lock|call_once)\b|\babsl::(Mutex|CondVar|Notification)\b|"
        r"\bpthread_\w+|#include\s*[<\"](thread|mutex|shared_mutex|future|"
        r"condition_variable|daemon/base/mutex\.h|"
        r"absl/synchronization/)",
        "threads and locks", "the core is one thread",
        "an effect; threads live in daemon/runtime",
        {"daemon/base/mutex.h": "the lock that runtime and the edges use"}),
    Ban(r"\brandom_device\b|\b(Insecure)?BitGen\b|\bstd::(mt19937\w*|"
        r"default_random_engine)\b|\bs?rand(om)?\s*\(|\bgetrandom\s*\(|"
        r"#include\s*[<\"](random|absl/random/)",
        "randomness without a seed", "a seed must replay a run",
        "daemon/base/rng.h"),
    Ban(r"\b(flat|node)_hash_(map|set)\b|\bunordered_(multi)?(map|set)\b|"
        r"#include\s*[<\"](unordered_map|unordered_set|absl/container/"
        r"(flat|node)_hash_)",
        "an unordered container", "its order can reach an effect",
        "std::map, std::set or absl::btree_map"),
    Ban(r"#include\s*[<\"](sys/socket|sys/epoll|netinet/|fcntl|unistd|fstream|"
        r"filesystem|iostream|poll)",
        "input or output", "the core is sans-IO",
        "an effect; adapters do input and output",
        {"daemon/base/logging.cc": "writes to stderr, which decides nothing"}),
    Ban(r"\.pb\.h[>\"]", "generated protobuf code",
        "the API and the disk may change without the logic",
        "the types of daemon/model"),
]

_SLEEP_WHY = "a sleep is too short on a slow machine and wasted on a fast one"

# In tests.
TEST_BANS = [
    Ban(r"\b(sleep_for|sleep_until|SleepFor|usleep|nanosleep)\b|"
        r"(?<![\w.>:])sleep\s*\(",
        "a sleep", _SLEEP_WHY,
        "a wait for the condition, with a deadline; fire timers by name",
        {"tests/integration/harness/wait_for.cc": "looks again, with a deadline, "
         "at what another process does without telling",
         "tests/integration/slow_disk_parleyd.cc": "is a slow disk"}),
    Ban(r"\btime\.sleep\b|\basyncio\.sleep\b", "a sleep", _SLEEP_WHY,
        "a wait for the condition, with a deadline"),
    Ban(r"\bsetTimeout\(\s*(resolve|res|r|done|ok)\b|\btimers/promises\b",
        "a sleep", _SLEEP_WHY,
        "a promise of the event, with a deadline that rejects"),
]


def read_libraries(text):
    """Returns the table of tools/third_party/libraries.bzl."""
    for match in re.finditer(r"^LIBRARIES = (\{.*?^\})", text, re.M | re.S):
        return ast.literal_eval(match.group(1))
    raise ValueError("libraries.bzl has no table LIBRARIES")
