"""Cuts a document into its records, as bytes, without parsing them where that is surely sound.

Most of what an export brings is what it brought last time. A record that is only cut out and fingerprinted
costs a twentieth of one that is parsed, so bytes are searched for the records' tags. That is sound where each
``<`` begins a tag (no comment, CDATA, processing instruction), where records follow each other with nothing
but white space between them, and where none holds its like; all three are verified as the reading goes on.
Where one fails, the parser reads the same document anew, passes over what was already given, and goes on.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import accumulate

from lxml import etree

from connectors.onec.commerceml.classifier import Element, local
from connectors.onec.commerceml.files import CHUNK, Source
from connectors.onec.commerceml.outline import CONTAINERS, LARGEST, Opened, Outline, let_go
from obmen.errors import IncompleteSource

WHITE = b" \t\r\n"
_MARKS = [f"<{name}".encode() for name in CONTAINERS]
_HOLD = max(map(len, _MARKS))
_PARSED_CHUNK = 1 << 16
_HOPS = 64
_LESS = ord("<")


@dataclass(frozen=True, slots=True)
class Batch:
    """Records that follow each other in a document.

    A slice is what stands in the document after ``<name`` up to the end of the closing tag, or, from the
    parser, the whole element written anew (it begins with ``<``).
    """

    record: str
    slices: list[bytes]
    lines: bool
    starts: list[int]
    step: int = 0

    def place(self, index: int) -> int:
        """Return where a record begins: its position in ``Source.chunks``, or its line if ``lines``."""
        return self.starts[index] + index * self.step

    def only(self, indices: Iterable[int]) -> Batch:
        """Return the batch with these records alone."""
        kept = list(indices)
        slices, starts = [self.slices[n] for n in kept], [self.place(n) for n in kept]
        return replace(self, slices=slices, starts=starts, step=0)


def as_element(piece: bytes, record: str) -> bytes:
    """Return a slice as the text of its element."""
    return piece if piece.startswith(b"<") else b"<" + record.encode() + piece


class _Unsound(Exception):  # noqa: N818 - a turn of the road, not an error
    """Cutting is not surely right here: let the parser read."""


def records(
    source: Source, outline: Outline, *, cut: bool = True, size: int = CHUNK
) -> Generator[Opened | Batch, None, None]:
    """Yield the document's containers and their records, in its order.

    ``cut=False`` takes the parser's path from the start; ``size`` is how many bytes are read at once. Raises
    IncompleteSource where the document breaks off or is no XML around its records; what was yielded until
    then is sound.
    """
    opened = given = 0
    if cut:
        try:
            for event in _cut(source, outline, size):
                if isinstance(event, Opened):
                    opened += 1
                else:
                    given += len(event.slices)
                yield event
        except (_Unsound, etree.XMLSyntaxError):
            outline.restart()
        else:
            return
    yield from _after(opened, given, _parse(source, outline, size))


def _after(opened: int, given: int, events: Iterator[Opened | Batch]) -> Iterator[Opened | Batch]:
    """Pass over so many containers and records."""
    for event in events:
        if isinstance(event, Opened):
            opened -= 1
            if opened < 0:
                yield event
        elif given < len(event.slices):
            yield event.only(range(given, len(event.slices)))
            given = 0
        else:
            given -= len(event.slices)


def _parse(source: Source, outline: Outline, size: int) -> Iterator[Opened | Batch]:
    try:
        for chunk in source.chunks(size):
            for part in range(0, len(chunk), _PARSED_CHUNK):
                yield from _parsed(outline.feed(chunk[part : part + _PARSED_CHUNK]))
        outline.close()
    except etree.XMLSyntaxError as error:
        message = f"{source.name}:{error.lineno}: this is no XML: {error.msg}."
        raise IncompleteSource(f"{message} What follows was not taken; run the export again.") from error


def _parsed(events: list[Opened | Element]) -> Iterator[Opened | Batch]:
    """Write records anew, those of each container together."""
    elements: list[Element] = []
    for event in events:
        if isinstance(event, Opened):
            yield from _written(elements)
            elements = []
            yield event
        else:
            elements.append(event)
    yield from _written(elements)


def _written(elements: list[Element]) -> Iterator[Batch]:
    if elements:
        record = local(elements[0])
        starts = [element.sourceline or 0 for element in elements]
        for element in elements:
            _without_namespace(element)
        slices = [etree.tostring(element, encoding="utf-8", with_tail=False) for element in elements]
        for element in elements:
            let_go(element)
        yield Batch(record, slices, lines=True, starts=starts)


def _without_namespace(element: Element) -> None:
    """Name the elements of a record as they would be without namespace and prefix."""
    for node in element.iter("*"):
        node.tag = local(node)
    etree.cleanup_namespaces(element)


def _cut(source: Source, outline: Outline, size: int) -> Iterator[Opened | Batch]:
    cutter = _Cutter(outline)
    before = 0
    for number, chunk in enumerate(source.chunks(size)):
        declaration = 2 if number == 0 and chunk.startswith(b"<?") else 0
        if not _plain(chunk, declaration, before):
            raise _Unsound
        before = chunk[-1]
        yield from cutter.push(chunk)
    yield from cutter.finish()


def _plain(chunk: bytes, start: int, before: int) -> bool:
    """Whether every ``<`` begins a tag: no comment, CDATA, processing instruction or declaration.

    ``!`` and ``?`` are rare, so it is quicker to look for them than for what they follow.
    """
    for sign in (b"!", b"?"):
        at = chunk.find(sign, start)
        if at == 0 and before == _LESS:
            return False
        for _ in range(_HOPS):
            if at < 0:
                break
            if at and chunk[at - 1] == _LESS:
                return False
            at = chunk.find(sign, at + 1)
        else:
            if b"<" + sign in chunk[max(0, at - 1) :]:
                return False
    return True


class _Cutter:
    """Cuts records out of the bytes that are pushed into it, and feeds the outline with all others.

    ``_at`` is where in the document the buffer begins. Within a container, once ``_started``, the buffer
    begins right after a record's opening ``<name``.
    """

    def __init__(self, outline: Outline) -> None:
        self._outline = outline
        self._buffer = b""
        self._at = 0
        self._started = False
        self._record = ""
        self._open = self._close = self._end = b""

    def push(self, chunk: bytes) -> Iterator[Opened | Batch]:
        """Yield what the bytes so far have made certain."""
        self._buffer += chunk
        going = True
        while going:
            going = yield from (self._outside() if self._outline.container is None else self._inside())
        if len(self._buffer) > LARGEST:
            raise _Unsound

    def finish(self) -> Iterator[Opened | Batch]:
        """Yield what the end of the document makes certain."""
        if self._outline.container is not None:
            raise _Unsound
        yield from self._feed(len(self._buffer))
        self._outline.close()

    def _outside(self) -> Generator[Opened | Batch, None, bool]:
        found = [at for mark in _MARKS if (at := self._buffer.find(mark)) >= 0]
        if not found:
            yield from self._feed(max(0, len(self._buffer) - _HOLD))
            if self._outline.container is not None:
                raise _Unsound
            return False
        end = self._buffer.find(b">", min(found))
        if end < 0:
            return False
        yield from self._feed(end + 1)
        container = self._outline.container
        if container is not None:
            self._record = container.record
            self._open, self._close = f"<{container.record}".encode(), f"</{container.record}>".encode()
            self._end = f"</{container.names[0]}".encode()
            self._started = False
        return True

    def _inside(self) -> Generator[Opened | Batch, None, bool]:
        if not self._started:
            return (yield from self._start())
        *bodies, rest = self._buffer.split(self._open)
        slices = [body.rstrip(WHITE) for body in bodies]
        if not all([piece.endswith(self._close) for piece in slices]):  # noqa: C419 - a list is quicker here
            faulty = next(n for n, piece in enumerate(slices) if not piece.endswith(self._close))
            if self._end not in bodies[faulty]:
                raise _Unsound
            rest = self._open.join((*bodies[faulty:], rest))
            del bodies[faulty:], slices[faulty:]
        end = rest.find(self._end)
        ended = end >= 0 and rest.find(b">", end) >= 0
        if ended:
            bodies.append(rest[:end])
            slices.append(rest[:end].rstrip(WHITE))
            rest = rest[end:]
            if not slices[-1].endswith(self._close):
                raise _Unsound
        if slices:
            tag = len(self._open)
            starts = list(accumulate(map(len, bodies), initial=self._at - tag))
            yield Batch(self._record, slices, lines=False, starts=starts, step=tag)
        self._at += len(self._buffer) - len(rest)
        self._buffer = rest
        if ended:
            yield from self._leave()
        return ended

    def _start(self) -> Generator[Opened | Batch, None, bool]:
        """Go to the first record of a container, or out of an empty one; return whether one was found."""
        left = self._buffer.lstrip(WHITE)
        self._move(len(self._buffer) - len(left))
        if left.startswith(self._open):
            self._move(len(self._open))
            self._started = True
        elif left.startswith(self._end) and b">" in left:
            yield from self._leave()
        elif not (self._open.startswith(left) or left.startswith(self._end) or self._end.startswith(left)):
            raise _Unsound
        else:
            return False
        return True

    def _leave(self) -> Iterator[Opened]:
        yield from self._feed(self._buffer.find(b">") + 1)
        if self._outline.container is not None:
            raise _Unsound

    def _feed(self, size: int) -> Iterator[Opened]:
        for event in self._outline.feed(self._buffer[:size]):
            if not isinstance(event, Opened):
                raise _Unsound
            yield event
        self._move(size)

    def _move(self, size: int) -> None:
        self._buffer = self._buffer[size:]
        self._at += size
