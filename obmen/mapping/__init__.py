"""Mappings: one YAML file reads and writes, and its round trip is checked before it ever runs.

``load_mapping`` reads a file, ``Mapping.bind`` compiles it for a connection, ``run_tests`` tries its
examples.
"""

from __future__ import annotations

from obmen.mapping.bound import BoundMapping, Context, Mapping, dump_mapping, load_mapping, parse_mapping
from obmen.mapping.codecs import CODECS, Codec
from obmen.mapping.runtime import Refs, Unresolved
from obmen.mapping.schema import mapping_schema
from obmen.mapping.selftest import TestResult, run_tests
from obmen.mapping.tables import NotCarried

__all__ = [
    "CODECS",
    "BoundMapping",
    "Codec",
    "Context",
    "Mapping",
    "NotCarried",
    "Refs",
    "TestResult",
    "Unresolved",
    "dump_mapping",
    "load_mapping",
    "mapping_schema",
    "parse_mapping",
    "run_tests",
]
