"""An answer, and its records as the raw slices in which they came: unchanged records are never decoded."""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from typing import Any, Literal

import msgspec

from obmen.errors import IncompleteSource

Expect = Literal["json", "xml", "any"]

_ENCODER = msgspec.json.Encoder(decimal_format="number")
_DECODER = msgspec.json.Decoder(float_hook=Decimal)
_WHOLE = msgspec.json.Decoder(msgspec.Raw)
_BOM = b"\xef\xbb\xbf"


def encode_json(value: Any) -> bytes:
    """Encode a body; decimals are written as JSON numbers, digit for digit."""
    return _ENCODER.encode(value)


class Reply:
    """What a peer answered. ``reply["result.last_id"]`` reads a dotted path, ``reply.slices`` its records.

    ``what`` names the call for people. A byte-order mark before the content is dropped: 1C writes one.
    """

    __slots__ = ("_json", "content", "headers", "request_id", "status", "what")

    def __init__(self, status: int, headers: Any, content: bytes, *, what: str = "", request_id: str = "") -> None:
        self.status = status
        self.headers = headers
        self.content = content.removeprefix(_BOM)
        self.what = what
        self.request_id = request_id
        self._json: Any = msgspec.UNSET

    def __repr__(self) -> str:
        return f"Reply({self.status}, {len(self.content)} bytes, {self.what})"

    def json(self) -> Any:
        """Decode the whole answer, numbers with a fraction as Decimal."""
        if self._json is msgspec.UNSET:
            try:
                self._json = _DECODER.decode(self.content)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise IncompleteSource(f"{self.what}: the answer is not JSON ({error}).") from error
        return self._json

    def __getitem__(self, path: str) -> Any:
        """Return what stands at a dotted path."""
        value = self.get(path, msgspec.UNSET)
        if value is msgspec.UNSET:
            raise IncompleteSource(f"{self.what}: the answer has no {path}.")
        return value

    def get(self, path: str, default: Any = None) -> Any:
        """Return what stands at a dotted path, or ``default``."""
        value = self.json()
        for step in path.split("."):
            if not isinstance(value, dict) or step not in value:
                return default
            value = value[step]
        return value

    def slices(self, path: str) -> list[bytes]:
        """Return the records of the list at a dotted path, each as the bytes in which it came."""
        try:
            value: Any = _envelope(path).decode(self.content)
        except msgspec.DecodeError as error:
            raise IncompleteSource(f"{self.what}: the answer has no list at {path or 'its top'} ({error}).") from error
        for step in path.split(".") if path else ():
            value = getattr(value, step)
        return [bytes(raw) for raw in value]

    def holds(self, expect: Expect) -> bool:
        """Whether the content is whole and of the kind expected: a proxy's HTML or half a body is not.

        JSON is checked to its end; XML by its edges, since its reader meets what is missing inside. An answer
        of status 204 or 205 has no content and holds whatever is expected.
        """
        if expect == "any" or self.status in {204, 205}:
            return True
        if expect == "json":
            try:
                _WHOLE.decode(self.content)
            except msgspec.DecodeError:
                return False
            return True
        content = self.content.strip()
        html = "html" in self.headers.get("Content-Type", "") or content[:200].lower().startswith(
            (b"<!doctype html", b"<html")
        )
        return content.startswith(b"<") and content.endswith(b">") and not html


@lru_cache(maxsize=256)
def _envelope(path: str) -> msgspec.json.Decoder[Any]:
    kind: Any = list[msgspec.Raw]
    for step in reversed(path.split(".") if path else []):
        kind = msgspec.defstruct("Envelope", [(step, kind)])
    return msgspec.json.Decoder(kind)
