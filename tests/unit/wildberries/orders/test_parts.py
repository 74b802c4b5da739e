"""The connector and its sandbox are made of parts, which share one room of names."""

from collections import Counter

import pytest

from connectors.wildberries import Wildberries
from connectors.wildberries.sandbox import WildberriesSandbox

MEANT = {"reset", "state", "readers", "writers", "finders", "pollers", "lookups", "documents", "feeds", "routes"}
MEANT |= {"options_model", "acknowledger", "preset", "histories"}


@pytest.mark.parametrize("whole", [Wildberries, WildberriesSandbox])
def test_no_part_takes_a_name_that_another_has(whole):
    parts = [
        part for part in whole.__mro__ if part.__module__.startswith("connectors.wildberries") and part is not whole
    ]
    names = Counter(name for part in parts for name in vars(part) if not name.startswith("__"))
    assert sorted(name for name, times in names.items() if times > 1 and name not in MEANT) == []
