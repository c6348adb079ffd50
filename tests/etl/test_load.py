"""Loads that would take much of the graph away."""

import miniature
import pytest

from kgplan.errors import LossRefused
from kgplan.etl.stages import Loading, run_etl, run_load
from kgplan.model.opening import open_snapshot


@pytest.fixture
def home(own_home):
    """A home with the miniature's graph: 8 concepts, 3 courses, 2 schools, teachers and fields."""
    return own_home


def read(home, folder, files):
    run_etl(home, miniature.write_folder(folder, files), tolerant=True)


def test_a_load_that_would_sweep_much_changes_nothing_unless_it_is_asked_for(home, tmp_path):
    before = open_snapshot(home).version
    read(home, tmp_path / "nothing", {path: [] for path in miniature.MINI})
    with pytest.raises(LossRefused) as refused:
        run_load(home)
    assert "17 of the graph's 17 nodes" in str(refused.value)
    assert "8 of 8 Concept, 3 of 3 Course" in str(refused.value)
    assert "kgplan graph load --sweep" in str(refused.value)
    assert open_snapshot(home).version == before
    run_load(home, Loading(sweep=True))
    assert open_snapshot(home).concept_ids.size == 0
    run_load(home)  # nothing is left to be swept


def test_a_class_that_empties_is_much_however_small_it_is(home, tmp_path):
    schools = ("entities/school.json", "relations/school-course.json")
    without = {path: [] for path in (*schools, "relations/school-teacher.json")}
    read(home, tmp_path / "source", {**miniature.MINI, **without})
    with pytest.raises(LossRefused, match=r"2 of the graph's 17 nodes \(2 of 2 School\)"):
        run_load(home)


def test_a_few_nodes_go_unasked_as_far_as_the_share_goes(home, tmp_path):
    fewer = {path: list(rows) for path, rows in miniature.MINI.items()}
    gone = fewer["entities/concept.json"].pop()["id"]
    read(home, tmp_path / "source", fewer)
    with pytest.raises(LossRefused, match="1 of 8 Concept"):
        run_load(home.model_copy(update={"loss_share": 0.05}))  # 1 of 17 is .06
    assert run_load(home).details["swept_nodes"] == 1
    assert gone not in open_snapshot(home).concept_ids
