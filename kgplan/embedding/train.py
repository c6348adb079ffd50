"""Which vectors explain the graph's facts? TransR, trained by PyKEEN's classes [lin2015].

Split, epochs of an objective (`kgplan.embedding.objective`) walked by `kgplan.embedding.loop`,
figures of the best epoch, a last fit to all facts.

Sizes: N triples, E entities, R relations, d dimension, k relation dimension.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch
from pykeen.triples import TriplesFactory
from pykeen.utils import NoRandomSeedNecessary

from kgplan.arrays import Floats, Ids
from kgplan.embedding.config import EmbeddingConfig, ModelConfig, SplitConfig
from kgplan.embedding.evaluate import mean_reciprocal_rank, popularity_baseline, ranking_metrics
from kgplan.embedding.loop import Schedule, Walk, Weights, from_bytes, to_bytes
from kgplan.embedding.objective import objective_for
from kgplan.embedding.result import INVERSE, PARTS, Embedding, Measured, TrainingProgress
from kgplan.embedding.transr import RelationwiseTransR
from kgplan.errors import InputError


@dataclass(frozen=True)
class Split:
    """Three disjoint parts of the facts; every entity and relation occurs in `training`."""

    training: TriplesFactory
    validation: TriplesFactory
    test: TriplesFactory

    @property
    def known(self) -> tuple[TriplesFactory, TriplesFactory, TriplesFactory]:
        """All facts: what the filtered ranking leaves out."""
        return self.training, self.validation, self.test


def train(
    triples: Ids,
    config: EmbeddingConfig,
    progress: Callable[[TrainingProgress], None] | None = None,
    resume: bytes | None = None,
    keep: Callable[[bytes], None] | None = None,
    device: str | None = None,
) -> Embedding:
    """Train TransR, stop early on the validation split, measure on the test split, fit to all.

    The same triples (in any order) and configuration give the same bits on the same machine: the
    budget is counted in epochs, and the configuration holds every seed and the number of threads.
    It does not matter either whether training was stopped and resumed.

    Args:
        triples: (N, 3) ids of head, relation and tail; repeats count once.
        config: every hyper-parameter.
        progress: called after each epoch.
        resume: the last that `keep` was given, by a run of the same triples and configuration.
        keep: called after each epoch with all that is needed to go on from there.
        device: of torch, "cpu" or "cuda"; by default a GPU where there is one. A GPU adds in no
            fixed order, and bits may differ from run to run.

    Returns:
        The vectors, fitted to all facts if `config.refit` says so; the figures are those of the
        best validation MRR, before that.

    Raises:
        InputError: `triples` is no (N, 3) array or too small to be split.
    """
    t = config.training
    split = split_triples(triples, config.split, inverses=t.regime == "softmax")
    schedule = Schedule(
        t.epochs, t.learning_rate, t.final_learning_rate, t.evaluate_every, t.patience
    )
    with torch_threads(t.threads):
        model = starting_model(split.training, config.model).to(device or default_device())
        return fit(model, split, config, schedule, progress, resume, keep)


def default_device() -> str:
    """A GPU where torch finds one, else the processor."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def split_triples(triples: Ids, config: SplitConfig, inverses: bool = True) -> Split:
    """Sort, drop repeats and split by PyKEEN, each entity and relation kept in training.

    Args:
        triples: (N, 3) ids of head, relation and tail.
        config: shares and seed.
        inverses: whether a model of these facts knows inverse relations.

    Raises:
        InputError: `triples` is no (N, 3) array, or a part of the split would be empty.
    """
    facts = distinct_facts(triples)
    try:
        factory = TriplesFactory.from_labeled_triples(facts, create_inverse_triples=inverses)
        shares = [config.train, config.validation, config.test]
        # a generator: an integer would seed torch for the whole process
        parts = factory.split(shares, random_state=torch.Generator().manual_seed(config.seed))
    except ValueError:  # PyKEEN's: too few facts for each entity to have one in training
        parts = []
    if not parts or any(part.num_triples == 0 for part in parts):
        raise too_few(facts)
    return Split(*parts)


def distinct_facts(triples: Ids) -> Ids:
    """(N, 3) sorted, without repeats.

    Raises:
        InputError: `triples` is no (N, 3) array.
    """
    if triples.ndim != 2 or triples.shape[1] != 3:
        raise InputError(
            f"triples have shape {triples.shape}; give one row of head, relation and tail id each"
        )
    return np.unique(triples.astype(str), axis=0) if len(triples) else triples


def too_few(facts: Ids) -> InputError:
    """The error for facts that cannot be split."""
    return InputError(
        f"{len(facts)} different triples are too few to train, validate and test on"
        " with each entity and relation in training; embed a larger or denser graph"
    )


def starting_model(training: TriplesFactory, config: ModelConfig) -> RelationwiseTransR:
    """TransR before the first step.

    With `projection_start = "identity"` each relation's space is the first k of the d axes: TransR
    starts as TransE, as in the paper, and the relations pull on the same axes of an entity.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        model = RelationwiseTransR(
            triples_factory=training,
            embedding_dim=config.dimension,
            relation_dim=config.relation_dimension,
            scoring_fct_norm=config.norm,
            power_norm=config.squared,
            random_seed=NoRandomSeedNecessary,  # PyKEEN would seed every generator of the process
        )
    if config.projection_start == "identity":
        start = torch.eye(config.dimension, config.relation_dimension)
        with torch.no_grad():
            weight = model.relation_representations[1]._embeddings.weight
            weight.copy_(start.reshape(1, -1).expand_as(weight))
    return model


@contextmanager
def torch_threads(number: int) -> Iterator[None]:
    """Let torch use so many threads, and give back what it had."""
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def fit(
    model: RelationwiseTransR,
    split: Split,
    config: EmbeddingConfig,
    schedule: Schedule,
    progress: Callable[[TrainingProgress], None] | None = None,
    resume: bytes | None = None,
    keep: Callable[[bytes], None] | None = None,
    carried: Weights | None = None,
) -> Embedding:
    """Train a model on the training part, measure it, then fit it to all facts.

    Args:
        model: trained in place.
        split: of all facts.
        config: every hyper-parameter but those of the schedule.
        schedule: of the epochs on the training part.
        progress, resume, keep: as in `train`.
        carried: added to the weights before a last fit that starts from the best epoch.
    """
    progress = progress or (lambda _: None)

    def store(state: dict[str, Any]) -> None:
        if keep is not None:
            keep(to_bytes(state))

    stored = from_bytes(resume) if resume is not None else {}
    if "measured" not in stored:
        walk = Walk(model, objective_for(model, split.training, config), schedule)
        if stored:
            walk.restore(stored["walk"])
        batch_size = config.evaluation.batch_size
        walk.run(
            progress,
            lambda state: store({"walk": state}),
            lambda: mean_reciprocal_rank(model, split.validation, split.known, batch_size),
        )
        model.load_state_dict(walk.best)
        stored = {
            "measured": walk.best,
            "metrics": {
                **_counts(split),
                "epochs": walk.epoch,
                "best_epoch": walk.best_epoch,
                **_figures(model, split, batch_size),
            },
            "history": [asdict(epoch) for epoch in walk.history],
        }
    measured, metrics = stored["measured"], dict(stored["metrics"])
    losses: list[float] = []
    r = config.refit
    if r.start != "none":
        everything = all_facts(split)
        if r.start == "anew":
            model = starting_model(everything, config.model).to(model.device)
            rates = replace(schedule, stop_after=metrics["best_epoch"])
        else:
            model.load_state_dict(
                {name: value + carried[name] for name, value in measured.items()}
                if carried
                else measured
            )
            model.post_parameter_update()  # norms of at most 1
            rates = Schedule(r.epochs, r.learning_rate, r.final_learning_rate)
        walk = Walk(model, objective_for(model, everything, config), rates, "refit")
        if "walk" in stored:
            walk.restore(stored["walk"])
        walk.run(progress, lambda state: store(stored | {"walk": state}))
        losses = [epoch.loss for epoch in walk.history]
    metrics["refit"] = {"start": r.start, "epochs": len(losses), "losses": losses}
    history = tuple(TrainingProgress(**epoch) for epoch in stored["history"])
    return _embedding(model, measured, split, metrics, history)


def all_facts(split: Split) -> TriplesFactory:
    """Training, validation and test part in one."""
    return split.training.clone_and_exchange_triples(
        torch.cat([part.mapped_triples for part in split.known])
    )


def _counts(split: Split) -> dict[str, Any]:
    return {
        "counts": {
            "entities": split.training.num_entities,
            "relations": len(split.training.relation_to_id),
            **{name: part.num_triples for name, part in zip(PARTS, split.known, strict=True)},
        }
    }


def _figures(model: RelationwiseTransR, split: Split, batch_size: int) -> dict[str, Any]:
    """The filtered ranking of both held-out parts, the popularity baseline beside it."""
    popularity = popularity_baseline(split.training)
    return {
        name: {
            **ranking_metrics(model, facts, split.known, batch_size),
            "popularity": ranking_metrics(popularity, facts, split.known, batch_size),
        }
        for name, facts in (("validation", split.validation), ("test", split.test))
    }


def _embedding(
    model: RelationwiseTransR,
    measured: Weights,
    split: Split,
    metrics: dict[str, Any],
    history: tuple[TrainingProgress, ...],
) -> Embedding:
    served = _arrays(model)
    endings = ("", INVERSE) if split.training.create_inverse_triples else ("",)
    model.load_state_dict(measured)
    relations = sorted(split.training.relation_to_id, key=split.training.relation_to_id.__getitem__)
    return Embedding(
        entity_ids=np.array(sorted(split.training.entity_to_id)),
        vectors=served[0],
        relation_ids=np.array([r + ending for r in relations for ending in endings]),
        relation_vectors=served[1],
        projections=served[2],
        metrics=metrics,
        history=history,
        measured=Measured(
            *_arrays(model),
            facts=np.concatenate([part.mapped_triples.numpy() for part in split.known]).astype(
                np.int32
            ),
            part=np.repeat(
                np.arange(len(PARTS), dtype=np.uint8), [part.num_triples for part in split.known]
            ),
        ),
    )


def _arrays(model: RelationwiseTransR) -> tuple[Floats, Floats, Floats]:
    """Entity vectors, relation vectors and projections, copied."""
    with torch.no_grad():
        vectors, relation_vectors, projections = (
            representation(None).cpu().numpy().copy()
            for representation in (*model.entity_representations, *model.relation_representations)
        )
    return vectors, relation_vectors, projections
