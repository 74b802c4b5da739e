"""A UT that exchanges with a site: a client that does what «Обмен с сайтом» of 1C:Управление торговлей 11 does.

It pushes the goods of a folder and fetches orders, as strict to the byte as 1C is, so that what passes here is
not refused there. ``obmen sandbox onec --push URL --folder DIR`` runs it once.
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from connectors.onec.sandbox.pusher.base import Base, Order
from connectors.onec.sandbox.pusher.push import Pusher, Say, files_of
from connectors.onec.sandbox.pusher.wire import Answer, ExchangeFailed, HttpWire, Wire
from obmen.errors import ConfigurationError, Unavailable

__all__ = ["Answer", "Base", "ExchangeFailed", "HttpWire", "Order", "Pusher", "Wire", "push"]


def push(url: str, folder: Path | None, say: Say) -> None:
    """Exchange once with the site at ``http://LOGIN:PASSWORD@host/path``, and tell each step.

    The goods of ``folder`` are pushed, if one is given; orders are fetched, and as a manager would, each new one
    is posted and the site is told. Raises ConfigurationError, ExchangeFailed and Unavailable.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or not parts.username or not parts.password:
        message = "The address of the site is missing its login and password: --push http://LOGIN:PASSWORD@HOST/PATH."
        raise ConfigurationError(message)
    address = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    if folder is not None and not folder.is_dir():
        raise ConfigurationError(f"There is no folder {folder} with an export of 1C.")
    with closing(HttpWire(address)) as wire:
        pusher = Pusher(wire, unquote(parts.username), unquote(parts.password), say=say)
        try:
            if folder is not None:
                pusher.push(files_of(folder))
            pusher.exchange_orders()
            for number in list(pusher.base.orders):
                pusher.base.change(number, posted=True)
                say(f"order {number}: posted")
            if pusher.base.changed:
                pusher.exchange_orders()
        except OSError as error:
            raise Unavailable(f"{address} cannot be reached, or broke off: {error}.") from error
