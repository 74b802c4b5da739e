"""Looks at a file that 1C has sent before it is let in: whether it is whole, and what it speaks of.

The whole file is read as a reader will read it. A record that is broken in itself harms only itself and is
told when it is read; a file that breaks off, or is none of CommerceML, is refused in words for 1C's log.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from connectors.onec.commerceml import keys
from connectors.onec.commerceml.classifier import Classifier
from connectors.onec.commerceml.files import ROOT, Source, open_source
from connectors.onec.commerceml.live import GOODS, OFFERS, PRICES, RESTS, Aspect, Topic
from connectors.onec.commerceml.outline import GOOD, Opened, Outline
from connectors.onec.commerceml.slicer import Batch, records
from connectors.onec.site.answers import Failure
from obmen.errors import ConfigurationError, IncompleteSource

_PEEK = 1 << 16
_AGAIN = "Повторите обмен"


@dataclass(slots=True)
class _Container:
    opened: Opened
    count: int = 0
    aspects: set[Aspect] = field(default_factory=set)

    def add(self, batch: Batch) -> None:
        self.count += len(batch.slices)
        if batch.record == GOOD:
            self.aspects.add(GOODS)
            return
        for aspect, marks in ((PRICES, keys.PRICES), (RESTS, keys.RESTS)):
            if aspect not in self.aspects and keys.speaking_of(marks, batch.slices):
                self.aspects.add(aspect)
        if OFFERS not in self.aspects and any(keys.product_part(piece) for piece in batch.slices):
            self.aspects.add(OFFERS)

    def topics(self) -> set[Topic]:
        """An empty container speaks of everything that it could hold."""
        silent: tuple[Aspect, ...] = (GOODS,) if self.opened.record == GOOD else (OFFERS, PRICES, RESTS)
        aspects = self.aspects if self.count else silent
        return {Topic(aspect, self.opened.catalogue, not self.opened.partial) for aspect in aspects}


def look_into(path: Path, name: str, on_count: Callable[[int], None]) -> tuple[Topic, ...]:
    """Read a file to its end; return what it speaks of. Raises Failure.

    ``on_count`` is told how many records there were so far; what it raises ends the reading.
    """
    containers: list[_Container] = []
    count = 0
    try:
        source = open_source(path, name)
        for event in records(source, Outline(Classifier(), name)):
            if isinstance(event, Opened):
                containers.append(_Container(event))
            else:
                containers[-1].add(event)
                count += len(event.slices)
                on_count(count)
    except (IncompleteSource, ConfigurationError) as error:
        raise Failure(explain(path, name, error)) from error
    if len({container.opened.record for container in containers}) > 1 and _in_turns(source, containers):
        message = f"В файле {name} каталоги и предложения идут вперемешку. Выгружайте их отдельными файлами."
        raise Failure(message)
    topics = {topic for container in containers for topic in container.topics()}
    return tuple(sorted(topics, key=lambda topic: (topic.aspect, topic.catalogue, topic.whole)))


def explain(path: Path, name: str, error: Exception) -> str:
    """Say in Russian why a file was refused, as far as it can be told from outside."""
    with path.open("rb") as file:
        head = file.read(_PEEK)
        file.seek(max(0, path.stat().st_size - _PEEK))
        tail = file.read()
    if not head.strip():
        return f"Файл {name} пуст. {_AGAIN}."
    if b"<!DOCTYPE" in head:
        return f"Файл {name} содержит описание типа документа (DOCTYPE), какого 1С не пишет, и не принят."
    if not any(ROOT.encode(encoding) in head for encoding in ("utf-8", "cp1251", "utf-16-le", "utf-16-be")):
        return f"Файл {name} – не CommerceML: в нём нет {ROOT}."
    if not any(f"</{ROOT}".encode(encoding) in tail for encoding in ("utf-8", "cp1251", "utf-16-le", "utf-16-be")):
        return f"Файл {name} принят не полностью: в нём нет конца (</{ROOT}>). {_AGAIN}."
    return f"Файл {name} повреждён и не принят. {_AGAIN}; если не поможет, покажите это сообщение: {error}"


def _in_turns(source: Source, containers: list[_Container]) -> bool:
    """Whether a reader, who stops looking after the container that ends the file, would miss a kind."""
    ends = [n for n, container in enumerate(containers) if container.opened.names == source.closed_last]
    return bool(ends) and len({container.opened.record for container in containers[: ends[0] + 1]}) < len(
        {container.opened.record for container in containers}
    )
