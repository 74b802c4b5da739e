"""``python -m runner.cli`` does what ``obmen`` does."""

import sys

from runner.cli import main

sys.exit(main())
