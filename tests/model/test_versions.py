"""Models that were in use: remembered, put into use again, rolled back."""

import json
import shutil
import subprocess
import sys
import threading

import numpy as np
import pytest
import stage_runner

from kgplan.errors import ArtifactDamaged, ModelUnusable, NoEarlierModel, UnknownModelVersion
from kgplan.model.opening import MODEL_KINDS, model_version, open_planner, open_snapshot
from kgplan.model.versions import activate, find_model, list_models, roll_back, trail
from kgplan.pipeline.embed import run_embed
from kgplan.pipeline.similarity import SimilarityConfig, run_similarity
from kgplan.planning import PlanOptions
from kgplan.settings import Settings
from kgplan.store.artifacts import KEPT_SWITCHES, ArtifactStore, Aside, Switch

ALPHAS = (0.1, 0.4)  # of the second and the third model; the first has the default


@pytest.fixture
def home(mini_home, tmp_path) -> Settings:
    """The miniature's home, copied."""
    return Settings(home=shutil.copytree(mini_home.home, tmp_path / "home"))


@pytest.fixture
def three(home) -> tuple[Settings, list[str]]:
    """A home in which three models came into use, and their versions."""
    store = ArtifactStore(home.artifacts)
    versions = [model_version(store)]
    for alpha in ALPHAS:
        run_similarity(home, SimilarityConfig(alpha))
        versions.append(model_version(store))
    return home, versions


def store_of(home):
    return ArtifactStore(home.artifacts)


def plans(home):
    planner = open_planner(home)
    options = PlanOptions(length=8)
    ids = planner.records.learner_ids.tolist()
    return json.dumps([planner.plan(each, "C_1", options).to_dict() for each in ids])


def made(store, kind, value):
    with store.draft(kind, {}, {"embedding": "e"}) as draft:
        draft.put(numbers=np.full(2, value))
    return draft.finished()


# ---------------------------------------------------------------- the history of a store


def test_the_history_tells_what_was_in_use_when_and_by_which_command(tmp_path):
    store = ArtifactStore(tmp_path)
    assert store.history() == []
    one, two, other = made(store, "embedding", 1), made(store, "embedding", 2), made(store, "x", 3)
    store.switch(one)
    store.switch(one)  # changes nothing
    store.switch(two, other, by="kgplan reembed")
    told = [(dict(each.versions), each.by) for each in store.history()]
    assert told == [
        ({"embedding": one.version}, "kgplan embed"),
        ({"embedding": two.version, "x": other.version}, "kgplan reembed"),
    ]
    assert store.history()[0].at <= store.history()[1].at  # to the millisecond
    assert store.history()[-1].versions == store.in_use()


def test_what_a_view_puts_into_use_together_is_one_switch_of_the_history(tmp_path):
    store = ArtifactStore(tmp_path)
    aside = Aside(store)
    aside.switch(made(store, "embedding", 1))
    aside.switch(made(store, "diagnosis", 1))
    assert store.history() == []
    aside.commit(by="kgplan reembed")
    (switch,) = store.history()
    assert (switch.versions, switch.by) == (store.in_use(), "kgplan reembed")


def test_a_home_made_before_there_was_a_history_has_what_is_in_use(tmp_path):
    store = ArtifactStore(tmp_path)
    store.switch(made(store, "embedding", 1))
    old = store.in_use()
    (tmp_path / "history.json").unlink()
    (switch,) = store.history()
    assert (switch.versions, switch.by) == (old, "")
    store.switch(made(store, "embedding", 2))
    assert [each.versions for each in store.history()] == [old, store.in_use()]


def test_a_switch_that_was_killed_before_its_note_is_found_again(tmp_path):
    store = ArtifactStore(tmp_path)
    store.switch(made(store, "embedding", 1))
    second = made(store, "embedding", 2)
    killed = subprocess.run(
        [
            sys.executable,
            "-c",
            "import os, sys; from pathlib import Path\n"
            "from kgplan.store.artifacts import ArtifactStore\n"
            "replace = ArtifactStore._replace\n"
            "def note(store, name, value):\n"
            "    if name == 'history.json': os.kill(os.getpid(), 9)\n"
            "    replace(store, name, value)\n"
            "ArtifactStore._replace = note\n"
            "store = ArtifactStore(Path(sys.argv[1]))\n"
            "store.switch(store.open('embedding', sys.argv[2]))",
            str(tmp_path),
            second.version,
        ],
        check=False,
    )
    assert killed.returncode == -9
    assert store.in_use() == {"embedding": second.version}
    assert [each.versions for each in store.history()][-1] == store.in_use()
    store.switch(made(store, "embedding", 3))
    assert [each.by for each in store.history()] == ["kgplan embed", "", "kgplan embed"]


def test_switches_at_once_are_all_remembered(tmp_path):
    store = ArtifactStore(tmp_path)
    results = [made(store, f"kind{n}", n) for n in range(8)]
    threads = [
        threading.Thread(target=ArtifactStore(tmp_path).switch, args=(each,)) for each in results
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(len(each.versions) for each in store.history()) == list(range(1, 9))


def test_the_history_is_bounded_and_a_damaged_one_says_what_to_do(tmp_path):
    store = ArtifactStore(tmp_path)
    pair = [made(store, "embedding", n) for n in range(2)]
    noted = [{"versions": {"embedding": pair[n % 2].version}, "at": str(n)} for n in range(600)]
    store.switch(pair[1])
    (tmp_path / "history.json").write_text(json.dumps(noted))
    store.switch(pair[0])
    assert len(store.history()) == KEPT_SWITCHES
    assert store.history()[-2].at == "599"
    (tmp_path / "history.json").write_text("{")
    with pytest.raises(ArtifactDamaged, match=r"history\.json is not JSON .* remove it"):
        store.history()


# ---------------------------------------------------------------- models


def test_models_are_listed_with_their_figures_the_last_one_first(three):
    home, versions = three
    store = store_of(home)
    found = list_models(store)
    assert [each.version for each in found] == versions[::-1]
    assert [each.in_use for each in found] == [True, False, False]
    assert [each.by for each in found] == ["kgplan similarity"] * 3
    in_use = store.in_use()
    assert found[0].artifacts == {
        k: in_use[k] for k in (*MODEL_KINDS, "embedding", "resources", "engagement")
    }
    embedding, diagnosis = store.current("embedding"), store.current("diagnosis")
    for each in found:
        assert each.problem == ""
        assert each.graph_version == open_snapshot(home).version
        assert each.test_mrr == embedding.metrics["test"]["both"]["mrr"]
        assert each.log_likelihood == diagnosis.metrics["objective"][-1]


def test_an_activated_model_plans_as_it_did_to_the_byte(three):
    home, versions = three
    third = plans(home)
    told = activate(home, versions[0], by="kgplan model activate")
    assert (told.model.version, told.before) == (versions[0], versions[2])
    assert told.model.in_use
    assert told.concepts == told.known_concepts == open_snapshot(home).concept_ids.size
    first = plans(home)
    assert first != third
    activate(home, versions[2], by="kgplan model activate")
    assert plans(home) == third
    roll_back(home, by="kgplan model rollback")
    assert plans(home) == first
    assert list_models(store_of(home))[0].version == versions[0]


def test_an_activated_model_brings_its_own_embedding(three):
    """A warm start goes on from the vectors in use: they must be the model's."""
    home, versions = three
    before = store_of(home).in_use()
    config = stage_runner.small_embedding()
    refit = config.refit.model_copy(update={"epochs": 3})
    run_embed(home, config.model_copy(update={"refit": refit}))
    assert store_of(home).in_use()["embedding"] != before["embedding"]
    assert model_version(store_of(home)) == versions[2]  # plans do not rest on it yet
    activate(home, versions[2], by="")
    assert store_of(home).in_use() == before


def test_each_rollback_goes_one_model_further_back_until_there_is_none(three):
    home, versions = three
    assert roll_back(home, by="").model.version == versions[1]
    assert roll_back(home, by="").model.version == versions[0]
    with pytest.raises(NoEarlierModel):
        roll_back(home, by="")
    activate(home, versions[2], by="")
    assert roll_back(home, by="").model.version == versions[0]


@pytest.mark.parametrize(
    ("moves", "left"),
    [
        ("abc", "abc"),
        ("abb", "ab"),
        ("abcB", "ab"),
        ("abcBA", "a"),
        ("abcBd", "abd"),
        ("abcaC", "abc"),
        ("abaA", "aba"),
        ("B", "b"),
    ],
)
def test_a_trail_is_what_undo_would_leave(moves, left):
    """A capital letter takes back to that model; worked out by hand."""
    past = [
        Switch(dict.fromkeys(MODEL_KINDS, move.lower()), str(at), back=move.isupper())
        for at, move in enumerate(moves)
    ]
    assert "".join(step.versions["records"] for step in trail(past)) == left


def test_a_model_that_is_not_whole_is_shown_so_and_refused_and_nothing_changes(three):
    home, versions = three
    store = store_of(home)
    before = store.in_use()
    second = find_model(store, versions[1])
    file = store.open("similarity", second.artifacts["similarity"]).path / "vectors.npy"
    whole = file.read_bytes()
    file.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert "is not what was written" in find_model(store, versions[1]).problem
    with pytest.raises(ModelUnusable, match=r"vectors\.npy is not what was written"):
        activate(home, versions[1], by="")
    with pytest.raises(ModelUnusable):
        roll_back(home, by="")
    file.unlink()
    assert "lacks its file vectors.npy" in list_models(store)[1].problem
    store.remove("similarity", second.artifacts["similarity"])
    assert list_models(store)[1].problem.endswith("was removed")
    with pytest.raises(ModelUnusable, match="was removed"):
        activate(home, versions[1], by="")
    assert store.in_use() == before
    assert list_models(store)[0].problem == ""


def test_a_model_of_other_concepts_is_refused(three):
    home, versions = three
    store = store_of(home)
    before = store.in_use()
    old = store.open("similarity", find_model(store, versions[0]).artifacts["similarity"])
    with store.draft("similarity", old.manifest["config"], old.manifest["inputs"]) as draft:
        for file in old.path.glob("*.npy"):
            shutil.copy(file, draft.path)
        ids = old.array("concept_ids")
        draft.put(concept_ids=np.array([f"X_{n}" for n in range(ids.size)]))
    store.switch(draft.finished())
    foreign = model_version(store)
    store.switch(store.open("similarity", before["similarity"]))
    with pytest.raises(ModelUnusable, match="knows none of the 8 concepts of graph"):
        activate(home, foreign, by="")
    assert store.in_use() == before


def test_a_model_that_nobody_used_is_unknown_with_close_matches(three):
    home, versions = three
    almost = versions[1][:-1] + ("0" if versions[1][-1] != "0" else "1")
    with pytest.raises(UnknownModelVersion, match=f"close matches: {versions[1]}"):
        activate(home, almost, by="")
    with pytest.raises(UnknownModelVersion, match="kgplan model list"):
        find_model(store_of(home), "?")
