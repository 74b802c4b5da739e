"""Follows a document from element to element, except for its records.

The raw slicer feeds it what stands around the records, the parser path feeds it everything. Either way it is
lxml that decides where a container of records begins and ends and what the classifier says, so a byte search
can never mistake an order's goods for a catalogue's.
"""

from __future__ import annotations

from dataclasses import dataclass

from lxml import etree

from connectors.onec.commerceml.classifier import Classifier, Element, local, text_of
from connectors.onec.commerceml.files import ROOT
from obmen.errors import IncompleteSource

GOOD = "Товар"
OFFER = "Предложение"
CONTAINERS = {"Товары": GOOD, "Предложения": OFFER}
_CATALOGUE = "Каталог"
_CHANGES = "ИзмененияПакетаПредложений"
PACKAGES = {_CATALOGUE: GOOD, "ПакетПредложений": OFFER, _CHANGES: OFFER}
LARGEST = 16 << 20
"""Bytes of one record, or of anything else that has to be held whole; more is refused."""
_YES = {"true", "1", "да", "истина"}
_TAGS = [
    f"{{*}}{name}"
    for name in (
        ROOT,
        *CONTAINERS,
        *PACKAGES,
        GOOD,
        OFFER,
        "Группы",
        "Свойство",
        "ТипыЦен",
        "Склады",
        "ЕдиницыИзмерения",
    )
]


@dataclass(frozen=True, slots=True)
class Opened:
    """A container of records begins. ``names`` are its own and its package's; ``partial``: only changes.

    ``catalogue`` is the id of the catalogue that the records are of, empty where the package tells none.
    """

    record: str
    names: tuple[str, str]
    partial: bool
    catalogue: str = ""


class Outline:
    """Where in a document the reading stands. What it says for all records goes into ``classifier``.

    ``container`` is the container of records that is open now, None outside of one. ``partial`` tells for
    each kind of records whether a package says that it holds only changes.
    """

    def __init__(self, classifier: Classifier, name: str) -> None:
        self.classifier = classifier
        self._name = name
        self.partial: dict[str, bool] = {}
        self.container: Opened | None = None
        self.restart()

    def restart(self) -> None:
        """Be ready to follow the same document from its beginning."""
        self.container = None
        self._within: Element | None = None
        self._partial = False
        self._catalogue = ""
        self._held = 0
        self._parser = etree.XMLPullParser(
            events=("start", "end"),
            tag=_TAGS,
            encoding="utf-8",
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            huge_tree=False,
            remove_comments=True,
            remove_pis=True,
        )

    def feed(self, data: bytes) -> list[Opened | Element]:
        """Go on through the document; return the containers that began and the records that ended, in order.

        Each record is to be let go of. Raises XMLSyntaxError, and IncompleteSource for what is too large.
        """
        self._held += len(data)
        if self._held > LARGEST:
            message = f"{self._name} holds a piece larger than {LARGEST >> 20} MiB, which is no record of 1C."
            raise IncompleteSource(f"{message} What follows was not taken; look at it, and export again.")
        self._parser.feed(data)
        events: list[Opened | Element] = []
        for event, element in self._parser.read_events():
            name = local(element)
            if event == "start":
                self._begin(name, element)
                if element is self._within and self.container is not None:
                    events.append(self.container)
            elif self._within is None:
                self._end_outside(name, element)
            elif element is self._within:
                self.container = self._within = None
                self._let_go(element)
            elif self._is_record(name, element):
                events.append(element)
                self._held = 0
        return events

    def close(self) -> None:
        """Say that the document ends here; raises XMLSyntaxError if it does not."""
        self._parser.close()

    def _begin(self, name: str, element: Element) -> None:
        path = _path(element)
        if name in PACKAGES and path == (ROOT, name):
            flag = element.get("СодержитТолькоИзменения", "").strip().casefold()
            self._partial = name == _CHANGES or flag in _YES
            self._catalogue = ""
            record = PACKAGES[name]
            self.partial[record] = self.partial.get(record, False) or self._partial
        elif len(path) == 3 and path[1] in PACKAGES:  # noqa: PLR2004 - root, package, and what stands in it
            self._begin_within(name, path[1], element)

    def _begin_within(self, name: str, package: str, element: Element) -> None:
        parent = element.getparent()
        if parent is not None:  # its id stands before anything that is let go of
            told = text_of(parent, "ИдКаталога") or text_of(parent, "Ид")
            self._catalogue = self._catalogue or told.partition("#")[0]
        if PACKAGES[package] == CONTAINERS.get(name, ""):
            self.container = Opened(CONTAINERS[name], (name, package), self._partial, self._catalogue)
            self._within = element
            self.classifier.prefixes.update({p: uri for p, uri in element.nsmap.items() if p})

    def _is_record(self, name: str, element: Element) -> bool:
        return self.container is not None and name == self.container.record and element.getparent() is self._within

    def _end_outside(self, name: str, element: Element) -> None:
        parent = element.getparent()
        if name == "Группы" and parent is not None and local(parent) == "Классификатор":
            self.classifier.add_groups(element)
        elif name == "Свойство":
            self.classifier.add_property(element)
        elif name == "ТипыЦен":
            self.classifier.add_price_types(element)
        elif name == "Склады":
            self.classifier.add_warehouses(element)
        elif name == "ЕдиницыИзмерения":
            self.classifier.add_units(element)
        else:
            return
        self._let_go(element)

    def _let_go(self, element: Element) -> None:
        let_go(element)
        self._held = 0


def let_go(element: Element) -> None:
    """Free an element that was read, and what stood before it."""
    element.clear()
    parent = element.getparent()
    while parent is not None and element.getprevious() is not None:
        del parent[0]


def _path(element: Element) -> tuple[str, ...]:
    above = [local(ancestor) for ancestor in element.iterancestors()]
    return (*reversed(above), local(element))
