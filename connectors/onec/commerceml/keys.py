"""What can be told of a cut record without parsing it: its Ид, and what it speaks of.

A wrong guess would join an offer to another's good, so a record that does not begin as 1C writes it is parsed
after all.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from connectors.onec.commerceml.decode import Decoder, id_of
from connectors.onec.commerceml.outline import GOOD
from obmen.errors import Refused

PRICES = tuple(mark.encode() for mark in ("</Цены>", "<Цены"))
RESTS = tuple(mark.encode() for mark in ("<Склад", "<Количество", "<Остатки"))
_BEGINS_WITH_ID = re.compile(
    "(?:<(?:Товар|Предложение))?(?:[ \\t\\r\\n][^<>&]*)?>[ \\t\\r\\n]*<Ид>([^<&]+)</Ид>".encode()
)
_CHARACTERISTIC = "<ИдХарактеристики".encode()
_NAME = "<Наименование".encode()
_DESCRIPTIVE = tuple(f"<{name}".encode() for name in ("Артикул", "Штрихкод", "ХарактеристикиТовара"))
_PRICED = "<Цены>".encode(), "</Цены>".encode()
_PARTS = (_PRICED, *((f"<{name}>".encode(), f"</{name}>".encode()) for name in ("Остатки", "Количество")))
_CLOSE = "</Предложение>".encode()
_ONLY_RESTS = re.compile("\\s*(?:<Количество>[^<]*</Количество>\\s*)?(?:<Склад\\s[^<>]*/>\\s*)*</Предложение>".encode())
_STORE = re.compile("<Склад\\s[^<>]*/>".encode())


def record_id(piece: bytes, record: str, decoder: Decoder) -> str | None:
    """Return the record's Ид; None if it has none or is no XML, as its decoding will tell."""
    found = _BEGINS_WITH_ID.match(piece)
    if found and (record == GOOD or _CHARACTERISTIC not in piece):
        try:
            return found[1].decode().strip() or None
        except UnicodeDecodeError:
            return None
    try:
        return id_of(decoder.element(piece, record))
    except Refused:
        return None


def speaking_of(marks: Sequence[bytes], slices: Sequence[bytes]) -> list[int]:
    """Return which of the slices hold one of the marks. Prices and rests stand last, so they are sought from there."""
    last, *others = marks
    return [n for n, piece in enumerate(slices) if piece.rfind(last) >= 0 or any(mark in piece for mark in others)]


def product_part(offer: bytes) -> bytes | None:
    """Return an offer without its prices and rests, which change every day while the product does not.

    None if nothing is left that describes what is sold: an offer from a file of prices or rests. What stands
    in an unusual way stays; it costs only a false alarm.
    """
    begin, end = _PRICED
    at = offer.find(begin)
    if at >= 0 and _ONLY_RESTS.fullmatch(offer, offer.find(end, at) + len(end)):
        said = offer[:at] + _CLOSE
    else:
        said = offer
        for begin, end in _PARTS:
            at = said.find(begin)
            until = said.find(end, at) if at >= 0 else -1
            if until >= 0:
                said = said[:at] + said[until + len(end) :]
        said = _STORE.sub(b"", said)
    return said if _NAME in said or any(mark in said for mark in _DESCRIPTIVE) else None
