import json
import subprocess
import sys
from importlib.resources import files

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from kgplan.embedding import Embedding, EmbeddingConfig
from kgplan.embedding.neighbours import distance_auc
from kgplan.errors import AxisMismatch, ConfigError

DEFAULT = files("kgplan.embedding").joinpath("default.toml").read_text()


def test_a_configuration_survives_json():
    config = EmbeddingConfig.from_toml(DEFAULT)
    assert EmbeddingConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_no_key_has_a_value_outside_the_file():
    for section, keys in EmbeddingConfig.from_toml(DEFAULT).to_dict().items():
        for key in keys:
            incomplete = EmbeddingConfig.from_toml(DEFAULT).to_dict()
            del incomplete[section][key]
            with pytest.raises(ConfigError, match=f"'{section}.{key}': it is missing"):
                EmbeddingConfig.from_dict(incomplete)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("learning_rate", "lerning_rate", r"'training\.lerning_rate'.*training\.learning_rate"),
        ("train = 0.8", "train = 0.7", r"train \+ validation \+ test is 0\.9"),
        ("norm = 2", "norm = 3", r"'model\.norm': 3 cannot be used"),
        ("patience = ", "patience = -", r"'training\.patience': -\d+ cannot be used"),
        ("dropout = ", "dropout = 1", r"'training\.dropout'"),
        ("seed = 0", "seed = 0.5", r"'split\.seed': 0\.5 cannot be used"),
        ("seed = 0", "seed = ", "is no TOML"),
    ],
)
def test_a_wrong_configuration_is_refused_by_name(old, new, message):
    assert old in DEFAULT
    with pytest.raises(ConfigError, match=message):
        EmbeddingConfig.from_toml(DEFAULT.replace(old, new, 1))


def test_configuration_and_result_need_neither_torch_nor_pykeen():
    code = (
        "import sys, kgplan.embedding, kgplan.embedding.neighbours;"
        "sys.exit(bool({'torch', 'pykeen'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_an_embedding_refuses_arrays_that_disagree():
    with pytest.raises(AxisMismatch, match="axis k: relation_vectors has 3, projections has 4"):
        Embedding(
            entity_ids=np.array(["a", "b"]),
            vectors=np.zeros((2, 5)),
            relation_ids=np.array(["r", "r_inverse"]),
            relation_vectors=np.zeros((2, 3)),
            projections=np.zeros((2, 5, 4)),
            metrics={},
            history=(),
        )


def test_distance_auc_equals_scikit_learns_ties_included():
    rng = np.random.default_rng(0)
    vectors = rng.integers(0, 3, (30, 2)).astype(float)  # few different distances: many ties
    pairs = np.array([(i, j) for i in range(30) for j in range(i)])
    related = rng.random(len(pairs)) < 0.3
    distance = [np.hypot(*(vectors[i] - vectors[j])) for i, j in pairs]
    expected = roc_auc_score(related, -np.array(distance))
    assert distance_auc(vectors, pairs[related], pairs[~related]) == pytest.approx(expected)
