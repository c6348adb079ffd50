"""A graph that a designer changes, the plans before and after the model follows."""

import csv
import json
import os
import shutil
import sys
import time
from unittest.mock import MagicMock

import ladybug
import numpy as np
import pytest
import stage_runner
import torch
from planning_cases import large_case

from kgplan.embedding import TrainingProgress
from kgplan.errors import ArtifactMissing, ConfigError
from kgplan.model.opening import open_embedding, open_planner, open_snapshot
from kgplan.pipeline.checkpoint import FORGOTTEN_AFTER, Checkpoint
from kgplan.pipeline.embed import run_embed
from kgplan.pipeline.reembed import panel_of, run_reembed
from kgplan.pipeline.tracking import followed
from kgplan.planning import PlanOptions
from kgplan.settings import Settings
from kgplan.store.artifacts import ArtifactStore

ADD = (
    "MATCH (c:Course {id: 'C_1'}) CREATE (c)-[:COURSE_HAS_CONCEPT]->"
    "(:Concept {id: 'K_new', name: '新概念', source: 'designer'})"
)
EIGHT = PlanOptions(length=8, planner="kg-plppm")
KINDS = ("embedding", "diagnosis", "similarity", "resources", "engagement")


@pytest.fixture
def edited(mini_home, tmp_path) -> Settings:
    """The miniature's home, copied, with a concept that a designer added."""
    home = Settings(home=shutil.copytree(mini_home.home, tmp_path / "home"))
    database = ladybug.Database(home.home / "graph.lbug", max_db_size=1 << 30)
    connection = ladybug.Connection(database)
    connection.execute(ADD)
    connection.close()
    database.close()
    return home


def in_use(home):
    return ArtifactStore(home.artifacts).in_use()


def step_of(plan, concept_id):
    return next(step for step in plan.steps if step.concept_id == concept_id)


def test_an_added_concept_is_planned_at_once_and_the_plan_says_it_is_provisional(mini_home, edited):
    before = open_planner(mini_home)
    assert not any("New" in note for note in before.plan("U_1", "C_1", EIGHT).notes)
    planner = open_planner(edited)
    plan = planner.plan("U_1", "C_1", EIGHT)
    assert not step_of(plan, "K_new").identified
    (note,) = [note for note in plan.notes if "新概念" in note]
    assert note.startswith("New in the graph: 新概念.")
    # alike to others by its vector, and nobody learned it
    at = int(np.searchsorted(planner.similarity.concept_ids, "K_new"))
    others = np.delete(np.arange(planner.similarity.concept_ids.size), at)
    parts = planner.similarity.parts(np.full(others.size, at), others)
    assert (parts.semantic > 0).all()
    assert (parts.collaborative == 0).all()
    # what is said of all others is what was said before
    old = before.similarity
    kept = np.searchsorted(planner.similarity.concept_ids, old.concept_ids)
    np.testing.assert_array_equal(planner.similarity.block(kept, kept), old.dense())


def test_reembed_follows_the_graph_and_switches_everything_at_once(edited, monkeypatch):
    before, switches = in_use(edited), []
    switch = ArtifactStore.switch

    def seen(store, *artifacts, **how):
        switches.append({made.kind for made in artifacts})
        assert in_use(edited) == before
        switch(store, *artifacts, **how)

    monkeypatch.setattr(ArtifactStore, "switch", seen)
    reports = run_reembed(edited, {"embed": stage_runner.small_embedding()})
    assert switches == [set(KINDS)]
    store = ArtifactStore(edited.artifacts)
    now = store.in_use()
    assert store.current("embedding").manifest["inputs"]["graph"] == open_snapshot(edited).version
    assert store.current("similarity").manifest["inputs"]["embedding"] == now["embedding"]
    assert "K_new" in open_embedding(store.current("embedding")).entity_ids
    plan = open_planner(edited).plan("U_1", "C_1", EIGHT)
    assert step_of(plan, "K_new")
    assert not any("新概念" in note for note in plan.notes)
    told = reports[-1].details
    assert (told["drift"]["new"], told["drift"]["gone"]) == (1, 0)
    assert 0 <= told["plans"]["changed"] <= told["plans"]["plans"] == 3


def test_a_reembed_killed_at_any_moment_changes_nothing_and_ends_in_the_same(edited, tmp_path):
    undisturbed = Settings(home=shutil.copytree(edited.home, tmp_path / "undisturbed"))
    before = in_use(edited)
    # in the last fit of the vectors, in the diagnosis, at the switch
    moments = ["progress:4", "progress:6", "switch"]
    stage_runner.killed_runs("reembed", edited.home, tmp_path, moments)
    assert in_use(edited) == before
    for home in (edited, undisturbed):
        run_reembed(home, {"embed": stage_runner.small_embedding()})
    assert in_use(edited) == in_use(undisturbed) != before
    assert list((edited.home / "checkpoints").iterdir()) == []


def test_a_warm_start_follows_the_graph_from_the_vectors_in_use(edited):
    before = in_use(edited)["embedding"]
    report = run_embed(edited, stage_runner.small_embedding(), warm=True)
    made = ArtifactStore(edited.artifacts).current("embedding")
    assert made.manifest["inputs"]["embedding"] == before
    assert (report.details["warm"], report.details["resumed"]) == (True, False)
    assert "K_new" in open_embedding(made).entity_ids
    # the similarity in use still lies in the old space, and so does the added concept
    assert open_planner(edited).plan("U_1", "C_1", EIGHT).notes


def test_a_warm_start_without_vectors_says_which_command_comes_first(mini_home, tmp_path):
    home = Settings(home=tmp_path)
    shutil.copy(mini_home.home / "graph.lbug", tmp_path / "graph.lbug")
    with pytest.raises(ArtifactMissing, match="no embedding artifact yet; run `kgplan embed`"):
        run_embed(home, stage_runner.small_embedding(), warm=True)


def test_the_panel_is_spread_evenly_and_enrolled():
    planner = large_case(n_concepts=400, n_courses=40, n_learners=300).planner()
    panel = panel_of(planner, 30)
    assert panel == panel_of(planner, 30)
    records = planner.records
    ids, courses = records.learner_ids.tolist(), records.course_ids.tolist()
    places = [ids.index(learner) for learner, _ in panel]
    assert len(set(places)) == 30
    assert all(
        records.enrolled[[place], [courses.index(course)]]
        for place, (_, course) in zip(places, panel, strict=True)
    )
    gaps = np.diff(places)
    assert gaps.max() < 2 * gaps.mean()


def test_followers_are_told_of_every_epoch(edited, tmp_path):
    log, table = tmp_path / "logs" / "epochs.jsonl", tmp_path / "epochs.csv"
    config = stage_runner.small_embedding()
    seen = []
    with followed(log, [f"csv={table}"], config.to_dict()) as follow:

        def both(now):
            seen.append(now)
            follow(now)

        run_embed(edited, config, follow=both)
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    assert [line["event"] for line in lines] == ["start", *["epoch"] * len(seen), "end"]
    assert lines[0]["config"] == config.to_dict()
    for line, now in zip(lines[1:-1], seen, strict=True):
        assert (line["phase"], line["epoch"], line["loss"]) == (now.phase, now.epoch, now.loss)
    with table.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    losses = [float(row["value"]) for row in rows if row["key"] in ("split.loss", "refit.loss")]
    assert losses == pytest.approx([now.loss for now in seen])
    with pytest.raises(RuntimeError), followed(log, [], {}):
        raise RuntimeError("the disk is full")
    assert json.loads(log.read_text().splitlines()[-1])["error"] == "the disk is full"


def test_an_unknown_tracker_and_one_without_its_package_are_refused(monkeypatch):
    with (
        pytest.raises(ConfigError, match="'smoke' is not NAME or NAME=PLACE with one of csv"),
        followed(None, ["smoke"], {}),
    ):
        pass
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with (
        pytest.raises(ConfigError, match="--tracker mlflow needs the package mlflow; install it"),
        followed(None, ["mlflow"], {}),
    ):
        pass


def test_tensorboard_and_mlflow_are_told_by_pykeens_trackers(monkeypatch):
    """The packages themselves are not installed here: fakes note what PyKEEN's trackers call."""
    board, flow = MagicMock(), MagicMock()
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", board)
    monkeypatch.setattr(torch.utils, "tensorboard", board, raising=False)
    monkeypatch.setitem(sys.modules, "mlflow", flow)
    walk = [
        TrainingProgress(1, 2, 3.0),
        TrainingProgress(2, 2, 2.0, 0.25),
        TrainingProgress(1, 1, 1.5, None, "refit"),
    ]
    wanted = ["tensorboard=runs/1", "mlflow=sqlite:///runs.db"]
    with followed(None, wanted, {"model": {"dimension": 50}}) as follow:
        for now in walk:
            follow(now)
    expected = [
        ("split.loss", 3.0, 1),
        ("split.loss", 2.0, 2),
        ("split.validation_mrr", 0.25, 2),
        ("refit.loss", 1.5, 1),
    ]
    writer = board.SummaryWriter
    assert writer.call_args.kwargs["log_dir"].parts[-2:] == ("runs", "1")
    told = [call.kwargs for call in writer.return_value.add_scalar.call_args_list]
    assert [(c["tag"], c["scalar_value"], c["global_step"]) for c in told] == expected
    writer.return_value.add_text.assert_called_with(tag="model.dimension", text_string="50")
    writer.return_value.close.assert_called_once()
    flow.set_tracking_uri.assert_called_with("sqlite:///runs.db")
    flow.log_params.assert_called_with(params={"model.dimension": 50})
    told = [call.kwargs for call in flow.log_metrics.call_args_list]
    assert [(k, v, c["step"]) for c in told for k, v in c["metrics"].items()] == expected
    flow.entities.RunStatus.to_string.assert_called_with(flow.entities.RunStatus.FINISHED)
    with pytest.raises(RuntimeError), followed(None, wanted, {}):
        raise RuntimeError("the disk is full")
    flow.entities.RunStatus.to_string.assert_called_with(flow.entities.RunStatus.FAILED)
    flow.start_run.side_effect = ValueError("no such server")
    with (
        pytest.raises(ConfigError, match="--tracker mlflow=x cannot be used: no such server"),
        followed(None, ["mlflow=x"], {}),
    ):
        pass


def test_a_checkpoint_holds_the_last_state_and_forgets_old_runs(tmp_path):
    mine, other = Checkpoint(tmp_path / "c", "mine"), Checkpoint(tmp_path / "c", "other")
    assert mine.read() is None
    for state in (b"one", b"two"):
        mine.write(state)
    other.write(b"three")
    assert mine.read() == b"two"
    mine.remove()
    assert (mine.read(), other.read()) == (None, b"three")
    long_ago = time.time() - FORGOTTEN_AFTER - 1
    os.utime(other.path, (long_ago, long_ago))
    mine.remove()
    assert other.read() is None
