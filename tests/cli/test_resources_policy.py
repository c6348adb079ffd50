"""`kgplan resources policy`: kept whatever it is worth, on only where it beats holding."""

import json

import pytest
from forked import run_kgplan

from kgplan.store.artifacts import ArtifactStore

SMALL = ("--course", "C_1", "--learners", "4", "--seeds", "2", "--episodes", "1")


def test_a_policy_is_kept_and_used_as_it_was_found(own_home):
    pytest.importorskip("torch")
    made = run_kgplan(own_home.home, "resources", "policy", *SMALL, "--json")
    assert made.returncode == 0, made.stderr
    told = json.loads(made.stdout)
    store = ArtifactStore(own_home.artifacts)
    kept = store.open("policy", told["version"])
    assert kept.metrics["beats_hold"] == told["on"] == (told["trial"]["low"] > 0)
    assert (store.in_use().get("policy") == told["version"]) == told["on"]
    again = run_kgplan(own_home.home, "resources", "policy", "--use", told["version"])
    if not told["on"]:
        assert again.returncode == 2
        assert "did not beat holding the weights" in again.stderr


def test_a_policy_in_use_is_taken_back_and_used_again(own_home):
    store = ArtifactStore(own_home.artifacts)
    versions = []
    for gain in (0.1, 0.2):
        with store.draft("policy", {"gain": gain}, {}) as draft:
            draft.metrics = {"gain": gain, "low": 0.05, "high": 1.0, "beats_hold": True}
        versions.append(draft.finished().version)
    others = store.in_use()
    for version in (*versions, versions[0]):
        used = run_kgplan(own_home.home, "resources", "policy", "--use", version)
        assert used.returncode == 0, used.stderr
        assert store.in_use() == others | {"policy": version}
    off = run_kgplan(own_home.home, "resources", "policy", "--off")
    assert off.returncode == 0, off.stderr
    assert store.in_use() == others


def test_what_is_not_there_is_said(own_home):
    for given, said in (
        (("--use", "nothing"), "no policy 'nothing'; there are none"),
        (("--course", "C_none"), "no course 'C_none'"),
    ):
        done = run_kgplan(own_home.home, "resources", "policy", *given)
        assert done.returncode == 2
        assert said in done.stderr
