"""An export as a whole: its files in reading order, and what they say for all records.

1C may write one file or a thousand portions, all goods or only changed ones, each thing once or in several
files. Here it is settled once, before any record is taken, which file speaks first and whose names count.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from connectors.onec.commerceml.classifier import Classifier
from connectors.onec.commerceml.files import Source, find_sources, listed_sources
from connectors.onec.commerceml.live import Aspect, read_index
from connectors.onec.commerceml.outline import Opened, Outline
from connectors.onec.commerceml.slicer import Batch, records
from obmen.errors import IncompleteSource


@dataclass(frozen=True, slots=True)
class Export:
    """What a file or folder holds.

    ``sources`` stand in reading order: natural, or newest first where one may repeat what others say, because
    some file holds ``changes`` only or because they came one after the other. ``kinds``: which records each of
    them holds. ``whole``: of which records some container holds all there are, so that an empty one says that
    there are none. ``complete``: the aspects of which the pushes of an exchange bring everything, one upon the
    other; None where nobody knows their order.
    """

    path: Path
    sources: tuple[Source, ...]
    kinds: dict[Source, frozenset[str]]
    classifier: Classifier
    changes: bool
    whole: frozenset[str]
    complete: frozenset[Aspect] | None = None

    @property
    def overlapping(self) -> bool:
        """Whether the same record may stand in several files, the newest of which counts."""
        return (self.changes or len({source.age for source in self.sources}) > 1) and len(self.sources) > 1

    def partial(self, said: bool, *aspects: Aspect) -> bool:
        """Whether only changes are known of these aspects; ``said`` is what the files say of themselves."""
        return said if self.complete is None else not self.complete.issuperset(aspects)

    def batches(self, kind: str, aspect: Aspect | None = None) -> Iterator[tuple[Source, Opened, Batch]]:
        """Yield the records of that kind, with their file and their container (one object for all of it).

        With an ``aspect``, only from files that still count for it.
        """
        for source in self.sources:
            if kind not in self.kinds[source] or not (aspect is None or source.speaks_of(aspect)):
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
    index = read_index(path)
    sources = find_sources(path) if index is None else listed_sources(path, index)
    classifier = Classifier()
    kinds: dict[Source, frozenset[str]] = {}
    whole: set[str] = set()
    changes = False
    for source in sorted(sources, key=lambda source: source.newness, reverse=True):
        outline = Outline(classifier, source.name)
        containers = list(_containers(source, outline))
        kinds[source] = frozenset(container.record for container in containers)
        whole.update(container.record for container in containers if not container.partial)
        changes = changes or any(outline.partial.values())
    complete = None if index is None else index.complete
    export = Export(path, tuple(sources), kinds, classifier, changes, frozenset(whole), complete)
    return replace(export, sources=tuple(kinds)) if export.overlapping else export


def _containers(source: Source, outline: Outline) -> Iterator[Opened]:
    """Yield the containers of records in a file, reading no further than its last one."""
    with closing(records(source, outline)) as events:
        for event in events:
            if isinstance(event, Opened):
                yield event
                if event.names == source.closed_last:
                    return
