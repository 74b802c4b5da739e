"""How a system is reached, as data: address, credentials, budgets and the vendor's retry habits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from requests.auth import AuthBase

from obmen.errors import ObmenError
from obmen.http.budget import Rate
from obmen.http.reply import Reply

_NOT_LOST = {501, 505}  # the peer knows neither the method nor the protocol, so it did nothing


@dataclass(frozen=True, slots=True)
class Retry:
    """What a vendor's answers mean for a repeat.

    ``rejected``: statuses that say the call had no effect, so even a write may be repeated. ``broken``:
    statuses after which the effect is unknown. ``after_headers``: header name → seconds in one of its units
    (any of them may also hold a date). ``attempts`` and ``patience`` (seconds in all, not counting the waits
    for a budget) bound the repeats of one call; what is longer is left to the engine. ``first_delay`` and
    ``longest_delay`` are in seconds.
    """

    rejected: frozenset[int] = frozenset({420, 429})
    broken: frozenset[int] = frozenset({408, *range(500, 600)} - _NOT_LOST)
    after_headers: Mapping[str, float] = field(default_factory=lambda: {"Retry-After": 1.0})
    attempts: int = 5
    patience: float = 60.0
    first_delay: float = 0.5
    longest_delay: float = 20.0


@dataclass(frozen=True, slots=True)
class Remaining:
    """The headers in which a vendor tells, with any answer, how much of a group's budget is left.

    ``left``: how many calls may still be made; ``reset``: when there will be more, in seconds or as a date.
    """

    left: str
    reset: str


@dataclass(frozen=True, slots=True)
class Transport:
    """How a system is reached.

    ``timeout`` is (connect, read) in seconds and always set. ``budgets``: method group → rates; a call names
    its group, and the group ``*`` counts every call. ``remaining``: where the vendor tells what is left of
    them. ``refusal_weight``: as how many calls it counts one that it refuses (status 4xx). ``secrets``: values
    that must never be seen, besides the connection's secret options, which are known. ``explain`` may turn an
    answer into the error that it means in this vendor's words; None leaves it to the status.
    ``largest_answer`` is in bytes, unpacked.
    """

    base_url: str = field(default="", repr=False)  # may hold a key, as a webhook's address does
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    auth: AuthBase | None = field(default=None, repr=False)
    timeout: tuple[float, float] = (10.0, 60.0)
    budgets: Mapping[str, tuple[Rate, ...]] = field(default_factory=dict)
    remaining: Remaining | None = None
    refusal_weight: int = 1
    retry: Retry = field(default_factory=Retry)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    explain: Callable[[Reply], ObmenError | None] | None = None
    largest_answer: int = 100 * 1024 * 1024
