"""What a piece of work costs this process."""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable

_UNIT = 1 if sys.platform == "darwin" else 1024


def print_cost(work: Callable[[], None]) -> None:
    """Do the work; print as JSON its seconds by the clock and by the processor, and the peak of memory in MiB."""
    clock, processor = time.perf_counter(), time.process_time()
    work()
    cost = {
        "seconds": time.perf_counter() - clock,
        "cpu": time.process_time() - processor,
        "mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _UNIT / (1 << 20),
    }
    print(json.dumps(cost))
