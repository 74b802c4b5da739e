"""A stand-in of Ozon's Seller API for rehearsals, tests and the demo: it keeps state and it refuses.

Start it with ``with OzonSandbox() as ozon:`` and give its ``url`` to a connection with the credentials
``client_id`` and ``api_key`` that it has. ``limits=VENDOR`` makes it as strict about frequency as Ozon is.
"""

from __future__ import annotations

from typing import Self

from connectors.ozon.sandbox.cabinet import API_KEY, CLIENT_ID, RELAXED, VENDOR, WAREHOUSES, Limits
from connectors.ozon.sandbox.cards import Cards
from connectors.ozon.sandbox.fbo import Fbo
from connectors.ozon.sandbox.offers import Offers
from connectors.ozon.sandbox.tree import Tree

__all__ = ["API_KEY", "CLIENT_ID", "RELAXED", "VENDOR", "WAREHOUSES", "Limits", "OzonSandbox"]


class OzonSandbox(Tree, Cards, Offers, Fbo):
    """Ozon on loopback.

    Buyers and carriers: ``place_order``, ``cancel_by_buyer``, ``hand_over``, ``deliver``, ``move``,
    ``refuse_at_the_door``, ``send_back``, ``move_return``, ``place_fbo_order``, ``move_fbo``. The cabinet:
    ``split_by_hand``, ``fill``, ``declined``, ``broken_pictures``, ``promoted``, ``promote``, ``demand``,
    ``bad_marks``, ``closed_reasons``, ``charge``. Notifications: ``subscribed``, ``push``, ``ping``.

    Custom faults are named in the classes that it is made of: ``expired_key``, ``offer_not_signed``,
    ``circle_is_open``; ``late_task``, ``task_gone``, ``empty_task``, ``missing_details``, ``on_moderation``,
    ``restore_limit``; ``endless_values``; ``item_error``, ``silent_row``; ``endless_list``; ``ship_failed``,
    ``ship_slow``, ``cancel_slow``; ``step_slow``, ``step_error``; ``check_slow``, ``check_failed``;
    ``labels_late``; ``endless_returns``, ``endless_fbo``.
    """

    @classmethod
    def strict(cls) -> Self:
        """Return one that minds Ozon's own limits: what ``obmen sandbox ozon`` serves."""
        return cls(limits=VENDOR)
