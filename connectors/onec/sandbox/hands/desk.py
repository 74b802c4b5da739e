"""What every hand needs: the base, its lock, documents that are made and posted at once."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from typing import Any

from connectors.onec.sandbox.base import Base, Record
from connectors.onec.sandbox.books import split_id
from connectors.onec.sandbox.model import Model


class Desk:
    """Has the base and writes into it."""

    base: Base
    model: Model
    lock: threading.RLock
    hidden: set[str]

    def change(self, ref: str, **properties: Any) -> None:
        """Change an object of any type, as a person does in its form; a posted document is posted again."""
        with self.lock:
            name, record = self._found(ref)
            self.base.change(name, ref, properties, None)
            if record.get("Posted"):
                self.base.post(name, ref)

    def touch(self, ref: str) -> None:
        """Write an object as it is: its version changes, nothing else."""
        self.change(ref)

    def mark_deleted(self, ref: str) -> None:
        """Mark an object for deletion."""
        self.change(ref, DeletionMark=True)

    def delete_for_good(self, ref: str) -> None:
        """Delete an object."""
        with self.lock:
            self.base.delete(self._found(ref)[0], ref)

    def unpost(self, ref: str) -> None:
        """Take a document's posting back."""
        with self.lock:
            self.base.unpost(self._found(ref)[0], ref)

    def hide(self, ref: str) -> None:
        """Keep the interface's user from reading an object, as a restriction on the level of records does."""
        self.hidden.add(ref)

    def object(self, ref: str) -> Record:
        """Return a copy of an object of any type. Raises KeyError."""
        with self.lock:
            return dict(self._found(ref)[1])

    def _found(self, ref: str) -> tuple[str, Record]:
        found = self.base.find(ref)
        if found is None:
            raise KeyError(ref)
        return found

    def _create(self, name: str, properties: Mapping[str, Any]) -> str:
        with self.lock:
            ref: str = self.base.create(name, properties, own_ref=True)["Ref_Key"]
            return ref

    def _post(self, name: str, properties: Mapping[str, Any]) -> str:
        """Make a document and post it; return its reference."""
        with self.lock:
            ref = self._create(name, properties)
            self.base.post(name, ref)
            return ref

    def _named(self, name: str, title: str) -> str:
        """Return the reference of an object by its Description; a reference stays as it is. Raises KeyError."""
        known = self.base.objects[name]
        if title in known:
            return title
        for ref, record in known.items():
            if record["Description"] == title:
                return ref
        raise KeyError(title)


def numbered(rows: Iterable[Mapping[str, Any]]) -> list[Record]:
    """Return the rows with their numbers, without which 1C takes none."""
    return [{**row, "LineNumber": str(at)} for at, row in enumerate(rows, 1)]


def item_row(item: str, **more: Any) -> Record:
    """Return a row that names a product by its id, ``GUID`` or ``GUID#GUID``."""
    product, characteristic = split_id(item)
    return {"Номенклатура_Key": product, "Характеристика_Key": characteristic, **more}
