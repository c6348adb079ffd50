"""Which results are there, are they whole, and which version is in use?

An artifact is a folder `<root>/<kind>/<version>/` of files and a `manifest.json`. Its version is a
hash of the files, the configuration and the inputs' versions, so the same work done twice is the
same artifact. It is written aside and renamed when whole; `<root>/current.json` names the version
of each kind in use and is replaced in one step, for one kind or for several together.
`<root>/history.json` holds what was in use before, when, and by which command.
"""

import contextlib
import functools
import hashlib
import io
import json
import math
import platform
import re
import shutil
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from kgplan.arrays import Array
from kgplan.errors import ArtifactDamaged, ArtifactMissing
from kgplan.machine import is_locked, locked, sync
from kgplan.store.files import make_private_folder, read_json, write_whole
from kgplan.store.stages import command_for

MANIFEST = "manifest.json"
CURRENT = "current.json"
HISTORY = "history.json"
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,100}")  # of a kind or a version, a folder
DRAFTS = ".drafts"
KEPT_SWITCHES = 500  # entries of the history; the oldest leave first
REPORTED_PACKAGES = ("kgplan", "numpy", "scipy", "numba", "duckdb", "morph-kgc", "pykeen", "torch")


def hash_json(value: Any) -> str:
    """Hash a JSON value, whatever the order of its keys.

    >>> hash_json({"a": 1, "b": 2}) == hash_json({"b": 2, "a": 1})
    True
    """
    text = json.dumps(value, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def version_of(kind: str, config: Any, inputs: Any, sha256s: Mapping[str, str]) -> str:
    """The name of a version: of what it was made with, and of its files by their hashes."""
    identity = {"kind": kind, "config": config, "inputs": inputs, "files": sha256s}
    return hash_json(identity)[:16]


def hash_file(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def way_out(kind: str, place: Path) -> str:
    """What to do about a damaged artifact."""
    return f"remove {place} and run `{command_for(kind)}` again"


def array_in(content: bytes) -> Array:
    """The array of a .npy file's bytes, which it goes on using.

    >>> stream = io.BytesIO()
    >>> np.save(stream, np.eye(2))
    >>> array_in(stream.getvalue()).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    stream = io.BytesIO(content)
    major, _ = np.lib.format.read_magic(stream)
    read = (
        np.lib.format.read_array_header_1_0 if major == 1 else np.lib.format.read_array_header_2_0
    )
    shape, by_column, dtype = read(stream)
    flat = np.frombuffer(content, dtype, offset=stream.tell(), count=math.prod(shape))
    return flat.reshape(shape, order="F" if by_column else "C")


@dataclass(frozen=True)
class Artifact:
    """One version of one result, verified when it was opened."""

    kind: str
    version: str
    path: Path
    manifest: Mapping[str, Any]

    def array(self, name: str) -> Array:
        """The array stored under `name`, in memory of its own and read-only.

        It is not memory-mapped: what happens to the file later could change results unseen, or end
        the process.

        Raises:
            ArtifactDamaged: it is not there, or not what the manifest says.
        """
        file = f"{name}.npy"
        if file not in self.manifest["files"]:
            raise ArtifactDamaged(
                f"{self.kind} {self.version} was made by an older kgplan;"
                f" run `{command_for(self.kind)}`"
            )
        try:
            content = (self.path / file).read_bytes()
        except OSError as error:
            raise ArtifactDamaged(
                f"{self.kind} {self.version}: {file} cannot be read ({error.strerror});"
                f" {way_out(self.kind, self.path)}"
            ) from None
        if hashlib.sha256(content).hexdigest() != self.manifest["files"][file]["sha256"]:
            raise ArtifactDamaged(
                f"{self.kind} {self.version}: {file} is not what was written;"
                f" {way_out(self.kind, self.path)}"
            )
        return array_in(content)

    @property
    def metrics(self) -> Mapping[str, Any]:
        """Figures measured while it was made."""
        return self.manifest["metrics"]


@dataclass(frozen=True)
class Switch:
    """One moment at which other versions came into use.

    Attributes:
        versions: kind -> version, all that were in use from then on.
        at: ISO 8601, UTC.
        by: the command; empty where nobody noted it.
        back: whether it took back an earlier switch.
    """

    versions: Mapping[str, str]
    at: str
    by: str = ""
    back: bool = False


@dataclass
class Draft:
    """An artifact being written: files go to `path`, figures to `metrics`."""

    kind: str
    path: Path
    config: Mapping[str, Any]
    inputs: Mapping[str, str]
    metrics: dict[str, Any] = field(default_factory=dict)
    result: Artifact | None = None

    def put(self, **arrays: Array) -> None:
        """Store arrays, one file each."""
        for name, array in arrays.items():
            np.save(self.path / f"{name}.npy", array, allow_pickle=False)

    def finished(self) -> Artifact:
        """The artifact that this draft became when its block ended."""
        if self.result is None:
            raise ArtifactDamaged(f"the {self.kind} draft at {self.path} was never finished")
        return self.result


class ArtifactStore:
    """The artifacts below one folder.

    >>> store = ArtifactStore(Path(tempfile.mkdtemp()))
    >>> with store.draft("embedding", config={"seed": 0}, inputs={}) as draft:
    ...     draft.put(vectors=np.zeros((2, 3)))
    >>> store.switch(draft.finished())
    >>> store.current("embedding").array("vectors").shape
    (2, 3)
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    @contextlib.contextmanager
    def draft(
        self, kind: str, config: Mapping[str, Any], inputs: Mapping[str, str]
    ) -> Iterator[Draft]:
        """Write an artifact aside; it comes into being when the block ends without an error.

        Args:
            kind: what it is, for example "embedding".
            config: every setting it was made with, as JSON values.
            inputs: kind or data -> version of what it was made from.
        """
        with _own_folder(self.root / DRAFTS, kind) as path:
            draft = Draft(kind, path, config, inputs)
            yield draft
            draft.result = self._keep(draft)

    def _keep(self, draft: Draft) -> Artifact:
        files = {
            file.relative_to(draft.path).as_posix(): {
                "sha256": hash_file(file),
                "bytes": file.stat().st_size,
            }
            for file in sorted(draft.path.rglob("*"))
            if file.is_file()
        }
        sha256s = {name: str(entry["sha256"]) for name, entry in files.items()}
        made_version = version_of(draft.kind, dict(draft.config), dict(draft.inputs), sha256s)
        manifest = {
            "kind": draft.kind,
            "version": made_version,
            "config": dict(draft.config),
            "inputs": dict(draft.inputs),
            "files": files,
            "metrics": draft.metrics,
            "packages": package_versions(),
            "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        text = json.dumps(manifest, indent=1, ensure_ascii=False, allow_nan=False)
        (draft.path / MANIFEST).write_text(text, encoding="utf-8")
        for file in draft.path.rglob("*"):
            if file.is_file():
                sync(file)
        place = self.root / draft.kind / made_version
        make_private_folder(place.parent)  # learners' ids and views are among the results
        try:
            return self.open(draft.kind, made_version)  # the same work was done before
        except ArtifactDamaged:
            shutil.rmtree(place)
        except ArtifactMissing:
            pass
        draft.path.rename(place)
        sync(place.parent)
        return self.open(draft.kind, made_version)

    def open(self, kind: str, version: str, hashed: bool = True) -> Artifact:
        """Open one version and check every file against the manifest.

        Args:
            kind, version: which.
            hashed: by its content; else only that it is there in its size, which takes no time.

        Raises:
            ArtifactMissing: there is no such version.
            ArtifactDamaged: a file is missing, changed, or the manifest cannot be read.
        """
        place = self.root / kind / version
        if not place.is_dir():
            raise ArtifactMissing(f"{kind} {version}", command_for(kind))
        try:
            manifest = read_json((place / MANIFEST).read_text(encoding="utf-8"))
            files = {
                str(name): (int(entry["bytes"]), str(entry["sha256"]))
                for name, entry in manifest["files"].items()
            }
            sha256s = {name: sha256 for name, (_, sha256) in files.items()}
            named = version_of(kind, manifest["config"], manifest["inputs"], sha256s)
            if named != version or not isinstance(manifest["metrics"], dict):
                raise ValueError("it is not what was written")
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ArtifactDamaged(
                f"{kind} {version} has no readable manifest ({error}); {way_out(kind, place)}"
            ) from None
        for name, (size, sha256) in files.items():
            try:
                same = (place / name).stat().st_size == size and (
                    not hashed or hash_file(place / name) == sha256
                )
            except FileNotFoundError:
                raise ArtifactDamaged(
                    f"{kind} {version} lacks its file {name}; {way_out(kind, place)}"
                ) from None
            except OSError as error:
                raise ArtifactDamaged(
                    f"{kind} {version}: {name} cannot be read ({error.strerror});"
                    f" {way_out(kind, place)}"
                ) from None
            if not same:
                raise ArtifactDamaged(
                    f"{kind} {version}: {name} is not what was written; {way_out(kind, place)}"
                )
        return Artifact(kind, version, place, manifest)

    def in_use(self) -> dict[str, str]:
        """Kind -> version in use; empty before the first switch.

        Raises:
            ArtifactDamaged: what is noted is no such thing.
        """
        return dict(self._read(CURRENT, "run the stages again", is_versions, {}))

    def last_switch(self) -> str:
        """A text that differs after every switch, even one to what was in use before."""
        try:
            status = (self.root / CURRENT).stat()  # written anew each time
        except FileNotFoundError:
            return "-"
        return f"{status.st_mtime_ns}.{status.st_ino}"

    def history(self) -> list[Switch]:
        """Every switch that is remembered, oldest first; the last one is what is in use.

        A switch that nobody noted, by an older kgplan or a process that was killed just then, is
        found by what is in use and dated by its file.
        """
        way_out = "nothing but the memory of earlier switches is lost"
        switches = [Switch(**each) for each in self._read(HISTORY, way_out, is_history, [])]
        in_use = ArtifactStore.in_use(self)
        if in_use and (not switches or switches[-1].versions != in_use):
            changed = datetime.fromtimestamp((self.root / CURRENT).stat().st_mtime, UTC)
            switches.append(Switch(in_use, changed.isoformat(timespec="milliseconds")))
        return switches

    def _read(self, name: str, way_out: str, is_such: Callable[[Any], bool], without: Any) -> Any:
        """A JSON file of the store; `without` where there is none."""
        try:
            found = read_json((self.root / name).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return without
        except (OSError, ValueError) as error:
            raise ArtifactDamaged(
                f"{self.root / name} is not JSON ({error}); remove it; {way_out}"
            ) from None
        if not is_such(found):
            raise ArtifactDamaged(
                f"{self.root / name} is not what kgplan writes; remove it; {way_out}"
            )
        return found

    def _replace(self, name: str, value: Any) -> None:
        """Replace a JSON file of the store in one step."""
        write_whole(self.root / name, json.dumps(value, indent=1, sort_keys=True), durable=True)

    def current(self, kind: str) -> Artifact:
        """The version of this kind that is in use.

        Raises:
            ArtifactMissing: none was made yet.
            ArtifactDamaged: it is not whole.
        """
        versions = self.in_use()
        if kind not in versions:
            raise ArtifactMissing(kind, command_for(kind))
        return self.open(kind, versions[kind])

    def switch(
        self, *artifacts: Artifact, by: str = "", back: bool = False, gone: Collection[str] = ()
    ) -> None:
        """Put these versions into use, all in one step, and note it in the history.

        Args:
            artifacts: one version of each kind that changes.
            by: the command that asks for it; the one that makes such artifacts where empty.
            back: whether this takes back an earlier switch.
            gone: kinds of which no version is in use any more.
        """
        by = by or " and ".join(dict.fromkeys(command_for(made.kind) for made in artifacts))
        self.root.mkdir(parents=True, exist_ok=True)
        with locked(self.root / ".current.lock"):  # two stages may end at once
            before = ArtifactStore.in_use(self)  # by everybody, where this is a view
            history = self.history()
            kept = {kind: version for kind, version in before.items() if kind not in gone}
            versions = kept | {made.kind: made.version for made in artifacts}
            if versions == before:
                return
            now = datetime.now(UTC).isoformat(timespec="milliseconds")
            history.append(Switch(versions, now, by, back))
            self._replace(CURRENT, versions)
            # killed here, the next reader finds the switch by what is in use
            self._replace(HISTORY, [asdict(each) for each in history[-KEPT_SWITCHES:]])

    def versions(self, kind: str) -> Sequence[str]:
        """All stored versions of this kind, oldest first."""
        folder = self.root / kind
        if not folder.is_dir():
            return []
        return [p.name for p in sorted(folder.iterdir(), key=lambda p: p.stat().st_mtime_ns)]

    def remove(self, kind: str, version: str) -> None:
        """Remove a version that is not in use.

        Raises:
            ArtifactMissing: there is no such version, or it is in use, or what is in use was made
                from it.
        """
        if version not in self.versions(kind) or (kind, version) in self._needed():
            raise ArtifactMissing(f"unused {kind} {version}", f"kgplan artifacts {kind}")
        shutil.rmtree(self.root / kind / version)

    def _needed(self) -> set[tuple[str, str]]:
        """(kind, version) of all that is in use and of what it was made from."""
        needed = set(self.in_use().items())
        for kind, used in self.in_use().items():
            needed |= set(self._inputs(kind, used).items())
        if newest := self.made_from("records", "tables", self.in_use().get("tables", "")):
            needed.add(("records", newest))  # what the next fit is on
        return needed

    def made_from(self, kind: str, input_kind: str, version: str) -> str | None:
        """The newest stored version of a kind that was made from this version of another."""
        for made in reversed(self.versions(kind)):
            if self._inputs(kind, made).get(input_kind) == version:
                return made
        return None

    def _inputs(self, kind: str, version: str) -> dict[str, str]:
        """What a version was made from; nothing where its manifest cannot be read."""
        try:
            text = (self.root / kind / version / MANIFEST).read_text(encoding="utf-8")
            return dict(json.loads(text)["inputs"])
        except (OSError, ValueError, KeyError, TypeError):
            return {}


class AsOf(ArtifactStore):
    """A view of a store in which what is in use stays so, whatever is switched meanwhile.

    >>> store = ArtifactStore(Path(tempfile.mkdtemp()))
    >>> before = AsOf(store)
    >>> with store.draft("embedding", config={}, inputs={}) as draft:
    ...     draft.put(vectors=np.zeros((2, 3)))
    >>> store.switch(draft.finished())
    >>> sorted(before.in_use()), sorted(store.in_use())
    ([], ['embedding'])
    """

    def __init__(self, store: ArtifactStore) -> None:
        super().__init__(store.root)
        self._in_use = store.in_use()

    def in_use(self) -> dict[str, str]:
        """Kind -> version in use when this view was made."""
        return dict(self._in_use)


class Aside(ArtifactStore):
    """A view of a store in which several stages build on each other's results at once.

    What they put into use is in use in this view alone, until `commit` does it for everybody.

    >>> store = ArtifactStore(Path(tempfile.mkdtemp()))
    >>> aside = Aside(store)
    >>> with aside.draft("embedding", config={}, inputs={}) as draft:
    ...     draft.put(vectors=np.zeros((2, 3)))
    >>> aside.switch(draft.finished())
    >>> aside.current("embedding").kind, store.in_use()
    ('embedding', {})
    >>> aside.commit()
    >>> store.in_use() == {"embedding": draft.finished().version}
    True
    """

    def __init__(self, store: ArtifactStore) -> None:
        super().__init__(store.root)
        self._made: dict[str, Artifact] = {}

    def in_use(self) -> dict[str, str]:
        """Kind -> version in use in this view."""
        made = {kind: artifact.version for kind, artifact in self._made.items()}
        return super().in_use() | made

    def switch(
        self, *artifacts: Artifact, by: str = "", back: bool = False, gone: Collection[str] = ()
    ) -> None:
        """Put these versions into use in this view."""
        self._made |= {made.kind: made for made in artifacts}

    def commit(
        self,
        by: str = "",
        back: bool = False,
        but: Collection[str] = (),
        gone: Collection[str] = (),
    ) -> None:
        """Put this view's versions into use, in one step.

        Args:
            by, back, gone: as for `switch`.
            but: kinds that stay as they are for everybody else.
        """
        made = [artifact for kind, artifact in self._made.items() if kind not in but]
        ArtifactStore(self.root).switch(*made, by=by, back=back, gone=gone)


@contextlib.contextmanager
def _own_folder(drafts: Path, kind: str) -> Iterator[Path]:
    """A new folder below the drafts, removed at the end with what is in it then.

    Its writer holds the lock beside it, and the system lets go of that when the writer ends. No
    process id would do: two containers on one home do not see each other's.
    """
    drafts.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as held:
        with locked(drafts.parent / f"{DRAFTS}.lock"):  # nobody sweeps before the lock is held
            _sweep(drafts)
            place = Path(tempfile.mkdtemp(prefix=f"{kind}.", dir=drafts))
            held.enter_context(locked(place / "lock"))
        held.callback(shutil.rmtree, place, ignore_errors=True)
        path = place / "content"
        path.mkdir(mode=0o700)
        yield path


def is_versions(value: Any) -> bool:
    """Whether a JSON value is kind -> version, each the name of a folder.

    >>> is_versions({"records": "0b5c"}), is_versions({"records": "../x"}), is_versions([])
    (True, False, False)
    """
    return isinstance(value, dict) and all(
        isinstance(each, str) and NAME.fullmatch(each) for pair in value.items() for each in pair
    )


def is_history(value: Any) -> bool:
    """Whether a JSON value is a list of `Switch`."""
    return isinstance(value, list) and all(
        isinstance(each, dict)
        and {"versions", "at"} <= each.keys() <= {"versions", "at", "by", "back"}
        and is_versions(each["versions"])
        and isinstance(each["at"], str)
        and isinstance(each.get("by", ""), str)
        and isinstance(each.get("back", False), bool)
        for each in value
    )


def sweep_abandoned(drafts: Path) -> None:
    """Remove what writers left that were killed: nobody holds the lock of their draft."""
    with locked(drafts.parent / f"{DRAFTS}.lock"):
        _sweep(drafts)


def _sweep(drafts: Path) -> None:
    for place in drafts.iterdir():
        if place.is_dir() and not is_locked(place / "lock"):
            shutil.rmtree(place, ignore_errors=True)


@functools.cache
def package_versions() -> dict[str, str]:
    """Versions of Python and of the packages that shape results; read once, as they are files."""
    found = {"python": platform.python_version()}
    for name in REPORTED_PACKAGES:
        with contextlib.suppress(PackageNotFoundError):
            found[name] = version(name)
    return found
