"""Changes one record in a hundred where it stands: ``python -m tests.bench.change FILE RECORDS``.

So a million needs no second copy on the disk. In a process of its own, whose memory is the whole file.
"""

from __future__ import annotations

import sys
from mmap import mmap
from pathlib import Path

from tests.bench import enterprisedata, odata
from tests.bench.cost import print_cost
from tests.bench.flows import Input

_EVERY = 100


def change(data: Input, records: int) -> None:
    """Give every hundredth good a new version, or raise the last digit of every hundredth record's first price."""
    if data.path.suffix == ".rows":
        odata.change(data.path, _EVERY)
    elif data.path.suffix == ".zip":
        enterprisedata.change(data.path, records, _EVERY)
    else:
        _change_prices(data)


def _change_prices(data: Input) -> None:
    with data.path.open("r+b") as file, mmap(file.fileno(), 0) as content:
        seen, at = 0, content.find(data.record)
        while at >= 0:
            if seen % _EVERY == 0:
                digit = content.find(data.after_price, at) - 1
                content[digit] = ord("0") + (content[digit] - ord("0") + 1) % 10
            seen, at = seen + 1, content.find(data.record, at + 1)


if __name__ == "__main__":
    print_cost(lambda: change(Input(Path(sys.argv[1])), int(sys.argv[2])))
