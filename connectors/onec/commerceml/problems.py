"""Finds in an export what a run would not stumble over and a person should mend: every place with file and line.

A run names doubled ids and articles itself, by the mapping that it goes by. Here is told what it takes for right:
ids that stand for ambiguous names, goods whose double hides behind their variants, offers that nobody priced.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass

from connectors.onec.commerceml.decode import Decoder
from connectors.onec.commerceml.export import Export
from connectors.onec.commerceml.join import good_of
from connectors.onec.commerceml.keys import PRICES, product_part, record_id, speaking_of
from connectors.onec.commerceml.outline import GOOD, OFFER
from connectors.onec.commerceml.places import Place
from connectors.onec.scratch import scratch

SHOWN = 5
"""Places that are named for one problem; the rest are counted."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, in a sentence with the next step. ``places`` are ``file:line``."""

    code: str
    message: str
    places: tuple[str, ...] = ()

    def __str__(self) -> str:
        shown = ", ".join(self.places[:SHOWN])
        more = f" and {len(self.places) - SHOWN} more" if len(self.places) > SHOWN else ""
        return f"{self.message} ({shown}{more})" if shown else self.message


def find_problems(export: Export) -> Iterator[Problem]:
    """Yield what is named alike, which goods with variants are doubled, and which offers have no price."""
    for kind, name, ids in export.classifier.doubled_names():
        yield Problem(
            f"doubled_{kind.replace(' ', '_')}",
            f"{len(ids)} {kind}s are named '{name}', so their ids stand for them: {', '.join(ids)}. Rename them in 1C.",
        )
    if export.changes or export.overlapping:
        return
    with closing(scratch()) as database:
        database.executescript(_TABLES)
        _gather(export, database)
        database.executescript(_INDEXES)
        yield from _doubled_goods(export, database)
        yield from _unpriced(export, database)


def _gather(export: Export, database: sqlite3.Connection) -> None:
    decoder = Decoder(export.classifier)
    for kind in (GOOD, OFFER):
        for source, _, batch in export.batches(kind):
            ids = [record_id(piece, kind, decoder) or "" for piece in batch.slices]
            number = export.sources.index(source)
            rows = (
                (kind, ids[n], good_of(ids[n]), number, batch.place(n), batch.lines)
                for n in range(len(ids))
                if kind == GOOD or product_part(batch.slices[n]) is not None
            )
            priced = speaking_of(PRICES, batch.slices) if kind == OFFER else []
            database.execute("BEGIN")
            database.executemany("INSERT INTO record VALUES (?, ?, ?, ?, ?, ?)", rows)
            database.executemany("INSERT INTO priced VALUES (?)", ((ids[n],) for n in priced))
            database.execute("COMMIT")


def _doubled_goods(export: Export, database: sqlite3.Connection) -> Iterator[Problem]:
    for (id_,) in database.execute(_DOUBLED_GOODS).fetchall():
        where = "SELECT source, place, is_line FROM record WHERE kind = ? AND id = ? ORDER BY rowid"
        places = _places(export, database.execute(where, (GOOD, id_)))
        message = (
            f"Товар {id_} is given {len(places)} times. Its variants go with one of them, so another would be taken "
            "for a good without variants. Export the catalogue again."
        )
        yield Problem("doubled_good", message, places)


def _unpriced(export: Export, database: sqlite3.Connection) -> Iterator[Problem]:
    where = "FROM record WHERE kind = ? AND id NOT IN (SELECT id FROM priced)"
    missing = database.execute(f"SELECT count(*) {where}", (OFFER,)).fetchone()[0]
    if missing:
        rows = database.execute(f"SELECT source, place, is_line {where} ORDER BY rowid LIMIT ?", (OFFER, SHOWN))
        message = f"Offers without a price: {missing}. They are sold nowhere until 1C gives them one."
        yield Problem("no_price", message, _places(export, rows))


def _places(export: Export, rows: Iterable[tuple[int, int, int]]) -> tuple[str, ...]:
    return tuple(str(Place(export.sources[source], at, bool(is_line))) for source, at, is_line in rows)


_TABLES = """
CREATE TABLE record (kind TEXT, id TEXT, good TEXT, source INT, place INT, is_line INT);
CREATE TABLE priced (id TEXT);
"""
_INDEXES = """
CREATE INDEX record_id ON record (id, kind);
CREATE INDEX record_good ON record (good, kind);
"""
_DOUBLED_GOODS = """
SELECT id FROM record AS one WHERE kind = 'Товар' AND id <> '' AND EXISTS
  (SELECT 1 FROM record AS sold WHERE sold.good = one.id AND sold.kind = 'Предложение' AND sold.id <> one.id)
GROUP BY id HAVING count(*) > 1 ORDER BY min(rowid)
"""
