"""`kgplan graph ask | health | effects | export | sparql | scripts`: what designers do."""

import json
import re
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kgplan.cli.output import AsJson, console, errors, print_json, table
from kgplan.errors import ConfigError, InputError
from kgplan.settings import read_settings

if TYPE_CHECKING:
    from kgplan.etl.load import GraphRows
    from kgplan.graph.health import GraphHealth, Named, NamedEdge
    from kgplan.pipeline.effects import MeasuredEdge

QUERY = re.compile(
    r"\s*(PREFIX|BASE|SELECT|ASK|CONSTRUCT|DESCRIBE|LOAD|CLEAR|CREATE|DROP|COPY|MOVE|ADD)\s", re.I
)
SHOWN = 10  # rows of each part of the health report, where a person reads


def register(graph: typer.Typer) -> None:
    """Put the designers' commands below `kgplan graph`."""
    for command in (ask, health, effects, export, sparql, scripts):
        graph.command(command.__name__)(command)


def ask(
    name: Annotated[str, typer.Argument(help="The question's name.")] = "",
    param: Annotated[
        list[str] | None, typer.Option(help="KEY=VALUE, once for each parameter.")
    ] = None,
    list_all: Annotated[bool, typer.Option("--list", help="All questions.")] = False,
    as_json: AsJson = False,
) -> None:
    """Put a question of the designers' library to the graph.

    [bold]Examples:[/] kgplan graph ask --list ·
    kgplan graph ask leads_to --param concept_id=K_中断机制_计算机科学技术
    """
    from kgplan.graph import designer
    from kgplan.graph.address import database_of
    from kgplan.graph.store import open_graph

    if list_all or not name:
        all_questions = list(designer.questions().values())
        listed = [
            {"name": each.name, "asks": each.asks, "parameters": dict(each.examples)}
            for each in all_questions
        ]
        if as_json:
            print_json(listed)
            return
        rows = [(each.name, each.asks, " ".join(each.examples)) for each in all_questions]
        console.print(table("questions", ("name", "question", "parameters"), rows))
        return
    given = read_parameters(param or [])
    asked = designer.question(name)
    asked.values(given)  # before the graph is opened
    settings = read_settings()
    database = database_of(settings.graph_url)
    with open_graph(settings.graph_url, read_only=True, access=settings.graph_access) as store:
        found = designer.ask(store, database, name, **given)
    if as_json:
        print_json(found)
    elif found:
        answer = [[in_words(value) for value in row.values()] for row in found]
        headings = [key.replace("_", " ") for key in found[0]]
        console.print(table(f"{asked.asks} ({len(found):,})", headings, answer))
    else:
        console.print(f"{asked.asks} None.", highlight=False)


def read_parameters(pairs: Sequence[str]) -> dict[str, str]:
    """Read KEY=VALUE pairs.

    >>> read_parameters(["course_id=C_course-v1:a+b=c"])
    {'course_id': 'C_course-v1:a+b=c'}
    """
    found = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not (key and equals):
            raise InputError(f"--param {pair!r} is not KEY=VALUE, for example limit=5")
        found[key] = value
    return found


def in_words(value: Any) -> Any:
    """A list as its items with arrows between; anything else as it is.

    >>> in_words(["a", "b"])
    'a → b'
    """
    return " → ".join(map(str, value)) if isinstance(value, list) else value


def health(as_json: AsJson = False) -> None:
    """Cycles and what breaks them, redundant edges, bottlenecks, depth, coverage.

    [bold]Example:[/] kgplan graph health --json
    """
    from kgplan.errors import ArtifactMissing
    from kgplan.graph.health import covered_concepts, graph_health
    from kgplan.model.opening import open_records, open_snapshot
    from kgplan.store.artifacts import ArtifactStore

    settings = read_settings()
    snapshot = open_snapshot(settings)
    try:
        covered = covered_concepts(open_records(ArtifactStore(settings.artifacts))[0])
    except ArtifactMissing:
        covered = None  # a graph that was loaded elsewhere
    found = graph_health(snapshot, covered)
    if as_json:
        print_json(found.to_dict())
    else:
        print_health(found)


def print_health(found: "GraphHealth") -> None:
    """The report for people: the first rows of each part."""
    coverage, depth = found.coverage, found.depth
    breaking = sum(len(group.breaking) for group in found.cyclic_groups)
    counts = [
        ("concepts", found.concepts),
        ("prerequisite edges", found.edges),
        ("concepts on cycles", sum(len(group.concepts) for group in found.cyclic_groups)),
        ("edges that break all cycles", breaking),
        ("contradictory pairs", len(found.contradictory_pairs)),
        ("redundant edges, each alone", len(found.redundant_edges)),
        ("redundant edges, together", sum(edge.together for edge in found.redundant_edges)),
        ("bottlenecks", len(found.bottlenecks)),
        ("steps of the longest chain", depth.steps),
        ("foundations", coverage.foundations),
        ("orphans", len(coverage.orphans)),
        ("concepts without a course", len(coverage.without_course)),
    ]
    if coverage.without_item is not None:
        counts.append(("concepts with nothing to open on them", len(coverage.without_item)))
    if coverage.gaps is not None:
        counts.append(("of these, needed or in a course", len(coverage.gaps)))
    if found.lone_alternatives:
        counts.append(("groups of one alternative", len(found.lone_alternatives)))
    console.print(table(f"graph {found.graph_version}", ("what", "count"), counts))
    for group in found.cyclic_groups:
        proven = "no smaller set does" if group.smallest else "a smaller set may do"
        title = (
            f"cycles among {len(group.concepts)} concepts, {group.edges} edges:"
            f" remove these {len(group.breaking)} ({proven})"
        )
        rows = [edge_cells(edge) for edge in group.breaking]
        console.print(table(title, ("prerequisite", "of", "sources"), rows))
    pairs = [
        (there.before.name, there.after.name, *map(" ".join, (there.sources, back.sources)))
        for there, back in found.contradictory_pairs[:SHOWN]
    ]
    headings = ("concept", "and", "first before second", "second before first")
    console.print(table("contradictory pairs", headings, pairs))
    redundant = [(*edge_cells(row.edge), row.steps) for row in found.redundant_edges[:SHOWN]]
    headings = ("prerequisite", "of", "sources", "steps without it")
    console.print(table("redundant edges", headings, redundant))
    narrow = [(row.concept.name, row.unreachable) for row in found.bottlenecks[:SHOWN]]
    console.print(table("bottlenecks", ("concept", "unreachable without it"), narrow))
    gaps = [
        (gap.concept.name, len(gap.needed_by), len(gap.courses), " ".join(names(gap.needed_by[:3])))
        for gap in (coverage.gaps or ())[:SHOWN]
    ]
    headings = (
        "needed, and nothing to open on it",
        "concepts need it",
        "courses list it",
        "such as",
    )
    console.print(table("gaps", headings, gaps))
    console.print(f"a longest chain: {' → '.join(names(depth.chain))}", highlight=False)
    console.print("all rows: kgplan graph health --json", highlight=False)


def effects(as_json: AsJson = False) -> None:
    """How much better learners do at a concept once they have worked through a prerequisite.

    Compared are learners at their first try of a video that covers the concept, video by video. It
    is no experiment, and changes nothing: a designer may set an edge's strength by it.

    [bold]Example:[/] kgplan graph effects --json
    """
    from kgplan.model.opening import open_snapshot
    from kgplan.pipeline.effects import measured_edges
    from kgplan.store.artifacts import ArtifactStore

    settings = read_settings()
    found = measured_edges(ArtifactStore(settings.artifacts), open_snapshot(settings))
    if as_json:
        print_json([asdict(edge) for edge in found])
    else:
        print_effects(found)


def print_effects(found: Sequence["MeasuredEdge"]) -> None:
    """The effects for people: how many edges say what, and the first of those that do."""
    counts = Counter(edge.says for edge in found)
    console.print(table("prerequisites", ("in the records", "edges"), counts.most_common()))
    told = [edge for edge in found if edge.says in ("helps", "hinders")]
    shown = told if len(told) <= 2 * SHOWN else told[:SHOWN] + told[-SHOWN:]
    rows = [
        (edge.before.name, edge.after.name, edge.says, f"{edge.effect:+.2f}",
         f"{edge.low:+.2f} to {edge.high:+.2f}", edge.with_it, edge.without_it)
        for edge in shown
    ]  # fmt: skip
    headings = ("prerequisite", "of", "says", "success", "95 %", "with it", "without it")
    console.print(table(f"what the records tell ({len(told):,})", headings, rows))
    compared = len(found) - counts["nobody to compare"]
    console.print(
        f"of {compared:,} edges that do nothing, about {compared * 0.05:.0f} would be here by"
        " chance; and who has worked through one thing may work through more of everything",
        highlight=False,
    )
    console.print("all rows: kgplan graph effects --json", highlight=False)


def edge_cells(edge: "NamedEdge") -> tuple[str, str, str]:
    """An edge as a row of a table."""
    return edge.before.name, edge.after.name, " ".join(edge.sources)


def names(concepts: Sequence["Named"]) -> list[str]:
    """The names of concepts."""
    return [concept.name for concept in concepts]


def export(
    format_: Annotated[
        str, typer.Option("--format", help="ttl, nt, jsonld, graphml, csv or case (CASE 1.0).")
    ],
    out: Annotated[
        Path | None, typer.Option(help="File, for csv a folder; standard output where not given.")
    ] = None,
    changed: Annotated[
        datetime | None,
        typer.Option(help="When the graph last changed, in UTC, for case; now where not given."),
    ] = None,
) -> None:
    """Write the graph as RDF, GraphML, tables or a CASE package, with designers' edits.

    [bold]Examples:[/] kgplan graph export --format ttl --out graph.ttl ·
    kgplan graph export --format csv --out tables/ ·
    kgplan graph export --format case --changed 2026-03-01 --out case.json
    """
    from kgplan.etl.export import TEXTS, Format, csv_files, graphml, triples_of
    from kgplan.graph.schema import graph_schema

    if format_ not in list(Format):
        raise InputError(f"--format is {format_!r}; choose from {', '.join(Format)}")
    if format_ == Format.CSV and out is None:
        raise InputError("csv has a file per class and relation; give their folder with --out")
    if format_ == Format.CASE:
        export_case(out, changed)
        return
    rows = read_rows()
    if format_ == Format.CSV and out is not None:
        tables = csv_files(rows)
        for name, text in tables.items():
            write_text(out / name, text)
        errors.print(f"{len(tables)} files written to {out}", highlight=False)
        return
    exported = triples_of(rows, graph_schema())
    for left_out in exported.left_out:
        errors.print(f"left out, as it has no id: {left_out}", markup=False, highlight=False)
    wanted = Format(format_)
    text = TEXTS[wanted](exported.lines) if wanted in TEXTS else graphml(rows, graph_schema())
    if out is None:
        sys.stdout.write(text)
        return
    write_text(out, text)
    errors.print(f"{rows.total:,} nodes and relationships written to {out}", highlight=False)


def export_case(out: Path | None, changed: datetime | None) -> None:
    """Write concepts and prerequisites as a CASE 1.0 package, the same as the service's."""
    from kgplan.graph.case import case_package
    from kgplan.model.opening import open_snapshot

    when = (changed or datetime.now(UTC)).replace(tzinfo=UTC)
    package = case_package(open_snapshot(read_settings()), when)
    if out is None:
        print_json(package)
        return
    write_text(out, json.dumps(package, ensure_ascii=False, indent=2) + "\n")
    parts = len(package["CFItems"]), len(package["CFAssociations"])
    errors.print("{:,} items and {:,} associations written to".format(*parts), out, highlight=False)


def read_rows() -> "GraphRows":
    """Everything in the graph."""
    from kgplan.etl import export as exporting
    from kgplan.graph.store import open_graph

    settings = read_settings()
    with open_graph(settings.graph_url, read_only=True, access=settings.graph_access) as store:
        return exporting.read_rows(store)


def write_text(path: Path, text: str) -> None:
    """Write a file, and its folder where there is none.

    Raises:
        ConfigError: the path cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error.strerror}; choose another --out") from None


def sparql(
    query: Annotated[str, typer.Argument(help="File with a SPARQL query, or the query itself.")],
    as_json: AsJson = False,
) -> None:
    """Put a SPARQL query to the graph; common prefixes are known: kg, rdf, rdfs, owl, xsd, skos.

    [bold]Example:[/] kgplan graph sparql "SELECT ?name WHERE { ?field a kg:Field ; kg:name ?name }"
    """
    from kgplan.etl import export as exporting
    from kgplan.graph.schema import graph_schema

    text = query if "{" in query or QUERY.match(query) else read_query(query)
    exported = exporting.triples_of(read_rows(), graph_schema())
    found = exporting.sparql(exported.lines, text)
    if as_json:
        print_json([dict(zip(found.columns, row, strict=True)) for row in found.rows])
    else:
        console.print(table(f"{len(found.rows):,} rows", found.columns, found.rows))


def read_query(name: str) -> str:
    """The text of a file with a query.

    Raises:
        InputError: there is none, or it cannot be read or is not UTF-8.
    """
    try:
        raw = Path(name).read_bytes()
        return raw.decode("utf-8-sig")
    except FileNotFoundError:
        raise InputError(
            f"there is no file {name}, and it is no SPARQL query: it has no {{"
        ) from None
    except OSError as error:
        raise InputError(f"{name} cannot be read ({error.strerror}); give another file") from None
    except UnicodeDecodeError as error:
        row = raw.count(b"\n", 0, error.start) + 1
        raise InputError(f"{name}, line {row}, is not UTF-8; save the query as UTF-8") from None


def scripts(
    out: Annotated[Path, typer.Argument(help="The zip file to write.")] = Path(
        "browser-scripts.zip"
    ),
) -> None:
    """Write the library as saved scripts: drop the zip file onto Neo4j Browser.

    [bold]Example:[/] kgplan graph scripts browser-scripts.zip
    """
    from kgplan.graph.designer import browser_scripts

    try:
        out.write_bytes(browser_scripts())
    except OSError as error:
        raise ConfigError(f"cannot write {out}: {error.strerror}; choose another file") from None
    errors.print(f"saved scripts written to {out}", highlight=False)
