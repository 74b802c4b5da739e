"""Ozon's notifications: a call that something changed, taken as a hint to look sooner.

They are not signed, come twice, late or not at all, and speak of statuses in words of their own. So nothing is
believed but the number of the posting, which is read from Ozon; who calls is judged by his network, and, where the
connection says so, by a part of the address that nobody else knows. An answer that is slow or strange makes Ozon
stop calling, so an unknown kind is thanked for like any other.
"""

from __future__ import annotations

import hmac
from datetime import UTC
from importlib.metadata import PackageNotFoundError, version
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Annotated, Any

import msgspec
from pydantic import Field, field_validator

from obmen.connector import Connector, SecretStr
from obmen.connector import Options as BaseOptions
from obmen.endpoint import Request, Response
from obmen.errors import ObmenError

LARGEST = 1 << 20
OZON_NETWORKS = ("195.34.21.0/24", "185.73.192.0/22", "91.223.93.0/24")
POSTING_KINDS = frozenset(
    {
        "TYPE_NEW_POSTING",
        "TYPE_POSTING_CANCELLED",
        "TYPE_STATE_CHANGED",
        "TYPE_CUTOFF_DATE_CHANGED",
        "TYPE_DELIVERY_DATE_CHANGED",
    }
)
_PING = "TYPE_PING"
_JSON = "application/json"
_UNKNOWN, _MISSING = "ERROR_UNKNOWN", "ERROR_PARAMETER_VALUE_MISSED"

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address


class Push(BaseOptions):
    """How Ozon's calls are let in.

    ``networks``: where they come from; none of them (``[]``) lets everybody in, for a proxy that judges itself.
    ``trusted_proxies``: whose ``X-Forwarded-For`` is believed. ``path``: a part of the address that only Ozon is
    told, sixteen signs at least.
    """

    networks: tuple[Network, ...] = Field(default=OZON_NETWORKS, validate_default=True)
    trusted_proxies: tuple[Network, ...] = ()
    path: Annotated[SecretStr, Field(min_length=16)] | None = None

    @field_validator("path")
    @classmethod
    def _stands_in_an_address(cls, path: SecretStr | None) -> SecretStr | None:
        if path is not None and not path.get_secret_value().replace("-", "").replace("_", "").isalnum():
            raise ValueError("the path holds letters, digits, - and _ only")
        return path


class _Notification(msgspec.Struct):
    message_type: str
    posting_number: str = ""


class Doorway:
    """Answers Ozon's calls for one connection."""

    def __init__(self, options: Push, connector: Connector) -> None:
        self._options, self._connector = options, connector

    def handle(self, request: Request) -> Response:
        """Answer one call: as a ping is to be answered, or that it was taken."""
        refused = self._refused(request)
        if refused is not None:
            return refused
        try:
            body = request.body.read(LARGEST + 1)
            told = msgspec.json.decode(body, type=_Notification) if len(body) <= LARGEST else None
        except (OSError, msgspec.DecodeError, UnicodeError):
            told = None
        if told is None:
            return _refusal(400, _MISSING, "the body is not a notification")
        if told.message_type == _PING:
            return _answer(self._greeting())
        if told.message_type in POSTING_KINDS and told.posting_number:
            try:
                self._connector.tell({"order": [told.posting_number], "order_status": [told.posting_number]})
            except ObmenError as error:
                return _refusal(503, _UNKNOWN, self._connector.http.redact(str(error)))
        return _answer({"result": True})

    def _refused(self, request: Request) -> Response | None:
        if not self._is_address(request.path):
            return _refusal(404, _UNKNOWN, "no such address")
        if request.method != "POST":
            return _refusal(405, _UNKNOWN, "notifications come by POST")
        if not self._is_let_in(request):
            return _refusal(403, _UNKNOWN, "not a network that notifications come from")
        return None

    def close(self) -> None:
        """Nothing works in the background."""

    def _greeting(self) -> dict[str, str]:
        now = self._connector.clock.now().astimezone(UTC).isoformat(timespec="milliseconds")
        return {"version": _version(), "name": "Obmen", "time": now.replace("+00:00", "Z")}

    def _is_address(self, path: str) -> bool:
        secret = self._options.path.get_secret_value() if self._options.path is not None else ""
        return hmac.compare_digest(path.strip("/").encode(), secret.encode())

    def _is_let_in(self, request: Request) -> bool:
        if not self._options.networks:
            return True
        caller = self._caller(request)
        return caller is not None and _within(caller, self._options.networks)

    def _caller(self, request: Request) -> Address | None:
        """Return who calls: the last address of the chain that is not one of our own proxies."""
        chain = [part.strip() for part in request.headers.get("x-forwarded-for", "").split(",") if part.strip()]
        caller = _address(request.client)
        while caller is not None and chain and _within(caller, self._options.trusted_proxies):
            caller = _address(chain.pop())
        return caller


def _address(text: str) -> Address | None:
    try:
        found = ip_address(text)
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return mapped or found


def _within(address: Address, networks: tuple[Network, ...]) -> bool:
    return any(address in network for network in networks)


def _answer(body: Any, status: int = 200) -> Response:
    return Response(status, msgspec.json.encode(body), _JSON)


def _refusal(status: int, code: str, message: str) -> Response:
    return _answer({"error": {"code": code, "message": message, "details": None}}, status)


def _version() -> str:
    try:
        return version("obmen")
    except PackageNotFoundError:
        return "0"
