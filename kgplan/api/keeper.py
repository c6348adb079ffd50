"""Which planner answers now? The newest that could be built; the last good one while it cannot.

A watcher asks, once an interval, for a mark that changes whenever the graph or the model may have
changed. Where it differs, a new planner is built aside and put in place in one step, so no request
waits for it. Where the graph or the model cannot be read, the last planner goes on and is stale.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from kgplan.errors import ArtifactError, GraphUnavailable, KgplanError
from kgplan.graph.watch import watch_graph
from kgplan.model.opening import DataSource, model_version, open_planner, source_in_use
from kgplan.planning import Planner
from kgplan.settings import Settings
from kgplan.store.artifacts import ArtifactStore
from kgplan.store.files import FileStats, stats_of
from kgplan.store.stages import served_kinds

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Served:
    """What requests are answered from.

    Attributes:
        planner: the newest planner that could be built.
        mark: what the graph and the model were marked with just before it was built.
        problem: why nothing newer can be read; None while all is well.
        damage: what happened to the model on the disk, that the planner in memory knows nothing
            of; None while all is well. Answers are what they were; no other planner can be made.
        since: when this version of the graph was first served.
        source: whose data answers are made from.
    """

    planner: Planner
    mark: str
    problem: KgplanError | None = None
    damage: KgplanError | None = None
    since: datetime = field(default_factory=lambda: datetime.now(UTC))
    source: DataSource = field(default_factory=DataSource)

    @property
    def stale(self) -> bool:
        """Whether the graph or the model may have changed unseen."""
        return self.problem is not None


class Keeper:
    """Holds the planner in use and renews it.

    Args:
        build: makes a planner from the graph and the model as they are now.
        mark: cheap; differs from before whenever a new planner may differ.
        interval: seconds between two looks.
        patience: seconds that a look may take before answers count as stale.
        check: raises KgplanError where what the planner was built from is damaged.
        source: tells whose data the planner was built from.

    Attributes:
        built, checked: when the planner was built, and when a look last succeeded, on the
            monotonic clock.
        builds, build_seconds: planners built so far, and the time that it took.

    Raises:
        KgplanError: the first planner cannot be built.
    """

    def __init__(
        self,
        build: Callable[[], Planner],
        mark: Callable[[], str],
        interval: float = 1.0,
        patience: float = 5.0,
        check: Callable[[], None] = lambda: None,
        source: Callable[[], DataSource] = DataSource,
    ) -> None:
        self._build, self._mark, self._check, self._source = build, mark, check, source
        self._interval, self._patience = interval, patience
        self._renewing = threading.Lock()
        self._stopping = threading.Event()
        self._watcher: threading.Thread | None = None
        self._prepare: list[Callable[[Planner], None]] = []
        self.builds, self.build_seconds = 0, 0.0
        self.built = self.checked = time.monotonic()
        first = mark()  # before the build: a change during it is then seen
        self._served = replace(self._newly_served(first), damage=self._damage())
        self._looking_since: float | None = None

    @property
    def served(self) -> Served:
        """What requests are answered from now."""
        served, since = self._served, self._looking_since
        if since is None or served.stale or time.monotonic() - since < self._patience:
            return served
        silent = f"the graph has not answered for {self._patience:g} s; answers may be outdated"
        return replace(served, problem=GraphUnavailable(silent))

    def refresh(self) -> Served:
        """Look now, and build a new planner where something changed.

        Returns:
            What is served from now on; its `problem` tells why it could not be renewed.
        """
        with self._renewing:
            served = self._served
            self._looking_since = time.monotonic()
            try:
                mark = self._mark()
                if mark != served.mark:
                    made = self._newly_served(mark)
                    log.info("serving graph %s", made.planner.graph.version)
                    same = made.planner.graph.version == served.planner.graph.version
                    served = replace(made, since=served.since) if same else made
                elif served.stale:
                    served = replace(served, problem=None)
                damage = self._damage()
                if damage is not None and damage is not served.damage:
                    log.error("the planner in memory goes on, but %s", damage)
                served = replace(served, damage=damage)
                self.checked = time.monotonic()
            except KgplanError as error:
                if not served.stale:
                    log.warning("answers are stale from now on: %s", error)
                served = replace(served, problem=error)
            finally:
                self._looking_since = None
            self._served = served
            return served

    def prepare(self, with_planner: Callable[[Planner], None]) -> None:
        """Let something be done now, and with each later planner before the first request has it.

        Args:
            with_planner: fills what is kept beside a planner; it is called in the watcher's thread.
        """
        with self._renewing:
            self._prepare.append(with_planner)
            with_planner(self._served.planner)

    def start(self) -> None:
        """Begin to watch."""
        self._watcher = threading.Thread(target=self._watch, name="kgplan-keeper", daemon=True)
        self._watcher.start()

    def stop(self) -> None:
        """Stop watching; a look that waits for a silent graph is left after `patience` seconds."""
        self._stopping.set()
        if self._watcher is not None:
            self._watcher.join(self._patience)

    def _damage(self) -> KgplanError | None:
        try:
            self._check()
        except KgplanError as error:
            return error
        return None

    def _newly_served(self, mark: str) -> Served:
        return Served(self._timed_build(), mark, source=self._source())

    def _timed_build(self) -> Planner:
        begun = time.monotonic()
        planner = self._build()
        for with_planner in self._prepare:
            with_planner(planner)
        self.built = time.monotonic()
        self.builds, self.build_seconds = self.builds + 1, self.build_seconds + self.built - begun
        return planner

    def _watch(self) -> None:
        while not self._stopping.wait(self._interval):
            try:
                self.refresh()
            except Exception:  # the watcher must outlive a fault that nobody foresaw
                log.exception("the planner could not be renewed")


def mark_of(settings: Settings, artifacts: ArtifactStore) -> Callable[[], str]:
    """What gives the mark of the graph and of the model in use.

    A model's name alone would not do: it may be in use again when the planner of the one between
    has just been built, and that planner would then stay.
    """
    watch = watch_graph(settings.graph_url, settings.graph_access)
    return lambda: f"{watch.mark()} {artifacts.last_switch()} {model_version(artifacts)}"


class StoredModel:
    """Whether the model's files are still what they were when it was put into use.

    Contents are read at first, and where size, time or inode of a file differ from the last look.
    """

    def __init__(self, artifacts: ArtifactStore) -> None:
        self._artifacts = artifacts
        self._seen: dict[tuple[str, str], FileStats] = {}
        self._wrong: dict[tuple[str, str], ArtifactError] = {}

    def check(self) -> None:
        """Look at the files.

        Raises:
            ArtifactError: they are not whole; the same until they change again.
        """
        versions = self._artifacts.in_use()
        in_use = [(kind, versions[kind]) for kind in served_kinds() if kind in versions]
        stats = {each: stats_of(self._artifacts.root.joinpath(*each)) for each in in_use}
        for each in in_use:
            if stats[each] != self._seen.get(each):
                self._wrong.pop(each, None)
                try:
                    self._artifacts.open(*each)
                except ArtifactError as error:
                    self._wrong[each] = error
        self._seen = stats
        self._wrong = {each: wrong for each, wrong in self._wrong.items() if each in stats}
        for wrong in self._wrong.values():
            raise wrong


def keep_planner(settings: Settings) -> Keeper:
    """Keep the planner of the graph and the model that the settings name."""
    artifacts = ArtifactStore(settings.artifacts)
    last: list[Planner] = []

    def build() -> Planner:
        planner = open_planner(settings, artifacts, before=last[0] if last else None)
        last[:] = [planner]
        return planner

    check = StoredModel(artifacts).check
    return Keeper(
        build,
        mark_of(settings, artifacts),
        check=check,
        source=lambda: source_in_use(artifacts),
    )
