"""What does a MOOCCube zip or folder hold, and which lines are in its files?

A zip is read as a stream: nothing is unpacked to disk, so a member's name can lead nowhere. Lines
come with their numbers as Arrow batches of bounded size, whatever the file's size; byte order
marks, CRLF and a missing last newline do not matter, blank lines are counted but not given.
"""

import lzma
import os
import stat
import struct
import zipfile
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kgplan.errors import SourceError

BLOCK_BYTES = 8 << 20
LONGEST_LINE = 256 << 20
BOMB_RATIO = 200  # MOOCCube's own files pack 4 to 30 times; deflate's limit is 1,032
MACOS = "__MACOSX"  # the folder in which its zips keep what is not in the files
BOMB_BYTES = 64 << 20  # a smaller member may pack as well as it likes

LINES = pa.schema([("line", pa.int64()), ("text", pa.string()), ("is_utf8", pa.bool_())])


@dataclass(frozen=True)
class SourceFile:
    """A file of the official layout; `used` is False for files that no table comes from."""

    path: str
    required: bool = True
    used: bool = True


FILES = (
    *(
        SourceFile(f"entities/{name}.json")
        for name in ("concept", "course", "school", "teacher", "user", "video")
    ),
    SourceFile("entities/paper.json", required=False, used=False),
    *(
        SourceFile(f"relations/{name}.json")
        for name in (
            "concept-field",
            "course-concept",
            "course-video",
            "parent-son",
            "prerequisite-dependency",
            "school-course",
            "school-teacher",
            "teacher-course",
            "user-course",
            "user-video",
            "video-concept",
        )
    ),
    SourceFile("relations/concept-paper.json", required=False, used=False),
    SourceFile("additional_information/concept_information.json", required=False, used=False),
    SourceFile("additional_information/prerequisite_prediction.json", required=False),
    SourceFile("additional_information/user_video_act.json", required=False),
)
"""Every file of the official layout."""


DAMAGED = (
    OSError,
    EOFError,
    UnicodeDecodeError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
)
"""What reading a damaged archive may raise."""


class Source(ABC):
    """An archive in MOOCCube's layout, opened; `paths` are relative to its top folder."""

    name: str
    paths: frozenset[str]

    @abstractmethod
    def open(self, path: str) -> BinaryIO:
        """A stream over one file's bytes."""

    def lines(self, path: str, block_bytes: int = BLOCK_BYTES) -> Iterator[pa.RecordBatch]:
        """The lines of one file; none where the file is absent.

        Args:
            path: as in `FILES`.
            block_bytes: about how much is read at a time.

        Yields:
            Batches of `LINES`: the number, counted from 1; the text without its newline, with
            U+FFFD for what is not UTF-8; and whether all of it was UTF-8.

        Raises:
            SourceError: the file cannot be read to its end, or a line is longer than 256 MiB.
        """
        if path not in self.paths:
            return
        try:
            with self.open(path) as stream:
                yield from split_lines(stream, path, block_bytes)
        except DAMAGED as error:
            raise SourceError(
                f"{path} in {self.name} is damaged ({error}); fetch the archive again"
            ) from error


def split_lines(
    stream: BinaryIO, path: str = "the file", block_bytes: int = BLOCK_BYTES
) -> Iterator[pa.RecordBatch]:
    """Cut a stream of bytes into numbered lines.

    >>> import io
    >>> batches = split_lines(io.BytesIO(b"first\\r\\n\\nthird"))
    >>> [row for batch in batches for row in batch.to_pylist()]
    [{'line': 1, 'text': 'first', 'is_utf8': True}, {'line': 3, 'text': 'third', 'is_utf8': True}]
    """
    pieces: list[bytes] = []  # of a line whose end is not read yet
    held, next_line = 0, 1
    # a byte order mark and a byte more: an empty block would be taken for the end
    block = stream.read(max(block_bytes, 4)).removeprefix(b"\xef\xbb\xbf")
    while block:
        end = block.rfind(b"\n") + 1
        if end:
            whole = b"".join((*pieces, block[:end]))
            batch, next_line = _batch(whole, next_line)
            yield batch
            pieces, held = [], 0
        pieces.append(block[end:])
        held += len(block) - end
        if held > LONGEST_LINE:
            raise SourceError(
                f"line {next_line} of {path} is longer than {LONGEST_LINE >> 20} MiB; "
                "no MOOCCube line is, so check that the archive is the official one"
            )
        block = stream.read(block_bytes)
    if held:
        yield _batch(b"".join((*pieces, b"\n")), next_line)[0]


def _batch(whole: bytes, first_line: int) -> tuple[pa.RecordBatch, int]:
    """Lines of `whole`, which ends with a newline, and the number of the line after them."""
    ends = np.flatnonzero(np.frombuffer(whole, np.uint8) == ord("\n")) + 1
    offsets = np.concatenate([[0], ends]).astype(np.int32)
    texts = pa.StringArray.from_buffers(
        ends.size, pa.py_buffer(offsets.tobytes()), pa.py_buffer(whole)
    )
    is_utf8 = np.ones(ends.size, bool)
    try:
        texts.validate(full=True)
    except pa.ArrowInvalid:  # rare, so a loop over this block's lines will do
        mended = [whole[a:b].decode(errors="replace") for a, b in pairwise(offsets)]
        raw = texts.cast(pa.binary(), safe=False)
        texts = pa.array(mended, pa.string())
        is_utf8 = pc.equal(texts.cast(pa.binary()), raw).to_numpy(zero_copy_only=False)
    texts = pc.ascii_rtrim(texts, "\r\n")
    given = pc.not_equal(pc.binary_length(pc.ascii_trim(texts, " ")), 0)
    numbers = pa.array(np.arange(first_line, first_line + ends.size))
    batch = pa.record_batch([numbers, texts, pa.array(is_utf8)], schema=LINES)
    return batch.filter(given), first_line + ends.size


@contextmanager
def open_source(path: Path) -> Iterator[Source]:
    """Open a MOOCCube zip or folder; folders of any name around it are looked through.

    Raises:
        SourceError: nothing is there, it is no readable zip, it is not MOOCCube, a required file
            is absent, or a member unpacks to suspiciously much.
    """
    if not path.exists():
        raise SourceError(f"there is no {path}; give the MOOCCube zip or its unpacked folder")
    if path.is_dir():
        yield _Folder(path)
        return
    try:
        archive = zipfile.ZipFile(path)
    except (*DAMAGED, NotImplementedError) as error:  # the last: a version of zip to come
        raise SourceError(
            f"{path} is not a zip that can be read ({error}); fetch it again, or unpack it "
            "with another tool and give the folder"
        ) from error
    with archive:
        yield _Zip(path, archive)


@contextmanager
def unchanged(path: Path) -> Iterator[None]:
    """Refuse what the block reads of a zip or folder where its files change meanwhile.

    Raises:
        SourceError: a file came, went, or has another size, time or place on the disk than before.
    """
    before = _stamps(path)

    def refuse_changed(cause: Exception | None) -> None:
        now = _stamps(path)
        changed = sorted(name for name in before | now if before.get(name) != now.get(name))
        if changed:
            raise SourceError(
                f"{changed[0]} in {path} changed while it was read; nothing was taken: wait until"
                " it is written to its end, or give a copy"
            ) from cause

    try:
        yield
    except SourceError as error:  # which a change may have caused
        refuse_changed(error)
        raise
    refuse_changed(None)


def _stamps(path: Path) -> dict[str, tuple[int, int, int]]:
    """Size, time of change and inode of the zip, or of each of the folder's files of the layout."""
    stamps = {}
    for name, file in ({path.name: path} if path.is_file() else files_below(path)).items():
        try:
            found = file.stat()
        except OSError:  # gone since it was listed
            continue
        stamps[name] = (found.st_size, found.st_mtime_ns, found.st_ino)
    return stamps


def files_below(path: Path) -> dict[str, Path]:
    """Every file of the layout below a folder, at any depth, by its name relative to the folder.

    Links are followed; a folder that can be reached in two ways is looked through once.
    """
    wanted = {file.path for file in FILES}
    found: dict[str, Path] = {}
    seen: set[tuple[int, int]] = set()
    waiting = [path]
    while waiting:
        folder = waiting.pop(0)  # the shortest way to a folder comes first
        try:
            place, entries = folder.stat(), sorted(os.scandir(folder), key=lambda each: each.name)
        except OSError:  # no folder, or nobody's business
            continue
        if (place.st_dev, place.st_ino) in seen:
            continue
        seen.add((place.st_dev, place.st_ino))
        for entry in entries:
            if entry.is_dir():
                if entry.name != MACOS:
                    waiting.append(folder / entry.name)
            elif f"{folder.name}/{entry.name}" in wanted and entry.is_file():
                name = PurePosixPath((folder / entry.name).relative_to(path))
                found[str(name)] = folder / entry.name
    return found


class _Folder(Source):
    def __init__(self, path: Path) -> None:
        found = files_below(path)
        self.name = path.name
        top = _top(frozenset(found), path)
        self._files = {name.removeprefix(top): found[name] for name in found if _below(name, top)}
        self.paths = frozenset(self._files)
        _check_required(self.paths, path)

    def open(self, path: str) -> BinaryIO:
        return self._files[path].open("rb")


class _Zip(Source):
    def __init__(self, path: Path, archive: zipfile.ZipFile) -> None:
        found = {
            name: info
            for info in archive.infolist()
            if not info.is_dir() and not stat.S_ISLNK(info.external_attr >> 16)
            # some tools of Windows write \\ for /
            if MACOS not in (name := info.filename.replace("\\", "/")).split("/")
        }
        self.name = path.name
        self._archive = archive
        top = _top(frozenset(found), path)
        self._members = {name.removeprefix(top): found[name] for name in found if _below(name, top)}
        self.paths = frozenset(self._members)
        _check_required(self.paths, path)
        for name, info in self._members.items():
            ratio = info.file_size / max(info.compress_size, 1)
            if info.file_size > BOMB_BYTES and ratio > BOMB_RATIO:
                raise SourceError(
                    f"{name} in {path} would unpack to {ratio:.0f} times its size, more than "
                    f"{BOMB_RATIO}; if you trust the archive, unpack it and give the folder"
                )

    def open(self, path: str) -> BinaryIO:
        info = self._members[path]
        try:
            return cast(BinaryIO, self._archive.open(info))
        except (RuntimeError, NotImplementedError) as error:  # encrypted; unknown compression
            raise SourceError(
                f"{path} in {self.name} cannot be unpacked ({error}); unpack the archive with "
                "another tool and give the folder"
            ) from error


def _below(name: str, top: str) -> bool:
    return name.startswith(top) and name.removeprefix(top) in {file.path for file in FILES}


def _top(names: frozenset[str], path: Path) -> str:
    """The folder, with its slash, that holds the most files of the layout; "" for the root."""
    counts: dict[str, int] = {}
    for name in names:
        for file in FILES:
            if name == file.path or name.endswith(f"/{file.path}"):
                top = name.removesuffix(file.path)
                counts[top] = counts.get(top, 0) + 1
    if not counts:
        raise SourceError(
            f"{path} does not hold MOOCCube: no entities/concept.json or any other file of its "
            "layout; give the zip or the folder that has entities/ and relations/ in it"
        )
    return min(counts, key=lambda top: (-counts[top], top))


def _check_required(paths: frozenset[str], path: Path) -> None:
    absent = [file.path for file in FILES if file.required and file.path not in paths]
    if absent:
        raise SourceError(
            f"{path} lacks {', '.join(absent)}; take them from the full MOOCCube archive"
        )
