"""Where team files come from: named texts, each with a stamp that changes when the text does."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Hashable, Mapping
from pathlib import Path
from typing import Protocol

from fairihub_core.customer import Reading
from fairihub_core.errors import FairihubError, TooLarge, Unavailable, Unreadable
from fairihub_core.snapshot import Snapshot

MAX_FILE_BYTES = 1024 * 1024
MAX_FILES = 1000
SUFFIXES = (".yaml", ".yml")


class Source(Protocol):
    """A folder, a git repository, the objects of a cluster: what a `TeamWatch` can follow.

    `name`, `stamps` and `read` are the whole of a simple one; the rest is for sources that
    follow something by themselves. `stamps`, `revision`, `read`, `judged` and `away` are called
    from one thread, in this order, and may block; what `stamps` has listed stays until it is
    called again.
    """

    @property
    def name(self) -> str:
        """What an operator calls it, for findings that concern no single file."""
        ...

    def stamps(self) -> Mapping[str, Hashable]:
        """The name of every team file, in the order of the teams, with a stamp of its content.

        Cheap, as it is asked for every second.

        Raises:
            FairihubError: the source cannot be listed at present; that removes no team.
        """
        ...

    def read(self, name: str) -> str:
        """The text of one file.

        Raises:
            FairihubError: this file cannot be read; the others can.
        """
        ...

    def revision(self, name: str) -> str | None:
        """What the source calls the state of a file that `stamps` has listed, such as a commit."""
        return None

    def judged(self, reading: Reading) -> Reading:
        """What was read of a file, in the words of the source, and without what it may not say."""
        return reading

    def away(self) -> FairihubError | None:
        """Why the state listed may not be the latest; it counts all the same."""
        return None

    def start(self, news: Callable[[], None]) -> None:
        """Begins to follow; `news` may be called from any thread when a look is worth while."""
        return

    def stop(self) -> None:
        """Ends what `start` began."""
        return

    def told(self, before: Snapshot, after: Snapshot) -> None:
        """Hears what became of its files, from any thread. Does not block."""
        return

    def poke(self) -> None:
        """Somebody says that there is news. Does not block."""
        return


class FolderSource(Source):
    """One team file, or a folder of them: `*.yaml` and `*.yml`, no hidden ones, no subfolders.

    A file that is removed removes its team; a folder that is gone, or that nothing at all is left
    in, is an accident: a volume that is not mounted looks like that.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self._paths: dict[str, Path] = {}

    @property
    def name(self) -> str:
        return _name(self.path)

    def stamps(self) -> Mapping[str, Hashable]:
        try:
            self._paths = {_name(path): path for path in self._files()}
            return {name: _stamp(path) for name, path in self._paths.items()}
        except OSError as error:
            raise Unavailable(
                "teams-unreadable",
                f"The team files at {self.path} cannot be listed: {error.strerror}. "
                "All teams stay as they are until they can.",
            ) from error

    def _files(self) -> list[Path]:
        named_as_file = self.path.suffix.lower() in SUFFIXES and not self.path.is_dir()
        if named_as_file or self.path.is_file():
            # The file may be removed, and its team with it; a missing folder is an accident.
            return [self.path] if self.path.exists() or not self.path.parent.is_dir() else []
        if is_empty(self.path):
            raise Unavailable(
                "teams-unreadable",
                f"Nothing at all is in {self.path}. All teams stay as they are until team files "
                "are there again. If no team is to be left, keep the folder with some other file "
                "in it.",
            )
        found = sorted(
            path
            for path in self.path.iterdir()
            if path.suffix.lower() in SUFFIXES and not path.name.startswith(".")
        )
        if len(found) > MAX_FILES:
            raise TooLarge(
                "too-many-teams",
                f"{self.path} holds {len(found):,} team files; at most {MAX_FILES:,} are read. "
                "All teams stay as they are until there are fewer.",
            )
        return found

    def read(self, name: str) -> str:
        try:
            # Never waits for the writer of a pipe that bears the name of a team file.
            handle = os.open(self._paths[name], os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            try:
                return text_of(_content(handle))
            finally:
                os.close(handle)
        except OSError as error:
            raise Unreadable(
                "file-unreadable", f"The file cannot be read: {error.strerror}."
            ) from error


def is_empty(path: Path) -> bool:
    """Whether `path` is a folder that nothing at all is in."""
    try:
        return path.is_dir() and not os.listdir(path)
    except OSError:  # what cannot be listed may hold anything
        return False


def _content(handle: int) -> bytes:
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        raise Unreadable("not-a-file", "This is a folder or a device, where a file should be.")
    with open(handle, "rb", closefd=False) as file:
        return file.read(MAX_FILE_BYTES + 1)


def _stamp(path: Path) -> Hashable:
    try:
        found = path.stat()
    except OSError as error:  # a dangling link is a file that cannot be read, not a missing team
        return error.errno
    return (found.st_mtime_ns, found.st_size, found.st_ino, found.st_mode)


def _name(path: Path) -> str:
    """As text, also where a name is not: everything that is said of a file is written as JSON."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def text_of(content: bytes) -> str:
    """What a team file says.

    Raises:
        TooLarge: more than a team file may have.
        Unreadable: it is not UTF-8.
    """
    if len(content) > MAX_FILE_BYTES:
        raise TooLarge("file-too-large", f"The file is larger than {MAX_FILE_BYTES // 1024:,} KiB.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unreadable(
            "not-utf-8",
            f"Byte {error.start:,} is not UTF-8. Save the file with the encoding UTF-8.",
        ) from error
