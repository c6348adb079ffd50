"""`kgplan demo | etl | graph | similarity`: the batch stages."""

import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from kgplan.cli import designer
from kgplan.cli.output import AsJson, console, errors, print_json, progress_bar, table
from kgplan.errors import ConfigError
from kgplan.machine import peak_memory
from kgplan.progress import Progress
from kgplan.settings import read_settings
from kgplan.store.artifacts import ArtifactStore, Aside
from kgplan.store.running import run_part
from kgplan.store.stages import stages

# Each command imports its own tools, so that `kgplan plan` starts without those of the stages.
if TYPE_CHECKING:
    from kgplan.etl.check import Severity
    from kgplan.etl.sources import NamedSource
    from kgplan.planning import Planner
    from kgplan.store.stages import Figures, Stage, StageReport

etl = typer.Typer(help="Source files to tables, triples and a report.", no_args_is_help=True)
graph = typer.Typer(help="The graph database.", no_args_is_help=True)
designer.register(graph)

Source = Annotated[Path, typer.Argument(help="A platform's files, as a zip or a folder.")]
Format = Annotated[
    str | None,
    typer.Option(help="Which of `kgplan etl sources` it is; by looking at its files else."),
]
IdMap = Annotated[
    Path | None,
    typer.Option(
        "--ids", help="CSV of two columns: an id in the files, and the id to use in its place."
    ),
]
Config = Annotated[
    Path | None, typer.Option(help="TOML file with the keys that differ from the default.")
]
Changes = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change one key; may be repeated."),
]
Tolerant = Annotated[
    bool,
    typer.Option(
        "--tolerant",
        help="Take files of which no row is kept, and tables that lost much since the last run.",
    ),
]
SeverityOption = Annotated[
    list[str] | None,
    typer.Option("--severity", help="RULE=warn|drop|stop, instead of the constraint's own."),
]


def run_stage(name: str, stage: Callable[[Progress], "StageReport"]) -> "StageReport":
    """Run one stage with a progress bar and say what it did."""
    with progress_bar(name) as progress:
        report = stage(progress)
    errors.print(
        f"[green]✓[/] {report.stage:<14} {report.rows_in:>10,} in {report.rows_out:>10,} out"
        f" {report.seconds:>7.1f} s  {report.version}",
        highlight=False,
    )
    for note in report.details.get("notes", ()):
        errors.print(f"[yellow]note:[/] {escape(note)}", highlight=False, soft_wrap=True)
    return report


def configured(stage: "Stage", file: Path | None, pairs: Sequence[str] | None) -> Any:
    """A stage's configuration with what a file and KEY=VALUE pairs change."""
    from kgplan.store.configs import configs_with, read_changes

    found = configs_with(read_changes(file, pairs or []), [stage])
    return found.get(stage.name) or stage.config()


def run_alone(stage: "Stage", config: Any = None) -> "StageReport":
    """Run a stage that comes into use by itself."""
    settings = read_settings()
    return run_stage(stage.name, lambda progress: stage(settings, config, progress))


def register(app: typer.Typer) -> None:
    """Make a command for every stage of another package that brings none."""

    def add(stage: "Stage") -> None:
        @app.command(stage.name, help=stage.about)
        def run(as_json: AsJson = False) -> None:
            reports = [run_alone(stage)]
            print_figures(reports, as_json)
            finish(reports, as_json)

    for stage in stages().values():
        if not stage.own_command:
            add(stage)


def print_figures(reports: Sequence["StageReport"], as_json: bool) -> None:
    """Print what the stages have to show."""
    for report in () if as_json else reports:
        stage = stages().get(report.stage)
        if stage is not None and stage.figures is not None:
            console.print(figures_table(stage.figures(report.details)))


def finish(reports: Sequence["StageReport"], as_json: bool) -> None:
    """Print what the stages did."""
    if as_json:
        print_json([report.to_dict() for report in reports])
    else:
        console.print(stage_table(reports))


def figures_table(figures: "Figures") -> Table:
    """A stage's figures as a table."""
    if figures.headings:
        return table(figures.title, figures.headings, figures.rows)
    drawn = Table(title=figures.title, title_justify="left", show_header=False)
    for name, value in figures.rows:
        drawn.add_row(
            name,
            f"{value:z,.4g}"
            if isinstance(value, float) and abs(value) < 1
            else (f"{value:z,.1f}" if isinstance(value, float) else str(value)),
        )
    return drawn


def stage_table(reports: Sequence["StageReport"]) -> Table:
    """Rows in, rows out and seconds by stage."""
    rows = [(r.stage, r.rows_in, r.rows_out, r.seconds, r.version) for r in reports]
    return table("stages", ("stage", "rows in", "rows out", "seconds", "version"), rows)


def init(
    folder: Annotated[Path, typer.Argument(help="A new or empty folder.", metavar="DIR")],
    as_json: AsJson = False,
) -> None:
    """Write plain tables with a small course, to be changed to your own.

    A page beside them says what each column means.

    [bold]Example:[/] kgplan init my-platform && kgplan demo my-platform
    """
    from kgplan.etl.init import PAGE, write_example

    written = write_example(folder)
    if as_json:
        print_json({"folder": str(folder), "files": written})
        return
    console.print(f"{folder}: {', '.join(written)}", highlight=False)
    console.print(
        f"next: change the rows as {folder / PAGE} says, or try them as they are:"
        f" {Path(sys.argv[0])} demo {folder}",
        highlight=False,
        soft_wrap=True,
    )


@etl.command("run")
def run_etl(
    source: Source,
    severity: SeverityOption = None,
    tolerant: Tolerant = False,
    format: Format = None,
    ids: IdMap = None,
    as_json: AsJson = False,
) -> None:
    """Extract tables, map them to triples and check the constraints.

    All comes into use at the end, together; learner records with the model fitted on them.

    [bold]Examples:[/] kgplan etl run data/mooccube-cs.zip ·
    kgplan etl run MOOCCube/ --format mooccube --severity SelfPrerequisite=stop
    """
    from kgplan.etl import stages

    severities = read_severities(severity or [])
    made = stages.run_etl(read_settings(), source, severities, tolerant, run_stage, format, ids)
    finish(made, as_json)


@etl.command("diff")
def diff_etl(
    source: Source,
    format: Format = None,
    ids: IdMap = None,
    as_json: AsJson = False,
) -> None:
    """What an import would change in the tables in use; nothing is changed.

    [bold]Example:[/] kgplan etl diff export-of-today.zip
    """
    from kgplan.etl.diff import diff_of
    from kgplan.etl.sources import source_of
    from kgplan.etl.stages import reading

    settings = read_settings()
    tables = ArtifactStore(settings.artifacts).current("tables")
    with progress_bar("compare") as progress:
        report, changed = diff_of(
            *(source, tables.path, source_of(source, format), progress),
            **reading(settings, ids),
        )
    if as_json:
        print_json({"rejected": report.rows_rejected, "tables": [asdict(each) for each in changed]})
        return
    if not changed:
        console.print(f"{source} says what the tables in use say", highlight=False)
        return
    rows = [(c.table, c.added, c.removed, c.changed, "\n".join(c.examples)) for c in changed]
    headings = ("table", "added", "removed", "changed", "for example")
    console.print(table(f"what {source} would change", headings, rows))


@etl.command("sources")
def list_sources(as_json: AsJson = False) -> None:
    """Whose files can be read, and by which files each is known.

    [bold]Example:[/] kgplan etl sources --json
    """
    from kgplan.etl.sources import sources

    if as_json:
        print_json([each.to_dict() for each in sources().values()])
        return
    rows = [
        (each.name, each.about, _files_of(each, required=True), _files_of(each, required=False))
        for each in sources().values()
    ]
    headings = ("format", "what it is", "files that it needs", "files that are read where present")
    console.print(table("sources", headings, rows))


def _files_of(source: "NamedSource", required: bool) -> str:
    return "\n".join(each.path for each in source.layout if each.used and each.required == required)


def read_severities(given: Sequence[str]) -> dict[str, "Severity"]:
    """Read RULE=severity pairs.

    >>> read_severities(["SelfPrerequisite=stop"])
    {'SelfPrerequisite': <Severity.STOP: 'stop'>}
    """
    from kgplan.etl.check import Severity

    choices = ", ".join(severity.value for severity in Severity)
    found = {}
    for pair in given:
        rule, equals, name = pair.partition("=")
        if not equals or name not in set(Severity):
            raise ConfigError(f"--severity {pair!r} is not RULE=SEVERITY with one of {choices}")
        found[rule] = Severity(name)
    return found


@etl.command("report")
def report_etl(
    csv: Annotated[Path | None, typer.Option(help="Write every rejected row to this file.")] = None,
    as_json: AsJson = False,
) -> None:
    """What was read, kept, mended and rejected; violations of the constraints; cycles.

    [bold]Examples:[/] kgplan etl report · kgplan etl report --csv rejects.csv
    """
    from kgplan.etl.report import ExtractReport, render, summary, write_csv
    from kgplan.etl.stages import CHECK_REPORT

    artifacts = ArtifactStore(read_settings().artifacts)
    tables, triples = artifacts.current("tables"), artifacts.current("triples")
    extracted = ExtractReport.from_dict(dict(tables.metrics))
    checked = json.loads((triples.path / CHECK_REPORT).read_text(encoding="utf-8"))
    if as_json:
        print_json({"extract": summary(extracted), "check": checked})
    else:
        console.print(render(extracted))
        counts = checked["classes"] | checked["properties"]
        console.print(table("triples", ("class or property", "count"), list(counts.items())))
        console.print(violation_table(checked))
        for cycle in checked["cycles"]:
            names = ", ".join(name for _, name in cycle["concepts"])
            console.print(
                f"cycle of {len(cycle['concepts'])} concepts, {len(cycle['pairs'])} pairs:"
                f" {escape(names)}",
                highlight=False,
            )
    if csv is not None:
        written = write_csv(tables.path / "rejects.parquet", csv)
        errors.print(f"{written:,} rejected rows written to {csv}")


def violation_table(checked: dict[str, Any]) -> Table:
    """The constraint violations by rule, with an example of each."""
    example = {found["rule"]: found for found in reversed(checked["violations"])}
    rows = [
        (rule, example[rule]["severity"], count, example[rule]["node_id"], example[rule]["message"])
        for rule, count in checked["violations_by_rule"].items()
    ]
    title = f"constraints: {checked['n_dropped']:,} triples dropped"
    return table(title, ("rule", "severity", "count", "for example", "message"), rows)


@graph.command("load")
def load_graph(
    bulk: Annotated[
        bool, typer.Option("--bulk", help="Fill the empty Neo4j of `kgplan neo4j start` at once.")
    ] = False,
    sweep: Annotated[
        bool, typer.Option("--sweep", help="Also where it deletes much of the graph.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Load the checked triples; a second load changes nothing, and designers' edits stay.

    [bold]Examples:[/] kgplan graph load · kgplan graph load --bulk
    """
    from kgplan.etl.stages import Loading, run_load

    reports = [run_alone(run_load, Loading(bulk, sweep))]
    conflicts = [tuple(each.values()) for each in reports[0].details["conflicts"]]
    if conflicts and not as_json:
        title = "designers' edits that stay against the source"
        console.print(table(title, ("what", "why"), conflicts))
    finish(reports, as_json)


@graph.command("show")
def show_graph(as_json: AsJson = False) -> None:
    """What the graph holds, and its version.

    [bold]Example:[/] kgplan graph show --json
    """
    from kgplan.model.opening import open_snapshot

    snapshot = open_snapshot(read_settings())
    counts = {"concepts": snapshot.concept_ids.size, "courses": snapshot.course_ids.size}
    counts |= {name: heads.size for name, (heads, _) in snapshot.relations.items()}
    if as_json:
        print_json({"graph_version": snapshot.version, **counts})
        return
    console.print(table(f"graph {snapshot.version}", ("what", "count"), list(counts.items())))


def similarity(
    alpha: Annotated[float, typer.Option(help="Weight of the semantic part, 0 to 1.")] = 0.7,
    write_graph: Annotated[
        bool,
        typer.Option("--write-graph", help="Put the most similar into the graph, as SIMILAR_TO."),
    ] = False,
    top: Annotated[
        int, typer.Option(help="Of each concept, with --write-graph.", min=1, max=50)
    ] = 10,
    as_json: AsJson = False,
) -> None:
    """Semantic and collaborative similarity of concepts, and their fusion.

    In the graph they are for questions only: no plan and no version of the graph rests on them.

    [bold]Examples:[/] kgplan similarity --alpha 0.5 · kgplan similarity --write-graph --top 20
    """
    from kgplan.pipeline.similarity import SimilarityConfig, run_similarity

    reports = [run_alone(run_similarity, SimilarityConfig(alpha))]
    if write_graph:
        from kgplan.pipeline.similar_graph import run_similar_graph

        def write(progress: Progress) -> "StageReport":
            return run_similar_graph(read_settings(), top, progress=progress)

        reports.append(run_stage("similar concepts", write))
    finish(reports, as_json)


def demo(
    source: Source = Path("data/mooccube-cs.zip"),
    picture: Annotated[
        Path | None, typer.Option(help="Where the path's picture goes; KGPLAN_HOME/path.svg.")
    ] = None,
    length: Annotated[int, typer.Option(help="Concepts to plan.", min=1, max=50)] = 6,
    tolerant: Tolerant = False,
    format: Format = None,
    as_json: AsJson = False,
) -> None:
    """The main job: source files, graph, embedding, diagnosis, similarity, one learner's path.

    An archive with other ids than the one before takes its place.

    [bold]Example:[/] kgplan demo data/mooccube-cs.zip
    """
    from kgplan.cli.plan import print_plan, write_picture
    from kgplan.etl.stages import Loading, run_etl, run_load
    from kgplan.model.opening import open_planner
    from kgplan.planning import PlanOptions

    settings = read_settings()
    picture = picture or settings.home / "path.svg"
    begun = time.perf_counter()
    model = Aside(ArtifactStore(settings.artifacts))
    reports = run_etl(settings, source, tolerant=tolerant, run_stage=run_stage, format=format)
    loading = Loading(sweep=tolerant or reports[0].details["another"])
    reports += run_part("graph", settings, model, {run_load.name: loading}, run_stage)
    reports += run_part("model", settings, model, {}, run_stage)
    model.commit(by="kgplan demo")
    planner = open_planner(settings)
    shown = showcase(planner)
    made = planner.plan(*shown, PlanOptions(length=length)) if shown else None
    if made:
        write_picture(planner, made, picture)
    seconds, peak = time.perf_counter() - begun, peak_memory()
    if as_json:
        print_json(
            {
                "stages": [report.to_dict() for report in reports],
                "plan": made.to_dict() if made else None,
                "picture": str(picture) if made else None,
                "seconds": seconds,
                "peak_memory_bytes": peak,
            }
        )
        return
    print_figures(reports, as_json)
    console.print(stage_table(reports))
    if made:
        print_plan(planner, made)
        console.print(f"picture: {picture}", highlight=False)
    console.print(f"{seconds:z.1f} s in all, peak memory {peak / 1e9:z.2f} GB")
    if shown:
        following = f"plan {' '.join(shown)} --length 8"
    else:
        console.print("no path yet: there is no course to show one of")
        following = "serve --dev"
    console.print(f"next: {Path(sys.argv[0])} {following}", highlight=False, soft_wrap=True)


def showcase(planner: "Planner") -> tuple[str, str] | None:
    """The learner and course that show most; a new learner where there is none, None where there is
    no course.

    Of the courses whose videos cover concepts, the one whose concepts have the most prerequisites;
    of its learners, the one nearest to having opened half of those videos.
    """
    import numpy as np

    graph, records = planner.graph, planner.records
    if not records.course_ids.size:
        return None
    n_prerequisites = graph.course_concepts.astype(np.int64) @ np.diff(graph.prerequisites.indptr)
    weight = dict(zip(graph.course_ids.tolist(), n_prerequisites.tolist(), strict=True))
    n_videos = np.diff(records.course_items.indptr)
    course = max(
        range(records.course_ids.size),
        key=lambda k: weight.get(str(records.course_ids[k]), 0) if n_videos[k] else -1,
    )
    if not records.learner_ids.size:
        return "new-learner", str(records.course_ids[course])
    taught = (records.course_items[[course]] > 0).astype(np.int64)
    opened = ((records.viewed > 0).astype(np.int64) @ taught.T).toarray().ravel()
    enrolled = records.enrolled.tocsc()[:, [course]].toarray().ravel() > 0
    off = np.where(enrolled, abs(opened - n_videos[course] / 2), np.inf)
    return str(records.learner_ids[int(np.argmin(off))]), str(records.course_ids[course])
