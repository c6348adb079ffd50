"""A stage of another package: run, stored, told, switched, outdated and rolled back like ours."""

import json
import shutil
import subprocess
import sys
from collections import Counter
from importlib.metadata import EntryPoint

import miniature
import pytest
from other_package import install, told_where_installed

from kgplan import registry
from kgplan.errors import ConfigError
from kgplan.settings import Settings
from kgplan.store.stages import GROUP, Stage, StageReport, model_kinds, stages, stages_of

ELSEWHERE = '''
"""Rank videos by their viewers."""

import numpy as np

from kgplan.store.running import stage
from kgplan.store.stages import Figures


@stage(
    name="rank",
    about="Rank videos by their viewers.",
    part="model",
    reads=("records",),
    makes=("ranking",),
    serves=("ranking",),
    config=lambda: {"by": "viewers"},
    figures=lambda details: Figures("ranking", [("most viewers", details["most"])]),
)
def rank(task, config):
    from kgplan.model.opening import newest_records

    records, source = newest_records(task.artifacts)
    task.progress("videos", 0, records.item_ids.size)
    viewers = np.bincount(records.viewed.indices, minlength=records.item_ids.size)
    with task.draft("ranking", config, {"records": source.version}) as draft:
        draft.put(item_ids=records.item_ids, viewers=viewers)
        draft.metrics = {"most": int(viewers.max())}
'''
ASK = """
import json, sys, threading
from pathlib import Path
import stage_runner
from typer.testing import CliRunner
from kgplan.api.administration import Administration
from kgplan.api.jobs import Jobs, shares_of_time
from kgplan.cli.main import app
from kgplan.embedding import EmbeddingConfig
from kgplan.etl.stages import run_etl
from kgplan.model.opening import StoredArrays, model_version, open_snapshot
from kgplan.model.versions import list_models, outdated, roll_back
from kgplan.settings import read_settings
from kgplan.store.artifacts import ArtifactStore

small = stage_runner.small_embedding()
EmbeddingConfig.default = classmethod(lambda cls: small)
mini, more = map(Path, sys.argv[1:])
home, runner, found = read_settings(), CliRunner(), {}
store, jobs = ArtifactStore(home.artifacts), Jobs(home)

def note(what, **more):
    found[what] = {"in_use": store.in_use(), "model": model_version(store), **more}

note("before", missing=runner.invoke(app, ["rank", "--help"]).output)
note("alone", said=runner.invoke(app, ["rank"]).output)
arrays = StoredArrays(store.current("ranking"))
found["arrays"] = {name: arrays[name].tolist() for name in arrays}
roll_back(home, "test")
note("back")
job = Administration(jobs).reembed(False, 0.7, {"training": {"epochs": 2}}, "test")
for thread in threading.enumerate():
    if thread.name == f"kgplan-job-{job.id}":
        thread.join()
job = jobs.find(job.id)
log = [json.loads(line) for line in jobs.log(job.id, 1000)]
note("job", state=job.state, error=job.error, log=log, shares=shares_of_time(False),
     by=store.history()[-1].by)
run_etl(home, more)
version = open_snapshot(home).version
note("outdated", which=[[each.kind, each.input] for each in outdated(store, version)])
demo = runner.invoke(app, ["demo", str(mini), "--json"])
stages = json.loads(demo.stdout)["stages"] if demo.exit_code == 0 else demo.output
note("demo", stages=[each["stage"] for each in stages], models=len(list_models(store)))
print(json.dumps(found))
"""


def test_a_stage_of_another_package_is_one_of_the_model(mini_home, mini_source, tmp_path):
    install(tmp_path, ELSEWHERE, GROUP, "rank = elsewhere:rank")
    home = Settings(home=shutil.copytree(mini_home.home, tmp_path / "home"))
    user_course = "relations/user-course.json"
    enrolled = [*miniature.MINI[user_course], ("U_2", "C_3")]
    more = miniature.write_folder(tmp_path / "more", miniature.MINI | {user_course: enrolled})
    told = told_where_installed(tmp_path, home.home, ASK, str(mini_source), str(more))
    found = json.loads(told.splitlines()[-1])

    before, alone = found["before"], found["alone"]
    assert "Rank videos by their viewers." in before["missing"]
    assert "most viewers" in alone["said"]
    assert alone["in_use"].keys() - before["in_use"].keys() == {"ranking"}
    assert alone["model"] != before["model"]  # answers are made from it
    ranking = dict(zip(found["arrays"]["item_ids"], found["arrays"]["viewers"], strict=True))
    opened = {tuple(row) for row in miniature.MINI["relations/user-video.json"]}
    opened |= {
        (row["id"], each["video_id"])
        for row in miniature.MINI["additional_information/user_video_act.json"]
        for each in row["activity"]
    }
    viewers = Counter(video for _, video in opened)
    assert ranking == {video: viewers[video] for video in ranking}
    assert sum(ranking.values()) > 0
    # the model before had none
    assert (found["back"]["in_use"], found["back"]["model"]) == (before["in_use"], before["model"])

    job = found["job"]
    assert (job["state"], job["error"]) == ("done", "")
    order = [line["stage"] for line in job["log"] if line["event"] == "stage"]
    assert set(order) == {
        *("embed", "diagnose", "similarity", "resources", "engagement", "rank", "switch")
    }
    assert order == list(job["shares"])
    assert order.index("embed") < order.index("similarity")
    assert order[-1] == "switch"
    (told,) = (line for line in job["log"] if line["event"] == "report" and line["stage"] == "rank")
    assert told["details"] == {"most": max(ranking.values())}
    assert job["by"].startswith("kgplan reembed (job ")
    assert job["in_use"]["ranking"] == alone["in_use"]["ranking"]

    assert ["ranking", "records"] in found["outdated"]["which"]
    assert found["demo"]["stages"][:3] == ["extract", "map and check", "load graph"]
    assert set(found["demo"]["stages"][3:]) == set(order) - {"switch"}
    assert found["demo"]["in_use"]["ranking"] == alone["in_use"]["ranking"]


def plain(name: str, reads: tuple[str, ...] = (), makes: tuple[str, ...] = ()) -> Stage:
    return Stage(name, "it does", "model", lambda *given: StageReport(name), "", reads, makes)


def declare(monkeypatch: pytest.MonkeyPatch, *declared: Stage) -> None:
    """As if other packages had declared these."""
    for stage in declared:
        monkeypatch.setattr(registry, stage.name, stage, raising=False)
    found = [EntryPoint(s.name, f"{registry.__name__}:{s.name}", GROUP) for s in declared]
    monkeypatch.setattr(registry, "entry_points", lambda group: found)
    for known in (stages, stages_of):
        known.cache_clear()


@pytest.fixture(autouse=True)
def forget():
    yield
    for known in (stages, stages_of):
        known.cache_clear()


def test_stages_run_after_those_that_make_what_they_read(monkeypatch):
    last, first = plain("a_last", ("early", "similarity")), plain("z_first", ("graph",), ("early",))
    declare(monkeypatch, last, first)
    names = [stage.name for stage in stages_of("model")]
    assert names.index("z_first") < names.index("a_last") == len(names) - 1
    assert names.index("embed") < names.index("similarity")
    assert model_kinds()[:3] == ["records", "diagnosis", "similarity"]
    assert set(model_kinds()[3:]) == {"resources", "engagement", "embedding", "early"}


@pytest.mark.parametrize(
    ("declared", "told"),
    [
        ([plain("x", ("b",), ("a",)), plain("y", ("a",), ("b",))], "each of these stages reads"),
        ([plain("embed")], "two stages are called 'embed'"),
        ([plain("x", (), ("embedding",))], "makes embedding, and so does another"),
    ],
    ids=["a circle", "a name twice", "a kind twice"],
)
def test_stages_that_are_in_each_others_way_are_refused(monkeypatch, declared, told):
    declare(monkeypatch, *declared)
    with pytest.raises(ConfigError, match=told):
        stages_of("model")


def test_who_asks_what_there_is_loads_no_stages_tools():
    tools = {"scipy", "numba", "duckdb", "rdflib", "pyshacl", "morph_kgc", "torch", "pykeen"}
    asked = "import sys; from kgplan.store.stages import stages, model_kinds; stages();"
    asked += f"model_kinds(); print(sorted({tools} & set(sys.modules)))"
    said = subprocess.run([sys.executable, "-c", asked], capture_output=True, check=True, text=True)
    assert said.stdout.strip() == "[]"
