"""Writes the data of the bench, ``python -m tests.bench.make FILE RECORDS``, and prepares a ledger for them.

In the ledger the goods are bound already, as they are when a shop's prices are sent. With a ledger's URL after
the records, data that stand already are used again.
"""

from __future__ import annotations

import sys
from pathlib import Path

from obmen.state import bindings
from tests.bench import enterprisedata, odata
from tests.bench.commerceml_data import write_export
from tests.bench.cost import print_cost
from tests.bench.flows import Input
from tests.bench.json_data import write_answers


def make(data: Input, records: int) -> None:
    """Write the data; where they are of goods that must be known, bind these in the source and on the shelf."""
    if not data.path.exists():
        _write(data, records)
    if data.goods_only:
        return
    ledger = data.ledger()
    for ids in data.goods(records):
        with ledger.write() as tx:
            for connection in ("source", "shelf"):
                bindings.bind(tx, connection, "product", {one: one for one in ids})
    ledger.close()


def _write(data: Input, records: int) -> None:
    if data.path.suffix == ".rows":
        odata.make(data.path, records)
    elif data.path.suffix == ".zip":
        enterprisedata.make(data.path, range(records))
    elif data.xml:
        catalogue, _ = write_export(data.path.parent, records).files
        catalogue.unlink()
    else:
        write_answers(data.path, records)


if __name__ == "__main__":
    print_cost(lambda: make(Input(Path(sys.argv[1]), *sys.argv[3:]), int(sys.argv[2])))
