"""Pictures of goods and characteristics: which files there are, in which version; never their bytes.

A picture that is replaced or deleted leaves its good's version as it was, so the files are part of what is compared.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

import msgspec

from connectors.onec.odata.client import OData
from connectors.onec.odata.lists import Readable
from connectors.onec.odata.needs import CHARACTERISTIC_PICTURES, PICTURES
from connectors.onec.odata.parts import decoded, encoded
from connectors.onec.odata.tables import either, of_set

PICTURE = "picture"
"""The kind of parts: a file (reference, version, name, catalog) by the good or characteristic that it shows."""

_EXTENSIONS = {"jpg", "jpeg", "png", "gif", "webp", "bmp"}


class FileRow(
    msgspec.Struct,
    rename={
        "ref": "Ref_Key",
        "version": "DataVersion",
        "deleted": "DeletionMark",
        "name": "Description",
        "extension": "Расширение",
        "owner": "ВладелецФайла_Key",
    },
):
    """A file, of which only pictures that are not marked for deletion count."""

    ref: str
    owner: str = ""
    version: str | None = ""
    deleted: bool = False
    name: str | None = ""
    extension: str | None = ""


PICTURE_LISTS = {catalog: of_set(catalog) for catalog in (PICTURES, CHARACTERISTIC_PICTURES)}


def pictures(
    base: Readable, where: str = "", catalogs: Collection[str] = tuple(PICTURE_LISTS)
) -> Iterator[list[tuple[str, str]]]:
    """Yield pairs of an owner and what ``pictures_of`` understands; nothing if the files are not published."""
    for catalog in catalogs:
        if catalog not in base.metadata().sets:
            continue
        for rows in base.rows(PICTURE_LISTS[catalog], FileRow, where=where):
            yield [
                (row.owner, encoded(row.ref, row.version or "", f"{row.name}.{row.extension}", catalog))
                for row in rows
                if not row.deleted and (row.extension or "").lower() in _EXTENSIONS
            ]


def pictures_among(
    base: OData, owners: Iterable[str], catalogs: Collection[str] = tuple(PICTURE_LISTS)
) -> Iterator[tuple[str, str]]:
    """Yield the same for some owners."""
    for where in either("ВладелецФайла_Key", owners):
        for rows in pictures(base, where, catalogs):
            yield from rows


def pictures_of(said: Iterable[str], main: object) -> list[Mapping[str, str]]:
    """Return the files as a product's record tells them, the main picture first."""
    files = sorted((decoded(one) for one in said), key=lambda file: (file[0] != main, file[0]))
    return [{"Файл": ref, "Версия": version, "Имя": name, "Справочник": where} for ref, version, name, where in files]
