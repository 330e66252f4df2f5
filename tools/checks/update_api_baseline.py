"""Writes protos/api_baseline.binpb; see tools/checks/update_api_baseline."""

import os
import sys

import check_protos


def main(launcher, arguments):
    """Returns the exit code."""
    if arguments not in ([], ["--break"]):
        print("usage: tools/checks/update_api_baseline [--break]",
              file=sys.stderr)
        return 2
    buf = check_protos.Buf(launcher)
    if not arguments and os.path.exists(check_protos.BASELINE):
        broken = buf.breaking_changes(check_protos.BASELINE)
        if broken:
            print("\n".join(broken), file=sys.stderr)
            print("Not recorded: this breaks users of the recorded API. "
                  "--break records it all the same.", file=sys.stderr)
            return 1
    buf.build(check_protos.BASELINE)
    print("recorded in protos/api_baseline.binpb")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
