"""The project's pages: links lead somewhere, languages go together, and what is shown runs."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from tests.forks import command

from .markdown import ROOT, Step, anchors, documents, headings, links, steps

DOCUMENTS = documents()


def _shown(path: Path) -> list[tuple[str, tuple[str, ...]]]:
    return [(step.command, step.prints) for step in steps(path.read_text("utf-8"))]


def _repeats_its_original(path: Path) -> bool:
    """Whether a translation shows to the letter what its original does, which is run anyway."""
    original = path.with_name(path.name.replace(".ru.md", ".md"))
    return original != path and original.exists() and _shown(path) == _shown(original)


RUNNABLE = [path for path in DOCUMENTS if _shown(path) and not _repeats_its_original(path)]


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.fixture(scope="session")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for the path with an ``obmen`` that starts at once."""
    folder = tmp_path_factory.mktemp("bin")
    made = folder / "obmen"
    made.write_text(f'#!/bin/sh\nexec {shlex.join(command("runner.cli"))} "$@"\n')
    made.chmod(0o755)
    return folder


def run(found: list[Step], folder: Path, *before: Path) -> None:
    """Run commands one after another in a folder; each must succeed and print what is shown.

    ``before``: where commands are looked for first.
    """
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([*map(str, before), str(Path(sys.executable).parent), os.environ["PATH"]]),
        "HOME": str(folder),
        "NO_COLOR": "1",
        "COLUMNS": "120",
    }
    for step in found:
        done = subprocess.run(
            ["/bin/sh", "-c", step.command],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=240,
            check=False,
        )
        said = f"line {step.line}: $ {step.command}\n{done.stdout}"
        assert done.returncode == 0, f"exit code {done.returncode} of {said}"
        for line in step.prints:
            assert line in done.stdout, f"'{line}' is not printed by {said}"


@pytest.mark.parametrize("path", DOCUMENTS, ids=_name)
def test_every_link_leads_somewhere(path: Path) -> None:
    lost = []
    for line, target in links(path.read_text("utf-8")):
        place, _, anchor = target.partition("#")
        there = (path.parent / place).resolve() if place else path
        known = anchors(there.read_text("utf-8")) if anchor and there.suffix == ".md" and there.is_file() else None
        if not there.exists() or ROOT not in (there, *there.parents) or (known is not None and anchor not in known):
            lost.append(f"{path.name}:{line}: {target}")
    assert lost == []


@pytest.mark.parametrize("path", [path for path in DOCUMENTS if path.name.endswith(".ru.md")], ids=_name)
def test_a_translation_has_the_same_headings_as_its_original(path: Path) -> None:
    original = path.with_name(path.name.replace(".ru.md", ".md"))
    levels = [level for level, _ in headings(original.read_text("utf-8"))]
    assert [level for level, _ in headings(path.read_text("utf-8"))] == levels


def test_there_is_a_readme_in_both_languages() -> None:
    assert {ROOT / "README.md", ROOT / "README.ru.md"} <= set(DOCUMENTS)


@pytest.mark.parametrize("path", RUNNABLE, ids=_name)
def test_what_a_page_shows_runs(path: Path, tmp_path: Path, quick: Path) -> None:
    """The first page of all runs the command as it was installed."""
    run(steps(path.read_text("utf-8")), tmp_path, *([] if path == ROOT / "README.md" else [quick]))


class TestTheReading:
    """The reader of these tests, on pages made up here."""

    PAGE = dedent(
        """\
        # One `#` more

        See [a](docs/a.md#part-two "title"), ![b](b.png), `[code](no.md)`, [c](https://example.org/x_(y)).
        [d]: ./d.md

        ```sh
        # no heading
        [no](link.md)
        ```

        ## Part two

        ## Part two

        <!-- run -->
        ```console
        $ echo one; echo two
        one
        …
        $ printf '%s' \\
          three
        three
        ```

        <!-- run -->

        ```sh
        # a remark
        touch made
        test -f made
        ```
        """
    )

    def test_headings(self) -> None:
        assert headings(self.PAGE) == [(1, "One `#` more"), (2, "Part two"), (2, "Part two")]
        assert anchors(self.PAGE) == {"one--more", "part-two", "part-two-1"}

    def test_links(self) -> None:
        assert list(links(self.PAGE)) == [(3, "docs/a.md#part-two"), (3, "b.png"), (4, "./d.md")]

    def test_commands(self) -> None:
        assert steps(self.PAGE) == [
            Step(17, "echo one; echo two", ("one",)),
            Step(20, "printf '%s' \\\n  three", ("three",)),
            Step(29, "touch made", ()),
            Step(30, "test -f made", ()),
        ]

    def test_they_run(self, tmp_path: Path) -> None:
        run(steps(self.PAGE), tmp_path)
        assert (tmp_path / "made").exists()

    @pytest.mark.parametrize("command", ["false", "echo other"])
    def test_one_that_fails_or_prints_something_else_is_told(self, tmp_path: Path, command: str) -> None:
        with pytest.raises(AssertionError, match=r"line 3: \$ "):
            run(steps(f"<!-- run -->\n```console\n$ {command}\nthis\n```"), tmp_path)

    def test_a_mark_without_a_block_is_told(self) -> None:
        with pytest.raises(ValueError, match="line 2"):
            steps("<!-- run -->\ntext")
