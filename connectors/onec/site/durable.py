"""Files that outlive a power cut: contents before names, names before whatever refers to them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import xxhash

_PIECE = 1 << 20


def digest_of(path: Path) -> str:
    """Return a digest of a file's contents."""
    digest = xxhash.xxh3_128()
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest()


def sync_file(path: Path) -> None:
    """Bring a file's contents to the disk."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def sync_folders(folders: Iterable[Path]) -> None:
    """Bring the names in folders to the disk, where the system can."""
    if os.name == "nt":  # folders cannot be opened there; a rename is journalled
        return
    for folder in folders:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def replace_contents(path: Path, contents: bytes) -> None:
    """Write a file so that whoever opens it sees the old contents or the new, never a part."""
    beside = path.with_name(f"{path.name}.new")
    with beside.open("wb") as file:
        file.write(contents)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    sync_folders([path.parent])
