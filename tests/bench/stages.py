"""One stage of the bench, in a process of its own: ``python -m tests.bench.stages STAGE FILE RECORDS``.

What has to stand before the work begins (imports, mappings, the open ledger) is not timed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from obmen.state import Ledger, bindings
from obmen.sync.engine import Engine
from tests.bench.change import change_digits
from tests.bench.commerceml_data import write_export
from tests.bench.cost import print_cost
from tests.bench.flows import Input
from tests.bench.json_data import write_answers


def make(data: Input, records: int) -> None:
    """Write the data, and an empty ledger in which the goods are bound."""
    if data.xml:
        catalogue, _ = write_export(data.path.parent, records).files
        catalogue.unlink()
    else:
        write_answers(data.path, records)
    ledger = _ledger(data)
    for ids in data.goods(records):
        with ledger.write() as tx:
            for connection in ("source", "shelf"):
                bindings.bind(tx, connection, "product", {one: one for one in ids})
    ledger.close()


def sync(data: Input, expected: int) -> Callable[[], None]:
    """Return a run of the flow that must write as many records as expected."""
    engine = Engine(_ledger(data), [data.flow()])

    def run() -> None:
        (report,) = engine.sync()
        if report.written != expected or report.status != "done":
            raise SystemExit(f"expected {expected} records to be written: {report}")

    return run


def main(stage: str, path: Path, records: int) -> None:
    """Run a stage and print what it cost."""
    data = Input(path)
    stages: dict[str, Callable[[], Callable[[], None]]] = {
        "make": lambda: lambda: make(data, records),
        "change": lambda: lambda: change_digits(path, data.record, data.after_price),
        "first": lambda: sync(data, records),
        "unchanged": lambda: sync(data, 0),
        "changed": lambda: sync(data, (records + 99) // 100),
    }
    print_cost(stages[stage]())


def _ledger(data: Input) -> Ledger:
    return Ledger(f"sqlite:///{data.path.parent / 'state.db'}")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
