"""How do several processes answer from one copy of a planner? They map its arrays from files.

    KGPLAN_HOME/serving/<graph version>-<model version>/*.npy, values.json
                                    sums.json   sizes and hashes of these, checked before they are
                                                mapped, and again where a file has changed since
                        current.json    which of them is served, and the mark that it was made at
                        lock            held to look, to write, to switch, to remove

One process at a time holds the lock. The first that sees a new mark writes the arrays aside and
switches; the next ones find them and map them; until then each goes on with what it has. A folder
that is not served any more is removed at once: a process that still maps its files keeps their
pages until it lets go. Nobody waits until the files are on the disk: they count until the machine
starts again. They hold learners' data, so only their owner may read them.
"""

import json
import logging
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from kgplan import __version__
from kgplan.api.keeper import Keeper, mark_of
from kgplan.arrays import Array
from kgplan.errors import ArtifactError
from kgplan.machine import locked
from kgplan.model.opening import (
    model_version,
    open_planner,
    open_snapshot,
    source_in_use,
)
from kgplan.planning import Planner
from kgplan.planning.stored import planner_from_arrays, planner_to_arrays
from kgplan.settings import Settings
from kgplan.store.artifacts import ArtifactStore, AsOf, hash_file, is_versions
from kgplan.store.files import FileStats, make_private_folder, stats_of, write_whole

log = logging.getLogger(__name__)

CURRENT, VALUES, SUMS, ASIDE = "current.json", "values.json", "sums.json", ".aside"


class SharedPlanners:
    """The planner of the newest graph and model, as files below one folder.

    Args:
        root: the folder, on a disk of this machine.
        links: template of the addresses that the planner gives; for another, it is made again.
    """

    def __init__(self, root: Path, links: str = "") -> None:
        self.root = root
        self._mapped: tuple[str, Planner] | None = None
        self._seen: FileStats = {}
        self._changes = 0
        self._made_by = {"kgplan": __version__, "boot": _boot(), "links": links}

    def newest(
        self,
        mark: Callable[[], str],
        read_version: Callable[[], tuple[str, Callable[[Planner | None], Planner]]],
    ) -> Planner:
        """The planner of the graph and the model as they are now, mapped.

        Waits while another process writes one.

        Args:
            mark: differs whenever graph or model may differ.
            read_version: names graph and model as they are, and gives what makes their planner
                from an earlier one; called where nobody has written a planner at this mark.

        Raises:
            KgplanError: they cannot be read, or the files not be written.
        """
        try:
            make_private_folder(self.root)
            with locked(self.root / "lock"):
                return self._newest(mark, read_version)
        except OSError as error:
            raise ArtifactError(
                f"the planner cannot be shared in {self.root}: {error.strerror or error}; make room"
                " and let the service's user write there, or serve with one worker"
            ) from None

    def changes(self) -> int:
        """How often the files of the mapped planner were found changed by somebody else."""
        if self._mapped is not None and stats_of(self.root / self._mapped[0]) != self._seen:
            self._changes += 1
            self._mapped = None
        return self._changes

    def _newest(
        self,
        mark: Callable[[], str],
        read_version: Callable[[], tuple[str, Callable[[Planner | None], Planner]]],
    ) -> Planner:
        now, current = mark(), self._current()
        last = self._last(current)
        if last is not None and current["mark"] == now:
            return last
        name, make = read_version()
        if last is None or current["name"] != name:
            self._write(name, make(last))
            self._remove_all_but(name)
        served = {**self._made_by, "mark": now, "name": name}
        write_whole(self.root / CURRENT, json.dumps(served))
        return self._map(name)

    def _last(self, current: Mapping[str, str]) -> Planner | None:
        """The planner served until now, by this process or another; None where there is none."""
        try:
            return self._map(current["name"]) if current else None
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            log.warning(
                "the planner in %s is made again, as it cannot be read: %s", self.root, error
            )
            return None

    def _map(self, name: str) -> Planner:
        if self._mapped is None or self._mapped[0] != name:
            folder = self.root / name
            seen = stats_of(folder)  # before they are read: a change meanwhile is then seen
            check_sums(folder)
            values = json.loads((folder / VALUES).read_text(encoding="utf-8"))
            self._mapped = name, planner_from_arrays(_mapped_arrays(folder), values)
            self._seen = seen
        return self._mapped[1]

    def _write(self, name: str, planner: Planner) -> None:
        aside = self.root / ASIDE
        _remove(aside)  # of a process that was killed
        aside.mkdir(mode=0o700)
        arrays, values = planner_to_arrays(planner)
        for each, array in arrays.items():
            np.save(aside / f"{each}.npy", array, allow_pickle=False)
        (aside / VALUES).write_text(json.dumps(values), encoding="utf-8")
        sums = {each.name: [each.stat().st_size, hash_file(each)] for each in aside.iterdir()}
        (aside / SUMS).write_text(json.dumps(sums), encoding="utf-8")
        place = self.root / name
        _remove(place)
        aside.rename(place)
        self._mapped = None  # of this name, it was made again

    def _remove_all_but(self, name: str) -> None:
        for folder in self.root.iterdir():
            if folder.is_dir() and folder.name != name:
                shutil.rmtree(folder, ignore_errors=True)

    def _current(self) -> dict[str, Any]:
        """What is served; empty where nothing is, or what is there cannot be relied on."""
        try:
            current = json.loads((self.root / CURRENT).read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError, RecursionError):
            return {}
        ours = isinstance(current, dict) and current.items() >= self._made_by.items()
        named = ours and is_versions({key: current.get(key) for key in ("name",)})
        return current if named and "mark" in current else {}


def check_sums(folder: Path) -> None:
    """See that a folder's files are those that were written.

    Raises:
        ValueError: with the first that is not.
        OSError: it cannot be read.
    """
    sums = json.loads((folder / SUMS).read_text(encoding="utf-8"))
    if {each.name for each in folder.iterdir()} != {*sums, SUMS}:
        raise ValueError("a file is missing, or one too many")
    for name, (size, sha256) in sums.items():
        if (folder / name).stat().st_size != size or hash_file(folder / name) != sha256:
            raise ValueError(f"{name} is not what was written")


def _remove(place: Path) -> None:
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place, ignore_errors=True)
    else:
        place.unlink(missing_ok=True)


def _boot() -> str:
    """Names the time since the machine started; the same for ever where it is not Linux."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _mapped_arrays(folder: Path) -> dict[str, Array]:
    """Every array of a folder, as the pages of its file."""
    return {
        file.name.removesuffix(".npy"): np.load(file, mmap_mode="r").view(np.ndarray)
        for file in folder.glob("*.npy")
    }


def keep_shared_planner(settings: Settings) -> Keeper:
    """Keep the planner of the graph and the model that the settings name, mapped from files."""
    artifacts = ArtifactStore(settings.artifacts)
    mark = mark_of(settings, artifacts)
    shared = SharedPlanners(settings.home / "serving", settings.links)

    def read_version() -> tuple[str, Callable[[Planner | None], Planner]]:
        graph, in_use = open_snapshot(settings), AsOf(artifacts)

        def make(before: Planner | None) -> Planner:
            log.info("preparing graph %s for all processes", graph.version)
            return open_planner(settings, in_use, graph, before)

        return f"{graph.version}-{model_version(in_use)}", make

    return Keeper(
        lambda: shared.newest(mark, read_version),
        lambda: f"{mark()} {shared.changes()}",
        source=lambda: source_in_use(artifacts),
    )
