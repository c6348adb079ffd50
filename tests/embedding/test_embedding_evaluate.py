import numpy as np
import pytest
from embedding_cases import config, planted_graph

pytest.importorskip("pykeen")
import torch
from pykeen.evaluation import RankBasedEvaluator

from kgplan.embedding.evaluate import (
    filtered_ranks,
    mean_reciprocal_rank,
    popularity_baseline,
    ranking_metrics,
)
from kgplan.embedding.train import split_triples, starting_model

THEIRS = {
    "mrr": "inverse_harmonic_mean_rank",
    "hits@1": "hits_at_1",
    "hits@3": "hits_at_3",
    "hits@10": "hits_at_10",
    "mean_rank": "arithmetic_mean_rank",
}


def model_of(split, name):
    """An untrained TransR, or the baseline, whose counts tie often."""
    if name == "popularity":
        return popularity_baseline(split.training)
    return starting_model(split.training, config().model)


@pytest.mark.parametrize("inverses", [True, False])
@pytest.mark.parametrize("name", ["transr", "popularity"])
@pytest.mark.parametrize("batch_size", [7, 512])
def test_ranks_and_figures_are_those_of_pykeens_evaluator(inverses, name, batch_size):
    split = split_triples(planted_graph(), config().split, inverses)
    model = model_of(split, name)
    theirs = RankBasedEvaluator(filtered=True, clear_on_finalize=False)
    results = theirs.evaluate(
        model, split.test.mapped_triples, batch_size=512, use_tqdm=False,
        additional_filter_triples=[part.mapped_triples for part in split.known],
    )  # fmt: skip
    ours = filtered_ranks(model, split.test, split.known, batch_size)
    figures = ranking_metrics(model, split.test, split.known, batch_size)
    for side, (rank, candidates) in ours.items():
        np.testing.assert_array_equal(rank, np.concatenate(theirs.ranks[side, "realistic"]))
        np.testing.assert_array_equal(candidates, np.concatenate(theirs.num_candidates[side]))
    for side in ("head", "tail", "both"):
        for mine, name in THEIRS.items():
            expected = results.get_metric(f"{side}.realistic.{name}")
            assert figures[side][mine] == pytest.approx(expected)
    assert mean_reciprocal_rank(
        model, split.test, split.known, batch_size
    ) == pytest.approx(results.get_metric("both.realistic.inverse_harmonic_mean_rank"))  # fmt: skip


def test_a_model_whose_scores_are_no_numbers_ranks_last():
    split = split_triples(planted_graph(), config().split)
    model = model_of(split, "transr")
    with torch.no_grad():
        model.entity_representations[0]._embeddings.weight.fill_(torch.nan)
    for rank, candidates in filtered_ranks(model, split.test, split.known, 512).values():
        assert (rank >= candidates).all()
