"""The settings of a cabinet that only its orders and their notifications need."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Annotated, Literal

from pydantic import Field, field_validator

from obmen.connector import Options, SecretStr

NETWORKS = ("5.45.207.0/25", "141.8.142.0/25", "5.255.253.0/25")
"""From where Market says that its notifications come."""

Program = Literal["FBS", "DBS", "EXPRESS", "FBY", "LAAS"]


class OrderOptions(Options):
    """How orders are read and moved on.

    ``programs``: the models of work whose orders are read; the seller packs none of FBY and LaaS. ``test_orders``:
    read the test orders that are made in the cabinet too. ``track_days``: for so long after it was placed is an
    order watched. ``confirm_shipments``: an FBS order that is shipped confirms its whole shipment to the sorting
    centre. ``decline_cancellations``: a DBS order that is shipped or delivered declines the buyer's request to
    cancel it; without this Market cancels such an order after 48 hours. ``same_stock``: the other shops of a group
    of warehouses, which sell the stock of one that ``warehouses`` names: their campaign id → that shop's.
    """

    programs: Annotated[tuple[Program, ...], Field(min_length=1)] = ("FBS", "DBS", "EXPRESS")
    test_orders: bool = False
    track_days: Annotated[int, Field(ge=30, le=360)] = 90
    confirm_shipments: bool = False
    decline_cancellations: bool = False
    same_stock: dict[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]] = Field(default_factory=dict)


class NotificationOptions(Options):
    """What lets a notification in.

    ``path``: a secret of the integrator's, part of the address that is given to Market. ``networks``: from where
    calls may come; a web server on this machine that passes them on is always let in.
    """

    path: Annotated[SecretStr, Field(min_length=16)]
    networks: tuple[str, ...] = NETWORKS

    @field_validator("path")
    @classmethod
    def _one_part_of_an_address(cls, path: SecretStr) -> SecretStr:
        if not all(sign.isalnum() or sign in "-_" for sign in path.get_secret_value()):
            raise ValueError("use letters, digits, - and _ only: it becomes a part of an address")
        return path

    @field_validator("networks")
    @classmethod
    def _networks(cls, networks: tuple[str, ...]) -> tuple[str, ...]:
        for network in networks:
            ip_network(network)
        return networks
