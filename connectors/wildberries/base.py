"""What every part of the connector stands on: how a method is called, and how a product is named.

A good of Wildberries has two numbers: the card (``nmID``), by which prices are set, and the size of that card
(``chrtID``), by which stock is. The native id of a product is both, ``nmID:chrtID``, so that neither has to be
looked up when a price or a stock is sent.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from connectors.wildberries.paths import Path
from connectors.wildberries.rights import read_token
from obmen.connector import Connector
from obmen.errors import Refused
from obmen.http import Reply

_READS = {"GET"}


class Base(Connector):
    """A connector that calls Wildberries' methods by their path."""

    @classmethod
    def key_ends(cls, options: Any) -> datetime | None:
        """Return when the token ends, as it says itself."""
        token = read_token(options.token.get_secret_value())
        return token.expires if token is not None else None

    def call(self, path: Path, *, safe: bool = False, parts: dict[str, object] | None = None, **kwargs: Any) -> Reply:
        """Call a method on its own host, within its own budget.

        ``parts`` fill the path's template; the rest is as in ``Http.request``. ``safe``: saying it twice does no
        harm; reading by GET is safe anyway.
        """
        address = path.at(self.options.url, **(parts or {}))
        safe = safe or path.method in _READS
        return self.http.request(path.method, address, group=path.group, safe=safe, **kwargs)


def product_id(nm_id: int, chrt_id: int) -> str:
    """Return the native id of a product: its card and its size."""
    return f"{nm_id}:{chrt_id}"


def split_id(native_id: str) -> tuple[int, int]:
    """Return (nmID, chrtID) of a native id; raises Refused for what is not one."""
    card, _, size = native_id.partition(":")
    if not (card.isdecimal() and size.isdecimal()):
        message = f"'{native_id}' is no product of Wildberries: nmID:chrtID is expected. Bind the product anew."
        raise Refused(message, code="bad_id", field="product")
    return int(card), int(size)
