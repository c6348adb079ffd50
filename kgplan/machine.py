"""What does this machine offer: cores, memory, files that may be opened, locks?

What only some systems have is asked for here and nowhere else.
"""

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

try:
    import fcntl
    import resource
except ModuleNotFoundError:
    HAS_UNIX = False
    import msvcrt
else:
    HAS_UNIX = True

_FAR = 1 << 30  # Windows locks bytes, and what it locks nobody reads: one that no lock file has
_PAUSE = 0.02  # seconds between two tries, where the system waits for no lock
_placed = threading.Lock()


def cores() -> int:
    """How many may be used: in a container fewer than there are.

    >>> 1 <= cores() <= os.cpu_count()
    True
    """
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def peak_memory() -> int:
    """Largest resident memory of this process so far, in bytes."""
    if not HAS_UNIX:
        return int(psutil.Process().memory_info().peak_wset)
    told = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return told if sys.platform == "darwin" else told * 1024


def largest_file() -> float:
    """To how many bytes a file of this process may grow; inf where nothing says."""
    if not HAS_UNIX:
        return float("inf")
    largest = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
    return float("inf") if largest == resource.RLIM_INFINITY else largest


def raise_descriptors(wanted: int) -> float:
    """Let this process open so many files, as far as it may.

    Returns:
        How many it may open now; inf where nothing says.
    """
    if not HAS_UNIX:
        return float("inf")
    soft, hard = (
        float("inf") if each == resource.RLIM_INFINITY else each
        for each in resource.getrlimit(resource.RLIMIT_NOFILE)
    )
    if soft >= wanted:
        return soft
    granted = int(min(hard, wanted))
    unlimited = resource.RLIM_INFINITY if hard == float("inf") else int(hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (granted, unlimited))
    return granted


def lock(handle: int, shared: bool = False, wait: bool = True) -> bool:
    """Lock an open file until the last process that has it open lets go or ends.

    Args:
        handle: of the file.
        shared: several may have it so at once; not on Windows.
        wait: until it is free.

    Returns:
        Whether it is locked now.
    """
    if HAS_UNIX:
        kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        try:
            fcntl.flock(handle, kind if wait else kind | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
    while True:
        os.lseek(handle, _FAR, os.SEEK_SET)
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        except OSError:
            if not wait:
                return False
            time.sleep(_PAUSE)
        else:
            return True


@contextmanager
def locked(path: "os.PathLike[str]") -> Iterator[int]:
    """Hold a file's lock, waiting for it; the system lets go of it when the process ends.

    Args:
        path: of the file, which is made where it is not there.

    Returns:
        The handle; a process that inherits it holds the lock too.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        lock(handle)
        yield handle
    finally:
        os.close(handle)


def is_locked(path: "os.PathLike[str]") -> bool:
    """Whether a process holds a file's lock, in whatever container; no file, no lock."""
    try:
        handle = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return False
    except PermissionError:  # another user's, who may be at work
        return True
    try:
        return not lock(handle, wait=False)
    finally:
        os.close(handle)


def sync(path: "os.PathLike[str]") -> None:
    """Make a file's or folder's content durable before something names it."""
    if not HAS_UNIX and os.path.isdir(path):  # Windows gives no handle to a folder
        return
    handle = os.open(path, os.O_RDONLY if HAS_UNIX else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read_at(handle: int, size: int, place: int) -> bytes:
    """At most `size` bytes of an open file, from a place on."""
    if hasattr(os, "pread"):
        return os.pread(handle, size, place)
    with _placed:
        os.lseek(handle, place, os.SEEK_SET)
        return os.read(handle, size)


def write_at(handle: int, content: bytes, place: int) -> None:
    """Write into an open file, from a place on."""
    if hasattr(os, "pwrite"):
        os.pwrite(handle, content, place)
        return
    with _placed:
        os.lseek(handle, place, os.SEEK_SET)
        os.write(handle, content)
