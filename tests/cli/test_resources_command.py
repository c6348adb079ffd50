"""`kgplan resources`: its stage, and what a learner should open."""

import json

from forked import run_kgplan
from miniature import ALGORITHM

from kgplan.data.records import LearnerRecords
from kgplan.model.opening import open_planner
from kgplan.store.artifacts import ArtifactStore


def test_the_stage_counts_the_views_of_the_records_and_plans_rank_by_it(own_home):
    store = ArtifactStore(own_home.artifacts)
    before = store.in_use().get("resources")
    assert before is not None  # it is one of those that make the model
    ran = run_kgplan(own_home.home, "resources", "train", "--json")
    assert ran.returncode == 0, ran.stderr
    (report,) = json.loads(ran.stdout)
    planner = open_planner(own_home)
    records: LearnerRecords = planner.records
    assert report["rows_in"] == records.viewed.nnz
    assert report["details"]["resources"] == records.item_ids.size
    views = (records.viewed.toarray() > 0).sum(axis=1)
    assert report["details"]["steps"] == int((views[views > 0] - 1).sum())
    assert planner.ranker is not None
    assert report["details"]["served"] == planner.ranker.chosen


def test_a_learner_may_stand_where_the_command_does(mini_home):
    alone, named = (
        run_kgplan(mini_home.home, "resources", *given, "U_1", ALGORITHM, "--json")
        for given in ((), ("rank",))
    )
    assert alone.returncode == 0, alone.stderr
    assert alone.stdout == named.stdout
    told = json.loads(alone.stdout)
    found = open_planner(mini_home).resources("U_1", ALGORITHM, None)
    assert [each["item_id"] for each in told["resources"]] == [e.item_id for e in found.resources]
    assert told["model_version"] == found.model_version


def test_it_is_told_in_words_with_what_ranked_it(mini_home):
    shown = run_kgplan(mini_home.home, "resources", "U_2", "--course", "C_1", "--language", "zh")
    assert shown.returncode == 0, shown.stderr
    assert "ranked by simple methods" in shown.stdout
    found = open_planner(mini_home).resources("U_2", None, "C_1")
    assert found.resources
    assert [line[:4] for line in shown.stdout.splitlines() if line[3:4] == "."] == [
        f"{n:>3}." for n in range(1, len(found.resources) + 1)
    ]


def test_what_is_not_there_is_said_with_a_way_out(mini_home):
    nothing = run_kgplan(mini_home.home, "resources", "U_1")
    assert nothing.returncode == 2
    assert "give a concept" in nothing.stderr
    unknown = run_kgplan(mini_home.home, "resources", "U_1", "算")
    assert unknown.returncode == 2
    assert "close matches" in unknown.stderr


def test_a_home_without_the_artifact_plans_as_before(own_home):
    store = ArtifactStore(own_home.artifacts)
    ranked = open_planner(own_home)
    current = own_home.artifacts / "current.json"
    versions = json.loads(current.read_text(encoding="utf-8"))

    def without(value):
        if not isinstance(value, dict):
            return value
        return {name: without(each) for name, each in value.items() if name != "resources"}

    current.write_text(json.dumps(without(versions)), encoding="utf-8")
    assert "resources" not in store.in_use()
    plain = open_planner(own_home)
    assert plain.ranker is None
    plan, before = (each.plan("U_1", "C_2") for each in (plain, ranked))
    assert [step.concept_id for step in plan.steps] == [step.concept_id for step in before.steps]
    assert {(step.runners_up, r.rank) for step in plan.steps for r in step.resources} == {
        ((), None)
    }
    shown = run_kgplan(own_home.home, "resources", "U_1", ALGORITHM)
    assert "in the order of their courses" in shown.stdout


def test_an_unknown_protocol_is_named_with_those_there_are(tmp_path):
    found = run_kgplan(tmp_path, "resources", "evaluate", "--protocols", "last-5,first-5")
    assert found.returncode != 0
    assert "no protocol 'first-5'; there are last-5, last-1" in " ".join(found.stderr.split())
    unknown = run_kgplan(tmp_path, "resources", "evaluate", "--networks", "no head")
    assert "no network 'no head'; there are network, text only" in " ".join(unknown.stderr.split())
