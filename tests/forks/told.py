"""A process that tells what it is, and waits for a signal or ends as it is told."""

import os
import signal
import sys
import time
from pathlib import Path

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
    print(os.getpid(), Path.cwd(), os.environ["TOLD"], sys.stdin.readline().strip(), flush=True)
    if sys.argv[1] == "wait":
        while True:
            time.sleep(0.05)  # not signal.pause(): a signal that comes just before it would never end it
    sys.exit(int(sys.argv[1]))
