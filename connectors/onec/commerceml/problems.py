"""Finds in an export what a run would stumble over: doubled articles and ids, offers that nobody can price.

Two goods with one article become one SKU, and then each run would write one over the other; a person has to
settle it in 1C, so every place is named with file and line.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass

from connectors.onec.commerceml.decode import Decoder
from connectors.onec.commerceml.export import Export
from connectors.onec.commerceml.join import good_of, scratch
from connectors.onec.commerceml.keys import PRICES, article_of, product_part, record_id, speaking_of
from connectors.onec.commerceml.outline import GOOD, OFFER
from connectors.onec.commerceml.places import Place

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
    """Yield what is named alike, what is doubled, and what has no price."""
    for kind, name, ids in export.classifier.doubled_names():
        yield Problem(
            f"doubled_{kind.replace(' ', '_')}",
            f"{len(ids)} {kind}s are named '{name}', so their ids stand for them: {', '.join(ids)}. Rename them in 1C.",
        )
    with closing(scratch()) as database:
        database.executescript(_TABLES)
        _gather(export, database)
        database.executescript(_INDEXES)
        if not export.changes:
            yield from _doubled_ids(export, database)
            yield from _unpriced(export, database)
        yield from _doubled_articles(export, database)


def _gather(export: Export, database: sqlite3.Connection) -> None:
    decoder = Decoder(export.classifier)
    for kind in (GOOD, OFFER):
        for source, _, batch in export.batches(kind):
            ids = [record_id(piece, kind, decoder) or "" for piece in batch.slices]
            said = [piece if kind == GOOD else product_part(piece) for piece in batch.slices]
            number = export.sources.index(source)
            rows = (
                (kind, ids[n], good_of(ids[n]), article_of(piece), number, batch.place(n), batch.lines)
                for n, piece in enumerate(said)
                if piece is not None
            )
            priced = speaking_of(PRICES, batch.slices) if kind == OFFER else []
            database.execute("BEGIN")
            database.executemany("INSERT INTO record VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
            database.executemany("INSERT INTO priced VALUES (?)", ((ids[n],) for n in priced))
            database.execute("COMMIT")


def _doubled_ids(export: Export, database: sqlite3.Connection) -> Iterator[Problem]:
    query = "SELECT kind, id FROM record WHERE id <> '' GROUP BY kind, id HAVING count(*) > 1 ORDER BY min(rowid)"
    for kind, id_ in database.execute(query).fetchall():
        where = "SELECT source, place, is_line FROM record WHERE kind = ? AND id = ? ORDER BY rowid"
        places = _places(export, database.execute(where, (kind, id_)))
        message = f"{kind} {id_} is given {len(places)} times. Which is right? Export the catalogue again."
        yield Problem("doubled_id", message, places)


def _doubled_articles(export: Export, database: sqlite3.Connection) -> Iterator[Problem]:
    query = "SELECT article FROM sold GROUP BY article HAVING count(DISTINCT id) > 1 ORDER BY min(number)"
    for (article,) in database.execute(query).fetchall():
        where = (
            "SELECT source, place, is_line FROM record WHERE rowid IN"
            " (SELECT min(number) FROM sold WHERE article = ? GROUP BY id) ORDER BY rowid"
        )
        places = _places(export, database.execute(where, (article,)))
        message = f"Артикул '{article}' stands for {len(places)} goods. Give each its own in 1C."
        yield Problem("doubled_article", message, places)


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
CREATE TABLE record (kind TEXT, id TEXT, good TEXT, article TEXT, source INT, place INT, is_line INT);
CREATE TABLE priced (id TEXT);
"""
_INDEXES = """
CREATE INDEX record_id ON record (id, kind);
CREATE INDEX record_good ON record (good, kind);
CREATE TABLE sold AS
  SELECT id, article, rowid AS number FROM record AS one
  WHERE article <> '' AND CASE
    WHEN kind = 'Товар' THEN id = good AND NOT EXISTS
      (SELECT 1 FROM record AS o WHERE o.good = one.id AND o.kind = 'Предложение' AND o.id <> one.id)
    WHEN id = good THEN NOT EXISTS (SELECT 1 FROM record AS g WHERE g.id = one.good AND g.kind = 'Товар')
    ELSE article <> coalesce(
      (SELECT g.article FROM record AS g WHERE g.id = one.good AND g.kind = 'Товар'), article)
  END;
CREATE INDEX sold_article ON sold (article, id, number);
"""
