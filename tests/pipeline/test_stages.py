import json
import re
from typing import Any

import miniature
import numpy as np
import pytest
import stage_runner
from scipy import sparse

from kgplan.data.events import Event, evidence_of
from kgplan.data.records import LearnerRecords
from kgplan.data.wishes import Wishes
from kgplan.diagnosis import LearnerModelConfig
from kgplan.embedding import EmbeddingConfig
from kgplan.errors import ArtifactMissing, ConfigError, ConstraintViolation, UnknownLearner
from kgplan.etl.archive import hash_files
from kgplan.etl.check import Severity
from kgplan.etl.sources.mooccube import FILES
from kgplan.etl.stages import CHECK_REPORT, run_etl, run_map
from kgplan.model.opening import (
    model_version,
    newest_records,
    open_mastery,
    open_planner,
    open_snapshot,
)
from kgplan.model.versions import list_models, outdated
from kgplan.pipeline.diagnose import OBJECTIVE_PLOT, run_diagnose
from kgplan.pipeline.similarity import SimilarityConfig, run_similarity
from kgplan.planning import PlanOptions
from kgplan.planning.live import LiveModel
from kgplan.settings import Settings
from kgplan.store.artifacts import ArtifactStore
from kgplan.store.stages import stages

MOMENTS = {
    "extract": ["progress:1", "progress:20", "keep", "switch"],
    "map": ["progress:2", "keep", "switch"],
    "load": ["progress:3", "progress:12"],
    # the second takes up the first after one of two epochs and dies in the last fit
    "embed": ["progress:1", "progress:2", "keep", "switch"],
    "diagnose": ["progress:1", "keep", "switch"],
    "similarity": ["progress:1", "keep", "switch"],
    "resources": ["keep", "switch"],
    "engagement": ["keep", "switch"],
}
USER_COURSE = "relations/user-course.json"
MORE = miniature.MINI | {USER_COURSE: [*miniature.MINI[USER_COURSE], ("U_2", "C_3")]}


def outcome(home: Settings) -> dict[str, str]:
    """Version of every artifact in use, and of the graph."""
    return ArtifactStore(home.artifacts).in_use() | {"graph": open_snapshot(home).version}


def test_a_run_killed_in_the_middle_of_every_stage_ends_in_the_same_artifacts(
    tmp_path, mini_source, mini_home
):
    home = Settings(home=tmp_path / "home")
    for stage in stage_runner.STAGES:
        before = ArtifactStore(home.artifacts).in_use()
        stage_runner.killed_runs(stage, home.home, mini_source, MOMENTS[stage])
        assert ArtifactStore(home.artifacts).in_use() == before
        stage_runner.run(stage, home, mini_source)
    assert outcome(home) == outcome(mini_home)
    assert list((home.artifacts / ".drafts").iterdir()) == []
    assert list((home.home / "checkpoints").iterdir()) == []


def test_a_second_run_of_every_stage_changes_nothing(own_home, mini_source):
    before = outcome(own_home)
    for stage in stage_runner.STAGES:
        stage_runner.run(stage, own_home, mini_source)
    assert outcome(own_home) == before


def test_a_zip_of_the_folder_gives_the_same_plan(tmp_path, mini_source, mini_home):
    home = Settings(home=tmp_path / "home")
    source = miniature.write_zip(tmp_path / "mini.zip", miniature.MINI)
    for stage in stage_runner.STAGES:
        stage_runner.run(stage, home, source)
    of_zip, of_folder = (open_planner(each).plan("U_1", "C_1").steps for each in (home, mini_home))
    assert of_zip == of_folder


def test_a_diagnosis_is_of_the_records_until_they_are_extracted_anew(tmp_path, own_home):
    assert open_planner(own_home).diagnosis.of_records
    stage_runner.run("extract", own_home, miniature.write_zip(tmp_path / "more.zip", MORE))
    assert not open_planner(own_home).diagnosis.of_records


def test_the_dirty_archive_gives_the_graph_and_the_records_of_the_clean_one(
    tmp_path, dirty_source, mini_home
):
    home = Settings(home=tmp_path / "home")
    for stage in ("extract", "map", "load"):
        stage_runner.run(stage, home, dirty_source, tolerant=True)
    assert open_snapshot(home).version == open_snapshot(mini_home).version
    clean = ArtifactStore(mini_home.artifacts).current("records").manifest["files"]
    dirty = ArtifactStore(home.artifacts).current("records").manifest["files"]
    assert dirty == clean


def test_the_manifests_name_what_each_artifact_was_made_from(mini_home):
    store = ArtifactStore(mini_home.artifacts)
    in_use = store.in_use()
    assert store.current("triples").manifest["inputs"] == {"tables": in_use["tables"]}
    assert store.current("embedding").manifest["inputs"] == {
        "graph": open_snapshot(mini_home).version
    }
    assert store.current("similarity").manifest["inputs"] == {
        "embedding": in_use["embedding"],
        "records": in_use["records"],
    }


def test_a_stage_before_its_turn_says_which_command_comes_first(tmp_path):
    home = Settings(home=tmp_path)
    with pytest.raises(ArtifactMissing, match="no tables artifact yet; run `kgplan etl run` first"):
        run_map(home)


def test_alpha_out_of_range_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="alpha is 2"):
        run_similarity(Settings(home=tmp_path), SimilarityConfig(2))


def test_the_check_report_is_beside_the_triples(mini_home):
    triples = ArtifactStore(mini_home.artifacts).current("triples")
    report = json.loads((triples.path / CHECK_REPORT).read_text(encoding="utf-8"))
    lines = (triples.path / "triples.nt").read_text(encoding="utf-8").split("\n")[:-1]
    assert report["n_triples"] == len(lines)
    # every entity has one type, every other property was counted once
    assert sum(report["classes"].values()) + sum(report["properties"].values()) >= len(lines)


def test_the_objective_is_plotted_beside_the_diagnosis(mini_home):
    diagnosis = ArtifactStore(mini_home.artifacts).current("diagnosis")
    drawn = (diagnosis.path / OBJECTIVE_PLOT).read_text(encoding="utf-8")
    (line,) = re.findall(r'polyline points="([^"]*)"', drawn)
    assert len(line.split()) == max(diagnosis.metrics["iterations"], 1)


def test_the_path_of_the_source_does_not_change_the_result(tmp_path, mini_source, mini_home):
    moved = miniature.write_folder(tmp_path / "elsewhere", miniature.MINI)
    assert hash_files(moved, FILES) == hash_files(mini_source, FILES)


def in_use(home: Settings) -> dict[str, str]:
    return ArtifactStore(home.artifacts).in_use()


def test_a_rule_that_is_not_there_is_refused_before_anything_is_read(tmp_path):
    home = Settings(home=tmp_path / "home")
    with pytest.raises(ConfigError, match="no rule 'SelfPrerequisit'; close matches"):
        run_etl(home, tmp_path / "no such source", {"SelfPrerequisit": Severity.STOP})
    assert not home.home.exists()


def test_what_the_source_makes_comes_into_use_together_or_not_at_all(tmp_path):
    home = Settings(home=tmp_path / "home")
    run_etl(home, miniature.write_zip(tmp_path / "mini.zip", miniature.MINI))
    before = in_use(home)
    assert set(before) == {"tables", "records", "triples"}
    needs = "relations/prerequisite-dependency.json"
    mutual = MORE | {needs: [*MORE[needs], (miniature.FUNCTION, miniature.SET)]}
    with pytest.raises(ConstraintViolation):
        run_etl(
            home,
            miniature.write_zip(tmp_path / "mutual.zip", mutual),
            {"prerequisiteIsAsymmetric": Severity.STOP},
        )
    assert in_use(home) == before
    run_etl(home, miniature.write_zip(tmp_path / "more.zip", MORE))
    after = in_use(home)
    assert all(after[kind] != before[kind] for kind in ("tables", "records"))
    assert [each.by for each in ArtifactStore(home.artifacts).history()] == ["kgplan etl run"] * 2


def test_new_records_come_into_use_with_the_diagnosis_that_is_fitted_on_them(tmp_path, own_home):
    home = own_home
    store = ArtifactStore(home.artifacts)
    before, model = store.in_use(), model_version(store)
    run_etl(home, miniature.write_zip(tmp_path / "more.zip", MORE))
    # nobody sees them yet: plans, the model and what is remembered of it are the same
    assert (store.in_use()["records"], model_version(store)) == (before["records"], model)
    assert store.in_use()["tables"] != before["tables"]
    planner = open_planner(home)
    assert planner.diagnosis.of_records
    assert planner.records.enrolled.nnz == len(miniature.MINI[USER_COURSE])
    assert [each.by for each in list_models(store)] == ["kgplan similarity"]
    newest = newest_records(store)[1].version
    assert newest != before["records"]
    assert {
        (each.kind, each.input, each.now) for each in outdated(store, planner.graph.version)
    } >= {
        ("diagnosis", "records", newest),
        ("similarity", "records", newest),
        ("records", "tables", store.in_use()["tables"]),
        ("engagement", "tables", store.in_use()["tables"]),
    }
    with pytest.raises(ArtifactMissing):  # the next fit needs them
        store.remove("records", newest)
    stage_runner.run("diagnose", home, tmp_path)
    assert store.in_use()["records"] == newest
    stage_runner.run("resources", home, tmp_path)
    stage_runner.run("engagement", home, tmp_path)
    stage_runner.run("similarity", home, tmp_path)
    planner = open_planner(home)
    assert planner.diagnosis.of_records
    assert planner.records.enrolled.nnz == len(MORE[USER_COURSE])
    assert outdated(store, planner.graph.version) == []


def without(*paths: str) -> dict[str, list[Any]]:
    """The miniature with these files empty."""
    return {**miniature.MINI, **{path: [] for path in paths}}


ACTIVITIES = "additional_information/user_video_act.json"
PREDICTIONS = "additional_information/prerequisite_prediction.json"


@pytest.mark.parametrize(
    "empty",
    [
        ["entities/user.json"],
        ["entities/user.json", USER_COURSE, "relations/user-video.json", ACTIVITIES],
        ["relations/user-video.json", ACTIVITIES],
        [USER_COURSE],
        ["relations/video-concept.json"],
        ["entities/video.json"],
    ],
    ids=["no learner", "nor rows of any", "no view", "no enrolment", "no Q-matrix", "no video"],
)
def test_a_platform_may_start_with_its_catalogue(tmp_path, empty):
    home = Settings(home=tmp_path / "home")
    source = miniature.write_folder(tmp_path / "source", without(*empty))
    run_etl(home, source)
    for stage in stage_runner.STAGES[2:]:
        stage_runner.run(stage, home, source)
    stage_runner.run("reembed", home, source)
    planner = open_planner(home)
    if "entities/user.json" in empty:
        assert planner.diagnosis.mastery.nnz == 0
        assert planner.diagnosis.mastery.shape == (0, len(miniature.MINI["entities/concept.json"]))
        assert 0 < planner.diagnosis.prior.min() <= planner.diagnosis.prior.max() < 1
        with pytest.raises(UnknownLearner):
            planner.mastery("U_1")
        assert planner.plan("U_1", "C_1").new
    else:
        assert planner.plan("U_1", "C_1", PlanOptions(planner="kg-plppm")).steps
        plan = planner.plan("U_1", "C_1", PlanOptions(length=3))
        # where no video covers anything, nothing can be done, and that is told
        assert bool(plan.steps) == bool(planner.records.q_matrix.nnz)
        assert plan.steps or plan.gaps


def test_an_event_on_a_video_that_nobody_met_before_counts_as_on_similar_ones(tmp_path):
    """A new course without learners: its video has no observation; those of the old course have."""
    rng, n = np.random.default_rng(0), 60
    held = rng.random((n, 4)) < 0.5
    covers = np.tile(np.eye(4, dtype=np.int32), (3, 1))
    watched = rng.random((n, 12)) < np.where(held @ covers.T, 0.8, 0.02)
    records = LearnerRecords(
        learner_ids=np.array([f"U_{u:02}" for u in range(n)]),
        item_ids=np.array([f"V_{v:02}" for v in range(13)]),
        concept_ids=np.array([f"K_{k}" for k in range(4)]),
        course_ids=np.array(["C_new", "C_old"]),
        enrolled=sparse.csr_array(np.tile([0, 1], (n, 1))),
        viewed=sparse.csr_array(np.column_stack([watched, np.zeros(n)])),
        course_concepts=sparse.csr_array(np.ones((2, 4), dtype=np.int32)),
        course_items=sparse.csr_array(np.array([[0] * 12 + [1], [*range(1, 13), 0]])),
        q_matrix=sparse.csr_array(np.vstack([covers, covers[:1]])),
    )
    home = Settings(home=tmp_path)
    store = ArtifactStore(home.artifacts)
    with store.draft("records", {}, {}) as draft:
        draft.put(**records.to_arrays())
    store.switch(draft.finished())
    run_diagnose(home, LearnerModelConfig())

    diagnosis = open_mastery(store.current("diagnosis"))
    model = LiveModel(records, diagnosis)
    gained = {}
    for video in ("V_12", "V_00", "V_04", "V_08"):  # all of the first concept
        seen = evidence_of([Event("e", "new", 0.0, video, share=1.0)])
        learner = model.current("new", seen, Wishes()).learner
        assert learner.concept_ids.tolist() == ["K_0"]
        gained[video] = learner.mastery[0] - diagnosis.prior[0]
    least, *_, most = sorted(gained[video] for video in ("V_00", "V_04", "V_08"))
    assert gained["V_12"] > 0
    assert least - 0.05 < gained["V_12"] < most + 0.05


def test_a_graph_of_few_triples_is_not_trained_on_and_plans_all_the_same(mini_source, tmp_path):
    home = Settings(home=tmp_path / "home")
    for stage in ("extract", "map", "load"):
        stage_runner.run(stage, home, mini_source)
    config = EmbeddingConfig.default()
    assert len(open_snapshot(home).triples) < config.split.fewest
    report = stages()["embed"](home, config)
    assert report.details["trained"] is False
    assert "too few to train on" in report.details["notes"][0]
    for stage in ("diagnose", "similarity"):
        stage_runner.run(stage, home, mini_source)
    planner = open_planner(home)
    plan = planner.plan("U_1", "C_2")
    assert plan.steps
    waits = planner.graph.prerequisites  # whoever needs another of the plan's comes behind it
    place = {planner.graph.concepts.find(step.concept_id): n for n, step in enumerate(plan.steps)}
    for concept, at in place.items():
        needed = waits.indices[waits.indptr[concept] : waits.indptr[concept + 1]]
        assert all(place.get(other, -1) < at for other in needed.tolist())
