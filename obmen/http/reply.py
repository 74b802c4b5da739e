"""An answer, and its records as the raw slices in which they came: unchanged records are never decoded."""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from typing import Any

import msgspec

from obmen.errors import IncompleteSource

_ENCODER = msgspec.json.Encoder(decimal_format="number")
_DECODER = msgspec.json.Decoder(float_hook=Decimal)


def encode_json(value: Any) -> bytes:
    """Encode a body; decimals are written as JSON numbers, digit for digit."""
    return _ENCODER.encode(value)


class Reply:
    """What a peer answered. ``reply["result.last_id"]`` reads a dotted path, ``reply.slices`` its records."""

    __slots__ = ("_json", "content", "headers", "request_id", "status", "what")

    def __init__(
        self, status: int, headers: Any, content: bytes, *, what: str = "", request_id: str = ""
    ) -> None:
        self.status = status
        self.headers = headers
        self.content = content
        self.what = what
        self.request_id = request_id
        self._json: Any = msgspec.UNSET

    def json(self) -> Any:
        """Decode the whole answer, numbers with a fraction as Decimal."""
        if self._json is msgspec.UNSET:
            try:
                self._json = _DECODER.decode(self.content)
            except msgspec.DecodeError as error:
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
            raise IncompleteSource(
                f"{self.what}: the answer has no list at {path or 'its top'} ({error})."
            ) from error
        for step in path.split(".") if path else ():
            value = getattr(value, step)
        return [bytes(raw) for raw in value]


@lru_cache(maxsize=256)
def _envelope(path: str) -> msgspec.json.Decoder[Any]:
    kind: Any = list[msgspec.Raw]
    for step in reversed(path.split(".") if path else []):
        kind = msgspec.defstruct("Envelope", [(step, kind)])
    return msgspec.json.Decoder(kind)
