"""How is a file replaced so that nobody sees it half-written, and is there room for it?"""

import errno
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from kgplan.errors import DiskFull
from kgplan.machine import largest_file, sync

FileStats = dict[str, tuple[int, int, int]]
"""Of a folder's files, by name: size, time of the last change in ns, inode."""

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# what NumPy and the databases say, which pass on no number
SAYS_FULL = re.compile(
    r"no space left|disk quota exceeded|file too large|\d+ requested and \d+ written", re.I
)


def write_whole(path: Path, text: str, durable: bool = False) -> None:
    """Replace a file in one step: write it aside, then rename. One writer at a time.

    Args:
        path: of the file; its folder is there.
        text: all that it holds.
        durable: whether it is on the disk on return, whatever happens to the machine.
    """
    aside = path.with_name(f".{path.name}")
    aside.write_text(text, encoding="utf-8")
    if durable:
        sync(aside)
    aside.replace(path)
    if durable:
        sync(path.parent)


def make_private_folder(path: Path) -> None:
    """Make a folder that only its owner may look into; one that is there is closed to others.

    Raises:
        OSError: it cannot be made.
    """
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    close_to_others(path)


def close_to_others(path: Path) -> None:
    """Take everybody else's rights to a file or folder of ours; nothing where there is none."""
    with suppress(FileNotFoundError, PermissionError):
        mode = path.stat().st_mode
        if mode & 0o077:
            path.chmod(mode & 0o700)


def read_json(text: str) -> Any:
    """A JSON value that any answer could repeat: no NaN, no half characters.

    Raises:
        ValueError: it is no such value.
    """

    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is not JSON")

    try:
        value = json.loads(text, parse_constant=refuse)
        json.dumps(value, ensure_ascii=False).encode()
    except RecursionError as error:
        raise ValueError(str(error)) from None
    return value


def is_time(value: object) -> bool:
    """Whether a value is a moment in ISO 8601 with its zone.

    >>> is_time("2026-03-01T10:15:00+00:00"), is_time("2026-03-01"), is_time(5)
    (True, False, False)
    """
    try:
        return isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


@contextmanager
def enough_room(what: str, folder: Path) -> Iterator[None]:
    """Say in one sentence that there is no room for what the block writes, and where.

    Args:
        what: does not get finished then.
        folder: that it is about, where the error does not name another.

    Raises:
        DiskFull: the block failed for want of room.
    """
    try:
        yield
    except Exception as error:
        number = getattr(error, "errno", None)
        if number not in FULL and not SAYS_FULL.search(str(error)):
            raise
        named = getattr(error, "filename", None)
        where = Path(named) if isinstance(named, str | Path) else folder
        there = next(each for each in (where, *where.absolute().parents) if each.is_dir())
        may_not_grow = number == errno.EFBIG or "file too large" in str(error).lower()
        raise DiskFull(what, where, shutil.disk_usage(there).free, may_not_grow) from error


def require_room(what: str, file: Path, n_bytes: int) -> None:
    """Refuse to begin what a full disk would break.

    Args:
        what: is to be written.
        file: that grows by it.
        n_bytes: at most about so much.

    Raises:
        DiskFull: its disk has less, or it may not grow by so much.
    """
    free = shutil.disk_usage(file.parent).free
    size = file.stat().st_size if file.exists() else 0
    may_not_grow = size + n_bytes > largest_file()
    if free < n_bytes or may_not_grow:
        raise DiskFull(f"{what} (up to {n_bytes / 1e6:,.0f} MB)", file, free, may_not_grow)


def stats_of(folder: Path) -> FileStats:
    """Size, time and inode of each file of a folder; empty where there is none."""
    try:
        with os.scandir(folder) as entries:
            found = [(each.name, each.stat()) for each in entries]
    except OSError:
        return {}
    return {name: (each.st_size, each.st_mtime_ns, each.st_ino) for name, each in found}
