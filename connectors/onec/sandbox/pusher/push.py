"""Runs an exchange as 1C does: the goods first, then the orders, each as a dialogue of its own."""

from __future__ import annotations

import io
import uuid
import zipfile
from collections.abc import Callable
from pathlib import Path

from connectors.onec.commerceml.files import natural
from connectors.onec.sandbox.pusher.base import Base
from connectors.onec.sandbox.pusher.wire import Dialogue, ExchangeFailed, Wire

Say = Callable[[str], None]


def _quiet(_text: str) -> None:
    return


class Pusher:
    """A base that exchanges with one site. ``base`` holds what it knows and what it was given."""

    def __init__(
        self,
        wire: Wire,
        login: str,
        password: str,
        *,
        base: Base | None = None,
        posts: bool = False,
        encoding: str = "utf-8",
        say: Say = _quiet,
    ) -> None:
        self.base = base or Base()
        self._wire, self._login, self._password = wire, login, password
        self._posts, self._encoding, self._say = posts, encoding, say

    def exchange(self, folder: Path) -> None:
        """Push a folder's goods, then exchange orders. Raises ExchangeFailed, and OSError if the line breaks."""
        self.push(files_of(folder))
        self.exchange_orders()

    def push(self, files: dict[str, bytes]) -> None:
        """Push files: all of them are sent, as one archive if the site takes it, then each export is imported."""
        dialogue = self._begin("catalog")
        exports = [name for name in sorted(files, key=natural) if is_export(name)]
        for name in exports:
            self.base.know_goods(files[name])
        self._send(dialogue, files)
        for name in exports:
            asked = dialogue.imported(name)
            self._say(f"import {name}: success" + (f", asked {asked} times" if asked > 1 else ""))

    def exchange_orders(self) -> None:
        """Fetch orders, confirm them, then send those that were changed here."""
        dialogue = self._begin("sale")
        text = dialogue.query()
        try:
            count = self.base.load(text)
        except ValueError as error:
            raise ExchangeFailed(f"Не удалось загрузить заказы: {error}") from error
        self._say(f"query: {count} orders")
        dialogue.said("success")
        self._say("success: confirmed")
        changes = self.base.changes()
        if changes is None:
            return
        sending, self.base.changed = self.base.changed, []
        name = f"orders-{uuid.uuid4()}_1.xml"
        try:
            self._send(dialogue, {name: changes})
            dialogue.imported(name)
        except (ExchangeFailed, OSError):
            self.base.changed = sending
            raise
        self._say(f"import {name}: {len(sending)} changed orders")

    def _begin(self, kind: str) -> Dialogue:
        dialogue = Dialogue(self._wire, kind, posts=self._posts, encoding=self._encoding)
        dialogue.checkauth(self._login, self._password)
        self._say(f"checkauth {kind}: success")
        return dialogue

    def _send(self, dialogue: Dialogue, files: dict[str, bytes]) -> None:
        zipped, limit = dialogue.init()
        self._say(f"init: zip={'yes' if zipped else 'no'} file_limit={limit}")
        if zipped:
            files = {f"v8_{uuid.uuid4().hex[:8]}.zip": _archive(files)}
        for name, contents in files.items():
            dialogue.send(name, contents, limit)
            self._say(f"file {name}: {len(contents)} bytes")


def files_of(folder: Path) -> dict[str, bytes]:
    """Return a folder's files by the names that 1C gives them."""
    found = (path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(found)}


def is_export(name: str) -> bool:
    """Whether 1C asks the site to import a file, rather than only sends it."""
    return name.casefold().endswith(".xml") and "import_files" not in name.split("/")


def _archive(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, contents in files.items():
            archive.writestr(name, contents)
    return packed.getvalue()
