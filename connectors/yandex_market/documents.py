"""Documents that Market makes for a while: what has become of one, and its file.

A ready file lies at another address, which lives for an hour and is asked without the cabinet's key.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from connectors.yandex_market import paths
from connectors.yandex_market.core import Market
from obmen.errors import ConfigurationError
from obmen.http import Http, Reply, Transport

LARGEST = 100 * 1024 * 1024
"""Bytes of a file at most."""
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


class Documents(Market):
    """Reports and papers that are begun by one call, asked after by another, and fetched by a third."""

    def made(self, report: str) -> Reply:
        """Ask what has become of a document (``getReportInfo``); Refused where Market does not know it."""
        return self.call(paths.REPORT, safe=True, ids={"reportId": report})

    def fetched(self, url: str) -> bytes:
        """Fetch a ready document from where Market keeps it, without the cabinet's key."""
        parts = urlsplit(url)
        if parts.scheme != "https" and parts.hostname not in _LOOPBACK:
            message = f"{self.name}: Market keeps the document at an address without https, which is not asked."
            raise ConfigurationError(message)
        origin = f"{parts.scheme}://{parts.netloc}"
        store = Http(self.name, Transport(base_url=origin, largest_answer=LARGEST), clock=self.clock)
        try:
            return store.get(url.removeprefix(origin), expect="any").content
        finally:
            store.close()
