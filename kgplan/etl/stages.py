"""From a platform's files to the graph: which stages are on the way, and what are they given?

    extract -> map and check -> load graph

A stage that was killed leaves nothing behind that anything would read; run again, it makes the same
artifact. Each imports its own tools: who asks what there is does not load them.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgplan.settings import Settings
from kgplan.store.artifacts import ArtifactStore, Aside
from kgplan.store.running import RunStage, Task, run_part, run_plainly, stage
from kgplan.store.stages import StageReport

if TYPE_CHECKING:
    from kgplan.etl.check import Severity

CHECK_REPORT = "violations.json"


def run_etl(
    settings: Settings,
    source: Path,
    severities: "Mapping[str, Severity] | None" = None,
    tolerant: bool = False,
    run_stage: RunStage = run_plainly,
    format: str | None = None,
    ids: Path | None = None,
) -> list[StageReport]:
    """Source files -> tables, learner records and checked triples, put into use together.

    Where there is a model, the records come into use with the one that is fitted on them next:
    until then, answers are made from those that the model in use knows.

    Args:
        settings: where the results are.
        source: the zip or the folder.
        severities: rule -> what breaking it leads to, instead of the rule's own.
        tolerant: take a source that says less than the last one, see `Extraction`.
        run_stage: called with each stage's name and the stage; shows its progress.
        format: the name of the source that reads it; found by looking at the files where None.
        ids: as for `Extraction`.

    Raises:
        ConfigError: there is no such rule, or no such format; nothing was read.
        SourceError, LossRefused, ConstraintViolation: as the stages; nothing has changed then.
    """
    from kgplan.etl.check import check_severities

    check_severities(severities or {})
    store = ArtifactStore(settings.artifacts)
    aside = Aside(store)
    configs = {
        run_extract.name: Extraction(source, tolerant, format, ids),
        run_map.name: severities,
    }
    reports = run_part("source", settings, aside, configs, run_stage)
    fitted = "diagnosis" in store.in_use()
    aside.commit(by=run_extract.command, but={"records"} if fitted else ())
    return reports


@dataclass(frozen=True)
class Extraction:
    """What is read.

    Attributes:
        source: the zip or the folder.
        tolerant: take a file of which no row is kept, and tables that lost much since the last
            run.
        format: the name of the source that reads it; found by looking at the files where None.
        ids: the file that says which ids of the source become which.
    """

    source: Path
    tolerant: bool = False
    format: str | None = None
    ids: Path | None = None


def reading(settings: Settings, ids: Path | None) -> dict[str, Any]:
    """How a platform's files are read, as arguments of `extract`.

    Args:
        settings: their zone and encoding.
        ids: as for `Extraction`.

    Raises:
        InputError: the file of ids says two things.
    """
    from kgplan.etl.extract import read_id_map

    mapped = read_id_map(ids) if ids else {}
    return {"zone": settings.time_zone, "encoding": settings.encoding, "ids": mapped}


@stage(
    name="extract",
    about="Read a platform's files into checked tables and learner records.",
    part="source",
    own_command="kgplan etl run",
    makes=("tables", "records"),
    serves=("records",),
)
def run_extract(task: Task, config: Extraction) -> None:
    """Source files -> tables and learner records.

    Raises:
        SourceError: see `source_of` and `extract`; or the source changed meanwhile; or no row of a
            file was kept.
        LossRefused: it says much less than the last one.
    """
    from kgplan.etl.archive import hash_files, unchanged
    from kgplan.etl.extract import extract
    from kgplan.etl.losses import judge_losses
    from kgplan.etl.records import read_records
    from kgplan.etl.sources import files_read, source_of

    source, artifacts, report = config.source, task.artifacts, task.report
    given = reading(task.settings, config.ids)
    settled = {"time_zone": given["zone"]} | ({"ids": given["ids"]} if given["ids"] else {})
    reader = source_of(source, config.format)
    layout = files_read(reader)
    with unchanged(source, layout):
        inputs = {"source": hash_files(source, layout)}
        with artifacts.draft("tables", settled, inputs) as tables:
            extracted = extract(source, tables.path, task.progress, source=reader, **given)
            judged = judge_losses(
                task.settings, artifacts, source, extracted, tables.path, config.tolerant
            )
            tables.metrics = extracted.to_dict()
    made = tables.finished()
    task.progress("learner records", 0, None)
    with task.draft("records", {}, {"tables": made.version}, beside=[made]) as records:
        records.put(**read_records(made.path).to_arrays())
        # here, as answers are made from the records and their tables may be elsewhere
        told = {"title": extracted.title, "licence": extracted.licence}
        records.metrics = {"source": told}
    report.version = made.version
    report.rows_in, report.rows_out = extracted.rows_read, extracted.rows_written
    report.details = {
        "format": reader.name,
        "rejected": extracted.rows_rejected,
        **asdict(judged),
    }


@stage(
    name="map and check",
    about="Map the tables to triples and check the constraints.",
    part="source",
    own_command="kgplan etl run",
    reads=("tables",),
    makes=("triples",),
)
def run_map(task: Task, severities: "Mapping[str, Severity] | None") -> None:
    """Tables -> N-Triples, checked against the SHACL constraints."""
    from kgplan.etl.check import check_constraints
    from kgplan.etl.map import map_tables

    tables = task.artifacts.current("tables")
    task.progress("mapping tables to triples", 0, None)
    items = task.settings.items
    lines = map_tables(tables.path, task.progress, items)
    task.progress("checking constraints", 0, None)
    checked = check_constraints(lines, severities or {}, task.progress)  # before the first write
    config = {"severities": dict(severities or {})} | ({"items": True} if items else {})
    with task.draft("triples", config, {"tables": tables.version}) as draft:
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
    task.report.rows_in, task.report.rows_out = len(lines), len(checked.triples)


@dataclass(frozen=True)
class Loading:
    """How the graph is filled.

    Attributes:
        bulk: into the empty Neo4j server of `kgplan neo4j start`, by its import tool.
        sweep: also where it takes away much of the graph.
    """

    bulk: bool = False
    sweep: bool = False


@stage(
    name="load graph",
    about="Load the checked triples into the graph database.",
    part="graph",
    own_command="kgplan graph load",
    reads=("triples",),
    config=Loading,
)
def run_load(task: Task, config: Loading) -> None:
    """Checked triples -> graph database."""
    from kgplan.etl.bulk import bulk_load
    from kgplan.etl.load import load, rows_of
    from kgplan.graph.schema import graph_schema
    from kgplan.graph.store import open_graph

    settings, report = task.settings, task.report
    triples = task.artifacts.current("triples")
    # not splitlines: a literal may hold U+2028 and the like
    lines = (triples.path / "triples.nt").read_text(encoding="utf-8").split("\n")[:-1]
    rows = rows_of(lines, graph_schema())
    if config.bulk:
        loaded = bulk_load(rows, settings, triples.version, task.progress)
    else:
        with open_graph(settings.graph_url, access=settings.graph_access) as store:
            share = 1.0 if config.sweep else settings.loss_share
            loaded = load(rows, store, triples.version, task.progress, share)
    report.version, report.details = loaded.graph_version, asdict(loaded)
    report.rows_in = len(lines)
    report.rows_out = sum(loaded.written.values()) + loaded.unchanged
