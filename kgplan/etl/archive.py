"""What does a zip, tar, folder or file hold, and which lines are in its files?

A zip is read as a stream: nothing is unpacked to disk, so a member's name can lead nowhere. A tar,
in which nothing can be looked up, is unpacked into a folder that goes away again. Lines come with
their numbers as Arrow batches of bounded size, whatever the file's size; byte order marks, CRLF and
a missing last newline do not matter, blank lines are counted but not given.
"""

import hashlib
import lzma
import os
import re
import shutil
import stat
import struct
import tarfile
import zipfile
import zlib
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import BinaryIO, Generic, Self, TypeVar, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kgplan.errors import SourceError
from kgplan.store.artifacts import hash_file

BLOCK_BYTES = 8 << 20
LONGEST_LINE = 256 << 20
BOMB_RATIO = 200  # MOOCCube's own files pack 4 to 30 times; deflate's limit is 1,032
SIGN_BYTES = 1 << 16  # of a file, in which its sign is looked for
MACOS = re.compile(r"(?:^|/)(?:__MACOSX(?:/|$)|\._[^/]*$|\.DS_Store$)")
"""What macOS puts beside files: it is not in them."""
BOMB_BYTES = 64 << 20  # a smaller member may pack as well as it likes

PLAIN_FILES = frozenset({".csv", ".tsv", ".txt", ".json", ".jsonl", ".log", ".parquet"})
"""How a file that is no archive ends."""

LINES = pa.schema([("line", pa.int64()), ("text", pa.string()), ("is_utf8", pa.bool_())])


@dataclass(frozen=True)
class SourceFile:
    """A file of a source's layout.

    Attributes:
        path: below the layout's top folder; `*` stands for any text without a slash, `**/` for any
            folders or none, `{a,b}` for one of several.
        required: whether the source cannot be read without it.
        used: whether a table comes from it.
        seems: what a text of which no row was kept looks like, to go on after "it"; empty where
            nobody knows. See `kgplan.etl.forms`.
        sign: a regular expression that its beginning has, where the name alone does not tell it
            from other files.
    """

    path: str
    required: bool = True
    used: bool = True
    seems: Callable[[str], str] = lambda text: ""
    sign: str = ""

    def among(self, paths: Iterable[str]) -> list[str]:
        """The paths that it stands for, in order.

        >>> SourceFile("items.{csv,parquet}").among(["items.csv", "items.tsv"])
        ['items.csv']
        >>> SourceFile("course/**/*.xml").among(["course/a.xml", "course/b/c.xml", "x.xml"])
        ['course/a.xml', 'course/b/c.xml']
        """
        fits = re.compile(_as_regex(self.path))
        return sorted(path for path in paths if fits.fullmatch(path))


def _as_regex(pattern: str) -> str:
    """The regular expression of a layout's path."""
    text = re.escape(pattern)
    for sign, stands_for in (
        (r"\*\*/", "(?:.*/)?"),
        (r"\*", "[^/]*"),
        (r"\{", "(?:"),
        (r"\}", ")"),
    ):
        text = text.replace(sign, stands_for)
    return re.sub(r"(?<=[\w)*]),", "|", text)


Layout = Sequence[SourceFile]
"""Every file that a source may have, all below one top folder."""

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

Member = TypeVar("Member")


class Archive(ABC, Generic[Member]):
    """A zip or folder, opened; its files by their paths below the top folder.

    Attributes:
        path: of it.
        paths: every file.
        whole: what it was cut from by `within`, with all files.
        passed_by: files of the layout that lie in other folders than most of them.
        encoding: of texts that are not UTF-8; empty where nobody said.
    """

    encoding = ""

    def __init__(self, path: Path, members: Mapping[str, Member]) -> None:
        self.path = path
        self.whole = self
        self.passed_by: tuple[str, ...] = ()
        self.paths = frozenset(members)
        self._members = members

    def within(self, layout: Layout) -> Self:
        """The same with the layout's files alone, below the folder that holds most of them."""
        tops = self.tops(layout)
        counts = Counter(tops.values())
        top = min(counts, key=lambda top: (-counts[top], top), default="")
        members = {n.removeprefix(top): self._members[n] for n in tops if tops[n] == top}
        cut = self._with(members)
        cut.whole = self.whole
        cut.passed_by = tuple(sorted(name for name in tops if tops[name] != top))
        return cut

    def without(self, layout: Layout) -> Self:
        """The same without the layout's files, wherever they lie."""
        own = self.tops(layout)
        return self._with({name: each for name, each in self._members.items() if name not in own})

    def tops(self, layout: Layout) -> dict[str, str]:
        """The paths that are the layout's, by name and sign -> the folder around it."""
        tops = tops_of(self._members, layout)
        if not any(file.sign for file in layout):
            return tops
        return {
            name: top
            for name, top in tops.items()
            if any(
                file.among([name.removeprefix(top)]) and self._bears(name, file.sign)
                for file in layout
            )
        }

    def found(self, file: SourceFile) -> list[str]:
        """The paths that a file of the layout stands for, in order."""
        return [path for path in file.among(self.paths) if self._bears(path, file.sign)]

    def _bears(self, path: str, sign: str) -> bool:
        """Whether a file begins as its sign says; of UTF-16, every other byte is passed over."""
        if not sign:
            return True
        try:
            head = self.head(path, SIGN_BYTES).replace(b"\0", b"")
        except (*DAMAGED, SourceError):  # which is told where somebody needs it
            return False
        return re.search(sign, head.decode("utf-8", "ignore")) is not None

    def head(self, path: str, size: int) -> bytes:
        """The first bytes of one file."""
        with self.open(path) as stream:
            return stream.read(size)

    def lines(self, path: str, block_bytes: int = BLOCK_BYTES) -> Iterator[pa.RecordBatch]:
        """The lines of one file.

        Args:
            path: one of `paths`.
            block_bytes: about how much is read at a time.

        Yields:
            Batches of `LINES`: the number, counted from 1; the text without its newline, with
            U+FFFD for what is not UTF-8; and whether all of it was UTF-8.

        Raises:
            SourceError: a line is longer than 256 MiB.
        """
        with self.open(path) as stream:
            yield from split_lines(stream, path, block_bytes)

    @abstractmethod
    def open(self, path: str) -> BinaryIO:
        """A stream over one file's bytes."""

    @abstractmethod
    def _with(self, members: Mapping[str, Member]) -> Self:
        """The same with these members."""


class _Folder(Archive[Path]):
    def open(self, path: str) -> BinaryIO:
        return self._members[path].open("rb")

    def _with(self, members: Mapping[str, Path]) -> Self:
        return type(self)(self.path, members)


class _Zip(Archive[zipfile.ZipInfo]):
    def __init__(
        self, path: Path, members: Mapping[str, zipfile.ZipInfo], archive: zipfile.ZipFile
    ) -> None:
        super().__init__(path, members)
        self._archive = archive

    def open(self, path: str) -> BinaryIO:
        try:
            return cast(BinaryIO, self._archive.open(self._members[path]))
        except (RuntimeError, NotImplementedError) as error:  # encrypted; unknown compression
            raise SourceError(
                f"{path} in {self.path.name} cannot be unpacked ({error}); unpack the archive with "
                "another tool and give the folder"
            ) from error

    def _with(self, members: Mapping[str, zipfile.ZipInfo]) -> Self:
        for name, info in members.items():
            ratio = info.file_size / max(info.compress_size, 1)
            if info.file_size > BOMB_BYTES and ratio > BOMB_RATIO:
                raise SourceError(
                    f"{name} in {self.path} would unpack to {ratio:.0f} times its size, more than "
                    f"{BOMB_RATIO}; if you trust the archive, unpack it and give the folder"
                )
        return type(self)(self.path, members, self._archive)


@contextmanager
def open_archive(path: Path) -> Iterator[Archive]:
    """Open a zip, tar or folder with every file that it holds at any depth; or one file, as it is.

    Raises:
        SourceError: nothing is there, or it is no archive that can be read.
    """
    if not path.exists():
        raise SourceError(f"there is no {path}; give a platform's zip or its unpacked folder")
    if path.is_dir():
        yield _Folder(path, files_below(path))
        return
    if path.suffix.lower() in PLAIN_FILES:
        yield _Folder(path, {path.name: path})
        return
    if tarfile.is_tarfile(path):
        with TemporaryDirectory(prefix="kgplan-") as folder:
            _unpack(path, Path(folder))
            yield _Folder(path, files_below(Path(folder)))
        return
    if path.suffix.lower() == ".gz":
        yield _Folder(path, {path.name: path})
        return
    try:
        archive = zipfile.ZipFile(path)
    except (*DAMAGED, NotImplementedError) as error:  # the last: a version of zip to come
        raise SourceError(
            f"{path} is not a zip that can be read ({error}); fetch it again, or unpack it "
            "with another tool and give the folder"
        ) from error
    with archive:
        members = {
            name: info
            for info in archive.infolist()
            if not info.is_dir() and not stat.S_ISLNK(info.external_attr >> 16)
            # some tools of Windows write \\ for /
            if not MACOS.search(name := info.filename.replace("\\", "/"))
        }
        yield _Zip(path, members, archive)


@contextmanager
def open_packed(archive: Archive, path: str) -> Iterator[Archive]:
    """Open an archive that lies in another.

    Raises:
        SourceError: it is no archive that can be read.
    """
    with TemporaryDirectory(prefix="kgplan-") as folder:
        copy = Path(folder) / PurePosixPath(path).name
        with archive.open(path) as packed, copy.open("wb") as unpacked:
            shutil.copyfileobj(packed, unpacked)
        with open_archive(copy) as inner:
            inner.encoding = archive.encoding
            yield inner


def _unpack(path: Path, folder: Path) -> None:
    """Unpack a tar; what leads out of the folder, or is no file, is refused by tarfile itself."""
    try:
        with tarfile.open(path) as archive:
            size = sum(member.size for member in archive.getmembers())
            if size > max(BOMB_BYTES, BOMB_RATIO * path.stat().st_size):
                raise SourceError(
                    f"{path} would unpack to {size / 1e9:.1f} GB; if you trust it, unpack it and"
                    " give the folder"
                )
            archive.extractall(folder, filter="data")
    except (*DAMAGED, tarfile.TarError) as error:
        raise SourceError(
            f"{path} is not a tar that can be read ({error}); fetch it again, or unpack it with"
            " another tool and give the folder"
        ) from error


def files_below(path: Path) -> dict[str, Path]:
    """Every file below a folder, at any depth, by its name relative to the folder.

    Links are followed; a folder that can be reached in two ways is looked through once.
    """
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
            if MACOS.search(entry.name):
                continue
            if entry.is_dir():
                waiting.append(folder / entry.name)
            elif entry.is_file():
                name = PurePosixPath((folder / entry.name).relative_to(path))
                found[str(name)] = folder / entry.name
    return found


def tops_of(names: Iterable[str], layout: Layout) -> dict[str, str]:
    """The names of the layout's files, wherever they lie -> the folder around it, with its slash.

    Where `**/` begins a path, nothing is around it.

    >>> tops_of(["a/b/x.csv", "y.csv", "z.csv"], [SourceFile("b/x.csv"), SourceFile("y.csv")])
    {'a/b/x.csv': 'a/', 'y.csv': ''}
    >>> tops_of(["a/b/x.csv"], [SourceFile("**/x.csv")])
    {'a/b/x.csv': ''}
    """
    paths = "|".join(_as_regex(file.path) for file in layout)
    ending = re.compile(f"((?:.*?/)??)(?:{paths})", re.DOTALL)
    return {name: found[1] for name in names if (found := ending.fullmatch(name))}


def files_of(path: Path, layout: Layout) -> dict[str, Path]:
    """The zip, or each of the folder's files of the layout, by name."""
    if path.is_file():
        return {path.name: path}
    found = files_below(path)
    return {name: found[name] for name in tops_of(found, layout)}


def hash_files(path: Path, layout: Layout) -> str:
    """Hash a zip's bytes, or the names and bytes of a folder's files of the layout."""
    if path.is_file():
        return hash_file(path)[:16]
    files = sorted(files_of(path, layout).items())
    listed = "\n".join(f"{name} {hash_file(path)}" for name, path in files)
    return hashlib.sha256(listed.encode()).hexdigest()[:16]


@contextmanager
def unchanged(path: Path, layout: Layout) -> Iterator[None]:
    """Refuse what the block reads of a zip or folder where its files change meanwhile.

    Raises:
        SourceError: a file came, went, or has another size, time or place on the disk than before.
    """
    before = _stamps(path, layout)

    def refuse_changed(cause: Exception | None) -> None:
        now = _stamps(path, layout)
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


def _stamps(path: Path, layout: Layout) -> dict[str, tuple[int, int, int]]:
    """Size, time of change and inode of each file."""
    stamps = {}
    for name, file in files_of(path, layout).items():
        try:
            found = file.stat()
        except OSError:  # gone since it was listed
            continue
        stamps[name] = (found.st_size, found.st_mtime_ns, found.st_ino)
    return stamps


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
                "no line should be, so check that the archive is the official one"
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
