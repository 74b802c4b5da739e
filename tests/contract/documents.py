"""The vendors' specifications in YAML, parsed once: parsing takes longer than all that is judged by them.

What was parsed is kept as JSON in the folder for temporary files, under the digest of the specification itself, so
that a newer one is read anew.
"""

import json
import os
import tempfile
from pathlib import Path
from typing import Any

import xxhash
from ruamel.yaml import YAML


def parsed(path: Path) -> dict[str, Any]:
    """Return a YAML document as JSON would hold it: dates are texts."""
    source = path.read_bytes()
    kept = Path(tempfile.gettempdir()) / f"obmen-specification-{xxhash.xxh3_128_hexdigest(source)}.json"
    if not kept.is_file():
        part = kept.with_suffix(f".{os.getpid()}")
        part.write_text(json.dumps(YAML(typ="safe").load(source), default=str), encoding="utf-8")
        part.replace(kept)
    found: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8"))
    return found
