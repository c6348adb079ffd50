"""`kgplan experiment`: a trial from its file to its reading, and no learner in what is printed."""

import json
import time

import pytest
from forked import run_kgplan

from kgplan.model.experiments import read_experiment
from kgplan.store.events import open_events

DAYS = 30
LEARNERS = 60


@pytest.fixture
def trial(own_home):
    """A home whose service planned for some learners a month ago, half of them helped a lot."""
    file = own_home.home / "spring.toml"
    assert (
        run_kgplan(own_home.home, "experiment", "new", file, "popularity", "gain").returncode == 0
    )
    running, store, begin = read_experiment(file), open_events(own_home.records_url), time.time()
    for n in range(LEARNERS):
        learner = f"secret{n}"
        arm = running.arm_of(learner)
        body = {
            "course_id": "C",
            "options": {"planner": "gain" if n == 0 else arm.planner},
            "experiment": {"name": "spring", "arm": arm.name},
        }
        text = json.dumps(body, separators=(",", ":"))
        store.remember(learner, "C", text, begin - (DAYS if n % 3 else 1) * 86_400)
    # whose plan carries no experiment takes no part
    store.remember("other", "C", json.dumps({"experiment": None}), begin)
    store.erase("secret1", begin)
    store.close()
    return own_home.home, file, running


def test_a_trial_is_read_and_nobody_is_named(trial):
    home, file, running = trial
    done = run_kgplan(home, "experiment", "read", "--experiment", file, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    took = [f"secret{n}" for n in range(LEARNERS) if n != 1]
    for arm in found["arms"]:
        mine = [u for u in took if running.arm_of(u).name == arm["name"]]
        assert arm["learners"] == len(mine)
        assert arm["counted"] == sum(int(u[6:]) % 3 > 0 for u in mine)
    assert found["erased"] == 1
    assert sum(arm["switched"] for arm in found["arms"]) == (
        running.arm_of("secret0").planner != "gain"
    )
    assert {each["outcome"] for each in found["contrasts"]} == {
        *("views", "finished", "returned", "scored")
    }
    told = run_kgplan(home, "experiment", "read", KGPLAN_EXPERIMENT=str(file))
    assert told.returncode == 0
    assert "not counted yet" in told.stdout
    for text in (done.stdout, told.stdout):
        assert "secret" not in text


def test_learners_are_assigned_as_the_service_does(trial):
    home, file, running = trial
    done = run_kgplan(home, "experiment", "assign", "u1", "u2", "--json", "--experiment", file)
    assert json.loads(done.stdout) == [
        {"learner_id": u, "arm": running.arm_of(u).name, "planner": running.arm_of(u).planner}
        for u in ("u1", "u2")
    ]
    counted = run_kgplan(home, "experiment", "assign", "--json", KGPLAN_EXPERIMENT=str(file))
    found = json.loads(counted.stdout)
    assert sum(arm["learners"] for arm in found["arms"]) == found["learners"] > 0
    assert "expected" in run_kgplan(home, "experiment", "assign", "--experiment", file).stdout


def test_a_file_is_never_written_over_and_one_is_needed(trial):
    home, file, _ = trial
    again = run_kgplan(home, "experiment", "new", file)
    assert (again.returncode, "another salt would draw again" in again.stderr) == (2, True)
    none = run_kgplan(home, "experiment", "read")
    assert (none.returncode, "set KGPLAN_EXPERIMENT" in none.stderr) == (2, True)
    wrong = run_kgplan(home, "experiment", "new", home / "other.toml", "gains")
    assert (wrong.returncode, "no such planner" in wrong.stderr) == (2, True)
    assert not (home / "other.toml").exists()


def test_a_service_with_a_wrong_file_does_not_start(trial):
    home, _, _ = trial
    done = run_kgplan(home, "serve", "--dev", "--port", 8999, KGPLAN_EXPERIMENT=str(home / "none"))
    assert (done.returncode, "which cannot be read" in done.stderr) == (2, True)
    assert "Traceback" not in done.stderr


def test_a_look_back_says_that_it_is_no_trial(own_home):
    home, out = own_home.home, own_home.home / "docs" / "followed.md"
    asked = ("experiment", "followed", "--before", 2, "--next", 1)
    done = run_kgplan(home, *asked, "--out", out)
    assert done.returncode == 0, done.stderr
    text = out.read_text(encoding="utf-8")
    assert "This is no trial" in text
    assert "kgplan experiment followed --before 2 --next 1 --seed 0" in text
    found = json.loads(run_kgplan(home, *asked, "--json").stdout)
    assert found["learners"] >= found["enough"] >= found["cut"] >= found["planned"]
    assert "U_" not in text + json.dumps(found)
    saved = json.loads(out.with_suffix(".json").read_text(encoding="utf-8"))
    assert saved.pop("made")["command"] in text
    assert saved == found
