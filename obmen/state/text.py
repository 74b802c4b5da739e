"""Which text both databases keep, so that a strange character harms one record and not its flow.

PostgreSQL takes neither NUL nor half of a surrogate pair, and no long text into an index; SQLite takes some of
it. What is only read by people is made storable; an id or a key that is not is refused where it comes in.
"""

from __future__ import annotations

import re

LONGEST_ID = 500
"""Characters of a native id or a key: in any alphabet less than an index entry of PostgreSQL may hold."""
_BAD = re.compile("[\x00\ud800-\udfff]")


def storable(text: str) -> str:
    """Return the text with U+FFFD for each character that cannot be kept."""
    return _BAD.sub("\ufffd", text)


def fault(text: str, longest: int | None = None) -> str:
    """Return why a text cannot be kept as it is (``it holds …``), empty if it can."""
    if longest is not None and len(text) > longest:
        return f"it is {len(text):,} characters long, and {longest} are the most"
    if text.isascii() and "\0" not in text:
        return ""
    found = _BAD.search(text)
    return f"it holds the character U+{ord(found[0]):04X}, which no database keeps" if found else ""
