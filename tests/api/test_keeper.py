import os
import shutil
import threading
import time

import numpy as np
import pytest
from fastapi.testclient import TestClient
from planning_cases import hand_case, random_case

from kgplan.api.answers import Answer
from kgplan.api.app import create_app
from kgplan.api.keeper import Keeper, StoredModel, mark_of
from kgplan.errors import ArtifactMissing, GraphUnavailable
from kgplan.model.opening import DataSource
from kgplan.settings import Settings
from kgplan.store.artifacts import ArtifactStore


class World:
    """A graph that can change, fail and be slow."""

    def __init__(self):
        self.version, self.failure, self.builds = 0, None, 0
        self.building = threading.Event()

    def mark(self):
        if self.failure:
            raise self.failure
        return str(self.version)

    def build(self):
        self.builds += 1
        self.building.set()
        return random_case(self.version).planner() if self.version else hand_case().planner()


@pytest.fixture
def world():
    return World()


def test_nothing_is_built_while_nothing_changes(world):
    keeper = Keeper(world.build, world.mark)
    first = keeper.served.planner
    assert keeper.refresh().planner is first
    assert world.builds == 1


def test_a_change_brings_a_new_planner(world):
    keeper = Keeper(world.build, world.mark)
    before = keeper.served.planner.graph.version
    world.version = 1
    assert keeper.refresh().planner.graph.version != before
    assert world.builds == 2


def test_while_the_graph_is_away_the_last_planner_goes_on_and_is_stale(world):
    keeper = Keeper(world.build, world.mark)
    planner = keeper.served.planner
    world.failure = GraphUnavailable("the server is gone")
    served = keeper.refresh()
    assert (served.planner, served.stale, served.problem) == (planner, True, world.failure)
    world.failure = None
    assert not keeper.refresh().stale
    assert world.builds == 1


def test_what_changed_while_the_graph_was_away_is_seen_when_it_is_back(world):
    keeper = Keeper(world.build, world.mark)
    world.failure = GraphUnavailable("the server is gone")
    keeper.refresh()
    world.version, world.failure = 2, None
    served = keeper.refresh()
    assert (world.builds, served.stale, served.mark) == (2, False, "2")


def test_a_build_that_fails_is_tried_again(world):
    keeper = Keeper(world.build, world.mark)
    good, world.version = world.build, 1

    def fails():
        raise ArtifactMissing("similarity", "kgplan similarity")

    keeper._build = fails
    assert keeper.refresh().stale
    keeper._build = good
    assert keeper.refresh().mark == "1"
    assert not keeper.served.stale


def test_a_graph_that_does_not_answer_at_all_makes_answers_stale(world):
    answered = threading.Event()
    keeper = Keeper(world.build, world.mark, patience=0.05)

    def hangs():
        answered.wait(60)
        return "0"

    keeper._mark = hangs
    looking = threading.Thread(target=keeper.refresh)
    looking.start()
    deadline = time.monotonic() + 30
    while not keeper.served.stale and time.monotonic() < deadline:
        time.sleep(0.01)
    assert keeper.served.stale
    answered.set()
    looking.join()
    assert not keeper.served.stale


def test_the_first_planner_must_be_there(world):
    world.failure = GraphUnavailable("the server is gone")
    with pytest.raises(GraphUnavailable):
        Keeper(world.build, world.mark)


def test_the_watcher_renews_by_itself_and_survives_what_nobody_foresaw(world):
    before = set(threading.enumerate())  # other tests' services may run meanwhile
    keeper = Keeper(world.build, world.mark, interval=0.01)
    keeper.start()
    world.failure = ZeroDivisionError("a bug")
    time.sleep(0.05)
    world.version, world.failure = 3, None
    deadline = time.monotonic() + 60
    while keeper.served.mark != "3" and time.monotonic() < deadline:
        time.sleep(0.01)
    keeper.stop()
    assert keeper.served.mark == "3"
    ours = set(threading.enumerate()) - before
    assert not any(thread.name == "kgplan-keeper" for thread in ours)


def test_a_model_that_is_in_use_again_when_the_next_one_is_built_is_served(world, tmp_path):
    """The other is in use when the keeper looks and after its build, and one while it builds."""
    settings = Settings(home=tmp_path)
    (tmp_path / "graph.lbug").touch()
    store, made = ArtifactStore(settings.artifacts), []
    for run in range(2):
        with store.draft("diagnosis", {"run": run}, {}) as draft:
            draft.put(values=np.arange(2.0))
        made.append(draft.finished())
    one, other = made
    built = []

    def build():
        if len(built) == 1:
            store.switch(one)
        built.append(store.current("diagnosis").version)
        store.switch(other)
        return world.build()

    store.switch(one)
    keeper = Keeper(build, mark_of(settings, store))
    for _ in range(3):
        keeper.refresh()
    assert built == [one.version, one.version, other.version]


# ---------------------------------------------------------------- the model's files


def stored(root):
    """A store with a model of three artifacts in use."""
    store, made = ArtifactStore(root), []
    for kind in ("records", "diagnosis", "similarity"):
        with store.draft(kind, {}, {}) as draft:
            draft.put(values=np.arange(5.0), more=np.arange(3))
        made.append(draft.finished())
    store.switch(*made)
    return store


def file_of(store, kind="diagnosis"):
    return store.current(kind).path / "values.npy"


HARMS = {
    "cut": lambda file: os.truncate(file, 0),
    "changed": lambda file: file.write_bytes(file.read_bytes()[:-1] + b"?"),
    "removed": lambda file: file.unlink(),
    "no manifest": lambda file: (file.parent / "manifest.json").write_text("[]"),
    "all removed": lambda file: shutil.rmtree(file.parent),
}


@pytest.mark.parametrize("kind", ["records", "diagnosis", "similarity"])
@pytest.mark.parametrize("harm", HARMS)
def test_a_damaged_model_is_told_while_the_planner_goes_on(world, tmp_path, kind, harm):
    store = stored(tmp_path)
    backup = shutil.copytree(file_of(store, kind).parent, tmp_path / "backup")
    keeper = Keeper(world.build, world.mark, check=StoredModel(store).check)
    planner = keeper.refresh().planner
    assert keeper.served.damage is None
    place = file_of(store, kind).parent
    HARMS[harm](file_of(store, kind))
    served = keeper.refresh()
    assert (served.planner, served.stale) == (planner, False)  # what is in memory is whole
    assert kind in str(served.damage)
    assert keeper.refresh().damage is served.damage  # not read again every second
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(backup, place)
    assert keeper.refresh().damage is None
    assert world.builds == 1


def test_a_process_that_starts_later_tells_of_the_damage_too(world, tmp_path):
    store = stored(tmp_path)
    HARMS["changed"](file_of(store))
    keeper = Keeper(world.build, world.mark, check=StoredModel(store).check)
    assert "values.npy" in str(keeper.served.damage)


def test_files_that_were_only_touched_are_whole(world, tmp_path):
    store = stored(tmp_path)
    keeper = Keeper(world.build, world.mark, check=StoredModel(store).check)
    os.utime(file_of(store))
    assert keeper.refresh().damage is None


def test_another_model_in_use_ends_the_damage_of_the_one_before(world, tmp_path):
    store = stored(tmp_path)
    keeper = Keeper(world.build, world.mark, check=StoredModel(store).check)
    HARMS["cut"](file_of(store))
    assert keeper.refresh().damage is not None
    with store.draft("diagnosis", {"run": 2}, {}) as draft:
        draft.put(values=np.arange(5.0))
    store.switch(draft.finished())
    assert keeper.refresh().damage is None


@pytest.mark.parametrize(
    "content", ["", "null", "[]", "7", '{"records": 5}', '{"records": "../../etc"}', "\udcff"]
)
def test_an_odd_note_of_what_is_in_use_is_told_too(world, tmp_path, content):
    store = stored(tmp_path)
    kept = (tmp_path / "current.json").read_text()
    keeper = Keeper(world.build, world.mark, check=StoredModel(store).check)
    (tmp_path / "current.json").write_bytes(content.encode(errors="surrogateescape"))
    assert "current.json" in str(keeper.refresh().damage)
    (tmp_path / "current.json").write_text(kept)
    assert keeper.refresh().damage is None


def test_health_tells_of_the_damage_without_the_place_and_paths_stay(world, tmp_path):
    store = stored(tmp_path)
    keeper = Keeper(world.build, world.mark, check=StoredModel(store).check)
    client = TestClient(create_app(keeper))
    path = "/v1/learners/learner/path?course_id=A"
    before = client.get(path)
    HARMS["changed"](file_of(store))
    keeper.refresh()
    health = client.get("/health/ready").json()
    assert health["status"] == "stale"
    assert "values.npy is not what was written" in health["problem"]
    assert str(tmp_path) not in health["problem"]
    after = client.get(path)
    assert (after.content, after.headers["etag"]) == (before.content, before.headers["etag"])
    refused = client.post("/v1/admin/graph/refresh")
    assert (refused.status_code, refused.json()["type"][-16:]) == (503, "artifact-damaged")


def test_health_tells_whose_data_are_served_and_under_which_licence(world):
    told = iter([DataSource("One"), DataSource("Another", "CC BY 4.0")])
    keeper = Keeper(world.build, world.mark, source=lambda: next(told))
    client = TestClient(create_app(keeper))
    assert client.get("/health").json()["source"] == {"title": "One", "licence": ""}
    world.version = 1
    keeper.refresh()
    other = {"title": "Another", "licence": "CC BY 4.0"}
    assert client.get("/health").json()["source"] == other


def test_answers_of_a_planner_that_was_replaced_are_not_given_again(world):
    keeper = Keeper(world.build, world.mark)
    with TestClient(create_app(keeper)) as client:
        path = "/v1/learners/learner/path?course_id=A"
        right = client.get(path).content
        kept = client.app.state.answers
        wrong = Answer(client.get(path).headers["etag"], b"wrong", about="learner")
        kept._answers[wrong.etag] = wrong
        keeper._mark = lambda: "made again, of the same graph and model"
        keeper.refresh()
        assert client.get(path).content == right
