"""A process that tells what it is, and waits for a signal or ends as it is told."""

import os
import signal
import sys
from pathlib import Path

if __name__ == "__main__":
    print(os.getpid(), Path.cwd(), os.environ["TOLD"], sys.stdin.readline().strip(), flush=True)
    if sys.argv[1] == "wait":
        signal.pause()
    sys.exit(int(sys.argv[1]))
