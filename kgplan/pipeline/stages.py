"""The batch stages: each reads what it needs, lets `kgplan/` compute, and writes an artifact.

    etl -> graph -> embed -> diagnose -> similarity

Every stage is a function of its inputs and its configuration: run again, it makes the same
artifact, and a stage that was killed leaves nothing behind that anything would read.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kgplan.arrays import Ids
from kgplan.data.records import csr_to_arrays, learned_concepts, observed_views
from kgplan.diagnosis import DiagnosisConfig, fit, not_told_apart
from kgplan.diagnosis.uncertainty import WEAK_EVIDENCE, divergence, entropy
from kgplan.embedding.drift import drift
from kgplan.errors import ArtifactError, ConfigError, MissingExtra
from kgplan.etl.archive import hash_files, unchanged
from kgplan.etl.bulk import bulk_load
from kgplan.etl.check import Severity, check_constraints, check_severities
from kgplan.etl.extract import extract
from kgplan.etl.load import graph_names, load, rows_of
from kgplan.etl.losses import is_another, notes_of, refuse_shrunk, refuse_unread
from kgplan.etl.map import map_tables
from kgplan.etl.records import read_records
from kgplan.etl.report import ExtractReport
from kgplan.etl.sources import source_of
from kgplan.graph.store import open_graph
from kgplan.model.opening import newest_records, open_embedding, open_snapshot
from kgplan.pipeline.checkpoint import Checkpoint
from kgplan.pipeline.tracking import RunStage
from kgplan.progress import Progress, silent
from kgplan.report.curve import curve
from kgplan.settings import Settings
from kgplan.similarity import top_similar
from kgplan.store.artifacts import ArtifactStore, Aside, hash_json, package_versions
from kgplan.store.files import enough_room

if TYPE_CHECKING:
    from kgplan.embedding import Embedding, EmbeddingConfig, TrainingProgress

CHECK_REPORT = "violations.json"
OBJECTIVE_PLOT = "objective.svg"
DEFAULT_ALPHA = 0.7  # the weight of the semantic part in all of the paper's experiments
STORED_NEIGHBOURS = 50  # most similar concepts kept for each


@dataclass
class StageReport:
    """What a stage took in, gave out and cost.

    Attributes:
        stage: its name.
        rows_in, rows_out: records read and written, in the stage's own units.
        seconds: wall time.
        version: of what it made.
        details: figures and sentences for people.
    """

    stage: str
    rows_in: int = 0
    rows_out: int = 0
    seconds: float = 0.0
    version: str = ""
    details: dict[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON values."""
        return asdict(self)


@contextmanager
def timed(stage: str, home: Path) -> Iterator[StageReport]:
    """A report whose seconds are filled in when the block ends.

    Args:
        stage: its name.
        home: where it writes.

    Raises:
        DiskFull: there is no room for what it writes.
    """
    report, start = StageReport(stage), time.perf_counter()
    with enough_room(stage, home):
        yield report
    report.seconds = time.perf_counter() - start


def run_etl(
    settings: Settings,
    source: Path,
    severities: Mapping[str, Severity] | None = None,
    tolerant: bool = False,
    run_stage: RunStage | None = None,
    format: str | None = None,
) -> list[StageReport]:
    """Source files -> tables, learner records and checked triples, put into use together.

    Where there is a model, the records come into use with the one that is fitted on them next:
    until then, answers are made from those that the model in use knows.

    Args:
        settings: where the results are.
        source: the zip or the folder.
        severities: rule -> what breaking it leads to, instead of the rule's own.
        tolerant: take a source that says less than the last one, see `run_extract`.
        run_stage: called with each stage's name and the stage; shows its progress.
        format: the name of the source that reads it; found by looking at the files where None.

    Raises:
        ConfigError: there is no such rule, or no such format; nothing was read.
        SourceError, LossRefused, ConstraintViolation: as the stages; nothing has changed then.
    """
    check_severities(severities or {})
    run_stage = run_stage or (lambda _, stage: stage(silent))
    store = ArtifactStore(settings.artifacts)
    aside = Aside(store)
    reports = [
        run_stage(
            "extract",
            lambda progress: run_extract(settings, source, progress, tolerant, aside, format),
        ),
        run_stage("map and check", lambda progress: run_map(settings, severities, progress, aside)),
    ]
    fitted = "diagnosis" in store.in_use()
    aside.commit(by="kgplan etl run", but={"records"} if fitted else ())
    return reports


def run_extract(
    settings: Settings,
    source: Path,
    progress: Progress = silent,
    tolerant: bool = False,
    artifacts: ArtifactStore | None = None,
    format: str | None = None,
) -> StageReport:
    """Source files -> tables and learner records.

    Args:
        settings: where the results are.
        source: the zip or the folder.
        progress: told what is being read.
        tolerant: take a file of which no row is kept, and tables that lost much since the last
            run.
        artifacts: where the result is put into use; the store of the settings where None.
        format: as for `run_etl`.

    Raises:
        SourceError: see `source_of` and `extract`; or the source changed meanwhile; or no row of a
            file was kept.
        LossRefused: it says much less than the last one.
    """
    artifacts, reader = artifacts or ArtifactStore(settings.artifacts), source_of(source, format)
    with timed("extract", settings.home) as report:
        with unchanged(source, reader.layout):
            inputs = {"source": hash_files(source, reader.layout)}
            with artifacts.draft("tables", {}, inputs) as tables:
                extracted = extract(
                    source,
                    tables.path,
                    lambda what, done: progress(what, done, None),
                    source=reader,
                )
                judged = judge_losses(settings, artifacts, source, extracted, tables.path, tolerant)
                tables.metrics = extracted.to_dict()
        made = tables.finished()
        progress("learner records", 0, None)
        with artifacts.draft("records", {}, {"tables": made.version}) as records:
            records.put(**read_records(made.path).to_arrays())
        artifacts.switch(made, records.finished())
        report.version = made.version
        report.rows_in = extracted.rows_read
        report.rows_out = extracted.rows_written
        report.details = {
            "format": reader.name,
            "rejected": extracted.rows_rejected,
            **asdict(judged),
        }
    return report


@dataclass(frozen=True)
class Judgement:
    """What is to be said of an archive that is taken.

    Attributes:
        notes: sentences for people.
        another: whether it has no id of the last one, and so takes its place.
    """

    notes: list[str]
    another: bool = False


def judge_losses(
    settings: Settings,
    artifacts: ArtifactStore,
    source: Path,
    extracted: ExtractReport,
    tables: Path,
    tolerant: bool,
) -> Judgement:
    """Refuse an archive that says much less than its files or than the last one.

    Args:
        settings: which share may be lost.
        artifacts: where the last run's tables are in use.
        source: the archive.
        extracted: what came of it.
        tables: the folder of its tables.
        tolerant: take it nevertheless.

    Raises:
        SourceError: no row of a file was kept.
        LossRefused: a table lost more than may be.
    """
    share, rejects = settings.loss_share, tables / "rejects.parquet"
    notes = notes_of(extracted, share)
    if tolerant:
        return Judgement(notes)
    refuse_unread(extracted, source, rejects)
    try:
        last = artifacts.open("tables", artifacts.in_use().get("tables", ""), hashed=False)
    except ArtifactError:  # there is none to compare with
        return Judgement(notes)
    if is_another(tables, last.path):
        note = f"no id is one of {last.metrics['source']}, read last: another archive's place"
        return Judgement([*notes, note], another=True)
    refuse_shrunk(extracted.tables, last.metrics["tables"], share, rejects)
    return Judgement(notes)


def run_map(
    settings: Settings,
    severities: Mapping[str, Severity] | None = None,
    progress: Progress = silent,
    artifacts: ArtifactStore | None = None,
) -> StageReport:
    """Tables -> N-Triples, checked against the SHACL constraints."""
    artifacts = artifacts or ArtifactStore(settings.artifacts)
    with timed("map and check", settings.home) as report:
        tables = artifacts.current("tables")
        progress("mapping tables to triples", 0, None)
        lines = map_tables(tables.path)
        progress("checking constraints", 0, None)
        config = {"severities": dict(severities or {})}
        checked = check_constraints(lines, severities or {})  # before the first write
        with artifacts.draft("triples", config, {"tables": tables.version}) as draft:
            text = "".join(line + "\n" for line in checked.triples)
            (draft.path / "triples.nt").write_text(text, encoding="utf-8")
            found = json.dumps(checked.report(), ensure_ascii=False, indent=1)
            (draft.path / CHECK_REPORT).write_text(found, encoding="utf-8")
            draft.metrics = {
                "dropped": checked.n_dropped,
                "classes": checked.classes,
                "properties": checked.properties,
                "violations": len(checked.violations),
                "cycles": [len(cycle.concepts) for cycle in checked.cycles],
            }
        artifacts.switch(draft.finished())
        report.version = draft.finished().version
        report.rows_in, report.rows_out = len(lines), len(checked.triples)
        report.details = dict(draft.metrics)
    return report


def run_load(
    settings: Settings, progress: Progress = silent, bulk: bool = False, sweep: bool = False
) -> StageReport:
    """Checked triples -> graph database.

    Args:
        settings: where the triples and the graph are.
        progress: called with what is being loaded.
        bulk: into the empty Neo4j server of `kgplan neo4j start`, by its import tool.
        sweep: also where it takes away much of the graph.
    """
    artifacts = ArtifactStore(settings.artifacts)
    with timed("load graph", settings.home) as report:
        triples = artifacts.current("triples")
        # not splitlines: a literal may hold U+2028 and the like
        lines = (triples.path / "triples.nt").read_text(encoding="utf-8").split("\n")[:-1]
        rows = rows_of(lines, graph_names())
        if bulk:
            loaded = bulk_load(rows, settings, triples.version, progress)
        else:
            with open_graph(settings.graph_url, access=settings.graph_access) as store:
                share = 1.0 if sweep else settings.loss_share
                loaded = load(rows, store, triples.version, progress, share)
        report.version = loaded.graph_version
        report.rows_in = len(lines)
        report.rows_out = sum(loaded.written.values()) + loaded.unchanged
        report.details = asdict(loaded)
    return report


def run_embed(
    settings: Settings,
    config: "EmbeddingConfig",
    progress: Progress = silent,
    warm: bool = False,
    follow: "Callable[[TrainingProgress], None] | None" = None,
    artifacts: ArtifactStore | None = None,
) -> StageReport:
    """Graph -> TransR vectors.

    A run that was killed is taken up after its last whole epoch, and ends in the same vectors.

    Args:
        settings: where the graph and the results are.
        config: every hyper-parameter.
        progress: told how far it is.
        warm: start from the vectors in use instead of from nothing.
        follow: called after each epoch.
        artifacts: where the result is put into use; the store of the settings where None.

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
    artifacts = artifacts or ArtifactStore(settings.artifacts)
    with timed("embed", settings.home) as report:
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
            progress(epoch_line(now), now.epoch, now.epochs)
            if follow is not None:
                follow(now)

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
            "drift": moved(before, embedding),
        }
    return report


def training_key(triples: Ids, config: "EmbeddingConfig", inputs: Mapping[str, str]) -> str:
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


def moved(before: "Embedding | None", after: "Embedding") -> dict[str, Any] | None:
    """How far the vectors drifted; None where there were none, or of another dimension."""
    if before is None or before.vectors.shape[1] != after.vectors.shape[1]:
        return None
    return asdict(drift(before.entity_ids, before.vectors, after.entity_ids, after.vectors))


def run_diagnose(
    settings: Settings,
    config: DiagnosisConfig,
    progress: Progress = silent,
    artifacts: ArtifactStore | None = None,
) -> StageReport:
    """Learner records -> slip, guess, prior and every learner's mastery."""
    artifacts = artifacts or ArtifactStore(settings.artifacts)
    with timed("diagnose", settings.home) as report:
        records, source = newest_records(artifacts)
        watched = observed_views(records)
        diagnosis = fit(
            watched,
            records.q_matrix,
            config,
            lambda iteration, objective: progress(f"objective {objective:z,.1f}", iteration, None),
        )
        open_pairs = not_told_apart(watched, records.q_matrix)
        mastery = diagnosis.mastery
        evidence = divergence(mastery.data, diagnosis.prior[mastery.indices])
        with artifacts.draft("diagnosis", config.to_dict(), {"records": source.version}) as draft:
            draft.put(
                learner_ids=records.learner_ids,
                concept_ids=records.concept_ids,
                video_ids=records.video_ids,
                slip=diagnosis.slip,
                guess=diagnosis.guess,
                prior=diagnosis.prior,
                objective=diagnosis.objective,
                **csr_to_arrays("mastery", mastery),
                **csr_to_arrays("not_told_apart", open_pairs),
            )
            # the first step gains most by far and would flatten the rest
            plot = curve(
                diagnosis.objective[1:].tolist() or diagnosis.objective.tolist(),
                "objective of V-DINA, in nats",
                "iteration",
                first=1,
            )
            (draft.path / OBJECTIVE_PLOT).write_text(plot, encoding="utf-8")
            draft.metrics = {
                "objective": diagnosis.objective.tolist(),
                "iterations": diagnosis.objective.size - 1,
                "converged": diagnosis.converged,
                "residual": diagnosis.residual,
                "unsettled": diagnosis.unsettled,
                "learners": diagnosis.learners,
                "skipped": diagnosis.skipped,
                "reached_concepts": int(np.unique(mastery.indices).size),
                "not_told_apart": int(open_pairs.nnz),
                "weak_evidence": int((evidence < WEAK_EVIDENCE).sum()),
                "bits_of_evidence": float(evidence.mean()) if evidence.size else 0.0,
                "bits_still_open": float(entropy(mastery.data).mean()) if evidence.size else 0.0,
                "videos_without_observation": int((~diagnosis.observed).sum()),
            }
        new = [source] if artifacts.in_use().get("records") != source.version else []
        artifacts.switch(draft.finished(), *new, by="kgplan diagnose")
        report.version = draft.finished().version
        report.rows_in, report.rows_out = int(watched.nnz), int(mastery.nnz)
        report.details = dict(draft.metrics)
    return report


def run_similarity(
    settings: Settings,
    alpha: float = DEFAULT_ALPHA,
    progress: Progress = silent,
    artifacts: ArtifactStore | None = None,
) -> StageReport:
    """Vectors and learner records -> fused similarity of every pair of concepts.

    Raises:
        ConfigError: alpha is not in [0, 1].
    """
    if not 0 <= alpha <= 1:
        raise ConfigError(f"alpha is {alpha}; it goes from 0 (learners only) to 1 (graph only)")
    artifacts = artifacts or ArtifactStore(settings.artifacts)
    with timed("similarity", settings.home) as report:
        embedding = artifacts.current("embedding")
        records, source = newest_records(artifacts)
        entity_ids = embedding.array("entity_ids")
        concept_ids = records.concept_ids[np.isin(records.concept_ids, entity_ids)]
        learned = learned_concepts(records)
        columns = np.isin(records.concept_ids, concept_ids)
        # float32, as it was trained: half the memory, and what is stored is what is computed with
        vectors = embedding.array("vectors")[np.searchsorted(entity_ids, concept_ids)]
        vectors = vectors.astype(np.float32)
        matrix = learned.matrix[:, columns]
        top = top_similar(concept_ids, vectors, matrix, alpha, STORED_NEIGHBOURS, progress)
        inputs = {"embedding": embedding.version, "records": source.version}
        with artifacts.draft("similarity", {"alpha": alpha}, inputs) as draft:
            draft.put(
                concept_ids=concept_ids,
                vectors=vectors,
                bounds=np.array(list(asdict(top.bounds).values())),
                **top.together.sets.to_arrays(),
                **csr_to_arrays("neighbours", top.to_csr()),
            )
            draft.metrics = {
                "bounds": asdict(top.bounds),
                "learned_by_view": learned.by_view,
                "learned_by_enrolment": learned.by_enrolment,
                "concepts_without_vector": int(records.concept_ids.size - concept_ids.size),
            }
        artifacts.switch(draft.finished())
        report.version = draft.finished().version
        report.rows_in = int(records.concept_ids.size)
        report.rows_out = concept_ids.size * (concept_ids.size - 1) // 2
        report.details = dict(draft.metrics)
    return report
