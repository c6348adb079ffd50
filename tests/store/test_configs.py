from dataclasses import dataclass

import pytest

from kgplan.diagnosis import LearnerModelConfig
from kgplan.embedding import EmbeddingConfig
from kgplan.errors import ConfigError
from kgplan.store.configs import changed, configs_with, read_changes
from kgplan.store.stages import Stage, stages_of


@dataclass(frozen=True)
class Plain:
    """A configuration of no more than fields."""

    alpha: float = 0.7
    seed: int = 0


@pytest.mark.parametrize(
    "changes",
    [
        {"training.epochs": 5, "training.seed": 3},
        {"training": {"epochs": 5}, "training.seed": 3},
        {"training": {"epochs": 5, "seed": 3}},
    ],
)
def test_what_is_not_named_stays(changes):
    default = EmbeddingConfig.default()
    new = changed(default, changes)
    assert (new.training.epochs, new.training.seed) == (5, 3)
    back = {"training.epochs": default.training.epochs, "training.seed": default.training.seed}
    assert changed(new, back) == default != new


def test_every_kind_of_configuration_can_be_changed():
    new = changed(LearnerModelConfig(), {"slip_beta": [2, 5], "iteration_limit": 3})
    assert new == LearnerModelConfig(slip_beta=(2, 5), iteration_limit=3)
    assert changed(Plain(seed=4), {"alpha": 0.5}) == Plain(0.5, 4)
    assert changed(Plain(), {}) == Plain()
    assert changed(EmbeddingConfig.default(), {"training": {}}) == EmbeddingConfig.default()


@pytest.mark.parametrize(
    ("config", "changes", "message"),
    [
        (EmbeddingConfig.default(), {"training.epoch": 5}, "'training.epoch'.*training.epochs"),
        (EmbeddingConfig.default(), {"training": 5}, "no key 'training' to change"),
        (EmbeddingConfig.default(), {"training.epochs": "5"}, "'training.epochs': '5' cannot"),
        (EmbeddingConfig.default(), {"training.epochs.x": 5}, "no key 'training.epochs.x'"),
        (LearnerModelConfig(), {"damping": "much"}, "damping is 'much'"),
        (LearnerModelConfig(), {"damping": 2}, "damping is 2.0; give a number in"),
        (LearnerModelConfig(), {"slip_beta": 2}, "slip_beta is 2"),
        (Plain(), {"alpha": "much"}, "alpha is 'much'"),
        (Plain(), {"beta": 1}, "keys begin with alpha, seed"),
        (EmbeddingConfig.default(), {"trainin": {}}, "no key 'trainin'"),
    ],
)
def test_a_change_that_cannot_be_is_refused_by_its_key(config, changes, message):
    with pytest.raises(ConfigError, match=message):
        changed(config, changes)


def test_pairs_come_after_the_file(tmp_path):
    file = tmp_path / "my.toml"
    file.write_text("[training]\nepochs = 7\nseed = 1\n[diagnose]\ndamping = 0.2\n")
    changes = read_changes(file, ["training.epochs = 5", "similarity.alpha=0.5"])
    configs = configs_with(changes, stages_of("model"))
    training = EmbeddingConfig.default().training
    assert configs["embed"].training == training.model_copy(update={"epochs": 5, "seed": 1})
    assert configs["diagnose"] == LearnerModelConfig(damping=0.2)
    assert configs["similarity"].alpha == 0.5


@pytest.mark.parametrize(
    "changes",
    [
        {"damping": 0.2, "alpha": 0.5},
        {"diagnose.damping": 0.2, "similarity.alpha": 0.5},
        {"diagnose": {"damping": 0.2}, "similarity": {"alpha": 0.5}},
    ],
)
def test_a_key_finds_its_stage_with_or_without_the_stage_s_name(changes):
    configs = configs_with(changes, stages_of("model"))
    assert "embed" not in configs
    assert configs["diagnose"] == LearnerModelConfig(damping=0.2)
    assert configs["similarity"].alpha == 0.5


def test_a_key_of_no_stage_or_of_several_is_refused():
    stages = stages_of("model")
    with pytest.raises(ConfigError, match=r"no key 'diagnose\.dampening'.*diagnose\.damping"):
        configs_with({"diagnose.dampening": 0.2}, stages)
    diagnose = [each for each in stages if each.name == "diagnose"]
    with pytest.raises(ConfigError, match=r"no key 'training\.epochs'"):
        configs_with({"training.epochs": 2}, diagnose)
    again = Stage("again", "", "model", run=lambda: None, config=LearnerModelConfig)
    with pytest.raises(ConfigError, match="'damping' is a key of diagnose and again; write"):
        configs_with({"damping": 0.2}, [*diagnose, again])


@pytest.mark.parametrize(
    ("text", "pairs", "message"),
    [
        ("epochs = ", [], "my.toml is no TOML"),
        ("", ["training.epochs"], "'training.epochs' is not KEY=VALUE"),
        ("", ["=5"], "'=5' is not KEY=VALUE"),
        (None, [], "my.toml cannot be read: No such file"),
    ],
)
def test_changes_that_cannot_be_read_are_refused(tmp_path, text, pairs, message):
    file = tmp_path / "my.toml"
    if text is not None:
        file.write_text(text)
    with pytest.raises(ConfigError, match=message):
        read_changes(file, pairs)
