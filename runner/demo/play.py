"""Plays the demonstration in a folder of its own, and clears up after it."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path

from obmen.errors import ConfigurationError
from runner.demo.stage import stage
from runner.demo.story import Story
from runner.render import Screen

SEED = 11


def play(screen: Screen, *, commerceml: Path | None, goods: int, keep: Path | None) -> None:
    """Play the demonstration; ``keep`` is a folder in which project and state stay for looking around.

    Raises ConfigurationError for folders that do not fit, and ``UntrueError`` if anything shown is not so.
    """
    if commerceml is not None and not commerceml.is_dir():
        message = "There is no such folder. Give the folder into which 1C writes import*.xml and offers*.xml."
        raise ConfigurationError(message, where=str(commerceml))
    if keep is not None and keep.exists() and any(keep.iterdir()):
        message = "The folder is not empty. Name a new one for what the demonstration leaves."
        raise ConfigurationError(message, where=str(keep))
    with ExitStack() as stack:
        if keep is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="obmen-demo-")))
        else:
            folder = keep
            folder.mkdir(parents=True, exist_ok=True)
        set_ = stack.enter_context(stage(folder, commerceml=commerceml, goods=goods, seed=SEED))
        Story(set_, screen).tell()
    if keep is not None:
        screen.line(f"  The project and its state are in {keep}: try obmen --project {keep} status")
