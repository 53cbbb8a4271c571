"""`python -m fairihub` is `fairihub`."""

import sys

from fairihub.entry import main

sys.exit(main())
