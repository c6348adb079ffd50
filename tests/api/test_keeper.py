import threading
import time

import pytest
from planning_cases import hand_case, random_case

from kgplan.api.keeper import Keeper
from kgplan.errors import ArtifactMissing, GraphUnavailable


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
        answered.wait(10)
        return "0"

    keeper._mark = hangs
    looking = threading.Thread(target=keeper.refresh)
    looking.start()
    time.sleep(0.1)
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
    deadline = time.monotonic() + 10
    while keeper.served.mark != "3" and time.monotonic() < deadline:
        time.sleep(0.01)
    keeper.stop()
    assert keeper.served.mark == "3"
    ours = set(threading.enumerate()) - before
    assert not any(thread.name == "kgplan-keeper" for thread in ours)
