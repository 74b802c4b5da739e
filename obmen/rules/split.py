"""What is free, divided among channels so that no unit is promised in two of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence


def in_turn(units: int, limits: Sequence[int]) -> list[int]:
    """Give each as much as it may have before the next gets any."""
    given = []
    for limit in limits:
        part = min(units, limit)
        given.append(part)
        units -= part
    return given


def by_shares(units: int, shares: Sequence[int], limits: Sequence[int]) -> list[int]:
    """Divide by shares, which are whole numbers of any scale; what one may not have goes to the others.

    Each unit goes to where its share for each unit that it then has is the highest; the first of equals is
    served first. So one unit less never gives anybody more, which dividing by the largest remainder does not
    promise. A share of 0 gets nothing.
    """
    given = [0] * len(shares)
    open_ = [place for place, share in enumerate(shares) if share]
    while open_ and units:
        whole = sum(shares[place] for place in open_)
        full = [place for place in open_ if units * shares[place] // whole >= limits[place]]
        if not full:
            return _rest(units, whole, shares, limits, open_, given)
        for place in full:
            given[place] = limits[place]
            units -= limits[place]
            open_.remove(place)
    return given


def _rest(
    units: int, whole: int, shares: Sequence[int], limits: Sequence[int], open_: Sequence[int], given: list[int]
) -> list[int]:
    """Give everybody the whole units of its share, then the few that are left one by one."""
    for place in open_:
        given[place] = units * shares[place] // whole
    left = units - sum(given[place] for place in open_)
    while left:
        best = -1
        for place in open_:
            if given[place] < limits[place] and (
                best < 0 or shares[place] * (given[best] + 1) > shares[best] * (given[place] + 1)
            ):
                best = place
        if best < 0:
            return given
        given[best] += 1
        left -= 1
    return given


def surely_free(
    units: int, wanted: Mapping[str, int], shown: Mapping[str, int], unsure: Collection[str] = ()
) -> Mapping[str, int]:
    """Return what may be told now; ``wanted`` is in the order in which channels are served.

    Whoever is to show less is told so at once; whoever is to show more, only as far as ``units`` go beyond all
    that may still be shown anywhere. ``unsure``: channels that may show less than ``shown`` says; to tell one of them
    the same number again may raise it, so it is told only what the others surely leave.
    """
    room = units - sum(shown.values())
    waiting = {}
    for name in unsure:
        has = shown.get(name, 0)
        if room < 0 < has and wanted.get(name, 0) > max(has + room, 0):
            waiting[name] = max(has + room, 0)
            room += has - waiting[name]
    room = max(room, 0)
    for name, want in wanted.items():
        if name in waiting:
            continue
        has = shown.get(name, 0)
        if want - has > room:
            waiting[name] = has + room
            room = 0
        elif want > has:
            room -= want - has
    return {**wanted, **waiting} if waiting else wanted
