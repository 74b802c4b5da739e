"""Shipments: FBS orders travel to Market's sorting centre together, and the seller confirms what is in the van."""

from __future__ import annotations

from connectors.yandex_market import paths
from connectors.yandex_market.core import Market
from connectors.yandex_market.steps import DELIVERED, DELIVERY, READY, is_dbs, standing
from obmen.errors import Later, Refused
from obmen.records import Native

_CONFIRMED = {"OUTBOUND_CONFIRMED", "OUTBOUND_SIGNED", "FINISHED", "ACCEPTED", "ACCEPTED_WITH_DISCREPANCIES"}
_CUTOFF = "Cutoff time"
_WAIT = 1800.0


class Shipments(Market):
    """The shipment of an order, confirmed where the connection is told to (``orders.confirm_shipments``)."""

    def to_confirm(self, wanted: str, order: Native, known: dict[int, Native]) -> bool:
        """Whether an order that should be ``wanted`` waits for its shipment to be confirmed.

        ``known``: shipments that were looked at already, by their ids; Market lets few be asked for in an hour.
        """
        if not self.options.orders.confirm_shipments or is_dbs(order) or wanted not in {DELIVERY, DELIVERED}:
            return False
        return standing(order) == READY and _status(self._shipment(order, known)) not in _CONFIRMED

    def confirm(self, order: Native, known: dict[int, Native]) -> None:
        """Confirm an order's shipment (``confirmShipment``). Raises Later until Market takes it."""
        shipment = self._shipment(order, known)
        if "CONFIRM" not in shipment["availableActions"]:
            message = f"The shipment of order {order['orderId']} cannot be confirmed yet."
            raise Later(message, after=_WAIT)
        ids = {"shipmentId": shipment["id"]}
        try:
            self.call(paths.SHIPMENT_CONFIRM, safe=False, campaign=order["campaignId"], ids=ids, json={})
        except Refused as error:
            if _CUTOFF not in str(error):
                raise
            raise Later(str(error), after=_WAIT) from error
        shipment["currentStatus"] = {"status": "OUTBOUND_CONFIRMED"}

    def _shipment(self, order: Native, known: dict[int, Native]) -> Native:
        id_ = (order["delivery"].get("shipment") or {}).get("id")
        if id_ is None:
            message = f"Market has put order {order['orderId']} into no shipment yet."
            raise Later(message, after=_WAIT)
        if id_ not in known:
            reply = self.call(paths.SHIPMENT, safe=True, campaign=order["campaignId"], ids={"shipmentId": id_})
            known[id_] = reply["result"]
        return known[id_]


def _status(shipment: Native) -> str:
    return str((shipment.get("currentStatus") or {}).get("status"))
