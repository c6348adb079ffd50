import json
import re
import subprocess
import sys
from pathlib import Path

import miniature
import pytest
import stage_runner

from kgplan.artifacts import ArtifactStore
from kgplan.errors import ArtifactMissing, ConfigError
from kgplan.etl import stages
from kgplan.model import open_planner, open_snapshot
from kgplan.settings import Settings

MOMENTS = {
    "extract": ["progress:1", "progress:20", "keep", "switch"],
    "map": ["progress:2", "keep", "switch"],
    "load": ["progress:3", "progress:12"],
    # the second takes up the first after one of two epochs and dies in the last fit
    "embed": ["progress:1", "progress:2", "keep", "switch"],
    "diagnose": ["progress:1", "keep", "switch"],
    "similarity": ["progress:1", "keep", "switch"],
}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, mini_source) -> Settings:
    """A home where every stage ran to its end."""
    home = Settings(home=tmp_path_factory.mktemp("undisturbed"))
    for stage in stage_runner.STAGES:
        stage_runner.run(stage, home, mini_source)
    return home


def outcome(home: Settings) -> dict[str, str]:
    """Version of every artifact in use, and of the graph."""
    return ArtifactStore(home.artifacts).in_use() | {"graph": open_snapshot(home).version}


def test_a_run_killed_in_the_middle_of_every_stage_ends_in_the_same_artifacts(
    tmp_path, mini_source, undisturbed
):
    home = Settings(home=tmp_path / "home")
    for stage in stage_runner.STAGES:
        before = ArtifactStore(home.artifacts).in_use()
        runner = [sys.executable, stage_runner.__file__, stage, str(home.home), str(mini_source)]
        killed = subprocess.run(
            [*runner, *MOMENTS[stage]], capture_output=True, text=True, check=False
        )
        assert killed.returncode == 0, killed.stderr
        assert ArtifactStore(home.artifacts).in_use() == before
        stage_runner.run(stage, home, mini_source)
    assert outcome(home) == outcome(undisturbed)
    assert list((home.artifacts / ".drafts").iterdir()) == []
    assert list((home.home / "checkpoints").iterdir()) == []


def test_a_second_run_of_every_stage_changes_nothing(tmp_path, mini_source, undisturbed):
    before = outcome(undisturbed)
    for stage in stage_runner.STAGES:
        stage_runner.run(stage, undisturbed, mini_source)
    assert outcome(undisturbed) == before


def test_a_zip_of_the_folder_gives_the_same_plan(tmp_path, mini_source, undisturbed):
    home = Settings(home=tmp_path / "home")
    source = miniature.write_zip(tmp_path / "mini.zip", miniature.MINI)
    for stage in stage_runner.STAGES:
        stage_runner.run(stage, home, source)
    of_zip, of_folder = (
        open_planner(each).plan("U_1", "C_1").steps for each in (home, undisturbed)
    )
    assert of_zip == of_folder


def test_a_diagnosis_is_of_the_records_until_they_are_extracted_anew(tmp_path):
    home = Settings(home=tmp_path / "home")
    for stage in stage_runner.STAGES:
        stage_runner.run(stage, home, miniature.write_zip(tmp_path / "mini.zip", miniature.MINI))
    assert open_planner(home).diagnosis.of_records
    user_course = "relations/user-course.json"
    more = miniature.MINI | {user_course: [*miniature.MINI[user_course], ("U_2", "C_3")]}
    stage_runner.run("extract", home, miniature.write_zip(tmp_path / "more.zip", more))
    assert not open_planner(home).diagnosis.of_records


def test_the_dirty_archive_gives_the_graph_and_the_records_of_the_clean_one(
    tmp_path, dirty_source, undisturbed
):
    home = Settings(home=tmp_path / "home")
    for stage in ("extract", "map", "load"):
        stage_runner.run(stage, home, dirty_source)
    assert open_snapshot(home).version == open_snapshot(undisturbed).version
    clean = ArtifactStore(undisturbed.artifacts).current("records").manifest["files"]
    dirty = ArtifactStore(home.artifacts).current("records").manifest["files"]
    assert dirty == clean


def test_the_manifests_name_what_each_artifact_was_made_from(undisturbed):
    store = ArtifactStore(undisturbed.artifacts)
    in_use = store.in_use()
    assert store.current("triples").manifest["inputs"] == {"tables": in_use["tables"]}
    assert store.current("embedding").manifest["inputs"] == {
        "graph": open_snapshot(undisturbed).version
    }
    assert store.current("similarity").manifest["inputs"] == {
        "embedding": in_use["embedding"],
        "records": in_use["records"],
    }


def test_a_stage_before_its_turn_says_which_command_comes_first(tmp_path):
    home = Settings(home=tmp_path)
    with pytest.raises(ArtifactMissing, match="no tables artifact yet; run `kgplan etl run` first"):
        stages.run_map(home)


def test_alpha_out_of_range_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="alpha is 2"):
        stages.run_similarity(Settings(home=tmp_path), alpha=2)


def test_the_check_report_is_beside_the_triples(undisturbed):
    triples = ArtifactStore(undisturbed.artifacts).current("triples")
    report = json.loads((triples.path / stages.CHECK_REPORT).read_text(encoding="utf-8"))
    lines = (triples.path / "triples.nt").read_text(encoding="utf-8").split("\n")[:-1]
    assert report["n_triples"] == len(lines)
    # every entity has one type, every other property was counted once
    assert sum(report["classes"].values()) + sum(report["properties"].values()) >= len(lines)


def test_the_objective_is_plotted_beside_the_diagnosis(undisturbed):
    diagnosis = ArtifactStore(undisturbed.artifacts).current("diagnosis")
    drawn = (diagnosis.path / stages.OBJECTIVE_PLOT).read_text(encoding="utf-8")
    (line,) = re.findall(r'polyline points="([^"]*)"', drawn)
    assert len(line.split()) == max(diagnosis.metrics["iterations"], 1)


def test_the_path_of_the_source_does_not_change_the_result(tmp_path, mini_source, undisturbed):
    moved = miniature.write_folder(tmp_path / "elsewhere", miniature.MINI)
    assert stages.hash_source(Path(moved)) == stages.hash_source(mini_source)
