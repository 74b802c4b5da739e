"""What every test may ask for: the vendors' specifications, and an empty project folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def specs() -> Path:
    """The folder of specifications and recorded data; tests that need it are skipped where it is absent."""
    folder = Path(os.environ.get("OBMEN_SPECS", ROOT.parent / "shared"))
    if not folder.is_dir():
        message = f"no specifications at {folder}; set OBMEN_SPECS to run this test"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return folder
