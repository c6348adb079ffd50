"""Graphs, configurations and plain PyKEEN runs that the embedding's benchmarks share."""

import time

import numpy as np
import torch
from embedding_cases import changed_defaults
from pykeen.datasets import get_dataset
from pykeen.losses import MarginRankingLoss
from pykeen.models import TransR
from pykeen.training import SLCWATrainingLoop

from kgplan.embedding import EmbeddingConfig
from kgplan.embedding.objective import objective_for
from kgplan.embedding.train import Split, starting_model

CONCEPTS, COURSES, TEACHERS, SCHOOLS, FIELDS = 10_000, 706, 1_800, 200, 217  # 12,923 entities
# the regime "negative" set as a plain PyKEEN run: its start, its loss, one uniform negative
AS_PYKEEN = {
    "model__projection_start": "xavier",
    "model__relation_dimension": 30,
    "training__regime": "negative",
    "training__score_scale": 1.0,
    "training__dropout": 0.0,
    "training__learning_rate": 0.01,
    "training__final_learning_rate": 0.01,
    "training__projection_rate": 1.0,
    "negative__loss": "margin",
    "negative__margin": 1.0,
    "negative__sampler": "uniform",
    "negative__negatives": 1,
}


def config(**changes) -> EmbeddingConfig:
    """The default configuration with `section__key=value` changed."""
    return changed_defaults(changes)


def dataset(name: str, inverses: bool) -> Split:
    """A data set that PyKEEN ships, with its own split."""
    shipped = get_dataset(dataset=name)
    return Split(
        *(
            part.clone_and_exchange_triples(part.mapped_triples, create_inverse_triples=inverses)
            for part in (shipped.training, shipped.validation, shipped.testing)
        )
    )


def paper_graph(factor: int = 1, seed: int = 0) -> np.ndarray:
    """(N, 3) numbered facts, 173,276 times the factor, of 9 relations, with a planted order.

    Concepts lie on a circle; a field and a course teach concepts near their own place, a
    prerequisite and a broader concept lie near, a teacher's courses and school lie near. A fifth
    of the facts of each relation lead anywhere.
    """
    rng = np.random.default_rng(seed)
    sizes = {
        "concept": CONCEPTS * factor,
        "course": COURSES * factor,
        "teacher": TEACHERS * factor,
        "school": SCHOOLS * factor,
        "field": FIELDS * factor,
    }
    first = dict(zip(sizes, np.cumsum([0, *sizes.values()])[:-1].tolist(), strict=True))
    relations = [  # head, tail, facts, share of the circle within which they lie
        ("course", "concept", 120_000, 0.03),
        ("field", "concept", 20_000, 0.01),
        ("concept", "concept", 20_000, 0.004),
        ("concept", "concept", 7_000, 0.002),
        ("course", "teacher", 2_588, 0.01),
        ("school", "teacher", 1_800, 0.02),
        ("school", "course", 706, 0.02),
        ("field", "course", 706, 0.02),
        ("concept", "field", 476, 0.01),
    ]
    facts = []
    for number, (head, tail, n, width) in enumerate(relations):
        found = np.empty((0, 2), dtype=np.int64)
        while len(found) < n * factor:
            at = rng.random(n * factor)
            heads = (at * sizes[head]).astype(np.int64)
            near = at + rng.normal(scale=width / factor, size=at.size)
            anywhere = rng.random(at.size) < 0.2
            where = np.where(anywhere, rng.random(at.size), near % 1)
            tails = np.minimum((where * sizes[tail]).astype(np.int64), sizes[tail] - 1)
            pairs = np.stack([heads + first[head], tails + first[tail]], axis=1)
            found = np.unique(np.concatenate([found, pairs]), axis=0)
        chosen = rng.permutation(found)[: n * factor]
        facts.append(np.insert(chosen, 1, number, axis=1))
    return rng.permutation(np.concatenate(facts))


def fitted(split: Split, settings: EmbeddingConfig, seconds: float = np.inf):
    """Train for the configured epochs, or until so much processor time is spent.

    Returns:
        The model, processor seconds, epochs run.
    """
    model = starting_model(split.training, settings.model)
    objective = objective_for(model, split.training, settings)
    t = settings.training
    spent, epoch = 0.0, 0
    while epoch < t.epochs and spent < seconds:
        # the rate falls with the epochs, or with the time where that is the budget
        done = epoch / max(t.epochs - 1, 1) if seconds == np.inf else spent / seconds
        begun = time.process_time()
        objective.epoch((1 - done) * t.learning_rate + done * t.final_learning_rate)
        spent, epoch = spent + time.process_time() - begun, epoch + 1
    return model, spent, epoch


def plain_pykeen(factory, d, k, norm, batch_size, epochs, sampler="basic", seed=0):
    """PyKEEN's TransR by PyKEEN's loop: Adam of all rows, margin 1, one negative.

    Returns:
        The model, processor seconds, wall seconds.
    """
    model = TransR(
        triples_factory=factory,
        embedding_dim=d,
        relation_dim=k,
        scoring_fct_norm=norm,
        random_seed=seed,
        loss=MarginRankingLoss(margin=1.0),
    )
    loop = SLCWATrainingLoop(
        model=model,
        triples_factory=factory,
        optimizer="adam",
        optimizer_kwargs={"lr": 0.01},
        negative_sampler=sampler,
    )
    cpu, wall = time.process_time(), time.perf_counter()
    loop.train(factory, num_epochs=epochs, batch_size=batch_size, use_tqdm=False)
    return model, time.process_time() - cpu, time.perf_counter() - wall


def one_thread() -> None:
    torch.set_num_threads(1)


def sharing(first: np.ndarray, second: np.ndarray, n_concepts: int, n_groups: int) -> np.ndarray:
    """(K, K) bool: the two concepts share a group, from (group, concept) pairs."""
    member = np.zeros((n_concepts, n_groups), dtype=np.float32)
    member[second, first] = 1
    return member @ member.T > 0


def neighbour_pairs(split: Split, is_concept, relations: dict[str, str]) -> dict[str, tuple]:
    """What near vectors should mean: name -> (P, 2) related and (Q, 2) unrelated concepts.

    Args:
        split: of the facts.
        is_concept: entity id -> whether it is a concept.
        relations: `field`, `course` (both lead to concepts) and `prerequisite`: their ids.

    Returns:
        Pairs of entity numbers; at most 200,000 unrelated ones, drawn with one seed.
    """
    names = split.training.entity_to_id
    concepts = np.array(sorted(number for name, number in names.items() if is_concept(name)))
    place = np.full(len(names), -1)
    place[concepts] = np.arange(concepts.size)
    everything = np.concatenate([part.mapped_triples.numpy() for part in split.known])
    held_out = np.concatenate([part.mapped_triples.numpy() for part in split.known[1:]])
    upper = np.triu(np.ones((concepts.size, concepts.size), dtype=bool), 1)

    def of(facts, kind):
        chosen = facts[facts[:, 1] == split.training.relation_to_id[relations[kind]]]
        return chosen[:, 0], place[chosen[:, 2]]

    def drawn(mask):
        at = np.flatnonzero(mask)
        few = np.random.default_rng(0).permutation(at)[:200_000]
        return concepts[np.stack(np.divmod(few, concepts.size), axis=1)]

    found = {}
    for kind in ("field", "course"):
        heads, tails = of(everything, kind)
        shared = sharing(heads, tails, concepts.size, len(names))
        taught = np.isin(np.arange(concepts.size), tails)
        among = upper & taught[:, None] & taught
        found[f"share a {kind}"] = drawn(among & shared), drawn(among & ~shared)
    before, after = of(everything, "prerequisite")
    any_prerequisite = np.zeros_like(upper)
    any_prerequisite[place[before], after] = any_prerequisite[after, place[before]] = True
    before, after = of(held_out, "prerequisite")
    late = np.zeros_like(upper)
    late[place[before], after] = late[after, place[before]] = True
    found["held-out prerequisite"] = drawn(upper & late), drawn(upper & ~any_prerequisite)
    return found
