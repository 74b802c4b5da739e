"""Standard streams that take whatever is written: no alphabet and no closed stream ends a command.

A redirected output is often not UTF-8 (Windows writes files in the code page of the country), and a service may
start a command with its streams closed. What cannot be written there is written in other signs.
"""

from __future__ import annotations

import codecs
import io
import os
import re
import sys
from typing import IO

_PLAIN = "obmen.plain"
_SIGNS = {"→": "->", "…": "...", "–": "-", "—": "-", "•": "*", "▸": ">", "×": "x", "₽": "RUB", "\ufffd": "?"}
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")
_BEYOND = 0xFFFF


def settle() -> None:
    """Make the standard streams tolerant, and open those that are closed to nowhere.

    Otherwise the next file that is opened, such as the state, would take a closed stream's place.
    """
    codecs.register_error(_PLAIN, _plain)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8", closefd=False))
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_PLAIN)


def json_for(stream: IO[str], text: str) -> str:
    """Return JSON as a stream can take it: what is not UTF-8 gets the escapes of JSON itself."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    if codecs.lookup(encoding).name == "utf-8":
        return text
    return _NOT_ASCII.sub(lambda found: _escaped(found[0]), text)


def _plain(error: UnicodeError) -> tuple[str, int]:
    """Write our own signs in simpler ones, and whatever else is not in the alphabet by its number."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    signs = (_SIGNS.get(sign) or _escaped(sign) for sign in error.object[error.start : error.end])
    return "".join(signs), error.end


def _escaped(sign: str) -> str:
    number = ord(sign)
    if number <= _BEYOND:
        return f"\\u{number:04x}"
    number -= _BEYOND + 1
    return f"\\u{0xD800 + (number >> 10):04x}\\u{0xDC00 + (number & 0x3FF):04x}"
