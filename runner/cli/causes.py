"""Why a record was written, in words."""

from __future__ import annotations

_WORDS = {
    "": "its source changed",
    "drift": "it was not kept there, and was sent again",
    "rules": "a rule made it so",
}
_BY_RULES = {
    "stock": "another channel shows less now, and the rules gave this one what became free",
    "price": "its goods changed in what the rules of prices look at",
}


def in_words(cause: str, entity: str = "") -> str:
    """Return a cause, as the outbox and what was written keep it, in words; ``entity``: of what."""
    if cause == "rules" and entity in _BY_RULES:
        return _BY_RULES[entity]
    kind, _, about = cause.partition(":")
    if kind == "order" and about:
        channel, _, number = about.partition("|")
        return f"order {number} of {channel}" if number else f"order {about}"
    if kind == "forced" and about:
        return f"let go by --force: {about}"
    if kind == "undo" and about:
        return f"run {about} was undone"
    return _WORDS.get(cause, cause)
