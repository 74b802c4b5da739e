"""What is forked is a process of its own, and what was started stands for it."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.forks import command


def begun(folder: Path, word: str) -> tuple[subprocess.Popen[str], list[str]]:
    """Start the process; return it with what it told."""
    process = subprocess.Popen(
        [*command("tests.forks.told"), word],
        cwd=folder,
        env={**os.environ, "TOLD": "of-its-own"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("given\n")
    process.stdin.flush()
    return process, process.stdout.readline().split()


def test_it_has_an_id_a_folder_an_environment_and_streams_of_its_own(tmp_path: Path) -> None:
    process, (child, *told) = begun(tmp_path, "3")
    with process:
        assert int(child) not in {process.pid, os.getpid()}
        assert told == [str(tmp_path), "of-its-own", "given"]
        assert process.wait(60) == 3


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_its_end_by_a_signal_is_the_end_of_what_was_started(tmp_path: Path, number: signal.Signals) -> None:
    process, (child, *_) = begun(tmp_path, "wait")
    with process:
        os.kill(int(child), number)
        assert process.wait(60) == -number


def test_a_signal_is_passed_on(tmp_path: Path) -> None:
    process, _ = begun(tmp_path, "wait")
    with process:
        process.terminate()
        assert process.wait(60) == -signal.SIGTERM


def test_it_is_killed_with_what_was_started(tmp_path: Path) -> None:
    process, _ = begun(tmp_path, "wait")
    with process:
        process.kill()
        assert process.stdout is not None
        assert process.stdout.read() == "", "it ends, and with it what it could write"
