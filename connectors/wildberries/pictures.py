"""Pictures of cards: sent only when the set changed, and believed only when the card shows them.

Wildberries loads pictures by their addresses, replaces all of a card's at once and keeps copies under addresses
of its own; one bad picture among them leaves the card without any, with an answer of 200. So the set that was
sent is remembered, and the card is looked at afterwards.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec
import xxhash

from connectors.wildberries import paths
from connectors.wildberries.base import Base
from obmen.errors import Refused
from obmen.records import Native

_PATIENCE = 600.0
"""Seconds until pictures that are not there count as not loaded."""


class _Sent(msgspec.Struct):
    """What was sent for a card: the set's digest, under which ticket, and when (Unix seconds)."""

    digest: str
    ticket: str
    at: float


class Pictures(Base):
    """Pictures by address."""

    def pictures_changed(self, card: Native, urls: list[str]) -> bool:
        """Whether a card has to be told its pictures: another set than the last, or they are gone."""
        sent = self._pictures_sent(card["nmID"])
        return bool(urls) and (sent is None or sent.digest != _digest(urls) or not card.get("photos"))

    def show_pictures(self, card: Native, urls: list[str], ticket: str) -> Literal["shown", "waiting"]:
        """Bring a card's pictures to these; "waiting" until the card shows them.

        Raises Refused in Wildberries' words, or after ten minutes without them.
        """
        sent = self._pictures_sent(card["nmID"])
        now = self.clock.now().timestamp()
        known = sent is not None and sent.digest == _digest(urls)
        if not urls or (known and len(card.get("photos") or []) == len(urls)):
            return "shown"
        if sent is not None and known and sent.ticket == ticket:
            if now - sent.at < _PATIENCE:
                return "waiting"
            self._remember_pictures(card["nmID"], None)
            message = (
                f"Wildberries loaded none of the {len(urls)} pictures of {card['vendorCode']}: one of them cannot be "
                "opened, is no picture, or is smaller than 700×900. Correct it in the source."
            )
            raise Refused(message, code="pictures_not_loaded", field="images")
        self.call(paths.MEDIA, json={"nmId": card["nmID"], "data": urls}, safe=True)
        self._remember_pictures(card["nmID"], _Sent(_digest(urls), ticket, now))
        return "waiting"

    def _pictures_sent(self, number: int) -> _Sent | None:
        kept = self.memory.get(_name(number))
        return msgspec.json.decode(kept, type=_Sent) if kept else None

    def _remember_pictures(self, number: int, sent: _Sent | None) -> None:
        value: Any = sent if sent is not None else _Sent("", "", 0.0)
        self.memory.put(_name(number), msgspec.json.encode(value))


def _name(number: int) -> str:
    return f"pictures {number}"


def _digest(urls: list[str]) -> str:
    return xxhash.xxh3_128_hexdigest("\n".join(urls).encode())
