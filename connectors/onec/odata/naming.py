"""Names that people use for price types and warehouses: in options, in mappings, in channels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from obmen.errors import ConfigurationError, meant


def unambiguous(names: Mapping[str, str]) -> dict[str, str]:
    """Return what each reference is called: its name, or the reference where the name is not its alone."""
    stripped = {ref: name.strip() for ref, name in names.items()}
    counts = Counter(stripped.values())
    return {ref: name if name and counts[name] == 1 else ref for ref, name in stripped.items()}


def chosen(names: Mapping[str, str], wanted: Iterable[str], option: str, what: str) -> dict[str, str]:
    """Return the references whose names are wanted, all of them where none is named.

    Raises ConfigurationError for a name that nothing has.
    """
    wanted = list(wanted)
    if not wanted:
        return dict(names)
    for name in wanted:
        if name not in names.values():
            raise ConfigurationError(f"{option}: {what} has no '{name}'.{meant(name, names.values())}")
    return {ref: name for ref, name in names.items() if name in wanted}
