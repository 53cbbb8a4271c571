"""The folder of one run, and what is kept in it."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import stat
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from fairihub_core.errors import FairihubError, Unavailable
from fairihub_core.files import folder_below, open_below, read_below, sync_folder, write_whole
from fairihub_headless.models import ExitRecord, WorkOrder

RUNS, REPORTS = "runs", "reports"
"""Where in the folder of the service the runs lie, and the reports of them."""
NOTEBOOK = "notebook.ipynb"
LOG = "log.txt"
FILES = "files"
WORK = "work"
"""Where an attempt's results grow, in its place."""
EXIT = "exit.json"
"""What its worker says last, in its place."""
RESULTS = "results"
GLUED = "glued.json"
"""What the notebook glued, as its worker has read it out of the outputs."""
MAX_RECORD = 2**20
DELIVERY = "job-output"
"""The folder in a home where copies of executed notebooks are put."""
_BEING_KEPT = 60.0
"""Seconds after which whoever made a folder has its run in the database, or never will."""
_EACH = 16
"""So many files are written through one by one; more of them with all that the disk has."""


@dataclass(frozen=True)
class RunFolder:
    """Where everything about one run lies; others than its owner never see the inside.

    Each attempt has a place of its own in it, where results grow in `work`; at the end that
    folder is renamed to `files`, so that results appear whole or not at all. The service that
    takes a run over from another seals the place first, by renaming it: whatever the other
    still wants to begin or to publish, it finds nothing there.
    """

    path: Path
    attempt: int = 0
    sealed: bool = False

    @classmethod
    def of(cls, root: Path, run_id: str, attempt: int = 0) -> RunFolder:
        return cls(place_of(root / RUNS, run_id), attempt)

    @classmethod
    def at(cls, place: Path) -> RunFolder:
        """By the place of one attempt, as its worker is told it."""
        return cls(place.parent, int(place.name.rpartition("-")[2]))

    @property
    def place(self) -> Path:
        return self.path / f"{'sealed' if self.sealed else 'attempt'}-{self.attempt}"

    @property
    def notebook(self) -> Path:
        return self.path / NOTEBOOK

    @property
    def order(self) -> Path:
        return self.place / "order.json"

    @property
    def log(self) -> Path:
        return self.path / LOG

    @property
    def exit(self) -> Path:
        return self.place / EXIT

    @property
    def started(self) -> Path:
        """Is there as soon as the kernel of this attempt is: the notebook may have begun."""
        return self.place / "started"

    @property
    def runtime(self) -> Path:
        return self.place / "runtime"

    @property
    def work(self) -> Path:
        return self.place / WORK

    @property
    def checkout(self) -> Path:
        """The files of the operator's repository, for a run that named a revision of it."""
        return self.place / "checkout"

    @property
    def files(self) -> Path:
        return self.path / FILES

    def keep_notebook(self, content: bytes, *, anew: bool = False) -> None:
        """Makes the folder with the notebook; on return both survive a loss of power.

        Args:
            anew: also if there is such a folder by now, in place of its notebook.

        Raises:
            FileExistsError: there is one.
            Unavailable: `being-kept`, there is one, and somebody may be about to use it.
        """
        if anew and self._is_being_kept():
            raise Unavailable(
                "being-kept", "A job with this `job_id` is being kept. Try again in a minute."
            )
        self.path.mkdir(parents=True, exist_ok=anew, mode=0o700)
        write_whole(self.notebook, content)
        for folder in list(self.path.parents)[:3]:
            sync_folder(folder)

    def _is_being_kept(self) -> bool:
        with contextlib.suppress(FileNotFoundError):
            return abs(time.time() - self.path.stat().st_mtime) < _BEING_KEPT
        return False

    def prepare(self, order: WorkOrder) -> None:
        """Everything that a worker finds when it starts.

        Raises:
            FileExistsError: another service has taken the run over.
        """
        self.place.mkdir(exist_ok=True, mode=0o700)
        self.require_unsealed()
        self.unpublish()
        for folder in (self.work, self.work / RESULTS, self.runtime):
            folder.mkdir(exist_ok=True, mode=0o700)
        # Only this start of the machine needs it: it is not written through to the disk.
        descriptor = os.open(self.order, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(order.model_dump_json().encode())

    def forget_order(self) -> None:
        """Removes what the worker was told: the values of parameters stand there in the clear."""
        with contextlib.suppress(OSError):
            self.order.unlink(missing_ok=True)

    def exit_record(self) -> ExitRecord | None:
        """The worker's last words, or None if it died without any."""
        try:
            return read_record(
                read_below(self._root, self._below(f"{self.place.name}/{EXIT}"), MAX_RECORD)
            )
        except FairihubError:
            return None

    def mark(self) -> tuple[int, int] | None:
        """What tells the folder where results grow from any other in its place."""
        return _mark(self.work)

    def publish(self, made: tuple[int, int] | None = None) -> None:
        """Shows what the run left, which survives a loss of power; asked twice, it is done once.

        A run can put a link or another folder in the place of its own: that is not shown.

        Args:
            made: the mark of the folder as it was made, if that is known.

        Raises:
            OSError: there is nothing to show, or it is not what was made.
        """
        mark, shown = self.mark(), _mark(self.files)
        if shown is not None and (shown == made or (made is None and mark is None)):
            return
        if mark is None or (made is not None and mark != made):
            raise FileNotFoundError(self.work)
        if os.path.lexists(self.files):
            raise FileExistsError(self.files)
        _sync_below(self.work)
        with contextlib.suppress(OSError):  # where it is missing, the executed notebook is read
            (self.place / GLUED).replace(self.path / GLUED)
        self.work.rename(self.files)
        sync_folder(self.path)

    def seal(self) -> RunFolder:
        """The place of this attempt, out of the reach of whoever began it.

        It is there afterwards even if there was nothing yet: who makes a place later sees it.
        """
        sealed = replace(self, sealed=True)
        with contextlib.suppress(OSError):
            sealed.place.mkdir(mode=0o700, exist_ok=True)
        try:
            self.place.rename(sealed.place)
        except FileNotFoundError:
            pass
        except OSError:  # something else was put there, by code of the notebook
            with contextlib.suppress(OSError):
                sealed.started.touch()
        return sealed

    def require_unsealed(self) -> None:
        """To be asked after something was made in the place, before it is relied on.

        Raises:
            FileExistsError: another service has taken the run over: it must not begin here.
        """
        seal = replace(self, sealed=True).place
        if os.path.lexists(seal):
            raise FileExistsError(seal)

    def may_have_started(self) -> bool:
        """Whether code of the notebook may have run in this place; so it may if none can tell."""
        try:
            self.started.lstat()
        except FileNotFoundError:
            return False
        except OSError:
            return True
        return True

    def open_up(self) -> None:
        """A notebook can take rights away from its own folders."""
        for folder in (self.place, self.work):
            with contextlib.suppress(OSError):
                if stat.S_ISDIR(folder.lstat().st_mode):
                    folder.chmod(0o700)

    def clear(self) -> None:
        """Removes the place of this attempt, with all that was not published; a seal stays."""
        shutil.rmtree(self.place, ignore_errors=True)
        if self.sealed:
            with contextlib.suppress(OSError):
                self.place.mkdir(mode=0o700)

    def remove(self) -> None:
        """Removes everything."""
        shutil.rmtree(self.path, ignore_errors=True)

    def unpublish(self) -> None:
        """Removes what an attempt before this one left, which is made again."""
        if self.attempt > 1:
            shutil.rmtree(self.files, ignore_errors=True)
            with contextlib.suppress(OSError):
                (self.path / GLUED).unlink(missing_ok=True)

    def open(self, relative: str) -> BinaryIO:
        """A file in this folder; no link on the way is followed.

        Raises:
            Missing: `no-such-file`.
        """
        return open_below(self._root, self._below(relative))

    def open_file(self, name: str) -> BinaryIO:
        """One of the files that the run left.

        Raises:
            Missing: `no-such-file`.
        """
        return self.open(f"{FILES}/{name}")

    def open_log(self) -> BinaryIO:
        """The log of all attempts.

        Raises:
            Missing: `no-such-file`, there is none yet.
        """
        return self.open(LOG)

    def open_notebook(self) -> BinaryIO:
        """The notebook as it was when the run was asked for.

        Raises:
            Missing: `no-such-file`.
        """
        return self.open(NOTEBOOK)

    @contextlib.contextmanager
    def opened_files(self) -> Iterator[int]:
        """A descriptor of the folder of what the run left.

        Raises:
            OSError: nothing was left, or something else is in its place.
        """
        folder = folder_below(self._root, self._below(FILES))
        try:
            yield folder
        finally:
            os.close(folder)

    @property
    def _root(self) -> Path:
        """Above what a run can reach by the paths it knows."""
        return self.path.parent.parent

    def _below(self, relative: str) -> str:
        return f"{self.path.parent.name}/{self.path.name}/{relative}"


def _mark(folder: Path) -> tuple[int, int] | None:
    try:
        found = folder.lstat()
    except OSError:
        return None
    return (found.st_dev, found.st_ino) if stat.S_ISDIR(found.st_mode) else None


def _sync_below(folder: Path) -> None:
    """On return all that lies there survives a loss of power."""
    found = [folder]
    for place in found:
        if len(found) > _EACH and sys.platform == "linux":
            return _sync_disk_of(folder)
        if stat.S_ISDIR(place.lstat().st_mode):
            with contextlib.suppress(PermissionError):
                found += place.iterdir()
    for place in found:
        kind = place.lstat().st_mode
        if stat.S_ISDIR(kind) or stat.S_ISREG(kind):
            with contextlib.suppress(PermissionError):
                sync_folder(place)
    return None


def _sync_disk_of(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        if ctypes.CDLL(None, use_errno=True).syncfs(descriptor):
            raise OSError(ctypes.get_errno(), "what the run left cannot be written to the disk")
    finally:
        os.close(descriptor)


def place_of(root: Path, run_id: str) -> Path:
    """The folder of one run below `root`, on two levels: none has a hundred thousand entries."""
    return root / run_id[:2] / run_id


def read_record(raw: bytes) -> ExitRecord | None:
    """What a worker said last, if that can be read."""
    try:
        return ExitRecord.model_validate_json(raw)
    except ValueError:
        return None
