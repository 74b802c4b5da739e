"""The measure of the bench: a bare parser over a file. ``python -m tests.bench.bare FILE``.

In a module of its own, so that its memory is that of the parser alone.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tests.bench import enterprisedata, odata
from tests.bench.cost import print_cost
from tests.bench.json_data import BUFFER


def parse_xml(path: Path) -> None:
    """Go through the offers of a package, letting go of each."""
    from lxml import etree  # noqa: PLC0415 - not part of what JSON needs

    for _, element in etree.iterparse(path, tag="{*}Предложение"):
        element.clear()
        package = element.getparent()
        while package is not None and package[0] is not element:
            del package[0]


def parse_json(path: Path) -> None:
    """Decode the answers one by one."""
    with path.open("rb", buffering=BUFFER) as file:
        for answer in file:
            json.loads(answer)


_PARSERS = {".xml": parse_xml, ".jsonl": parse_json, ".rows": odata.bare, ".zip": enterprisedata.bare}

if __name__ == "__main__":
    given = Path(sys.argv[1])
    print_cost(lambda: _PARSERS[given.suffix](given))
