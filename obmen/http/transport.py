"""How a system is reached, as data: address, credentials, budgets and the vendor's retry habits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from requests.auth import AuthBase

from obmen.errors import ObmenError
from obmen.http.budget import Rate
from obmen.http.reply import Reply


@dataclass(frozen=True, slots=True)
class Retry:
    """What a vendor's answers mean for a repeat.

    ``rejected``: statuses that say the call had no effect, so even a write may be repeated. ``broken``:
    statuses after which the effect is unknown. ``after_headers``: header name → seconds in one of its units
    (``Retry-After`` may also hold a date). ``attempts`` and ``patience`` (seconds in all) bound the repeats
    of one call; what is longer is left to the engine. ``first_delay`` and ``longest_delay`` are in seconds.
    """

    rejected: frozenset[int] = frozenset({420, 429})
    broken: frozenset[int] = frozenset({408, 500, 502, 503, 504, 520, 521, 522, 524})
    after_headers: Mapping[str, float] = field(default_factory=lambda: {"Retry-After": 1.0})
    attempts: int = 5
    patience: float = 60.0
    first_delay: float = 0.5
    longest_delay: float = 20.0


@dataclass(frozen=True, slots=True)
class Transport:
    """How a system is reached.

    ``timeout`` is (connect, read) in seconds and always set. ``budgets``: method group → rates; a call names
    its group, and the group ``*`` counts every call. ``secrets``: values that must never be seen.
    ``explain`` may turn an answer into the error that it means in this vendor's words; None leaves it to the
    status.
    """

    base_url: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    auth: AuthBase | None = None
    timeout: tuple[float, float] = (10.0, 60.0)
    budgets: Mapping[str, tuple[Rate, ...]] = field(default_factory=dict)
    retry: Retry = field(default_factory=Retry)
    secrets: tuple[str, ...] = ()
    explain: Callable[[Reply], ObmenError | None] | None = None
