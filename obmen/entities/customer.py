"""Customer: a person or a company that buys, as one profile across systems."""

from __future__ import annotations

from datetime import date
from typing import Annotated, ClassVar, Literal

from pydantic import StringConstraints

from obmen.entities.base import Key, Personal, Record

Phone = Annotated[str, StringConstraints(pattern=r"^\+[1-9][0-9]{6,14}$")]
Email = Annotated[str, StringConstraints(strip_whitespace=True, to_lower=True, pattern=r"^[^@\s]+@[^@\s]+$")]


class Customer(Record):
    """Who buys. Phones are in E.164, the main one first; e-mails in lower case; ``tax_id`` is the ИНН.

    ``cards`` are the numbers of loyalty cards, each a BonusAccount's key. ``consents``: what for → given or not.
    """

    entity: ClassVar[str] = "customer"
    key_fields: ClassVar[tuple[str, ...]] = ("customer_id",)
    identity: ClassVar[bool] = True

    customer_id: Key
    kind: Literal["person", "company"] | None = None
    name: str | None = Personal
    first_name: str | None = Personal
    last_name: str | None = Personal
    middle_name: str | None = Personal
    phones: tuple[Phone, ...] | None = Personal
    emails: tuple[Email, ...] | None = Personal
    birthday: date | None = Personal
    gender: Literal["male", "female"] | None = Personal
    tax_id: str | None = Personal
    address: str | None = Personal
    cards: tuple[Key, ...] | None = Personal
    consents: dict[str, bool] | None = None
    comment: str | None = Personal
    archived: bool | None = None
