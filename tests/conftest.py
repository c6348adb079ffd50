"""Archives that several tests read; they must not change them."""

import gc
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import miniature
import pytest
import stage_runner
from hypothesis import HealthCheck, settings
from made_once import made_once
from neo4j_server import SHORT_LIVED, TestServer, start_test_server
from postgres_server import PostgresServer, start_postgres
from read_once import read_once
from unsynced import leave_it_to_the_system
from waiting import pytest_terminal_summary as pytest_terminal_summary
from xdist.workermanage import WorkerController

from kgplan.etl import map as etl_map
from kgplan.etl.stages import run_etl
from kgplan.model.opening import open_planner
from kgplan.planning import Planner
from kgplan.settings import Settings, read_settings
from kgplan.store.artifacts import ArtifactStore
from kgplan.store.events import EventStore, open_events
from kgplan.store.running import run_part
from kgplan.store.stages import StageReport

SAMPLE = Path(__file__).parent.parent / "data" / "mooccube-cs.zip"

# What is imported stays: the collector would go through all of it, again and again.
gc.disable()

leave_it_to_the_system()

# Files that take longest, by the processor time of all their processes. Begun first, none of them
# is left to one process when the others have ended.
FIRST = (
    *("graph/test_neo4j.py", "explorer/test_explorer_shell.py", "test_wheel.py", "test_sample.py"),
    *("explorer/test_learner_view.py", "explorer/test_explorer_designer.py"),
    *("pipeline/test_stages.py", "test_readme.py", "diagnosis/test_aging.py"),
    *("explorer/test_kinds_shown.py", "explorer/test_lti_frame.py", "test_machine.py"),
    *("pipeline/test_stage_from_elsewhere.py", "etl/test_losses.py", "etl/test_extract.py"),
    *("api/test_workers.py", "cli/test_cli.py", "api/test_admin.py", "evaluation/test_generate.py"),
)

# A first call may compile, and a busy machine is slow to make cases: time decides nothing.
# `make test` tries the same cases for everyone, `make fuzz` others each time.
PATIENT = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("kgplan", derandomize=True, **PATIENT)
settings.register_profile("fuzz", print_blob=True, **PATIENT)
settings.load_profile("kgplan")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files that take longest first; `make test` hands groups out in this order.

    A group is the tests of one file; those that need Neo4j are one, so that one process starts it.
    """
    place = {Path(__file__).parent / name: n for n, name in enumerate(FIRST)}
    items.sort(key=lambda item: place.get(item.path, len(FIRST)))
    for item in items:
        group = "neo4j" if needs_neo4j(item) else item.path.name
        item.add_marker(pytest.mark.xdist_group(group))


def pytest_collection_finish() -> None:
    """Let the collector free what tests leave, and only that."""
    gc.freeze()
    gc.enable()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_node_collection_finished(node: WorkerController, ids: Sequence[str]) -> None:
    """See that groups are handed out: pytest-xdist knows them by what it adds to tests' ids.

    Where it cannot add it, each process makes what the tests of a file share, and nothing fails.
    """
    alone = next((each for each in ids if "@" not in each), None)
    if node.config.getoption("dist") == "loadgroup" and alone is not None:
        raise pytest.UsageError(f"pytest-xdist hands out {alone} without the rest of its group")


def needs_neo4j(item: pytest.Item) -> bool:
    """Whether a test asks for the server, or is one of a pair for both databases."""
    if "neo4j_process" in getattr(item, "fixturenames", ()):
        return True
    given = item.callspec.params.values() if hasattr(item, "callspec") else ()
    return any(isinstance(each, str) and each == "neo4j" for each in given)


def pytest_runtest_setup() -> None:
    """No test finds the settings that another one read."""
    read_settings.cache_clear()


@pytest.fixture(scope="session", autouse=True)
def mappings_read_once() -> Iterator[None]:
    """The engine reads the mapping once for all runs of a process, see read_once."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(etl_map, "_run_engine", read_once(etl_map._run_engine))
        yield


def make_sample(folder: Path) -> tuple[Settings, dict[str, StageReport]]:
    """Every stage run once on the real sample with its defaults."""
    home = Settings(home=folder)
    reports = run_etl(home, SAMPLE)
    for part in ("graph", "model"):
        reports += run_part(part, home, ArtifactStore(home.artifacts), {})
    return home, {report.stage: report for report in reports}


@pytest.fixture(scope="session")
def sample_settings(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Settings, dict[str, StageReport]]:
    """A home with the model of the real sample: settings and the stages' reports."""
    return made_once(tmp_path_factory, "sample", make_sample)


@pytest.fixture(scope="session")
def sample_home(sample_settings: tuple[Settings, dict[str, StageReport]]) -> Settings:
    """Settings of a home with the model of the real sample."""
    return sample_settings[0]


@pytest.fixture(scope="session")
def sample_planner(sample_home: Settings) -> Planner:
    """The planner of the real sample."""
    return open_planner(sample_home)


@pytest.fixture(scope="session")
def mini_source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clean MOOCCube folder, see miniature.MINI."""
    return miniature.write_folder(tmp_path_factory.mktemp("mini"), miniature.MINI)


@pytest.fixture(scope="session")
def dirty_source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with dirt in every file, see miniature.DIRT."""
    return miniature.write_folder(tmp_path_factory.mktemp("dirty"), miniature.dirty_files())


@pytest.fixture(scope="session")
def sample_source() -> Path:
    """The real sample that the repository carries."""
    return SAMPLE


@pytest.fixture(scope="session")
def mini_home(mini_source: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings of a home with the model of the miniature, its embedding of two epochs."""

    def make(folder: Path) -> Settings:
        home = Settings(home=folder)
        for stage in stage_runner.STAGES:
            stage_runner.run(stage, home, mini_source)
        return home

    return made_once(tmp_path_factory, "mini", make)


@pytest.fixture
def own_home(mini_home: Settings, tmp_path: Path) -> Settings:
    """A copy of that home, which the test may change."""
    return Settings(home=shutil.copytree(mini_home.home, tmp_path / "home"))


@pytest.fixture(scope="session")
def neo4j_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestServer]:
    """A real Neo4j server, for all tests together."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("JAVA_TOOL_OPTIONS", SHORT_LIVED)
        server = start_test_server(tmp_path_factory.mktemp("neo4j"))
        yield server
        server.server.stop()


@pytest.fixture
def neo4j_server(neo4j_process: TestServer) -> TestServer:
    """That server, running and empty."""
    return neo4j_process.empty()


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A real PostgreSQL server, for all tests together."""
    server = start_postgres()
    yield server
    server.stop()


@pytest.fixture(params=["sqlite", "postgresql"])
def records_url(request, tmp_path) -> str:
    """The address of records that do not exist yet, on each database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'learners.db'}"
    return request.getfixturevalue("postgres").new_database()


@pytest.fixture
def store(records_url) -> Iterator[EventStore]:
    """Empty learner records."""
    opened = open_events(records_url)
    yield opened
    opened.close()
