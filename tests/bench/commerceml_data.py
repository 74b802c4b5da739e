"""Exports of any size for benches: invented goods, written as they come, the same for the same seed.

Making a good costs more than reading one, so only some thousands are made; the others are these again with
ids and articles of their own.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

from runner.demo.catalogue import Written, good_xml, offers_xml, write_pieces
from runner.demo.goods import make_good

_MADE = 2_000


def write_export(folder: Path, offers: int, seed: int = 1) -> Written:
    """Write a catalogue (``import0_1.xml``) and its offers (``offers0_1.xml``, about 2.6 kB each)."""
    return write_pieces(folder, _pieces(offers, seed))


def _pieces(offers: int, seed: int) -> Iterator[tuple[str, list[str]]]:
    made = [(good, good_xml(good), offers_xml(good)) for good in (make_good(seed, n) for n in range(_MADE))]
    left, number = offers, 0
    while left > 0:
        good, catalogued, sold = made[number % _MADE]
        id_ = str(UUID(int=UUID(good.id).int ^ (number // _MADE)))
        article = f"{good.kind.code}-{number:07d}"
        pieces = [piece.replace(good.id, id_).replace(good.article, article) for piece in (catalogued, *sold[:left])]
        yield pieces[0], pieces[1:]
        left, number = left - len(pieces) + 1, number + 1
