"""How do several processes answer from one copy of a planner? They map its arrays from files.

    KGPLAN_HOME/serving/<graph version>-<model version>/*.npy, values.json
                        current.json    which of them is served, and the mark that it was made at
                        lock            held to look, to write, to switch, to remove

One process at a time holds the lock. The first that sees a new mark writes the arrays aside and
switches; the next ones find them and map them; until then each goes on with what it has. A folder
that is not served any more is removed at once: a process that still maps its files keeps their
pages until it lets go. Nobody waits until the files are on the disk: they count until the machine
starts again.
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
from kgplan.artifacts import ArtifactStore, AsOf
from kgplan.files import locked, write_whole
from kgplan.model import model_version, open_planner, open_snapshot
from kgplan.planning import Planner
from kgplan.planning.stored import planner_from_arrays, planner_to_arrays
from kgplan.settings import Settings

log = logging.getLogger(__name__)

CURRENT, VALUES, ASIDE = "current.json", "values.json", ".aside"


class SharedPlanners:
    """The planner of the newest graph and model, as files below one folder.

    Args:
        root: the folder, on a disk of this machine.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._mapped: tuple[str, Planner] | None = None
        self._made_by = {"kgplan": __version__, "boot": _boot()}

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
            KgplanError: they cannot be read.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        with locked(self.root / "lock"):
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
        except (OSError, ValueError, KeyError) as error:
            log.warning(
                "the planner in %s is made again, as it cannot be read: %s", self.root, error
            )
            return None

    def _map(self, name: str) -> Planner:
        if self._mapped is None or self._mapped[0] != name:
            folder = self.root / name
            values = json.loads((folder / VALUES).read_text(encoding="utf-8"))
            self._mapped = name, planner_from_arrays(_mapped_arrays(folder), values)
        return self._mapped[1]

    def _write(self, name: str, planner: Planner) -> None:
        aside = self.root / ASIDE
        shutil.rmtree(aside, ignore_errors=True)  # of a process that was killed
        aside.mkdir()
        arrays, values = planner_to_arrays(planner)
        for each, array in arrays.items():
            np.save(aside / f"{each}.npy", array, allow_pickle=False)
        (aside / VALUES).write_text(json.dumps(values), encoding="utf-8")
        place = self.root / name
        shutil.rmtree(place, ignore_errors=True)
        aside.rename(place)

    def _remove_all_but(self, name: str) -> None:
        for folder in self.root.iterdir():
            if folder.is_dir() and folder.name != name:
                shutil.rmtree(folder, ignore_errors=True)

    def _current(self) -> dict[str, Any]:
        """What is served; empty where nothing is, or what is there cannot be relied on."""
        try:
            current = json.loads((self.root / CURRENT).read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return {}
        return current if current.items() >= self._made_by.items() else {}


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
    mark, shared = mark_of(settings, artifacts), SharedPlanners(settings.home / "serving")

    def read_version() -> tuple[str, Callable[[Planner | None], Planner]]:
        graph, in_use = open_snapshot(settings), AsOf(artifacts)

        def make(before: Planner | None) -> Planner:
            log.info("preparing graph %s for all processes", graph.version)
            return open_planner(settings, in_use, graph, before)

        return f"{graph.version}-{model_version(in_use)}", make

    return Keeper(lambda: shared.newest(mark, read_version), mark)
