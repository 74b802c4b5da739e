"""Labels of assembled postings, as PDF.

Ozon makes them for up to twenty postings in one file, all or none, and only a while after the assembly. An order
in several boxes needs a label for each, so its number stands for all its parts.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Sequence

from connectors.ozon import paths
from connectors.ozon.families import living
from connectors.ozon.postings import find_families
from obmen.connector import Connector, Document, document
from obmen.errors import IncompleteSource, Refused
from obmen.http import Reply

LABEL_LIMIT = 20
_PDF = b"%PDF-"
_MEDIA_TYPE = "application/pdf"


class Labels(Connector):
    """Labels by posting number."""

    @document("label", batch=LABEL_LIMIT)
    def labels(self, orders: Sequence[str]) -> Iterator[Document]:
        """Make the labels of these orders (``PostingAPI_PostingFBSPackageLabel``).

        Raises Later while Ozon has one of them not ready, Refused where one cannot have a label.
        """
        found = find_families(self.http, self.clock, orders)
        unknown = [number for number in orders if number not in found]
        if unknown:
            raise Refused(f"Ozon has no posting {', '.join(unknown)}.", code="POSTING_NOT_FOUND")
        parts = [str(part["posting_number"]) for number in orders for part in living(found[number])]
        if not parts:
            raise Refused(f"Nothing is left to send of {', '.join(orders)}.", code="cancelled")
        for start in range(0, len(parts), LABEL_LIMIT):
            some = parts[start : start + LABEL_LIMIT]
            reply = self.http.post(paths.LABELS, json={"posting_number": some}, safe=True, expect="any")
            number = f"-{start // LABEL_LIMIT + 1}" if len(parts) > LABEL_LIMIT else ""
            yield Document(f"ozon-{orders[0]}{number}.pdf", _MEDIA_TYPE, _content(reply), tuple(orders))


def _content(reply: Reply) -> bytes:
    """Return the file: Ozon sends it as it is, though its specification wraps it in JSON."""
    if reply.content.startswith(_PDF):
        return reply.content
    wrapped = reply["file_content"]
    try:
        content = base64.b64decode(wrapped, validate=True)
    except (binascii.Error, TypeError, ValueError):
        content = str(wrapped).encode("latin-1", "replace")
    if not content.startswith(_PDF):
        raise IncompleteSource(f"{reply.what}: the answer is no PDF.")
    return content
