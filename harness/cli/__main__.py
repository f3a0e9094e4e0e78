"""`python -m harness.cli` is `chroma-chaos`."""

import sys

from harness.cli import main

sys.exit(main())
