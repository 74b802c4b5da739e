"""Market's notifications: what changed, said by Market itself, so that it is read sooner.

A notification is a hint and no more. Nothing of it but the numbers is taken, so one that comes twice, late or in
the wrong order does no harm, and a forged one causes a read at most. Market signs nothing: a secret part of the
address and the networks from which Market calls are all that tells it from others.
Source of the shapes: the vendor's page on API notifications (``sendNotification``).
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC
from ipaddress import ip_address, ip_network
from typing import Any

import msgspec

import obmen
from connectors.yandex_market.core import Market
from connectors.yandex_market.order_options import NotificationOptions
from obmen.clock import Clock
from obmen.endpoint import Endpoint, Request, Response
from obmen.errors import ObmenError

LARGEST = 64 * 1024
"""Bytes of a notification at most: it holds an order's lines, never more."""

_JSON = "application/json"
_ORDER = ("order", "order_status")
_OF_ORDERS = {
    "ORDER_CREATED",
    "ORDER_CANCELLED",
    "ORDER_STATUS_UPDATED",
    "ORDER_UPDATED",
    "ORDER_CANCELLATION_REQUEST",
}
_OF_RETURNS = {"ORDER_RETURN_CREATED", "ORDER_RETURN_STATUS_UPDATED"}
_ENDING = "/notification"
Tell = Callable[[Mapping[str, Sequence[str]]], None]


class _Notification(msgspec.Struct, rename="camel"):
    notification_type: str
    campaign_id: int | None = None
    order_id: int | None = None
    return_id: int | None = None


_DECODER = msgspec.json.Decoder(_Notification)


class Notifications(Market):
    """The address to which Market sends its notifications, for a connection that has one."""

    def endpoint(self) -> Endpoint | None:
        """Return what answers Market, where the option ``notifications`` is set."""
        options = self.options.notifications
        if options is None:
            return None
        return NotificationEndpoint(options, self.options.order_campaigns, self.clock, self._pass_on)

    def _pass_on(self, ids: Mapping[str, Sequence[str]]) -> None:
        self.tell(ids)


class NotificationEndpoint:
    """Answers Market at ``/<path>/notification``; any other address or caller sees nothing there."""

    def __init__(self, options: NotificationOptions, campaigns: Sequence[int], clock: Clock, tell: Tell) -> None:
        self._path = f"/{options.path.get_secret_value()}{_ENDING}".encode()
        self._networks = [ip_network(network) for network in options.networks]
        self._campaigns = frozenset(campaigns)
        self._clock, self._tell = clock, tell

    def handle(self, request: Request) -> Response:
        """Answer one notification: 200 for whatever is understood, also for what is of no interest here."""
        asked = request.path.encode("utf-8", "replace")
        if not hmac.compare_digest(asked, self._path) or not self._welcome(request.client):
            return Response(404)
        if request.method != "POST":
            return Response(405, headers={"Allow": "POST"})
        try:
            notification = _read(request)
        except ValueError as error:
            return _json(400, {"error": {"type": "WRONG_EVENT_FORMAT", "message": str(error)}})
        try:
            if ids := self._ids(notification):
                self._tell(ids)
        except ObmenError as error:
            return _json(500, {"error": {"type": "UNKNOWN", "message": type(error).__name__}})
        now = self._clock.now().astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return _json(200, {"version": obmen.__version__, "name": "Obmen", "time": now})

    def close(self) -> None:
        """Nothing works in the background."""

    def _ids(self, told: _Notification) -> dict[str, list[str]]:
        if told.order_id is None or (self._campaigns and told.campaign_id not in self._campaigns):
            return {}
        if told.notification_type in _OF_ORDERS:
            return {entity: [str(told.order_id)] for entity in _ORDER}
        if told.notification_type in _OF_RETURNS and told.return_id is not None:
            return {"return": [f"{told.order_id}|{told.return_id}"]}
        return {}

    def _welcome(self, client: str) -> bool:
        """Whether a caller is Market, or a web server on this machine that passes its calls on."""
        try:
            address = ip_address(client)
        except ValueError:
            return False
        return address.is_loopback or any(address in network for network in self._networks)


def _read(request: Request) -> _Notification:
    """Read a body that is not too large. Raises ValueError, whose words may be shown to whoever called."""
    try:
        body = request.body.read(LARGEST + 1)
    except OSError:
        raise ValueError("the body did not come whole") from None
    if len(body) > LARGEST:
        message = f"the body is larger than {LARGEST} bytes"
        raise ValueError(message)
    try:
        return _DECODER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise ValueError("the body is no notification") from None


def _json(status: int, body: Any) -> Response:
    return Response(status, msgspec.json.encode(body), _JSON)
