"""A small graph with planted groups, and a configuration that trains on it in a second."""

import numpy as np

from kgplan.embedding import EmbeddingConfig

GROUPS, COURSES, CONCEPTS = 4, 4, 8


def planted_graph():
    """Courses teach, and concepts precede, concepts of their own group only."""
    rng = np.random.default_rng(0)
    facts = []
    for g in range(GROUPS):
        concepts = [f"k{g}{i}" for i in range(CONCEPTS)]
        facts += [(f"f{g}", "groups", k) for k in concepts]
        facts += [
            (f"c{g}{j}", "teaches", k)
            for j in range(COURSES)
            for k in concepts
            if rng.random() < 0.8
        ]
        facts += [
            (a, "precedes", b) for a in concepts for b in concepts if a < b and rng.random() < 0.6
        ]
    return np.array(facts)


def changed_defaults(changes):
    """The default configuration with `section__key: value` changed."""
    values = EmbeddingConfig.default().to_dict()
    for name, value in changes.items():
        section, key = name.split("__")
        assert key in values[section]
        values[section][key] = value
    return EmbeddingConfig.from_dict(values)


def config(**changes):
    """The default configuration, small, with `section__key=value` changed."""
    small = {
        "model__dimension": 8,
        "model__relation_dimension": 8,
        "training__epochs": 30,
        "training__batch_size": 16,
        "training__dropout": 0.1,
        "refit__start": "none",  # the figures are then those of the vectors
    }
    return changed_defaults({**small, **changes})
