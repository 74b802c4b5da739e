"""Differences that the shared telling finds are shown like a test's own."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("tests.e2e.markets.life")
