"""An export as a whole: its files in reading order, and what they say for all records.

1C may write one file or a thousand portions, all goods or only changed ones, each thing once or in several
files. Here it is settled once, before any record is taken, which file speaks first and whose names count.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from connectors.onec.commerceml.classifier import Classifier
from connectors.onec.commerceml.files import Source, find_sources
from connectors.onec.commerceml.outline import Opened, Outline
from connectors.onec.commerceml.slicer import Batch, records
from obmen.errors import IncompleteSource


@dataclass(frozen=True, slots=True)
class Export:
    """What a file or folder holds.

    ``sources`` stand in reading order: natural, or newest first if some file holds ``changes`` only and so
    may repeat what others say. ``kinds``: which records each of them holds.
    """

    path: Path
    sources: tuple[Source, ...]
    kinds: dict[Source, frozenset[str]]
    classifier: Classifier
    changes: bool

    @property
    def overlapping(self) -> bool:
        """Whether the same record may stand in several files, the newest of which counts."""
        return self.changes and len(self.sources) > 1

    def batches(self, kind: str) -> Iterator[tuple[Source, Opened, Batch]]:
        """Yield the records of that kind, with their file and their container (one object for all of it)."""
        for source in self.sources:
            if kind not in self.kinds[source]:
                continue
            container: Opened | None = None
            for event in records(source, Outline(self.classifier, source.name)):
                if isinstance(event, Opened):
                    container = event
                    if event.record not in self.kinds[source]:
                        message = f"{source.name} holds catalogues and offers in turns. Export them apart."
                        raise IncompleteSource(message)
                elif container is not None and event.record == kind:
                    yield source, container, event


def look_at(path: Path) -> Export:
    """Find the files of an export and read what they say for all records.

    Raises ConfigurationError if there is none, IncompleteSource if one is not whole.
    """
    sources = find_sources(path)
    classifier = Classifier()
    kinds, changes = {}, False
    for source in sorted(sources, key=lambda source: source.newness, reverse=True):
        outline = Outline(classifier, source.name)
        kinds[source] = frozenset(_containers(source, outline))
        changes = changes or any(outline.partial.values())
    ordered = sorted(sources, key=lambda source: source.newness, reverse=True) if changes else sources
    return Export(path, tuple(ordered), kinds, classifier, changes)


def _containers(source: Source, outline: Outline) -> Iterator[str]:
    """Yield the kinds of records in a file, reading no further than its last container."""
    with closing(records(source, outline)) as events:
        for event in events:
            if isinstance(event, Opened):
                yield event.record
                if event.names == source.closed_last:
                    return
