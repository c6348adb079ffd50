"""The measures of GCN-Attention-RL's tables, on few learners, against measures made by hand."""

import math

import numpy as np
import pytest
from resources_cases import records
from scipy import sparse

from kgplan.errors import ConfigError, UnknownCourse
from kgplan.evaluation.papers.experiment import read_experiment
from kgplan.evaluation.papers.gcn_attention_rl import MEASURES, Session, rankings, taught_learners
from kgplan.evaluation.papers.harness import Kept, fill
from kgplan.evaluation.papers.intervals import Ratio, draws, estimate
from kgplan.evaluation.resources.networks import Content
from kgplan.evaluation.resources.splits import Viewing
from kgplan.resources.network.features import Modalities

N = 30
COUNTING = {
    "method": "next in course", "delta": 0.0, "held": 5, "seeds": 1, "cases": 99, "sample_seed": 0,
}  # fmt: skip


@pytest.fixture(scope="module")
def session():
    """A course of 30, a concept a resource, each built on the one before; all go on in order."""
    lines = [list(range(u, u + 12)) for u in range(12)]
    world = records(lines, (tuple(range(N)),), N)
    world = type(world)(
        **{
            **vars(world),
            "concept_ids": np.array([f"K_{k}" for k in range(N)]),
            "q_matrix": sparse.csr_array(np.eye(N, dtype=np.int8)),
        }
    )
    rng = np.random.default_rng(0)
    text, knowledge = rng.normal(size=(N, 4)), rng.normal(size=(N, 3))
    about = Modalities(text, knowledge, rng.normal(size=(N, 5)), np.ones((N, 3)))
    before = sparse.csr_array(np.diag(np.ones(N - 1), -1))
    return Session(
        Viewing(world, 3600 * world.places_of_views.astype(np.int64)),
        Content(about, knowledge, before),
    )


def test_who_goes_on_in_order_is_named_by_it(session):
    found = rankings(session, COUNTING)
    assert found["precision"].tolist() == [1.0] * 12
    assert np.isnan(found["error"]).all()
    # of the five next ones only the first builds on what was opened
    assert found["unmet"].tolist() == [0.8] * 12


def test_delta_lifts_what_may_be_learned_now(session):
    plain, lifted = (
        rankings(session, COUNTING | {"delta": delta, "method": "popular"}) for delta in (0.0, 9.0)
    )
    assert lifted["unmet"].mean() < plain["unmet"].mean()


def test_a_network_is_the_mean_over_seeds_and_tells_waits(session):
    pytest.importorskip("torch")
    small = {"method": "network", "epochs": 1, "width": 4, "batch": 6, "modalities": ["text"]}
    once = rankings(session, COUNTING | small)
    twice = rankings(session, COUNTING | small | {"seeds": 2})
    assert once["error"].shape == (12,)
    assert np.isfinite(twice["error"]).all()
    # what the second seed must have had: fifths
    second = 2 * twice["precision"] - once["precision"]
    assert set(np.round(5 * second, 9)) <= set(range(6))


def test_cases_are_drawn_and_methods_and_courses_are_known(session):
    assert rankings(session, COUNTING | {"cases": 5})["precision"].size == 5
    with pytest.raises(ConfigError, match="no method 'oracle'"):
        rankings(session, COUNTING | {"method": "oracle"})
    made_up = {"learners": 3, "seeds": 2, "course": "C_0", "contestant": "hold"}
    found = taught_learners(session, made_up)
    assert found["learner"].tolist() == [0, 0, 0, 1, 1, 1]
    with pytest.raises(ConfigError, match="no contestant 'ppo'"):
        taught_learners(session, made_up | {"contestant": "ppo"})
    with pytest.raises(UnknownCourse):
        taught_learners(session, made_up | {"course": "C_9"})


def test_a_root_is_of_the_mean_of_squares():
    figure = Ratio(np.array([9.0, 16.0, np.nan]), np.ones(3), root=True)
    found = estimate(figure, draws(np.arange(3), 200, seed=0))
    assert found.value == pytest.approx(math.sqrt(12.5))
    assert 3 <= found.low <= found.high <= 4


def test_what_a_paper_leaves_out_has_no_gap(session, tmp_path):
    (tmp_path / "e.toml").write_text(
        """
paper = "gcn-attention-rl"
version = 1
title = "t"
source = "s"
resamples = 20
[[tables]]
name = "a"
title = "A"
measure = "ranking"
columns = [{ title = "P@5", figure = "P@5" }, { title = "R@5", figure = "R@5" }]
rows = [{ title = "next", published = [0.7, nan] }]
parameters = { method = "next in course", delta = 0.0, held = 5, cases = 9, sample_seed = 0 }
"""
    )
    experiment = read_experiment(tmp_path / "e.toml")
    (filled,) = fill(experiment, MEASURES, lambda: session, Kept(tmp_path))
    first, second = filled.cells[0]
    assert (first.gap, second.published, second.gap) == (pytest.approx(0.3), None, None)
