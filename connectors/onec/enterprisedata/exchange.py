"""One exchange with the base: messages fetched, kept, acknowledged, and sent, in an order that loses none.

Every step may be the last one before a crash or a lost answer. What is owed after each of them stands in the
mirror: an acknowledgement that did not arrive, a message of ours whose fate is unknown. Whoever exchanges next
settles that first.

The rules of the other side (1C's library of standard subsystems): a message of ours is loaded only if its
number is above the last one that was loaded, and one that is not counts as loaded all the same; the number
counts as received only if no object failed; what was registered for us is sent again with every message until
a ReceivedNo of ours names it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import structlog

from connectors.onec.enterprisedata.header import Header, make_header
from connectors.onec.enterprisedata.keep import keep_message
from connectors.onec.enterprisedata.message import Message, read_beginning, write_message
from connectors.onec.enterprisedata.mirror import Mirror, Node, node_of
from connectors.onec.enterprisedata.options import EnterpriseDataOptions
from connectors.onec.enterprisedata.package import LARGEST_ARCHIVE, first_bytes, parts, unpacked
from connectors.onec.enterprisedata.service import ACTIVE, COMPLETED, FAILED, Prepared, Service, new_file_id
from connectors.onec.enterprisedata.trouble import meaning
from connectors.onec.enterprisedata.xml import Element
from obmen.clock import Clock
from obmen.errors import ConfigurationError, IncompleteSource, InDoubt, ObmenError, Refused, Unavailable

_LOG = structlog.get_logger("obmen.onec.enterprisedata")
_DROP_EMPTY = "DELETE FROM outgoing WHERE number = ? AND number NOT IN (SELECT number FROM outgoing_object)"
Result = TypeVar("Result")
OnStep = Callable[[str], None]
Objects = Callable[[], Iterable[Element]]


@dataclass(frozen=True, slots=True)
class Sent:
    """An object that a message brings: what it is, and its reference."""

    type: str
    ref: str


class Exchange:
    """The exchange of one node. ``on_step`` is told each step as soon as it is done."""

    def __init__(
        self,
        service: Service,
        mirror: Mirror,
        options: EnterpriseDataOptions,
        clock: Clock,
        on_step: OnStep = lambda _step: None,
    ) -> None:
        self.mirror = mirror
        self._service = service
        self._options = options
        self._clock = clock
        self._on_step = on_step
        self._fresh = False

    def receive(self) -> None:
        """Bring everything that the base has for us into the mirror, and acknowledge it.

        Raises IncompleteSource (the message is not whole, or 1C could not make one), ConfigurationError (the
        setting in 1C is not finished), Denied, Unavailable. An acknowledgement that fails is owed, no error.
        """
        with self.mirror.alone():
            self._settle()
            if self._node().owed:
                with suppress(InDoubt):  # what the base sends next tells
                    self._put(None)
            self._fetch()
            if not self._node().owed:
                return
            try:
                self._put(None)
            except ObmenError as error:
                _LOG.warning("enterprisedata.acknowledgement_owed", node=self._options.node, reason=str(error))

    def send(self, objects: Objects, sent: Sequence[Sent]) -> None:
        """Let the base load objects as one message.

        Returns once it has loaded them all. Raises Refused with 1C's words if one of them failed (others of the
        message may have been loaded: sending them again does no harm), InDoubt if what became of it is unknown,
        and Denied, ConfigurationError or Unavailable if nothing was loaded.
        """
        self._put((objects, sent))

    def ready(self) -> Node:
        """Be sure to know what the base has received, before a message gets its number; call it when alone.

        A mirror that was put back from a copy may name a number that the base has seen, and 1C would pass over
        such a message without a word. So a process asks once, before its first message.
        """
        self._settle()
        if not self._fresh:
            self._fetch()
        return self._node()

    def settled(self, type_: str, ref: str) -> bool:
        """Whether the base has surely loaded this object from a message of ours."""
        with self.mirror.alone():
            self._settle()
        with self.mirror.reading() as database:
            query = """SELECT 1 FROM outgoing_object JOIN outgoing USING (number)
                WHERE type = ? AND ref = ? AND outgoing.received = 1"""
            return database.execute(query, (type_, ref)).fetchone() is not None

    def look(self) -> Header:
        """Return the header of the base's next message, which is neither kept nor acknowledged."""
        with self.mirror.alone(wait=1.0):
            prepared = self._prepared()
            try:
                return read_beginning(first_bytes(self._service.part(prepared.file, 1)))
            finally:
                self._forget(prepared)

    # -- from the base ------------------------------------------------------------------------------------

    def _fetch(self) -> None:
        prepared = self._prepared()
        self._on_step("prepared")
        path = self.mirror.folder / "incoming.zip"
        try:
            self._download(prepared, path)
            self._on_step("downloaded")
            with unpacked(path) as stream:
                message = Message(stream)
                if not message.header.version:
                    self._announce(message.header)
                with self.mirror.writing() as database:
                    count = keep_message(database, message)
                    self._on_step("keeping")
        finally:
            path.unlink(missing_ok=True)
            self._forget(prepared)
        self._fresh = True
        self._on_step("kept")
        _LOG.info("enterprisedata.received", node=self._options.node, message=message.header.number, objects=count)

    def _prepared(self) -> Prepared:
        try:
            operation = self._service.prepare(self._options.part_size_kb)
            prepared = self._until(lambda: self._service.prepared(operation), lambda one: one.status)
        except Refused as refused:
            raise IncompleteSource(f"The base could not put its message together. {refused}") from refused
        if prepared is None:
            raise Unavailable(f"The base still puts its message together after {self._options.patience:g} s.")
        if prepared.status != COMPLETED or not prepared.file or prepared.parts < 1:
            raise _unprepared(prepared)
        if (prepared.parts - 1) * self._options.part_size_kb * 1024 > LARGEST_ARCHIVE:
            raise IncompleteSource(f"The base's message is of {prepared.parts} parts, more than can be taken.")
        return prepared

    def _download(self, prepared: Prepared, path: Path) -> None:
        size = 0
        with path.open("wb") as file:
            for number in range(1, prepared.parts + 1):
                try:
                    size += file.write(self._service.part(prepared.file, number))
                except Refused as refused:
                    message = f"Part {number} of {prepared.parts} of the base's message cannot be had: {refused}"
                    raise IncompleteSource(message) from refused
                if size > LARGEST_ARCHIVE:
                    raise IncompleteSource(f"The base's message is larger than {LARGEST_ARCHIVE} bytes.")

    def _forget(self, prepared: Prepared) -> None:
        """Let the base delete its temporary file; it does so itself, later, if this does not arrive."""
        with suppress(ObmenError):
            self._service.confirm(prepared.file)

    def _announce(self, header: Header) -> None:
        """Answer a message of settings with our own, so that the setting in 1C can be finished by a person."""
        self._ended(self._service.put(self._upload(self._header(header, 0, 0, ""), None, "")))
        raise ConfigurationError(
            f"The setting of the synchronization with the node '{self._options.node}' is not finished in 1C: the base"
            " sends its settings alone. Obmen has sent its own; open the setting in 1C and finish it there."
        )

    # -- to the base --------------------------------------------------------------------------------------

    def _put(self, what: tuple[Objects, Sequence[Sent]] | None) -> None:
        """Send a message: objects, or the acknowledgement alone. Its number is used up before it leaves."""
        node = self._node()
        header = _known(node)
        objects, sent = what or (lambda: (), ())
        version = header.writable(self._options.versions) or header.version
        number = max(node.sent, node.heard) + 1
        self._open(number, sent)
        try:
            file = self._upload(self._header(header, number, node.received, version), objects(), version)
            operation = self._service.put(file)
        except InDoubt:
            raise
        except (Refused, IncompleteSource) as error:  # the base did not get as far as the objects
            self._close(number, received=False)
            raise Unavailable(str(error)) from error
        except ObmenError:
            self._close(number, received=False)
            raise
        self._on_step("put")
        with self.mirror.writing() as database:
            database.execute("UPDATE outgoing SET operation = ? WHERE number = ?", (operation, number))
        self._on_step("started")
        result = self._ended(operation)
        if result is None:
            raise InDoubt(f"The base has begun to load our message {number}, and has not told how that ended.")
        status, words = result
        self._close(number, received=status == COMPLETED)
        self._on_step("loaded")
        if status == FAILED:
            raise meaning(f"Message {number}", words or "the loading failed, and no reason was given")

    def _upload(self, header: Element, objects: Iterable[Element] | None, version: str) -> str:
        """Write a message and send its parts; return the id by which the base may be asked to load it."""
        file = new_file_id()
        path = self.mirror.folder / "outgoing.zip"
        try:
            write_message(path, header, objects, version)
            for part, data in enumerate(parts(path, self._options.part_size_kb * 1024), 1):
                self._service.put_part(file, part, data)
        finally:
            path.unlink(missing_ok=True)
        self._on_step("uploaded")
        return file

    def _header(self, base: Header, number: int, received: int, version: str) -> Element:
        return make_header(
            plan=self._options.plan,
            sender=self._options.node,
            to=base.sender,
            number=number,
            received=received,
            version=version,
            versions=self._options.versions,
            at=self._clock.now(),
        )

    def _open(self, number: int, sent: Sequence[Sent]) -> None:
        """Use up a number, and note what goes under it."""
        with self.mirror.writing() as database:
            database.execute("UPDATE node SET sent = ?", (number,))
            database.execute("INSERT INTO outgoing (number) VALUES (?)", (number,))
            keys = [(one.type, one.ref, number) for one in sent]
            database.executemany("INSERT OR REPLACE INTO outgoing_object VALUES (?, ?, ?)", keys)
        self._on_step("numbered")

    def _close(self, number: int, *, received: bool) -> None:
        """Note what became of a message of ours; once it was loaded, what it acknowledged is owed no more."""
        with self.mirror.writing() as database:
            if received:
                database.execute("UPDATE node SET heard = ?, owed = 0", (number,))
                database.execute("UPDATE outgoing SET received = 1 WHERE number = ?", (number,))
            else:
                database.execute("DELETE FROM outgoing_object WHERE number = ?", (number,))
            database.execute(_DROP_EMPTY, (number,))

    def _ended(self, operation: str) -> tuple[str, str] | None:
        """Return how the loading ended; None if the base does not tell."""
        try:
            result = self._until(lambda: self._service.put_result(operation), lambda one: one[0])
        except ObmenError:
            return None
        return result if result is not None and result[0] in {COMPLETED, FAILED} else None

    def _settle(self) -> None:
        """Learn what became of a message whose answer was lost: the base tells of its action, or its header does."""
        with self.mirror.reading() as database:
            unknown = database.execute("SELECT number, operation FROM outgoing WHERE received = 0").fetchone()
        if unknown is None:
            return
        number, operation = unknown
        result = self._ended(operation) if operation else None
        if result is None:
            self._fetch()
        else:
            self._close(number, received=result[0] == COMPLETED)

    # -- both ---------------------------------------------------------------------------------------------

    def _node(self) -> Node:
        with self.mirror.reading() as database:
            return node_of(database)

    def _until(self, ask: Callable[[], Result], status: Callable[[Result], str]) -> Result | None:
        """Ask until the action is no longer active; None if that takes longer than the patience."""
        deadline = self._clock.monotonic() + self._options.patience
        while status(result := ask()) == ACTIVE:
            if self._clock.monotonic() > deadline:
                return None
            self._clock.sleep(self._options.poll)
        return result


def _known(node: Node) -> Header:
    if node.header is None:
        raise IncompleteSource("The base has sent no message yet, so nobody knows what it receives.")
    return node.header


def _unprepared(prepared: Prepared) -> ObmenError:
    error = meaning("The base's message", prepared.words or f"the preparing ended as {prepared.status or 'nothing'}")
    if isinstance(error, Refused):
        return IncompleteSource(f"The base could not put its message together. {error}")
    return error
