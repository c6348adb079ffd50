import numpy as np
import pytest
from embedding_cases import changed_defaults
from oracles.plain_transr import plain_transr

from kgplan.embedding.sampling import NegativeSampler, head_probability
from kgplan.errors import ConfigError, InputError

pytest.importorskip("pykeen")
import torch
from pykeen.evaluation import RankBasedEvaluator
from pykeen.losses import InfoNCELoss, MarginRankingLoss, NSSALoss, SoftMarginRankingLoss
from pykeen.models import TransR
from pykeen.sampling import BernoulliNegativeSampler
from pykeen.triples import CoreTriplesFactory, TriplesFactory
from torch.optim._functional import sparse_adam
from torch.optim.adagrad import adagrad

from kgplan.embedding.evaluate import relation_types
from kgplan.embedding.grouped import Grouping, grouped_scores
from kgplan.embedding.negative import NegativeObjective, tables
from kgplan.embedding.optimiser import RowAdam
from kgplan.embedding.train import train
from kgplan.embedding.transr import RelationwiseTransR

E, R, N = 40, 3, 150
CPU = torch.device("cpu")


def random_facts(seed=0):
    rng = np.random.default_rng(seed)
    drawn = np.stack([rng.integers(E, size=N), rng.integers(R, size=N), rng.integers(E, size=N)], 1)
    return np.unique(drawn, axis=0)


def factory(facts):
    return CoreTriplesFactory(torch.from_numpy(facts), num_entities=E, num_relations=R)


def long_vectors(norm=2, squared=False, cls=TransR):
    """A model some of whose projected entities are shortened and some not."""
    model = cls(
        triples_factory=factory(random_facts()),
        embedding_dim=7,
        relation_dim=5,
        scoring_fct_norm=norm,
        power_norm=squared,
        random_seed=0,
    )
    with torch.no_grad():
        for table in tables(model):
            table.mul_(1.3)
    return model


def corrupted(n_negatives=4, name="bernoulli", filtered=False, seed=0):
    facts = random_facts()
    sampler = NegativeSampler(facts, E, R, name, filtered)
    heads, tails = sampler.corrupt(facts, n_negatives, np.random.default_rng(seed))
    return heads, facts[:, 1], tails


def plain_scores(model, heads, relations, tails):
    spread = np.broadcast_to(relations[:, None], heads.shape)
    triples = torch.from_numpy(np.stack([heads, spread, tails], axis=-1))
    return model.score_hrt(triples.view(-1, 3)).view(heads.shape)


def settings(**changes):
    """The default configuration, small, in regime negative."""
    small = {
        "model__dimension": 8,
        "model__relation_dimension": 6,
        "training__regime": "negative",
        "training__epochs": 3,
        "training__batch_size": 32,
        "training__dropout": 0.1,
        "negative__negatives": 4,
    }
    return changed_defaults({**small, **changes})


LOSSES = [MarginRankingLoss(0.3), SoftMarginRankingLoss(0.3), NSSALoss(0.5), InfoNCELoss(0.1)]


@pytest.mark.parametrize("norm", [1, 2])
@pytest.mark.parametrize("squared", [False, True])
def test_grouped_scores_equal_pykeens(norm, squared):
    model = long_vectors(norm, squared)
    lengths = (tables(model)[0] @ tables(model)[2][0]).norm(p=norm, dim=1)
    assert (lengths > 1).any()
    assert (lengths < 1).any() or norm == 1
    batch = corrupted()
    scores = grouped_scores(*tables_of(model, batch), norm, squared)
    with torch.no_grad():
        np.testing.assert_allclose(scores, plain_scores(model, *batch), atol=1e-5)


def tables_of(model, batch):
    grouping = Grouping.of(*batch, E, CPU)
    entities, vectors, projections = tables(model)
    return entities[grouping.entities], vectors, projections, grouping


@pytest.mark.parametrize("norm", [1, 2])
@pytest.mark.parametrize("squared", [False, True])
@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: type(loss).__name__)
def test_the_gradient_of_a_grouped_batch_equals_pykeens(norm, squared, loss):
    model = long_vectors(norm, squared)
    batch = corrupted()
    plain = plain_scores(model, *batch)
    arguments = {"num_entities": E}
    loss.process_slcwa_scores(plain[:, :1], plain[:, 1:], **arguments).backward()
    expected = [parameter.grad for parameter in model.parameters()]

    *leaves, grouping = tables_of(model, batch)
    leaves = [leaf.detach().requires_grad_() for leaf in leaves]
    scores = grouped_scores(*leaves, grouping, norm, squared)
    loss.process_slcwa_scores(scores[:, :1], scores[:, 1:], **arguments).backward()
    of_entities = torch.zeros(E, 7)
    of_entities[grouping.entities] = leaves[0].grad
    np.testing.assert_allclose(of_entities, expected[0], atol=1e-5)
    np.testing.assert_allclose(leaves[1].grad, expected[1], atol=1e-5)
    np.testing.assert_allclose(leaves[2].grad.flatten(1), expected[2], atol=1e-5)


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("norm", [1, 2])
@pytest.mark.parametrize("squared", [False, True])
def test_steps_by_adagrad_equal_torchs_on_pykeens_loss(compiled, norm, squared):
    """Adagrad does not move rows without a gradient: a step on touched rows is the whole step."""
    model, twin = long_vectors(norm, squared), long_vectors(norm, squared)
    config = settings(
        training__optimiser="adagrad",
        training__projection_rate=1.0,
        training__dropout=0.0,
        training__score_scale=1.0,
    )
    loss = NSSALoss(0.5)
    objective = NegativeObjective(
        model, factory(random_facts()), config.training, config.negative, loss, compiled
    )
    twin.post_parameter_update()
    sums = [torch.zeros_like(parameter) for parameter in twin.parameters()]
    steps = [torch.tensor(0.0) for _ in sums]
    heads, relations, tails = corrupted()
    for part in (slice(0, 20), slice(20, 50), slice(50, 90)):
        objective.step(heads[part], relations[part], tails[part], 0.05)
        plain = plain_scores(twin, heads[part], relations[part], tails[part])
        value = loss.process_slcwa_scores(plain[:, :1], plain[:, 1:])
        weights = list(twin.parameters())
        gradients = torch.autograd.grad(value, weights)
        with torch.no_grad():
            adagrad(
                weights, list(gradients), sums, steps, lr=0.05, lr_decay=0.0, eps=1e-10,
                weight_decay=0.0, maximize=False,
            )  # fmt: skip
        twin.post_parameter_update()
    for mine, theirs in zip(model.parameters(), twin.parameters(), strict=True):
        np.testing.assert_allclose(mine.detach(), theirs.detach(), atol=2e-5)


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: type(loss).__name__)
def test_compiled_steps_equal_those_by_torch_with_dropout(loss):
    models = [long_vectors(), long_vectors()]
    config = settings(training__dropout=0.3)
    one, other = (
        NegativeObjective(
            model, factory(random_facts()), config.training, config.negative, loss, compiled
        )
        for model, compiled in zip(models, (True, False), strict=True)
    )
    one._kept = other._kept = lambda n_pairs, width: np.ones((n_pairs, width), np.float32) * 1.25
    heads, relations, tails = corrupted()
    losses = [each.step(heads, relations, tails, 0.01) for each in (one, other)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    for mine, theirs in zip(*(model.parameters() for model in models), strict=True):
        np.testing.assert_allclose(mine.detach(), theirs.detach(), atol=1e-5)


@pytest.mark.parametrize("compiled", [False, True])
def test_updated_rows_are_those_of_torchs_sparse_adam(compiled):
    start = torch.randn(9, 4, generator=torch.Generator().manual_seed(0))
    mine, theirs = start.clone(), start.clone()
    rowwise = RowAdam([mine], 0.9, 0.999, compiled)
    mean, square = torch.zeros(9, 4), torch.zeros(9, 4)
    generator = np.random.default_rng(0)
    for n_steps in range(1, 6):
        rows = torch.from_numpy(generator.choice(9, size=4, replace=False))
        gradient = torch.from_numpy(generator.normal(size=(4, 4)).astype(np.float32))
        given = mine, rows, gradient
        if compiled:
            given = (each.numpy() for each in given)
        rowwise.update(0, *given, 0.1, norm=0)
        sparse = torch.sparse_coo_tensor(rows[None], gradient, (9, 4), check_invariants=True)
        sparse_adam(
            [theirs], [sparse], [mean], [square], [n_steps],
            eps=1e-8, beta1=0.9, beta2=0.999, lr=0.1, maximize=False,
        )  # fmt: skip
    np.testing.assert_allclose(mine, theirs, atol=1e-6)


def test_rows_that_a_batch_does_not_touch_stay():
    model = long_vectors()
    config = settings()
    objective = NegativeObjective(model, factory(random_facts()), config.training, config.negative)
    before = tables(model)[0].clone()
    heads, relations, tails = np.array([[1, 1]]), np.array([0]), np.array([[2, 3]])
    objective.step(heads, relations, tails, 0.1)
    moved = (tables(model)[0] != before).any(dim=1).nonzero().flatten().tolist()
    assert moved == [1, 2, 3]


def test_the_heads_chance_equals_pykeens_bernoulli_and_the_formula():
    facts = random_facts()
    mine = head_probability(facts, E, R)
    pykeens = BernoulliNegativeSampler(mapped_triples=torch.from_numpy(facts))
    np.testing.assert_allclose(mine, pykeens.corrupt_head_probability, atol=1e-6)
    for r in range(R):
        of_r = facts[facts[:, 1] == r]
        tph = np.mean([np.sum(of_r[:, 0] == h) for h in set(of_r[:, 0])])
        hpt = np.mean([np.sum(of_r[:, 2] == t) for t in set(of_r[:, 2])])
        assert mine[r] == pytest.approx(tph / (tph + hpt))


@pytest.mark.parametrize("name", ["uniform", "bernoulli"])
def test_sides_are_drawn_with_their_chances(name):
    chance = np.full(R, 0.5) if name == "uniform" else head_probability(random_facts(), E, R)
    heads, relations, _ = corrupted(400, name)
    for r in range(R):
        of_r = relations == r
        changed = heads[of_r, 1:] != heads[of_r, :1]
        spread = np.sqrt(chance[r] * (1 - chance[r]) / changed.size)
        assert abs(changed.mean() - chance[r]) < 5 * spread


@pytest.mark.parametrize("name", ["uniform", "bernoulli", "typed"])
@pytest.mark.parametrize("filtered", [False, True])
def test_a_negative_differs_from_its_fact_on_exactly_one_side(name, filtered):
    heads, _, tails = corrupted(20, name, filtered)
    facts = random_facts()
    np.testing.assert_array_equal(heads[:, 0], facts[:, 0])
    np.testing.assert_array_equal(tails[:, 0], facts[:, 2])
    changed = (heads[:, 1:] != heads[:, :1]).astype(int) + (tails[:, 1:] != tails[:, :1])
    assert (changed == 1).all()


@pytest.mark.parametrize("name", ["uniform", "typed"])
def test_a_filtered_sampler_never_draws_a_known_fact(name):
    known = set(map(tuple, random_facts().tolist()))

    def n_known(filtered):
        heads, relations, tails = corrupted(50, name, filtered)
        spread = np.repeat(relations, 50).tolist()
        drawn = zip(
            heads[:, 1:].ravel().tolist(), spread, tails[:, 1:].ravel().tolist(), strict=True
        )
        return sum(fact in known for fact in drawn)

    assert n_known(filtered=False) > 0
    assert n_known(filtered=True) == 0


def test_typed_negatives_are_entities_known_on_that_side_of_the_relation():
    # relation 0 leads from 0..4 to 10..14, relation 1 from 20..24 to 30..34
    facts = np.array([(20 * r + i, r, 20 * r + 10 + j) for r in (0, 1) for i in range(5)
                      for j in range(5) if i != j])  # fmt: skip
    sampler = NegativeSampler(facts, E, R, "typed", filtered=False)
    heads, tails = sampler.corrupt(facts, 60, np.random.default_rng(0))
    for r in (0, 1):
        of_r = facts[:, 1] == r
        assert set(heads[of_r].ravel()) == set(range(20 * r, 20 * r + 5))
        assert set(tails[of_r].ravel()) == set(range(20 * r + 10, 20 * r + 15))


def test_each_other_entity_is_drawn_equally_often():
    facts = np.array([[3, 0, 7]])
    sampler = NegativeSampler(facts, 9, 1, "uniform", filtered=False)
    heads, tails = sampler.corrupt(facts, 40_000, np.random.default_rng(0))
    for drawn, original in ((heads[0, 1:], 3), (tails[0, 1:], 7)):
        counts = np.bincount(drawn[drawn != original], minlength=9)
        others = np.delete(counts, original)
        assert counts[original] == 0
        expected = others.sum() / 8
        assert ((others - expected) ** 2 / expected).sum() < 24.3  # chi-square, 7 df, p = .001


def test_a_typed_side_without_another_entity_falls_back_to_all_entities():
    facts = np.array([[0, 0, 5], [1, 0, 5], [2, 0, 5]])  # one tail only
    sampler = NegativeSampler(facts, 8, 1, "typed", filtered=True)
    heads, tails = sampler.corrupt(facts, 100, np.random.default_rng(0))
    changed = tails[:, 1:][tails[:, 1:] != 5]
    assert set(changed) == {0, 1, 2, 3, 4, 6, 7}
    assert set(heads[:, 1:].ravel()) > {3, 4, 6, 7}  # each typed head is a fact


def test_a_fact_without_any_negative_is_refused():
    everything = np.array([(h, 0, t) for h in range(3) for t in range(3)])
    sampler = NegativeSampler(everything, 3, 1, "uniform", filtered=True)
    with pytest.raises(InputError, match=r"\(0, 0, 0\) has no negative.*filtered = false"):
        sampler.corrupt(everything, 1, np.random.default_rng(0))


def groups_of_entities():
    """Facts hold within eight groups of five entities only: r0 all pairs, r1 few."""
    rng = np.random.default_rng(0)
    return np.array(
        [
            (f"e{8 * i + g}", f"r{r}", f"e{8 * j + g}")
            for g in range(8)
            for r, share in ((0, 0.8), (1, 0.4))
            for i in range(5)
            for j in range(5)
            if i != j and rng.random() < share
        ]
    )


@pytest.fixture(scope="module")
def trained():
    return train(groups_of_entities(), settings(training__epochs=60, training__evaluate_every=20))


def test_training_by_negatives_ranks_far_above_popularity(trained):
    both = trained.metrics["test"]["both"]
    # who knows the groups puts the truth among 4 others of 40 entities
    assert both["mean_rank"] < 5
    assert trained.metrics["test"]["popularity"]["both"]["mean_rank"] > 10


def test_two_runs_by_negatives_give_the_same_bits(trained):
    again = train(groups_of_entities(), settings(training__epochs=60, training__evaluate_every=20))
    np.testing.assert_array_equal(trained.vectors, again.vectors)
    np.testing.assert_array_equal(trained.projections, again.projections)
    assert trained.metrics == again.metrics


def test_a_model_trained_by_negatives_loads_in_plain_pykeen(trained, tmp_path):
    assert trained.relation_ids.tolist() == ["r0", "r1"]
    model = plain_transr(trained, settings())
    assert type(model) is TransR
    torch.save(model, tmp_path / "model.pkl")
    loaded = torch.load(tmp_path / "model.pkl", weights_only=False)
    facts = TriplesFactory.from_labeled_triples(
        groups_of_entities(),
        entity_to_id={label: i for i, label in enumerate(trained.entity_ids.tolist())},
        relation_to_id={"r0": 0, "r1": 1},
    )
    results = RankBasedEvaluator(filtered=True).evaluate(
        loaded, facts.mapped_triples, batch_size=64, use_tqdm=False,
        additional_filter_triples=[facts.mapped_triples],
    )  # fmt: skip
    assert results.get_metric("both.realistic.arithmetic_mean_rank") < 4


@pytest.mark.parametrize("norm", [1, 2])
def test_heads_ranked_a_relation_at_a_time_score_as_pykeens(norm):
    plain, fast = long_vectors(norm), long_vectors(norm, cls=RelationwiseTransR)
    pairs = torch.cartesian_prod(torch.arange(R), torch.arange(E))
    with torch.no_grad():
        np.testing.assert_allclose(fast.score_h(pairs), plain.score_h(pairs), atol=2e-5)


@pytest.mark.parametrize("regime", ["softmax", "negative"])
def test_training_runs_on_the_device_it_is_given(regime, monkeypatch):
    seen = []
    moved = RelationwiseTransR.to
    monkeypatch.setattr(
        RelationwiseTransR, "to", lambda self, device: seen.append(device) or moved(self, device)
    )
    config = settings(training__regime=regime, training__epochs=1, refit__epochs=1)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    train(groups_of_entities(), config, device="cpu")
    assert seen[0] == "cpu"  # though torch says that there is a GPU
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    train(groups_of_entities(), config)
    assert seen[-1] in ("cpu", CPU)


def test_the_softmax_regime_refuses_an_optimiser_that_it_lacks():
    with pytest.raises(ConfigError, match="softmax is trained by adam, not by adagrad"):
        settings(training__regime="softmax", training__optimiser="adagrad")


def test_mrr_by_type_of_relation_weighs_each_fact_alike():
    one_to_many = np.array([[f"e{i % 8}", "r2", f"x{i}"] for i in range(32)])
    facts = TriplesFactory.from_labeled_triples(np.concatenate([groups_of_entities(), one_to_many]))
    figures = {
        "relations": {
            name: {
                side: {"mrr": value, "ranked": n if side != "both" else 2 * n}
                for side in ("head", "tail", "both")
            }
            for name, value, n in (("r0", 0.2, 10), ("r1", 0.5, 30), ("r2", 0.9, 5))
        }
    }
    types = relation_types(figures, facts)
    assert set(types) == {"N-N", "1-N"}  # r2: one head a tail, four tails a head
    assert types["1-N"] == pytest.approx({"head": 0.9, "tail": 0.9, "ranked": 10, "relations": 1})
    mean = (10 * 0.2 + 30 * 0.5) / 40
    assert types["N-N"] == pytest.approx({"head": mean, "tail": mean, "ranked": 80, "relations": 2})
