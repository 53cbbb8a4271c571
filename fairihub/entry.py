"""The entry point of the command: quiet from its first moment, whenever Ctrl-C comes."""

import signal
import sys

# Until `up` takes care of Ctrl-C itself there is nothing to clean up, and a traceback out of
# some import helps nobody.
signal.signal(signal.SIGINT, signal.SIG_DFL)


def main() -> int:
    """Runs one command of the command line."""
    from fairihub.cli import main as run

    return run()


if __name__ == "__main__":
    sys.exit(main())
