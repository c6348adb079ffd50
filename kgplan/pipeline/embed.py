"""From the graph to TransR vectors: train, or take up where a run was stopped, and keep them."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from kgplan.errors import MissingExtra
from kgplan.pipeline.checkpoint import Checkpoint
from kgplan.pipeline.tracking import Follow
from kgplan.progress import Progress, silent
from kgplan.settings import Settings
from kgplan.store.artifacts import ArtifactStore, hash_json, package_versions
from kgplan.store.stages import Figures, Stage, StageReport, timed

if TYPE_CHECKING:
    from kgplan.arrays import Ids
    from kgplan.embedding import Embedding, EmbeddingConfig, TrainingProgress


def run_embed(
    settings: Settings,
    config: "EmbeddingConfig",
    progress: Progress = silent,
    artifacts: ArtifactStore | None = None,
    warm: bool = False,
    follow: Follow | None = None,
) -> StageReport:
    """Graph -> TransR vectors.

    A run that was killed is taken up after its last whole epoch, and ends in the same vectors.

    Args:
        settings: where the graph and the results are.
        config: every hyper-parameter.
        progress: told how far it is.
        artifacts: where the result is put into use; the store of the settings where None.
        warm: start from the vectors in use instead of from nothing.
        follow: called after each epoch.

    Raises:
        MissingExtra: PyKEEN and torch are not installed.
        ArtifactMissing: a warm start, and there are no vectors yet.
    """
    try:
        from kgplan.embedding.train import train
        from kgplan.embedding.warm import retrain
    except ModuleNotFoundError as error:
        if error.name not in {"torch", "pykeen"}:
            raise
        raise MissingExtra("embed", "training an embedding") from None
    from kgplan.model.opening import open_embedding, open_snapshot

    artifacts = artifacts or ArtifactStore(settings.artifacts)
    with timed(STAGE.name, settings.home) as report:
        graph = open_snapshot(settings)
        triples, inputs = graph.triples, {"graph": graph.version}
        in_use = artifacts.in_use().get("embedding")
        before = open_embedding(artifacts.current("embedding")) if warm or in_use else None
        if warm and in_use:
            inputs["embedding"] = in_use
        key = training_key(triples, config, inputs)
        checkpoint = Checkpoint(settings.home / "checkpoints", key)
        resume = checkpoint.read()

        def told(now: "TrainingProgress") -> None:
            if follow is not None:
                follow(now)
            progress(epoch_line(now), now.epoch, now.epochs)

        if warm and before is not None:
            embedding = retrain(triples, before, config, told, resume, checkpoint.write)
        else:
            embedding = train(triples, config, told, resume, checkpoint.write)
        with artifacts.draft("embedding", config.to_dict(), inputs) as draft:
            draft.put(**embedding.to_arrays())
            draft.metrics = {
                **embedding.metrics,
                "history": [asdict(epoch) for epoch in embedding.history],
            }
        artifacts.switch(draft.finished())
        checkpoint.remove()
        report.version = draft.finished().version
        report.rows_in, report.rows_out = len(triples), embedding.entity_ids.size
        report.details = {
            **embedding.metrics,
            "warm": warm,
            "resumed": resume is not None,
            "drift": drifted(before, embedding),
        }
    return report


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


def default_config() -> "EmbeddingConfig":
    """The configuration that kgplan comes with."""
    from kgplan.embedding import EmbeddingConfig

    return EmbeddingConfig.default()


def figures(details: Mapping[str, Any]) -> Figures:
    """Filtered ranking of the test triples, beside the popularity baseline."""
    headings = ("test triples", "MRR", "Hits@1", "Hits@3", "Hits@10", "mean rank")
    keys = ("mrr", "hits@1", "hits@3", "hits@10", "mean_rank")
    test = details["test"]
    rows = [
        (f"{method}, {side}", *(float(measured[side][key]) for key in keys))
        for method, measured in (("TransR", test), ("popularity", test["popularity"]))
        for side in ("both", "head", "tail")
    ]
    return Figures("embedding, filtered", rows, headings)


STAGE = Stage(
    name="embed",
    about="Train TransR on the graph's triples.",
    part="model",
    run=run_embed,
    own_command="kgplan embed",
    reads=("graph",),
    makes=("embedding",),
    config=default_config,
    trains=True,
    work=(0.70, 0.21),
    figures=figures,
)
