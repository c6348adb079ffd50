"""How is a file replaced so that nobody sees it half-written, and who may touch it meanwhile?"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


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


def sync(path: Path) -> None:
    """Make a file's or folder's content durable before something names it."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def locked(path: Path) -> Iterator[int]:
    """Hold a file's lock, waiting for it; the system lets go of it when the process ends.

    Args:
        path: of the file, which is made where it is not there.

    Returns:
        The handle; a process that inherits it holds the lock too.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield handle
    finally:
        os.close(handle)


def is_running(pid: int) -> bool:
    """Whether a process of this id runs, whoever's it is.

    >>> is_running(os.getpid())
    True
    """
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
