"""How fast Obmen is beside a bare parser of the same bytes: ``make bench``, or with a million: ARGS=--million.

What is read: prices from CommerceML (xml) and from JSON pages (json), goods, prices and stock of 1C by OData (odata,
or one of them: goods, prices, stock), goods by EnterpriseData (enterprisedata), and what a fully published base says
of itself (metadata).

A table, never a test: figures of one run, on one machine, from one file. The ratios are of processor time, since
the clock also counts what other programs do meanwhile; only a ledger on PostgreSQL is set beside SQLite by the
clock, since its server works in other processes. This process stays small, so that the peak of memory which it
hands to its children is not theirs.
"""

from __future__ import annotations

import argparse
import importlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path

from tests.bench.metadata import TYPES
from tests.bench.postgres import databases

_ROOT = Path(__file__).parents[2]
_XML, _JSON = "lxml.iterparse alone", "json.loads alone"
_INPUTS = {
    "xml": ("XML", "offers0_1.xml", _XML),
    "json": ("JSON", "answers.jsonl", _JSON),
    "goods": ("OData goods", "goods.rows", _JSON),
    "prices": ("OData prices", "prices.rows", _JSON),
    "stock": ("OData stock", "stock.rows", _JSON),
    "enterprisedata": ("SOAP", "message.zip", _XML),
}
_OF_ODATA = ("goods", "prices", "stock")
_PARTS = ("xml", "json", "odata", "enterprisedata", "metadata")
_METADATA = "metadata"
_OF_SERVICE = ("webhooks", "page", "runs", "workers")
"""Measured only when one of them is named: they are of the service, and not beside a parser."""
_RULES = "rules"
"""Measured only when it is named: it reads nothing, and stands beside a loop that was written by hand."""
_OF_PRICES = ("xml", "json")
_STAGES = {"first": "first sync", "unchanged": "nothing changed", "changed": "1 % changed"}
_HEAD = ("input", "records", "stage", "seconds", "CPU s", "per CPU s", "of bare", "of SQLite", "MiB")
_WIDTHS = (12, 9, 27, 8, 8, 9, 7, 9, 5)
_REPEATED, _REPEATS = 200_000, 3
_LEGEND = """
of bare: CPU seconds beside those of the bare parser on the same bytes; of SQLite: seconds beside those of the same
stage on SQLite. CPU s, the records for each of them, and MiB (the peak) are of the one process that works, without
the database server's."""
Cost = dict[str, float]
Database = Callable[[], str]


def main() -> None:
    """Print the table, line by line as it is measured."""
    asked = argparse.ArgumentParser(prog="make bench ARGS=…", description="Obmen beside a bare parser.")
    asked.add_argument("--million", action="store_true", help="also a million records: some hours, 6 GB of disk")
    asked.add_argument("--records", type=int, help="how many records (default 100,000); goods of page; runs of runs")
    asked.add_argument("--limit", type=float, help="of rules: end with an error where a ratio is above this")
    asked.add_argument("--postgres", action="store_true", help="prices also with the ledger on PostgreSQL")
    only = f"only these: {', '.join(_PARTS)}; {_RULES}, of stock; or one of the service: {', '.join(_OF_SERVICE)}"
    choices = [*_PARTS, *_OF_ODATA, *_OF_SERVICE, _RULES, []]
    asked.add_argument("part", nargs="*", choices=choices, metavar="part", help=only)
    options = asked.parse_args()
    if len(options.part) == 1 and options.part[0] in _OF_SERVICE:
        _print_service(options.part[0], options.records)
        return
    if options.part == [_RULES]:
        _print_rules(options.records, options.limit)
        return
    wanted = {*(options.part or _PARTS)}
    if "odata" in wanted:
        wanted.update(_OF_ODATA)
    _print(_HEAD)
    _print(tuple("-" * width for width in _WIDTHS))
    with ExitStack() as stack:
        database = stack.enter_context(databases()) if options.postgres else None
        for records in (options.records or 100_000, *([1_000_000] if options.million else [])):
            for part in _INPUTS:
                if part in wanted:
                    with tempfile.TemporaryDirectory(prefix="obmen-bench-") as folder:
                        for line in _measure(part, records, Path(folder), database):
                            _print(line)
        if _METADATA in wanted:
            with tempfile.TemporaryDirectory(prefix="obmen-bench-") as folder:
                for line in _measure_metadata(str(Path(folder) / "metadata.xml")):
                    _print(line)
    print(_LEGEND)


def _print_service(part: str, records: int | None) -> None:
    measured = importlib.import_module(f"tests.bench.{part}")  # all else wants this process to stay small
    with databases() if part == "workers" else nullcontext() as database:
        chosen = [one for one in (database, records) if one is not None]
        for title, *cells in measured.lines(*chosen):
            print("  ".join([title.ljust(24), *(cell.rjust(13) for cell in cells)]), flush=True)


def _measure_metadata(path: str) -> Iterator[tuple[str, ...]]:
    _run("metadata", "make", path)
    bare = _best(_REPEATS, "metadata", "bare", path)
    yield _line("EDMX", TYPES, _XML, bare, bare)
    yield _line("EDMX", TYPES, "read and filtered", _best(_REPEATS, "metadata", "read", path), bare)
    yield _line("EDMX", TYPES, "known again", _best(_REPEATS, "metadata", "cached", path), bare)


def _print_rules(records: int | None, limit: float | None) -> None:
    from tests.bench import rules  # noqa: PLC0415 - all else wants this process to stay small

    for title, *cells in rules.lines(records or rules.ROWS, limit):
        print("  ".join([title.ljust(24), *(cell.rjust(10) for cell in cells)]), flush=True)


def _measure(part: str, records: int, folder: Path, database: Database | None) -> Iterator[tuple[str, ...]]:
    name, file, alone = _INPUTS[part]
    path, count = str(folder / file), str(records)
    repeats = _REPEATS if records <= _REPEATED else 1
    _run("make", path, count)
    bare = _best(repeats, "bare", path)
    yield _line(name, records, alone, bare, bare)
    on_sqlite: dict[str, Cost] = {}
    with _serving(part, path):
        for stage, title in _STAGES.items():
            if stage == "changed":
                _run("change", path, count)
            cost = on_sqlite[stage] = _best(repeats if stage == "unchanged" else 1, "stages", stage, path, count)
            yield _line(name, records, title, cost, bare)
    if database is None or part not in _OF_PRICES:
        return
    url = database()
    _run("make", path, count, url)
    for stage in ("first", "unchanged"):
        cost = _best(repeats if stage == "unchanged" else 1, "stages", stage, path, count, url)
        yield _line(name, records, f"{_STAGES[stage]}, PostgreSQL", cost, bare, on_sqlite[stage])


@contextmanager
def _serving(part: str, path: str) -> Iterator[None]:
    """Have a base run, where an input needs one."""
    if part != "enterprisedata":
        yield
        return
    command = [sys.executable, "-m", "tests.bench.enterprisedata", path]
    with subprocess.Popen(command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as base:
        assert base.stdout is not None
        base.stdout.readline()
        yield
        base.communicate()


def _best(times: int, *command: str) -> Cost:
    """Run a short stage several times, since a busy machine disturbs it, and return what it cost at best."""
    return min((_run(*command) for _ in range(times)), key=lambda cost: cost["cpu"])


def _run(module: str, *arguments: str) -> Cost:
    command = [sys.executable, "-m", f"tests.bench.{module}", *arguments]
    done = subprocess.run(command, cwd=_ROOT, stdout=subprocess.PIPE, check=True)
    cost: Cost = json.loads(done.stdout)
    return cost


def _line(
    name: str, records: int, title: str, cost: Cost, bare: Cost, on_sqlite: Cost | None = None
) -> tuple[str, ...]:
    return (
        name,
        f"{records:,}",
        title,
        f"{cost['seconds']:.2f}",
        f"{cost['cpu']:.2f}",
        f"{records / cost['cpu']:,.0f}",
        f"{cost['cpu'] / bare['cpu']:.2f}",
        f"{cost['seconds'] / on_sqlite['seconds']:.2f}" if on_sqlite else "",
        f"{cost['mib']:.0f}",
    )


def _print(cells: tuple[str, ...]) -> None:
    texts = [
        cell.ljust(width) if column in {0, 2} else cell.rjust(width)
        for column, (cell, width) in enumerate(zip(cells, _WIDTHS, strict=True))
    ]
    print(f"| {' | '.join(texts)} |", flush=True)


if __name__ == "__main__":
    main()
