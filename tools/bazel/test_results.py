"""Counts what passed and failed from Bazel's build events.

usage: test_results.py EVENTS_JSON BAZEL_EXIT_CODE

Prints `PASSED FAILED` on stdout, and what failed on stderr. A test that was
not built counts as failed, and so does every other target that was not. Bazel
failing in a way that no event names counts as one failure, and a command
without tests as one pass or one failure.
"""

import json
import sys

_PASSED = ("PASSED", "FLAKY")


def count(events, exit_code):
    """Returns (number passed, sorted list of what failed).

    Args:
      events: the build events, as dicts, possibly cut short.
      exit_code: of the bazel command that wrote them.
    """
    tests = set()
    passed = set()
    failed = set()
    for event in events:
        event_id = event.get("id", {})
        if "targetConfigured" in event_id:
            kind = event.get("configured", {}).get("targetKind", "")
            if kind.endswith("_test rule"):
                tests.add(event_id["targetConfigured"]["label"])
        elif "testSummary" in event_id:
            label = event_id["testSummary"]["label"]
            status = event.get("testSummary", {}).get("overallStatus")
            (passed if status in _PASSED else failed).add(label)
        elif "targetCompleted" in event_id:
            if not event.get("completed", {}).get("success", False):
                failed.add(event_id["targetCompleted"]["label"])
        elif "pattern" in event_id and "aborted" in event:
            failed.update(event_id["pattern"]["pattern"])

    passed -= failed
    if passed or failed:
        failed |= tests - passed
    if exit_code != 0 and not failed:
        failed.add("bazel itself (exit code %d)" % exit_code)
    passes = len(passed)
    if not passed and not failed:
        passes = 1
    return passes, sorted(failed)


def read_events(path):
    """Yields the events of a file; none when Bazel wrote none."""
    try:
        with open(path, encoding="utf-8") as lines:
            for line in lines:
                try:
                    yield json.loads(line)
                except ValueError:
                    # Bazel was killed while it wrote its last line.
                    return
    except FileNotFoundError:
        return


def main(argv):
    if len(argv) != 3:
        sys.exit(__doc__)
    passes, failures = count(read_events(argv[1]), int(argv[2]))
    for failure in failures:
        print("failed: " + failure, file=sys.stderr)
    print(passes, len(failures))


if __name__ == "__main__":
    main(sys.argv)
