"""`kgplan simulate`, as a person types it."""

import json

import pytest
from forked import run_kgplan


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


SMALL = ("simulate", "--learners", 20, "--seeds", 2, "--steps", "3")


def test_without_a_model_it_compares_on_ten_concepts(home):
    done = run_kgplan(home, *SMALL, "--contestants", "random-goal,passes", "--json")
    assert done.returncode == 0, done.stderr
    first, second = json.loads(done.stdout)["results"]
    assert (first["contestant"], second["contestant"]) == ("random-goal", "passes")
    assert first["gap"] is None
    assert second["gap"]["mean"] == pytest.approx(
        second["effect"]["mean"] - first["effect"]["mean"]
    )
    assert second["learners"] == 40


def test_a_sweep_has_a_table_for_each_value_and_the_area_below(home):
    done = run_kgplan(
        home, *SMALL, "--contestants", "random-goal,passes", "--sweep", "wrong=0,0.5", "--markdown"
    )
    assert done.returncode == 0, done.stderr
    assert "### kss, wrong 0.0\n" in done.stdout
    assert "### kss, wrong 0.5\n" in done.stdout
    assert "area under E_P along wrong: passes" in done.stdout


def test_it_learns_answers_from_anyones_files(home):
    rows = [f"u{u},i{v},{int((u + v) % 3 > 0)}" for u in range(12) for v in range(6)]
    (home / "r.csv").write_text("learner_id,item_id,score\n" + "\n".join(rows))
    needs = [f"i{v},c{v // 2}" for v in range(6)]
    (home / "q.csv").write_text("item_id,concept_id\n" + "\n".join(needs))
    files = ("--responses", "r.csv", "--q-matrix", "q.csv")
    chosen = ("--contestants", "random-goal", "--json")
    done = run_kgplan(home, *SMALL, "--simulator", "kes", *files, *chosen)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)["told"]
    assert "10 learners; 12 of 2 others" in told[0]
    assert "no order" in told[1]


def test_it_grows_learners_along_anyones_graph(home):
    folder = home / "graph"
    folder.mkdir()
    (folder / "concepts.csv").write_text("concept_id\na\nb\nc\n")
    (folder / "items.csv").write_text("item_id\nv\n")
    (folder / "prerequisites.csv").write_text("before,after\na,b\nb,c\n")
    asked = ("--graph", folder, "--contestants", "random-goal,passes", "--out", home / "found.json")
    done = run_kgplan(home, *SMALL, *asked)
    assert done.returncode == 0, done.stderr
    saved = json.loads((home / "found.json").read_text())
    assert {each["simulator"] for each in saved["results"]} == {"kss-graph"}
    assert saved["sweep"] is None
    assert all(each["making"] >= 0 for each in saved["results"])


def test_it_says_what_there_is(home):
    done = run_kgplan(home, "simulate", "--list")
    assert done.returncode == 0, done.stderr
    for name in ("kss-course", "mooc", "kg-plppm-truth", "passes-tried", "ppo"):
        assert name in done.stdout


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        (("--contestants", "nobody"), "contestant is 'nobody'; it is one of random,"),
        (("--simulator", "kess"), "simulator is 'kess'; it is one of kss,"),
        (("--set", "strenght=1"), "kss have no setting 'strenght'; they have forget,"),
        (("--set", "strength=3"), "strength is 3.0; give a number in [0, 1]"),
        (("--sweep", "wrong=a"), "--sweep is 'wrong=a'; give a setting and numbers"),
        (("--steps", "x"), "--steps is 'x'; give whole numbers"),
        (("--simulator", "kes", "--q-matrix", "q"), "go together; give both or neither"),
        (("--simulator", "kss-graph"), "no graph is named; give files, or one of junyi-like,"),
        (("--graph", "nowhere"), "nowhere"),
        (("--simulator", "mooc"), "no course is named; give one with --course"),
    ],
)
def test_what_cannot_be_simulated_is_refused_in_one_sentence(home, asked, says):
    done = run_kgplan(home, "simulate", *asked)
    assert done.returncode == 2
    assert says in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
