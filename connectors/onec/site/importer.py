"""Imports in the background what 1C has sent, while 1C asks again and again whether it is done.

One push is worked on at a time. Its catalogue comes into force when each of its files has been asked for and
found whole; until then nothing of it can be seen from outside.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import structlog

from connectors.onec.site.answers import Failure
from connectors.onec.site.database import Database
from connectors.onec.site.documents import read_documents
from connectors.onec.site.durable import digest_of
from connectors.onec.site.generations import Accepted, Generations
from connectors.onec.site.intake import look_into
from connectors.onec.site.names import is_catalogue, picture_path
from connectors.onec.site.orders import keep_answers
from connectors.onec.site.pictures import Picture
from connectors.onec.site.push import Job, Push
from connectors.onec.site.sessions import Session
from connectors.onec.site.steps import OnStep, ignore
from connectors.onec.site.unpack import is_archive, unpack
from connectors.onec.site.uploads import Upload
from obmen.errors import ObmenError

_LOG = structlog.get_logger("obmen.site")
_PACKAGE = re.compile(r"(?:import|goods|offers|prices|rests)___", re.IGNORECASE)
"""How the module of 1C-Битрикс names files; it sends a catalogue piece by piece and says `deactivate` at last."""
_STOPPED = "Obmen останавливается. Повторите обмен."


class Importer:
    """Works on the pushes of one connection."""

    def __init__(self, folder: Path, database: Database, on_step: OnStep = ignore) -> None:
        self.generations = Generations(folder, database, on_step)
        self._folder, self._database, self._on_step = folder, database, on_step
        self._stopping = threading.Event()
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="obmen-import")

    def begin(self, session: Session, kind: str, name: str) -> Job:
        """Return the import of a file, begun now unless it was already; to be called with the session's lock."""
        if self._stopping.is_set():
            raise Failure(_STOPPED)
        push = session.push
        fresh = session.uploads.drain()
        job = push.jobs.get(name)
        if job is None or fresh:
            job = push.jobs[name] = Job(name)
            self._worker.submit(self._run, session, push, kind, fresh, job)
        return job

    def close(self) -> None:
        """Stop; an import that is under way fails and is repeated by 1C."""
        self._stopping.set()
        self._worker.shutdown(wait=True)

    def _run(self, session: Session, push: Push, kind: str, fresh: dict[str, Upload], job: Job) -> None:
        try:
            push.files.update(self._unpacked(session, fresh))
            _look_for(push, job.name)
            if kind == "sale":
                self._answers(push, job)
            else:
                self._catalogue(session, push, job)
        except Failure as failure:
            job.failure = str(failure)
        except ObmenError as error:
            job.failure = f"Файл {job.name} не принят: {error}"
        except OSError as error:
            job.failure = f"Obmen не смог записать файл {job.name}: {error.strerror or error}. Повторите обмен."
        except Exception as error:
            _LOG.exception("site.import_failed", file=job.name)
            job.failure = f"Ошибка в Obmen при импорте {job.name} ({type(error).__name__}). Сообщите разработчикам."
        finally:
            job.done.set()

    def _unpacked(self, session: Session, fresh: dict[str, Upload]) -> Iterator[tuple[str, Upload]]:
        for name, upload in fresh.items():
            if not name.casefold().endswith(".xml") and upload.size and is_archive(upload.path):
                yield from unpack(name, upload.path, session.uploads)
                upload.path.unlink()
            else:
                yield name, upload

    def _catalogue(self, session: Session, push: Push, job: Job) -> None:
        def on_count(count: int) -> None:
            job.seen = count
            if self._stopping.is_set():
                raise Failure(_STOPPED)

        upload = push.files.get(job.name)
        if upload is not None:
            topics = look_into(upload.path, job.name, on_count)
            push.accepted[job.name] = Accepted(upload.path, job.name, digest_of(upload.path), topics)
        self._on_step("import.validated")
        asked = {name for name in push.files if is_catalogue(name)}
        if asked and asked <= push.accepted.keys():
            self._take_over(session, push)

    def _take_over(self, session: Session, push: Push) -> None:
        files = [push.accepted[name] for name in push.files if is_catalogue(name)]
        pictures = {
            path: Picture(upload.path, digest_of(upload.path))
            for name, upload in push.files.items()
            if (path := picture_path(name)) is not None
        }
        replaces = not any(_PACKAGE.match(Path(file.name).name) for file in files)
        self.generations.take_over(session.name, session.started, files, pictures, replaces=replaces)
        push.files.clear()

    def _answers(self, push: Push, job: Job) -> None:
        upload = push.files.pop(job.name, None)
        if upload is not None:
            keep_answers(self._database, read_documents(upload.path, job.name))
            self._on_step("answers.kept")


def _look_for(push: Push, name: str) -> None:
    if name not in push.files and name not in push.accepted:
        message = f"Файл {name} не был передан в этом сеансе обмена. Начните обмен заново."
        raise Failure(message)
