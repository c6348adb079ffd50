"""A disk without room."""

import errno
import resource

import numpy as np
import pytest

from kgplan.errors import DiskFull
from kgplan.machine import is_locked, locked
from kgplan.store.files import enough_room, require_room


def test_who_holds_a_lock_is_seen_and_nothing_is_made(tmp_path):
    path = tmp_path / "lock"
    assert not is_locked(path)
    assert not path.exists()
    with locked(path):
        assert is_locked(path)
    assert not is_locked(path)


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "the disk is full"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "the disk is full"),
        (OSError(errno.EFBIG, "File too large"), "a file may not grow"),
        (OSError("691845 requested and 374984 written"), "the disk is full"),  # NumPy
        (RuntimeError("IO exception: ... Error: No space left on device"), "the disk is full"),
    ],
)
def test_want_of_room_is_one_sentence_with_the_place(tmp_path, error, why):
    place = tmp_path / "not" / "there"
    says = f"embed was not finished: {why}"
    with pytest.raises(DiskFull, match=says) as refused, enough_room("embed", place):
        raise error
    assert str(tmp_path / "not" / "there") in str(refused.value)
    assert "MB are free" in str(refused.value)


def test_the_file_that_did_not_fit_is_named_and_other_errors_are_not_touched(tmp_path):
    full = OSError(errno.ENOSPC, "No space left on device", str(tmp_path / "file"))
    with pytest.raises(DiskFull, match=str(tmp_path / "file")), enough_room("x", tmp_path / "y"):
        raise full
    with pytest.raises(PermissionError), enough_room("x", tmp_path):
        raise PermissionError(errno.EACCES, "Permission denied")


@pytest.fixture
def small_files():
    """No file may become larger than 10 kB."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_what_numpy_cannot_write_is_want_of_room(tmp_path, small_files):
    with pytest.raises(DiskFull), enough_room("x", tmp_path):
        np.save(tmp_path / "a.npy", np.zeros(10_000))


def test_what_a_full_disk_would_break_is_not_begun(tmp_path, small_files):
    file = tmp_path / "graph"
    require_room("writing", file, 9_000)
    with pytest.raises(DiskFull, match="may not grow further"):
        require_room("writing", file, 11_000)
    file.write_bytes(b"x" * 2_000)
    with pytest.raises(DiskFull):
        require_room("writing", file, 9_000)


def test_more_than_the_disk_has_is_not_begun(tmp_path):
    with pytest.raises(DiskFull, match="the disk is full"):
        require_room("writing", tmp_path / "graph", 1 << 60)
