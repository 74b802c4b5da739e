"""How fast Obmen is beside a bare parser of the same bytes: ``make bench``, or with a million: ARGS=--million.

A table, never a test: figures of one run, on one machine, from one file. The ratios are of processor time, since
the clock also counts what other programs do meanwhile. This process stays small, so that the peak of memory which
it hands to its children is not theirs.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_INPUTS = {"XML": ("offers0_1.xml", "lxml.iterparse alone"), "JSON": ("answers.jsonl", "json.loads alone")}
_STAGES = {"first": "first sync", "unchanged": "nothing changed", "changed": "1 % changed"}
_HEAD = ("input", "records", "stage", "seconds", "CPU s", "records/s", "of bare", "MiB")
_WIDTHS = (5, 9, 20, 8, 8, 9, 7, 5)
_REPEATED, _REPEATS = 200_000, 3


def main() -> None:
    """Print the table, line by line as it is measured."""
    asked = argparse.ArgumentParser(prog="make bench ARGS=…", description="Obmen beside a bare parser.")
    asked.add_argument("--million", action="store_true", help="also a million records: half an hour, 6 GB of disk")
    asked.add_argument("--records", type=int, default=100_000, help="how many records (default 100,000)")
    options = asked.parse_args()
    _print(_HEAD)
    _print(tuple("-" * width for width in _WIDTHS))
    for records in (options.records, *([1_000_000] if options.million else [])):
        for name in _INPUTS:
            with tempfile.TemporaryDirectory(prefix="obmen-bench-") as folder:
                for line in _measure(name, records, Path(folder)):
                    _print(line)
    print("\nof bare: CPU seconds beside those of the bare parser on the same bytes. MiB: peak of the whole process.")


def _measure(name: str, records: int, folder: Path) -> Iterator[tuple[str, ...]]:
    file, alone = _INPUTS[name]
    path, count = str(folder / file), str(records)
    repeats = _REPEATS if records <= _REPEATED else 1
    _run("make", path, count)
    bare = _best(repeats, "bare", path)
    yield _line(name, records, alone, bare, bare)
    for stage, title in _STAGES.items():
        if stage == "changed":
            _run("change", path)
        cost = _best(repeats if stage == "unchanged" else 1, "stages", stage, path, count)
        yield _line(name, records, title, cost, bare)


def _best(times: int, *command: str) -> dict[str, float]:
    """Run a short stage several times, since a busy machine disturbs it, and return what it cost at best."""
    return min((_run(*command) for _ in range(times)), key=lambda cost: cost["cpu"])


def _run(module: str, *arguments: str) -> dict[str, float]:
    command = [sys.executable, "-m", f"tests.bench.{module}", *arguments]
    done = subprocess.run(command, cwd=_ROOT, stdout=subprocess.PIPE, check=True)
    cost: dict[str, float] = json.loads(done.stdout)
    return cost


def _line(name: str, records: int, title: str, cost: dict[str, float], bare: dict[str, float]) -> tuple[str, ...]:
    return (
        name,
        f"{records:,}",
        title,
        f"{cost['seconds']:.2f}",
        f"{cost['cpu']:.2f}",
        f"{records / cost['seconds']:,.0f}",
        f"{cost['cpu'] / bare['cpu']:.2f}",
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
