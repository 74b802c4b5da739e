"""What a base publishes is parsed once for all tests of a process, however many connections are made to it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import pytest

from connectors.onec.odata import client
from connectors.onec.odata.metadata import Metadata, read_metadata
from obmen.errors import ObmenError


@lru_cache(maxsize=64)
def _parsed(content: bytes) -> Metadata:
    return read_metadata(content)


def _read(content: bytes, *, what: str) -> Metadata:
    """Return what was read of the same bytes before, for it never changes; else read them, errors and all."""
    try:
        return _parsed(content)
    except ObmenError:
        return read_metadata(content, what=what)


@pytest.fixture(scope="session", autouse=True)
def metadata_parsed_once() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(client, "read_metadata", _read)
        yield
