"""Reading and writing files in folders that others can write to: no links, bounded, atomic."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
import uuid
from pathlib import Path
from typing import BinaryIO

from fairihub_core.errors import Missing, TooLarge

# A pipe or a device must not block whoever opens it.
_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_FOLDER = os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY | os.O_CLOEXEC


def folder_below(root: Path, relative: str) -> int:
    """A descriptor of a folder below `root`, opened part by part so that no link is followed.

    Raises:
        OSError: there is no such folder, or a part of its path is a link.
    """
    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    for part in filter(None, relative.split("/")):
        try:
            inner = os.open(part, _FOLDER, dir_fd=folder)
        finally:
            os.close(folder)
        folder = inner
    return folder


def folder_made_below(root: Path | int, relative: str) -> int:
    """As `folder_below`, and makes the folders that are not there yet.

    Args:
        root: or its descriptor, which stays open.
    """
    folder = (
        os.dup(root)
        if isinstance(root, int)
        else os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    )
    for part in filter(None, relative.split("/")):
        try:
            with contextlib.suppress(FileExistsError):
                os.mkdir(part, dir_fd=folder)
            inner = os.open(part, _FOLDER, dir_fd=folder)
        finally:
            os.close(folder)
        folder = inner
    return folder


def open_below(root: Path, relative: str) -> BinaryIO:
    """A file below `root`, opened part by part so that no link is followed.

    Raises:
        Missing: `no-such-file`, there is no such file, or it is a link or no regular file.
    """
    parents, _, name = relative.rpartition("/")
    try:
        folder = folder_below(root, parents)
        try:
            file = os.fdopen(os.open(name, _FLAGS, dir_fd=folder), "rb")
        finally:
            os.close(folder)
        if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            return file
        file.close()
    except (OSError, ValueError):
        pass
    raise Missing("no-such-file", f"“{relative[:200]}” is not there any more.")


def read_below(root: Path, relative: str, limit: int) -> bytes:
    """The content of a file below `root`; no link is followed.

    Raises:
        Missing: `no-such-file`, there is no such file, or it is a link or no regular file.
        TooLarge: `too-large`, more than `limit` bytes.
    """
    with open_below(root, relative) as file:
        try:
            content = file.read(limit + 1)
        except OSError:
            raise Missing("no-such-file", f"“{relative[:200]}” cannot be read.") from None
    if len(content) > limit:
        raise TooLarge(
            "too-large", f"“{relative[:200]}” has more than {limit / 2**20:.0f} MiB, the most here."
        )
    return content


def write_whole(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Puts `content` at `path` as a whole, in place of what was there.

    A reader sees all of it or what was before; on return it survives a loss of power.
    """
    part = _part_of(path)
    try:
        _write_new(part, content, mode)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    sync_folder(path.parent)


def write_whole_in(
    folder: int, name: str, content: bytes, mode: int = 0o600, *, synced: bool = True
) -> None:
    """As `write_whole`, in the folder with this descriptor, whatever its path leads to by now.

    Args:
        synced: whether it survives a loss of power on return; the disk is waited for then.
    """
    part = _part_of(Path(name)).name
    try:
        _write_new(part, content, mode, folder, synced=synced)
        os.replace(part, name, src_dir_fd=folder, dst_dir_fd=folder)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(part, dir_fd=folder)
    if synced:
        os.fsync(folder)


def write_new_in(folder: int, name: str, content: bytes, mode: int = 0o600) -> None:
    """As `write_new`, in the folder with this descriptor, whatever its path leads to by now."""
    part = _part_of(Path(name)).name
    try:
        _write_new(part, content, mode, folder)
        try:
            os.link(part, name, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
        except FileExistsError:
            raise
        except OSError:  # no hard links here (a bucket)
            _write_new(name, content, mode, folder)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(part, dir_fd=folder)


def write_new(path: Path, content: bytes, mode: int = 0o666) -> None:
    """Puts `content` at `path` as a whole, if there is nothing yet.

    Raises:
        FileExistsError: there is something, even a broken link.
    """
    part = _part_of(path)
    try:
        _write_new(part, content, mode)
        try:
            os.link(part, path, follow_symlinks=False)
        except FileExistsError:
            raise
        except OSError:
            # No hard links here (a bucket): exclusive, though not as a whole.
            _write_new(path, content, mode)
    finally:
        part.unlink(missing_ok=True)


def kept_secret(path: Path, size: int = 32) -> bytes:
    """The secret at `path`, made at the first call, so that a restart signs nobody out."""
    with contextlib.suppress(FileExistsError):
        write_new(path, secrets.token_bytes(size), mode=0o600)
    path.chmod(0o600)
    kept = path.read_bytes()
    if len(kept) >= size:
        return kept
    # With a file that was emptied, anybody could sign a session.
    write_whole(path, made := secrets.token_bytes(size))
    return made


def is_link(name: str, folder: int) -> bool:
    """Whether that is a link, in the folder with this descriptor; what is gone is none."""
    try:
        return stat.S_ISLNK(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)
    except OSError:
        return False


def sync_folder(folder: Path) -> None:
    """On return the names in `folder` survive a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _part_of(path: Path) -> Path:
    return path.with_name(f".{path.name[:80]}.{uuid.uuid4().hex[:12]}.part")


def _write_new(
    path: Path | str, content: bytes, mode: int, folder: int | None = None, *, synced: bool = True
) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    descriptor = os.open(path, flags, mode, dir_fd=folder)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        if synced:
            os.fsync(file.fileno())
