import json
import shutil

import pytest
from typer.testing import CliRunner

from kgplan.cli.main import app
from kgplan.errors import NoEarlierModel, UnknownModelVersion
from kgplan.model.opening import model_version
from kgplan.pipeline.similarity import SimilarityConfig, run_similarity
from kgplan.settings import Settings, read_settings
from kgplan.store.artifacts import ArtifactStore


@pytest.fixture
def home(mini_home, tmp_path, monkeypatch) -> Settings:
    """A home in which two models came into use."""
    home = Settings(home=shutil.copytree(mini_home.home, tmp_path / "home"))
    run_similarity(home, SimilarityConfig(0.2))
    monkeypatch.setenv("KGPLAN_HOME", str(home.home))
    read_settings.cache_clear()
    yield home
    read_settings.cache_clear()


def model(*arguments):
    return CliRunner().invoke(app, ["model", *arguments], env={"COLUMNS": "200"})


def test_models_are_listed_activated_and_rolled_back(home, mini_home):
    first = model_version(ArtifactStore(mini_home.artifacts))
    listed = json.loads(model("list", "--json").stdout)
    assert [each["version"] for each in listed][1] == first
    second = listed[0]["version"]
    shown = model("list").stdout  # on any screen: what was started earlier decides on its width
    assert first in shown
    assert second in shown
    told = json.loads(model("rollback", "--json").stdout)
    assert (told["before"], told["model"]["version"]) == (second, first)
    assert model_version(ArtifactStore(home.artifacts)) == first
    assert f"in use: {second}, {first} before" in model("activate", second).stdout
    assert model_version(ArtifactStore(home.artifacts)) == second
    listed = json.loads(model("list", "--json").stdout)
    assert [(each["version"], each["by"]) for each in listed] == [
        (second, "kgplan model activate"),
        (first, "kgplan model rollback"),
    ]


def test_what_cannot_be_put_into_use_is_an_error_of_the_caller(home):
    assert isinstance(model("activate", "?").exception, UnknownModelVersion)
    model("rollback")
    assert isinstance(model("rollback").exception, NoEarlierModel)
