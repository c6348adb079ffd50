"""From the graph to TransR vectors: train, or take up where a run was stopped, and keep them."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from kgplan.errors import MissingExtra
from kgplan.pipeline.checkpoint import Checkpoint
from kgplan.store.artifacts import hash_json, package_versions
from kgplan.store.running import Task, stage
from kgplan.store.stages import Figures

if TYPE_CHECKING:
    from kgplan.arrays import Ids
    from kgplan.embedding import Embedding, EmbeddingConfig, TrainingProgress


def default_config() -> "EmbeddingConfig":
    """The configuration that kgplan comes with."""
    from kgplan.embedding import EmbeddingConfig

    return EmbeddingConfig.default()


def figures(details: Mapping[str, Any]) -> Figures:
    """Filtered ranking of the test triples, beside the popularity baseline."""
    if "test" not in details:
        return Figures("embedding", [("trained", "no: too few triples")])
    headings = ("test triples", "MRR", "Hits@1", "Hits@3", "Hits@10", "mean rank")
    keys = ("mrr", "hits@1", "hits@3", "hits@10", "mean_rank")
    test = details["test"]
    rows = [
        (f"{method}, {side}", *(float(measured[side][key]) for key in keys))
        for method, measured in (("TransR", test), ("popularity", test["popularity"]))
        for side in ("both", "head", "tail")
    ]
    return Figures("embedding, filtered", rows, headings)


@stage(
    name="embed",
    about="Train TransR on the graph's triples.",
    part="model",
    own_command="kgplan embed",
    reads=("graph",),
    makes=("embedding",),
    config=default_config,
    trains=True,
    work=(0.70, 0.21),
    figures=figures,
)
def run_embed(task: Task, config: "EmbeddingConfig") -> None:
    """Graph -> TransR vectors.

    A run that was killed is taken up after its last whole epoch, and ends in the same vectors. Of
    fewer triples than `split.fewest` none are made, and a note says so.

    Raises:
        MissingExtra: PyKEEN and torch are not installed.
        ArtifactMissing: a warm start, and there are no vectors yet.
    """
    import numpy as np

    from kgplan.embedding.result import Embedding
    from kgplan.model.opening import open_embedding, open_snapshot

    graph = open_snapshot(task.settings)
    triples, inputs = graph.triples, {"graph": graph.version}
    n_facts = len(np.unique(triples, axis=0)) if len(triples) else 0
    if n_facts < config.split.fewest:
        with task.draft("embedding", config.to_dict(), inputs) as draft:
            embedding = Embedding.untrained(triples)
            draft.put(**embedding.to_arrays())
            draft.metrics = dict(embedding.metrics)
        task.report.rows_in, task.report.rows_out = len(triples), embedding.entity_ids.size
        few = (
            f"{n_facts} triples are too few to train on ({config.split.fewest} are needed): plans"
            " follow prerequisites, the course's order and what learners did"
        )
        untold = {"warm": False, "resumed": False, "drift": None}
        task.report.details = {**embedding.metrics, **untold, "notes": [few]}
        return
    try:
        from kgplan.embedding.train import train
        from kgplan.embedding.warm import retrain
    except ModuleNotFoundError as error:
        if error.name not in {"torch", "pykeen"}:
            raise
        raise MissingExtra("embed", "training an embedding") from None
    in_use = task.artifacts.in_use().get("embedding")
    before = open_embedding(task.artifacts.current("embedding")) if task.warm or in_use else None
    if task.warm and in_use:
        inputs["embedding"] = in_use
    key = training_key(triples, config, inputs)
    checkpoint = Checkpoint(task.settings.home / "checkpoints", key)
    resume = checkpoint.read()

    def told(now: "TrainingProgress") -> None:
        if task.follow is not None:
            task.follow(now)
        task.progress(epoch_line(now), now.epoch, now.epochs)

    if task.warm and before is not None:
        embedding = retrain(triples, before, config, told, resume, checkpoint.write)
    else:
        embedding = train(triples, config, told, resume, checkpoint.write)
    with task.draft("embedding", config.to_dict(), inputs) as draft:
        draft.put(**embedding.to_arrays())
        draft.metrics = {
            **embedding.metrics,
            "history": [asdict(epoch) for epoch in embedding.history],
        }
    checkpoint.remove()
    task.report.rows_in, task.report.rows_out = len(triples), embedding.entity_ids.size
    task.report.details = {
        **embedding.metrics,
        "warm": task.warm,
        "resumed": resume is not None,
        "drift": drifted(before, embedding),
    }


def training_key(triples: "Ids", config: "EmbeddingConfig", inputs: Mapping[str, str]) -> str:
    """Hash all that a training's result depends on; what is not in a triple does not count."""
    facts = sorted(set(map(tuple, triples.tolist())))
    return hash_json(
        {
            "triples": facts,
            "config": config.to_dict(),
            "start": inputs.get("embedding"),
            "packages": package_versions(),
        }
    )[:16]


def epoch_line(now: "TrainingProgress") -> str:
    """What a person reads of an epoch."""
    mrr = "" if now.validation_mrr is None else f", validation MRR {now.validation_mrr:z.3f}"
    return f"{'last fit, ' if now.phase == 'refit' else ''}loss {now.loss:z.3f}{mrr}"


def drifted(before: "Embedding | None", after: "Embedding") -> dict[str, Any] | None:
    """How far the vectors drifted; None where there were none, or of another dimension."""
    from kgplan.embedding.drift import drift

    if before is None or before.vectors.shape[1] != after.vectors.shape[1]:
        return None
    return asdict(drift(before.entity_ids, before.vectors, after.entity_ids, after.vectors))
