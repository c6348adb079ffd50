import random
from collections import Counter
from statistics import fmean

import numpy as np
import pytest
from embedding_cases import config, planted_graph
from oracles.plain_transr import plain_transr

from kgplan.embedding.neighbours import distance_auc
from kgplan.errors import InputError

pytest.importorskip("pykeen")
import torch
from pykeen.models import TransR
from pykeen.triples import TriplesFactory
from scipy.sparse import csr_matrix

from kgplan.embedding.optimiser import Adam
from kgplan.embedding.softmax import softmax_loss
from kgplan.embedding.train import split_triples, train
from kgplan.embedding.transr import RelationwiseTransR


@pytest.fixture(scope="module")
def trained():
    return train(planted_graph(), config())


def labelled(factory):
    entities = {number: label for label, number in factory.entity_to_id.items()}
    relations = {number: label for label, number in factory.relation_to_id.items()}
    return [(entities[h], relations[r], entities[t]) for h, r, t in factory.mapped_triples.tolist()]


def ranks_by_loops(score, part, known, entities):
    """(side, relation, rank, number of candidates) of each fact; a tie takes the middle place."""
    found = []
    for h, r, t in part:
        tails = [e for e in entities if e == t or (h, r, e) not in known]
        heads = [e for e in entities if e == h or (e, r, t) not in known]
        for side, true, candidates in (("tail", t, tails), ("head", h, heads)):
            scores = {
                e: score(side, (h, r, e) if side == "tail" else (e, r, t)) for e in candidates
            }
            better = sum(s > scores[true] for s in scores.values())
            equal = sum(s == scores[true] for s in scores.values())
            found.append((side, r, better + (equal + 1) / 2, len(candidates)))
    return found


def figures(ranks):
    places = [rank for _, _, rank, _ in ranks]
    return {
        "mrr": fmean(1 / place for place in places),
        "hits@1": fmean(place <= 1 for place in places),
        "hits@3": fmean(place <= 3 for place in places),
        "hits@10": fmean(place <= 10 for place in places),
        "mean_rank": fmean(places),
        "ranked": len(places),
        "candidates": fmean(n for _, _, _, n in ranks),
    }


def assert_figures_of(metrics, ranks):
    for side in ("head", "tail", "both"):
        of_side = [rank for rank in ranks if side in ("both", rank[0])]
        assert metrics[side] == pytest.approx(figures(of_side))
        for relation, of_relation in metrics["relations"].items():
            chosen = [rank for rank in of_side if rank[1] == relation]
            assert of_relation[side] == pytest.approx(figures(chosen))


def plain_score(embedding):
    """Score a fact by PyKEEN's own TransR and `score_hrt`; a head by the inverse relation."""
    model = plain_transr(embedding, config())
    assert type(model) is TransR
    entity = {label: i for i, label in enumerate(embedding.entity_ids.tolist())}
    relation = {label: i for i, label in enumerate(embedding.relation_ids.tolist())}

    def score(side, fact):
        h, r, t = fact
        if side == "head":
            h, r, t = t, r + "_inverse", h
        with torch.no_grad():
            return model.score_hrt(torch.tensor([[entity[h], relation[r], entity[t]]])).item()

    return score


@pytest.mark.parametrize("name", ["validation", "test"])
def test_figures_equal_a_filtered_ranking_written_as_loops(trained, name):
    split = split_triples(planted_graph(), config().split)
    known = {tuple(fact) for fact in planted_graph().tolist()}
    ranks = ranks_by_loops(
        plain_score(trained), labelled(getattr(split, name)), known, trained.entity_ids.tolist()
    )
    assert_figures_of(trained.metrics[name], ranks)


def test_popularity_ranks_by_counts_in_training(trained):
    split = split_triples(planted_graph(), config().split)
    known = {tuple(fact) for fact in planted_graph().tolist()}
    tails = Counter((r, t) for _, r, t in labelled(split.training))
    heads = Counter((r, h) for h, r, _ in labelled(split.training))

    def score(side, fact):
        h, r, t = fact
        return tails[r, t] if side == "tail" else heads[r, h]

    ranks = ranks_by_loops(score, labelled(split.test), known, trained.entity_ids.tolist())
    assert_figures_of(trained.metrics["test"]["popularity"], ranks)


def test_training_finds_the_planted_groups():
    unmoved = {"training__learning_rate": 1e-9, "training__final_learning_rate": 1e-9}
    start = train(planted_graph(), config(training__epochs=1, **unmoved))
    end = train(planted_graph(), config(training__epochs=150, training__evaluate_every=10))
    concepts = np.flatnonzero(np.char.startswith(end.entity_ids, "k"))
    pairs = np.array([(i, j) for i in concepts for j in concepts if i < j])
    group = np.array([label[1] for label in end.entity_ids])
    same = group[pairs[:, 0]] == group[pairs[:, 1]]
    assert distance_auc(start.vectors, pairs[same], pairs[~same]) < 0.6
    assert distance_auc(end.vectors, pairs[same], pairs[~same]) > 0.9
    # who knows the groups alone puts the truth among the first 8 of 52, in the mean before
    # the 5th; popularity cannot see groups
    assert end.metrics["test"]["both"]["mean_rank"] < 5
    assert end.metrics["test"]["popularity"]["both"]["mean_rank"] > 10


def test_two_runs_give_the_same_bits(trained):
    again = train(planted_graph(), config())
    assert_same_bits(trained, again)


def test_order_and_repeats_of_the_triples_do_not_matter(trained):
    facts = planted_graph()
    shuffled = np.random.default_rng(1).permutation(np.concatenate([facts, facts[:50]]))
    assert_same_bits(trained, train(shuffled, config()))


def assert_same_bits(a, b):
    for name in ("entity_ids", "vectors", "relation_ids", "relation_vectors", "projections"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
    assert a.metrics == b.metrics
    assert a.history == b.history


@pytest.mark.parametrize("key", ["split__seed", "model__seed", "training__seed"])
def test_each_seed_reaches_the_vectors(trained, key):
    one = train(planted_graph(), config(training__epochs=2))
    other = train(planted_graph(), config(training__epochs=2, **{key: 77}))
    assert not np.array_equal(one.vectors, other.vectors)


def test_training_leaves_the_generators_of_the_process_alone():
    torch.manual_seed(3), np.random.seed(3), random.seed(3)  # noqa: NPY002
    before = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()  # noqa: NPY002
    train(planted_graph(), config(training__epochs=1))
    assert torch.equal(torch.get_rng_state(), before[0])
    np.testing.assert_array_equal(np.random.get_state()[1], before[1])  # noqa: NPY002
    assert random.getstate() == before[2]


def test_training_uses_the_configured_threads_and_gives_them_back():
    before = torch.get_num_threads()
    seen = []
    changes = {"training__epochs": 1, "training__threads": before + 1}
    train(planted_graph(), config(**changes), lambda _: seen.append(torch.get_num_threads()))
    assert seen == [before + 1]
    assert torch.get_num_threads() == before


def test_the_split_is_a_partition_whose_training_part_holds_every_entity_and_relation():
    facts = planted_graph()
    split = split_triples(facts, config().split)
    parts = [labelled(part) for part in split.known]
    assert sorted(parts[0] + parts[1] + parts[2]) == sorted(map(tuple, facts.tolist()))
    assert {e for h, _, t in parts[0] for e in (h, t)} == {*facts[:, 0], *facts[:, 2]}
    assert {r for _, r, _ in parts[0]} == set(facts[:, 1])


def test_the_vectors_are_those_of_the_best_validation_and_training_stops_after_it():
    seen = []
    changes = {"training__evaluate_every": 1, "training__patience": 2, "training__epochs": 60}
    embedding = train(planted_graph(), config(**changes), seen.append)
    mrr = [progress.validation_mrr for progress in seen]
    best = int(np.argmax(mrr))
    assert tuple(seen) == embedding.history
    assert len(seen) == best + 1 + 2 < 60
    assert embedding.metrics["best_epoch"] == best + 1 == seen[best].epoch
    assert embedding.metrics["epochs"] == len(seen)
    assert embedding.metrics["validation"]["both"]["mrr"] == pytest.approx(mrr[best])


def test_entities_and_relations_stay_within_norm_one(trained):
    for vectors in (trained.vectors, trained.relation_vectors):
        assert np.linalg.norm(vectors, axis=1).max() <= 1 + 1e-6


def test_adams_first_step_is_each_parameters_pace_times_the_rate():
    """From empty moments it is rate * gradient / |gradient|, whatever the size [kingma2015]."""
    moved = [torch.zeros(3), torch.zeros(3), torch.zeros(3)]
    gradient = torch.tensor([2.0, -0.5, 40.0])
    Adam(moved, [1.0, 0.25, 0.0], 0.9, 0.999).step([gradient] * 3, rate=0.1)
    for value, pace in zip(moved, (1.0, 0.25, 0.0), strict=True):
        torch.testing.assert_close(value, -0.1 * pace * gradient.sign())


@pytest.mark.parametrize("regime", ["softmax", "negative"])
def test_held_projections_stay_and_leave_transe(regime):
    changes = {"training__regime": regime, "training__epochs": 2}
    held = train(planted_graph(), config(**changes, training__projection_rate=0.0))
    for projection in held.projections:
        np.testing.assert_array_equal(projection, np.eye(8, dtype=np.float32))
    moving = train(planted_graph(), config(**changes, training__projection_rate=0.1))
    assert all(not np.array_equal(m, np.eye(8)) for m in moving.projections)


def test_relation_ids_pair_each_relation_with_its_inverse(trained):
    assert trained.relation_ids.tolist() == [
        "groups", "groups_inverse",
        "precedes", "precedes_inverse",
        "teaches", "teaches_inverse",
    ]  # fmt: skip


@pytest.mark.parametrize("norm", [1, 2])
@pytest.mark.parametrize("squared", [False, True])
def test_scores_of_a_relation_at_a_time_equal_pykeens(norm, squared):
    facts = TriplesFactory.from_labeled_triples(planted_graph(), create_inverse_triples=True)
    arguments = {
        "triples_factory": facts,
        "embedding_dim": 8,
        "relation_dim": 6,
        "scoring_fct_norm": norm,
        "power_norm": squared,
        "random_seed": 0,
    }
    plain, fast = TransR(**arguments), RelationwiseTransR(**arguments)
    with torch.no_grad():  # long enough that projections are shortened to norm 1
        for parameter in plain.parameters():
            parameter.mul_(3)
    fast.load_state_dict(plain.state_dict())
    pairs = torch.cartesian_prod(torch.arange(facts.num_entities), torch.arange(6))
    every = torch.cartesian_prod(
        torch.arange(facts.num_entities), torch.arange(6), torch.arange(facts.num_entities)
    )
    with torch.no_grad():
        expected = plain.score_hrt(every).view(len(pairs), -1)
        np.testing.assert_allclose(fast.score_t(pairs), expected, atol=2e-5)
        few = torch.tensor([3, 1])
        np.testing.assert_allclose(fast.score_t(pairs, tails=few), expected[:, few], atol=2e-5)
        np.testing.assert_allclose(fast.score_t(pairs, slice_size=7), expected, atol=2e-5)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_with_power_one_the_loss_is_the_cross_entropy_of_facts_taken_singly(smoothing):
    generator = torch.Generator().manual_seed(0)
    scores = torch.randn(5, 9, generator=generator)
    answers = torch.rand(5, 9, generator=generator) < 0.4
    answers[:, 0] = True
    rows, tails = answers.nonzero(as_tuple=True)
    expected = torch.nn.functional.cross_entropy(
        scores[rows], tails, reduction="sum", label_smoothing=smoothing
    )
    loss = softmax_loss(scores, csr_matrix(answers.numpy()), 1.0, smoothing)
    assert loss.item() == pytest.approx(expected.item())


def test_with_power_zero_the_loss_is_the_cross_entropy_to_the_spread_of_true_tails():
    generator = torch.Generator().manual_seed(0)
    scores = torch.randn(5, 9, generator=generator)
    answers = torch.rand(5, 9, generator=generator) < 0.4
    answers[:, 0] = True
    spread = answers / answers.sum(dim=1, keepdim=True)
    expected = torch.nn.functional.cross_entropy(scores, spread, reduction="sum")
    loss = softmax_loss(scores, csr_matrix(answers.numpy()), 0.0, 0.0)
    assert loss.item() == pytest.approx(expected.item())


@pytest.mark.parametrize(
    ("triples", "message"),
    [
        (np.empty((0, 3), dtype=str), "0 different triples are too few"),
        (np.array([["a", "r", "b"]] * 40), "1 different triples are too few"),
        (np.array([["a", "r"]]), r"shape \(1, 2\)"),
        (np.array(["a", "r", "b"]), r"shape \(3,\)"),
    ],
)
def test_triples_that_cannot_be_split_are_refused(triples, message):
    with pytest.raises(InputError, match=message):
        train(triples, config())
