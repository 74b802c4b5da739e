"""What to do about a record that was set aside, by the reason that it was set aside for."""

from __future__ import annotations

from obmen.state.quarantine import Entry

_BY_CODE = {
    "duplicate_key": (
        "Give one of the two another key in {connection}. As soon as they differ, both are taken by themselves."
    ),
    "duplicate_id": "Remove one of the two in {connection}, then: obmen quarantine replay {id}",
    "unmapped": (
        "Add the value to the table that the reason names (write ~ for it to leave such records out on "
        "purpose). The next sync of {flow} takes the record again by itself."
    ),
    "bad_value": (
        "Correct the value in the source, or mend the mapping. The next sync of {flow} takes it again by itself."
    ),
    "unresolved": "Bring in the record that it needs, then: obmen quarantine replay {id}",
    "exhausted": "See what {connection} answered, mend that, then: obmen quarantine replay {id}",
    "in_doubt": (
        "Look into {connection} for {key}. If it arrived: obmen quarantine drop {id}. "
        "If it did not: obmen quarantine replay {id}"
    ),
    "bound_twice": (
        "Look into {connection}: two records claim one place there. Mend it, then: obmen quarantine replay "
        "{id}, or let go of this one: obmen quarantine drop {id}"
    ),
    "not_kept": (
        "Look into {connection} for what changes {key} there: a promotion, a price strategy, another program. "
        "Once it is found: obmen quarantine replay {id}. Another value in the source is sent by itself."
    ),
    "unkept_id": (
        "The record is in {connection}; see there that it can be found by its other fields. It is never sent again as "
        "it is: obmen quarantine drop {id}"
    ),
    "no_id": "Map the field that {connection} knows the record by, then: obmen quarantine replay {id}",
    "unsupported": "Nothing can be sent there in this way. Let go of it: obmen quarantine drop {id}",
}
_PULLED = (
    "Correct the record in {connection}: once it changes there, it is read again by itself. If nothing is to "
    "be changed there: obmen quarantine replay {id}"
)
_REFUSED = (
    "Correct the record in the source: once it changes, it is sent again by itself. If the cause was in "
    "{connection}, and is mended: obmen quarantine replay {id}"
)
_EXPLAINED = (
    "Do what is said above. A record that changes in its source is taken again by itself; any other: obmen quarantine "
    "replay {id}"
)
_WAITING = "It waits for another record and goes on by itself when that comes. To try now: obmen quarantine replay {id}"
_DUE = "It is tried again at the next run: obmen sync {flow}"


def next_step(entry: Entry, *, explained: bool = False) -> str:
    """Return what a person does about an entry; ``explained``: its cause is known, and said with what mends it."""
    if entry.state == "due":
        text = _DUE
    elif entry.state == "waiting":
        text = _WAITING
    else:
        unknown = _PULLED if entry.stage == "pull" else _REFUSED
        text = _BY_CODE.get(entry.code, _EXPLAINED if explained else unknown)
    return text.format(connection=entry.connection, flow=entry.flow, id=entry.id, key=entry.key or entry.source)
