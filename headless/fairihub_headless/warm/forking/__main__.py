"""`python …/warm/forking '{"kind": …}'`: the fork server of the environment of this interpreter."""

import importlib
import os
import sys

if __name__ == "__main__":
    # By a path that is there only now: what is forked finds modules as if it had begun anew.
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    main = importlib.import_module("forking.server").main

    del sys.path[0]
    sys.exit(main(sys.argv[1]))
