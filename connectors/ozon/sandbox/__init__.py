"""A stand-in of Ozon's Seller API for rehearsals, tests and the demo: it keeps state and it refuses.

Start it with ``with OzonSandbox() as ozon:`` and give its ``url`` to a connection with the credentials
``client_id`` and ``api_key`` that it has. ``limits=VENDOR`` makes it as strict about frequency as Ozon is.
"""

from __future__ import annotations

from connectors.ozon.sandbox.cabinet import API_KEY, CLIENT_ID, RELAXED, VENDOR, WAREHOUSES, Limits
from connectors.ozon.sandbox.cards import Cards
from connectors.ozon.sandbox.offers import Offers
from connectors.ozon.sandbox.postings import Postings

__all__ = ["API_KEY", "CLIENT_ID", "RELAXED", "VENDOR", "WAREHOUSES", "Limits", "OzonSandbox"]


class OzonSandbox(Cards, Offers, Postings):
    """Ozon on loopback.

    ``place_order``, ``cancel_by_buyer``, ``hand_over``, ``deliver`` and ``move`` do what buyers and carriers
    do. Custom faults are named in the classes that it is made of: ``expired_key``, ``offer_not_signed``,
    ``circle_is_open``; ``late_task``, ``task_gone``, ``empty_task``, ``missing_details``, ``restore_limit``;
    ``item_error``, ``silent_row``; ``ship_failed``, ``ship_slow``, ``endless_list``.
    """

    @classmethod
    def strict(cls) -> OzonSandbox:
        """Return one that minds Ozon's own limits: what ``obmen sandbox ozon`` serves."""
        return cls(limits=VENDOR)
