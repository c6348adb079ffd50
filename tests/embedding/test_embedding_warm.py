import json
from dataclasses import replace

import numpy as np
import pytest
from embedding_cases import config, planted_graph

from kgplan.embedding import Embedding
from kgplan.embedding.cold import cold_vectors
from kgplan.embedding.drift import drift
from kgplan.embedding.result import PARTS
from kgplan.errors import AxisMismatch, InputError

pytest.importorskip("pykeen")

from kgplan.embedding.train import train
from kgplan.embedding.warm import carried_split, changed_share, retrain

SHORT = {"training__epochs": 6, "training__evaluate_every": 2, "refit__epochs": 3}
WITH_REFIT = config(refit__start="best", **SHORT)


class Stop(Exception):
    """The power goes off."""


def same_bits(a, b):
    arrays, others = a.to_arrays(), b.to_arrays()
    assert arrays.keys() == others.keys()
    for name, value in arrays.items():
        np.testing.assert_array_equal(value, others[name], err_msg=name)
    assert a.metrics == b.metrics
    assert a.history == b.history


def facts_of(embedding, part=None):
    """The facts that an embedding was measured on, as ids."""
    m = embedding.measured
    chosen = m.facts if part is None else m.facts[m.part == PARTS.index(part)]
    relations = [r for r in embedding.relation_ids.tolist() if not r.endswith("_inverse")]
    entities = embedding.entity_ids.tolist()
    return {(entities[h], relations[r], entities[t]) for h, r, t in chosen.tolist()}


@pytest.fixture(scope="module")
def trained():
    return train(planted_graph(), WITH_REFIT)


@pytest.fixture(scope="module")
def well_trained():
    """Long enough that the groups are found, as in test_embedding_train."""
    return train(planted_graph(), config(training__epochs=120))


@pytest.mark.parametrize("start", ["best", "anew"])
def test_a_run_stopped_after_any_epoch_and_resumed_ends_in_the_same_bits(start):
    chosen = config(refit__start=start, **SHORT)
    whole = train(planted_graph(), chosen)
    epochs = whole.metrics["epochs"] + whole.metrics["refit"]["epochs"]
    kept = [None]
    for _ in range(epochs):  # each process lives for one epoch

        def stop(_):
            raise Stop

        with pytest.raises(Stop):
            train(planted_graph(), chosen, stop, resume=kept[-1], keep=kept.append)
    assert len(kept) == epochs + 1
    same_bits(train(planted_graph(), chosen, resume=kept[-1]), whole)


def test_the_last_fit_learns_the_held_out_facts_and_leaves_the_figures_alone(trained):
    unfitted = train(planted_graph(), config(**SHORT))
    assert trained.metrics["test"] == unfitted.metrics["test"]
    np.testing.assert_array_equal(trained.measured.vectors, unfitted.vectors)
    assert not np.array_equal(trained.vectors, unfitted.vectors)
    assert facts_of(trained) == {tuple(fact) for fact in planted_graph().tolist()}

    fitted = train(planted_graph(), config(refit__start="best", refit__epochs=40, **{
        name: value for name, value in SHORT.items() if name != "refit__epochs"
    }))  # fmt: skip
    held_out = facts_of(fitted, "validation") | facts_of(fitted, "test")

    def distance(embedding, fact):  # |M_r e_h + w_r - M_r e_t|, both cut to norm 1 [lin2015]
        h, t = (embedding.vectors[embedding.entity_ids.tolist().index(fact[k])] for k in (0, 2))
        r = embedding.relation_ids.tolist().index(fact[1])
        h, t = (x / max(1, np.linalg.norm(x)) for x in (
            h @ embedding.projections[r], t @ embedding.projections[r]))  # fmt: skip
        return np.linalg.norm(h + embedding.relation_vectors[r] - t)

    before, after = (np.mean([distance(e, fact) for fact in held_out]) for e in (unfitted, fitted))
    assert after < before


def test_a_refit_anew_walks_as_long_as_the_best_epoch():
    embedding = train(planted_graph(), config(refit__start="anew", **SHORT))
    assert embedding.metrics["refit"]["epochs"] == embedding.metrics["best_epoch"]


def test_the_same_triples_and_configuration_give_the_same_bits_with_a_refit(trained):
    same_bits(train(planted_graph()[::-1], WITH_REFIT), trained)


def test_arrays_and_figures_bring_an_embedding_back(trained):
    metrics = json.loads(json.dumps(trained.metrics))
    again = Embedding.from_arrays(trained.to_arrays(), metrics, trained.history)
    same_bits(again, trained)


def changed_graph():
    """Some facts gone, some new, one concept new, one gone."""
    facts = [tuple(fact) for fact in planted_graph().tolist()]
    left = [fact for fact in facts if "k00" not in fact][3:]
    new = [("f1", "groups", "k1new"), ("c10", "teaches", "k1new"), ("k10", "precedes", "k1new")]
    return np.array(left + new + [("f2", "groups", "c20")])


def test_facts_held_out_before_stay_held_out_and_trained_ones_stay_trained(trained):
    split = carried_split(changed_graph(), trained, WITH_REFIT)
    entities = sorted(split.training.entity_to_id)
    relations = sorted(split.training.relation_to_id)
    parts = {
        name: {
            (entities[h], relations[r], entities[t])
            for h, r, t in part.mapped_triples.tolist()
        }
        for name, part in zip(PARTS, split.known, strict=True)
    }  # fmt: skip
    now = {tuple(fact) for fact in changed_graph().tolist()}
    assert set.union(*parts.values()) == now
    assert sum(map(len, parts.values())) == len(now)
    assert facts_of(trained, "training") & now <= parts["training"]
    for name in ("validation", "test"):
        # unless one is needed for its entity to be trained at all
        needed = {fact for fact in facts_of(trained, name) & now if fact in parts["training"]}
        others = parts["training"] - needed
        known = {end for h, _, t in others for end in (h, t)}
        assert all(not {h, t} <= known for h, _, t in needed)
        assert facts_of(trained, name) & now - needed <= parts[name]
    assert {end for h, _, t in parts["training"] for end in (h, t)} == set(entities)


def test_a_warm_start_stays_near_and_a_cold_one_does_not(well_trained):
    warm = retrain(changed_graph(), well_trained, config(warm__epochs=2))
    other = train(changed_graph(), config(training__epochs=120, model__projection_start="xavier"))
    shares = [
        drift(well_trained.entity_ids, well_trained.vectors, e.entity_ids, e.vectors).share
        for e in (warm, other)
    ]
    assert shares[0] < 0.5 < shares[1]
    assert warm.metrics["epochs"] <= 2
    assert "k1new" in warm.entity_ids
    assert "k00" not in warm.entity_ids


def test_a_warm_start_stops_at_the_first_epoch_with_the_validation_mrr_of_before(well_trained):
    def reached(target):
        metrics = {**well_trained.metrics, "validation": {"both": {"mrr": target}}}
        before = replace(well_trained, metrics=metrics)
        warm = retrain(changed_graph(), before, config(warm__epochs=8))
        return [epoch.validation_mrr for epoch in warm.history]

    walked = reached(2.0)  # no MRR is that good
    assert len(walked) == 8
    target = max(walked[1:4])
    assert reached(target) == walked[: 1 + next(i for i, m in enumerate(walked) if m >= target)]


def test_a_warm_start_on_the_same_graph_moves_nothing_before_the_last_fit(well_trained):
    warm = retrain(planted_graph(), well_trained, config())
    for name in ("vectors", "relation_vectors", "projections"):
        np.testing.assert_array_equal(
            getattr(warm.measured, name), getattr(well_trained.measured, name)
        )
    assert warm.metrics["test"] == well_trained.metrics["test"]
    assert warm.metrics["epochs"] == 1


def test_the_changed_share_is_that_of_the_facts_that_only_one_graph_has(trained):
    before, now = facts_of(trained), {tuple(fact) for fact in changed_graph().tolist()}
    split = carried_split(changed_graph(), trained, WITH_REFIT)
    assert changed_share(split, trained) == pytest.approx(len(before ^ now) / len(before | now))
    same = carried_split(planted_graph(), trained, WITH_REFIT)
    assert changed_share(same, trained) == 0


@pytest.mark.parametrize("start", ["best", "anew", "none"])
def test_a_last_fit_goes_on_from_an_earlier_one_of_the_same_walk(start):
    """With steps too short to see, a warm start on the same graph serves what was served."""
    before = train(planted_graph(), config(refit__start=start, **SHORT))
    still = {"refit__learning_rate": 1e-9, "refit__final_learning_rate": 1e-9}
    warm = retrain(planted_graph(), before, config(refit__start="best", **still))
    expected = before.measured if start == "anew" else before  # "anew" is another walk's space
    for name in ("vectors", "relation_vectors", "projections"):
        np.testing.assert_allclose(getattr(warm, name), getattr(expected, name), atol=1e-6)


def test_a_warm_run_stopped_and_resumed_ends_in_the_same_bits(trained):
    kept = []
    whole = retrain(changed_graph(), trained, WITH_REFIT, keep=kept.append)
    for state in kept:
        same_bits(retrain(changed_graph(), trained, WITH_REFIT, resume=state), whole)


def test_a_warm_start_needs_the_same_dimensions_and_what_was_measured(trained):
    with pytest.raises(InputError, match="dimensions 8 and 8, the configuration asks for 9 and 8"):
        retrain(planted_graph(), trained, config(model__dimension=9))
    with pytest.raises(InputError, match="train once without a warm start"):
        retrain(planted_graph(), replace(trained, measured=None), WITH_REFIT)
    with pytest.raises(InputError, match="0 different triples are too few"):
        retrain(np.empty((0, 3), dtype=str), trained, WITH_REFIT)


def exact_world(seed=0):
    """Entities and relations that fulfil M_r e_h + w_r = M_r e_t exactly for t = h + v_r."""
    rng = np.random.default_rng(seed)
    steps = rng.normal(size=(2, 3))  # of r0 and r1, in entity space
    start = rng.normal(size=(5, 3))
    names = [f"e{i}" for i in range(5)]
    projections = rng.normal(size=(2, 3, 4))
    return Embedding(
        np.array(names), start, np.array(["r0", "r1"]),
        np.einsum("rd,rdk->rk", steps, projections), projections, {}, (),
    ), start, steps  # fmt: skip


def test_a_cold_vector_is_where_exact_facts_put_it():
    embedding, start, steps = exact_world()
    # thousands of facts outweigh the mean of all entities
    copies = 3000
    ids = np.array([f"e0copy{i:04}" for i in range(copies)] + embedding.entity_ids.tolist())
    order = np.argsort(ids)
    vectors = np.concatenate([np.repeat(start[:1], copies, axis=0), start])[order]
    many = replace(embedding, entity_ids=ids[order], vectors=vectors)
    tail = [(f"e0copy{i:04}", "r0", "new") for i in range(copies)]
    found = cold_vectors(many, np.array(["new"]), np.array(tail))
    np.testing.assert_allclose(found.vectors[0], start[0] + steps[0], atol=0.01)
    assert found.facts.tolist() == [copies]
    head = [("new", "r1", f"e0copy{i:04}") for i in range(copies)]
    found = cold_vectors(many, np.array(["new"]), np.array(head))
    np.testing.assert_allclose(found.vectors[0], start[0] - steps[1], atol=0.01)


def test_a_cold_vector_minimises_the_weighted_squares_of_its_facts():
    """Against a general least-squares solver on the equations written out one by one."""
    embedding, start, _ = exact_world()
    facts = [("e0", "r0", "new"), ("new", "r1", "e1"), ("e0", "r0", "e3"), ("e4", "r1", "e1")]
    found = cold_vectors(embedding, np.array(["new"]), np.array(facts))
    rows, wanted = [np.eye(3)], [start.mean(axis=0)]
    for r, y, sign in ((0, 0, 1), (1, 1, -1)):
        weight = np.sqrt(2**-0.5)  # two facts share e0 by r0, and two share e1 by r1
        rows.append(weight * embedding.projections[r].T)
        shift = sign * embedding.relation_vectors[r]
        wanted.append(weight * (start[y] @ embedding.projections[r] + shift))
    expected = np.linalg.lstsq(np.concatenate(rows), np.concatenate(wanted), rcond=None)[0]
    np.testing.assert_allclose(found.vectors[0], expected, rtol=1e-5)


def test_new_entities_reached_only_by_new_ones_are_estimated_in_turn():
    embedding, _, _ = exact_world()
    chain = np.array([("b", "r0", "c"), ("a", "r0", "b"), ("e0", "r0", "a"), ("x", "r0", "y")])
    found = cold_vectors(embedding, np.array(["c", "x", "b", "a"]), chain)
    assert found.facts.tolist() == [1, 0, 1, 1]
    assert (found.vectors[1] == 0).all()
    # b from a alone, held to the mean of the trained ones
    m, w = embedding.projections[0], embedding.relation_vectors[0]
    rows = np.concatenate([np.eye(3), m.T])
    wanted = np.concatenate([embedding.vectors.mean(axis=0), found.vectors[3] @ m + w])
    expected = np.linalg.lstsq(rows, wanted, rcond=None)[0]
    np.testing.assert_allclose(found.vectors[2], expected, rtol=1e-4)


def test_an_untrained_relation_and_no_new_entity_are_no_trouble():
    embedding, _, _ = exact_world()
    facts = np.array([("e0", "unheard", "new"), ("new", "r0", "new")])
    assert cold_vectors(embedding, np.array(["new"]), facts).facts.tolist() == [0]
    assert cold_vectors(embedding, np.empty(0, dtype=str), facts).vectors.shape == (0, 3)


def test_cold_vectors_of_left_out_concepts_lie_in_their_own_group(well_trained):
    left_out = [f"k{g}7" for g in range(4)]
    facts = planted_graph()
    without = ~np.isin(facts[:, [0, 2]], left_out).any(axis=1)
    embedding = train(facts[without], config(training__epochs=120))
    found = cold_vectors(embedding, np.array(left_out), facts)
    concepts = np.flatnonzero(np.char.startswith(embedding.entity_ids, "k"))
    for label, vector in zip(left_out, found.vectors, strict=True):
        distance = np.linalg.norm(embedding.vectors[concepts] - vector, axis=1)
        nearest = embedding.entity_ids[concepts[np.argsort(distance)[:5]]]
        # by chance 1 in 4
        assert sum(other[1] == label[1] for other in nearest.tolist()) >= 4, (label, nearest)


def test_drift_counts_by_id_and_measures_by_loops():
    rng = np.random.default_rng(0)
    before, after = rng.normal(size=(4, 2)), rng.normal(size=(4, 2))
    found = drift(np.array(["a", "b", "c", "e"]), before, np.array(["b", "c", "d", "e"]), after)
    moves = [np.hypot(*(after[j] - before[i])) for i, j in ((1, 0), (2, 1), (3, 3))]
    assert (found.kept, found.new, found.gone) == (3, 1, 1)
    assert found.mean == pytest.approx(np.mean(moves))
    apart = [np.hypot(*(before[i] - before[j])) for i in range(4) for j in range(i)]
    assert found.share == pytest.approx(np.mean(moves) / np.mean(apart), rel=0.02)
    with pytest.raises(AxisMismatch):
        drift(np.array(["a"]), np.zeros((1, 2)), np.array(["a"]), np.zeros((1, 3)))
