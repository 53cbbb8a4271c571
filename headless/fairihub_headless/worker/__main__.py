"""`python -m fairihub_headless.worker FOLDER`."""

import sys

from fairihub_headless.worker.main import main

sys.exit(main(sys.argv[1:]))
