"""Marks at the head of a comment, by which a document of ours is known where the base gave it a reference of its own.

Stock UT has no field for a foreign number in most documents, so the mark stands where people see it too.
"""

from __future__ import annotations

from obmen.errors import Refused


def mark(word: str, name: str, text: str = "") -> str:
    """Return a comment with its mark: ``[операция 123] text``. Raises Refused for a name that would break it."""
    if "[" in name or "]" in name:
        message = f"'{name}' has a bracket, and in 1C such names are kept between brackets."
        raise Refused(message, code="bad_id")
    return f"[{word} {name}] {text}".rstrip()


def marked(word: str, comment: object) -> tuple[str, str]:
    """Return the name that a comment's mark tells, empty where it has none, and the rest of the comment."""
    text = str(comment or "")
    beginning = f"[{word} "
    if not text.startswith(beginning) or "]" not in text:
        return "", text
    name, _, rest = text.removeprefix(beginning).partition("]")
    return name, rest.strip()
