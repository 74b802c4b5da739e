"""Supplies: what FBS orders are put together into before they are handed over.

A supply takes orders of one warehouse, one size of cargo and one side of the border. Making one is the only call
here that does harm when it is repeated, and its answer may be lost; so a supply's name is kept before it is made,
and one whose making is in doubt is looked for by that name. An order is in one supply at most: Wildberries itself
moves it when it is put into another.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from connectors.wildberries import paths
from connectors.wildberries.base import Base
from connectors.wildberries.listing import LISTED
from obmen.errors import IncompleteSource, Refused

ADDED = 100


@dataclass(frozen=True, slots=True)
class Kind:
    """What orders of one supply have in common, besides being unshipped."""

    warehouse: int
    cargo: int
    border: int
    business: bool

    @classmethod
    def of(cls, order: Mapping[str, Any]) -> Kind:
        """Return the kind of supply that an order goes into."""
        options = order.get("options") or {}
        return cls(
            order["warehouseId"],
            order.get("cargoType", 1),
            order.get("crossBorderType", 0),
            bool(options.get("isB2B")),
        )

    def __str__(self) -> str:
        border = " за границу" if self.border else ""
        return f"{self.warehouse} {self.cargo}{border}{' B2B' if self.business else ''}"


class _Kept(msgspec.Struct):
    """What is remembered of a supply: the name under which it is being made and, once it is, its id."""

    name: str
    id: str = ""


class Supplies(Base):
    """Makes supplies, fills them and hands them over."""

    def open_supply(self, kind: Kind, purpose: str) -> str:
        """Return the supply of that kind that still takes orders; one is made where there is none."""
        place = f"supply {purpose} {kind}"
        kept = self._kept_supply(place)
        if kept is not None and not kept.id:
            kept.id = self._supply_named(kept.name)
        if kept is not None and kept.id and self._supply_open(kept.id):
            self._keep_supply(place, kept)
            return kept.id
        if kept is None or kept.id:
            return self.new_supply(kind, purpose)
        return self._make_supply(place, kept)

    def new_supply(self, kind: Kind, purpose: str) -> str:
        """Make a supply in place of the one that served this purpose."""
        kept = _Kept(f"Obmen {self.clock.now():%Y-%m-%d %H:%M:%S.%f} {kind}")
        return self._make_supply(f"supply {purpose} {kind}", kept)

    def _make_supply(self, place: str, kept: _Kept) -> str:
        self._keep_supply(place, kept)
        kept.id = str(self.call(paths.SUPPLY_MAKE, json={"name": kept.name})["id"])
        self._keep_supply(place, kept)
        return kept.id

    def orders_in(self, supply: str) -> set[int]:
        """Return the ids of the orders in a supply."""
        return set(self.call(paths.SUPPLY_ORDERS, parts={"supplyId": supply})["orderIds"] or ())

    def put_into(self, supply: str, ids: Collection[int]) -> None:
        """Put at most a hundred orders into a supply; those that are new are being assembled from now on."""
        body = {"orders": sorted(ids)}
        self.call(paths.SUPPLY_ADD, parts={"supplyId": supply}, json=body)

    def hand_over(self, supply: str) -> None:
        """Close a supply: all of its orders are on their way from now on."""
        if self.options.ship_to == "pickup_point":
            self._box_supply(supply)
        self.call(paths.SUPPLY_DELIVER, parts={"supplyId": supply})

    def _box_supply(self, supply: str) -> None:
        """A pick-up point takes a supply only in boxes, of which there is at least one."""
        if not self.call(paths.SUPPLY_BOXES, parts={"supplyId": supply})["trbxes"]:
            self.call(paths.SUPPLY_BOX, parts={"supplyId": supply}, json={"amount": 1})

    def _supply_open(self, supply: str) -> bool:
        try:
            return not self.call(paths.SUPPLY, parts={"supplyId": supply})["done"]
        except Refused as error:
            if error.code == "NotFound":
                return False
            raise

    def _supply_named(self, name: str) -> str:
        """Return the id of the supply of that name, "" if it was never made."""
        where = 0
        while True:
            reply = self.call(paths.SUPPLIES, params={"limit": str(LISTED), "next": str(where)})
            for row in reply["supplies"]:
                if row["name"] == name:
                    return str(row["id"])
            following = reply["next"]
            if not reply["supplies"] or not following:
                return ""
            if following == where:
                raise IncompleteSource(f"{reply.what}: the list has more to give but its cursor stands still.")
            where = following

    def _kept_supply(self, place: str) -> _Kept | None:
        kept = self.memory.get(place)
        return msgspec.json.decode(kept, type=_Kept) if kept else None

    def _keep_supply(self, place: str, kept: _Kept) -> None:
        self.memory.put(place, msgspec.json.encode(kept))
