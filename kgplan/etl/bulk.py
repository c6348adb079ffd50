"""Fill an empty Neo4j server at once, by its import tool instead of by queries.

The tool writes the database's files itself, so the server is stopped around it. It is the server
of `kgplan neo4j start`, whose files are at hand.
"""

import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pyarrow as pa
from pyarrow import csv

from kgplan.errors import ConfigError, GraphUnavailable
from kgplan.etl.load import GraphRows, LoadReport
from kgplan.graph.address import database_of, server_of
from kgplan.graph.neo4j_server import Neo4jServer
from kgplan.graph.rows import Row
from kgplan.graph.schema import GraphSchema, graph_schema
from kgplan.graph.snapshot import content_hash
from kgplan.graph.store import open_graph
from kgplan.progress import Progress, silent
from kgplan.settings import Settings

DATABASE = "neo4j"
ARRAY_DELIMITER = "\x1f"  # the unit separator: no text of the source holds it
COLUMNS = {
    "string": ("string[]", pa.string()),
    "decimal": ("double", pa.float64()),
    "integer": ("long", pa.int64()),
}
"""Kind of an annotation -> what the tool calls it, and its type here."""
UNFINISHED = "bulk-load.unfinished"


def bulk_load(
    rows: GraphRows,
    settings: Settings,
    run_id: str,
    progress: Progress = silent,
    schema: GraphSchema | None = None,
) -> LoadReport:
    """Load these rows into the empty database of the server of `kgplan neo4j start`.

    Killed in between, it leaves a file that tells the next bulk load to begin anew.

    Args:
        rows: all nodes and relationships of the source.
        settings: where the server is, and who asks.
        run_id: names the content.
        progress: called with what is being done.
        schema: of the graph; None: that of kgplan's ontology.

    Raises:
        ConfigError: KGPLAN_GRAPH is not that server.
        GraphUnavailable: the database is not empty, or the import failed.
    """
    schema = schema or graph_schema()
    server = Neo4jServer(settings.neo4j_home)
    now = server.status()
    if not now.running or not is_own(settings, now.bolt):
        raise ConfigError(
            f"a bulk load works on the files of the server of `kgplan neo4j start`, and"
            f" KGPLAN_GRAPH is {settings.graph_url!r}; start that server and use its address, or"
            " load without --bulk"
        )
    unfinished = server.home / UNFINISHED
    if not unfinished.exists():
        check_empty(settings)
    folder = server.home / "import" / "bulk"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    progress("writing rows", 0, rows.total)
    arguments = write_csv(rows, schema, run_id, folder)
    unfinished.touch()
    server.stop()
    with ThreadPoolExecutor(1) as beside:  # the import is another process
        version = beside.submit(content_hash, rows.nodes, rows.relationships, schema)
        try:
            progress("importing", 0, rows.total)
            server.admin(
                *("database", "import", "full", DATABASE, "--overwrite-destination=true"),
                *("--multiline-fields=true", f"--array-delimiter=U+{ord(ARRAY_DELIMITER):04X}"),
                *(f"--report-file={folder / 'import.report'}", *arguments),
            )
        finally:
            server.restart(progress=progress)
    with open_graph(settings.graph_url, access=settings.graph_access, schema=schema) as store:
        store.define_schema()
        held = store.read("bulk.held")[0]
        wanted = [sum(map(len, part.values())) for part in (rows.nodes, rows.relationships)]
        if [held["nodes"], held["relationships"]] != wanted:
            raise GraphUnavailable(
                f"the import left {held['nodes']:,} nodes and {held['relationships']:,}"
                f" relationships of {wanted[0]:,} and {wanted[1]:,}; see {server.log}, then load"
                " in bulk again"
            )
        with store.loading(run_id):
            store.write("load.finish", version=version.result(), run_id=run_id)
    unfinished.unlink()
    shutil.rmtree(folder)
    written = {name: len(part) for name, part in [*rows.nodes.items(), *rows.relationships.items()]}
    return LoadReport(version.result(), True, written, 0, 0, 0, [])


def is_own(settings: Settings, bolt: str) -> bool:
    """Whether the settings name the default database of the server at this address."""
    if database_of(settings.graph_url) != "neo4j":
        return False
    address, database = server_of(settings.graph_url, settings.graph_access)
    return urlsplit(address).netloc == urlsplit(bolt).netloc and database in (None, "neo4j")


def check_empty(settings: Settings) -> None:
    """Refuse a database that holds anything.

    Raises:
        GraphUnavailable: it does.
    """
    with open_graph(settings.graph_url, read_only=True, access=settings.graph_access) as store:
        held = store.read("bulk.held")[0]["nodes"]
    if held:
        raise GraphUnavailable(
            f"the graph at {settings.graph_url} holds {held:,} nodes, and a bulk load needs an"
            " empty one; load without --bulk"
        )


def write_csv(rows: GraphRows, schema: GraphSchema, run_id: str, folder: Path) -> list[str]:
    """Write a file for each label and type, and name them as the import tool's arguments.

    Text is quoted and an absent value is not, so that an empty text stays one.
    """
    arguments = []
    for class_ in schema.classes:
        label, content = class_.label, rows.nodes[class_.label]
        keys = [each.key for each in class_.attributes if each.key != "id"]
        columns = {f"id:ID({label})": column(content, "id")}
        columns |= {f"{key}:string": column(content, key) for key in keys}
        arguments.append(f"--nodes={label}={write_table(columns, run_id, folder / label)}")
    for relation in schema.relations:
        type_, content = relation.type, rows.relationships[relation.type]
        columns = {
            f":START_ID({relation.head.label})": column(content, "head"),
            f":END_ID({relation.tail.label})": column(content, "tail"),
        }
        for each in relation.annotations:
            header, type_of = COLUMNS[each.kind]
            values = [row.get(each.key) for row in content]
            if not each.is_number:
                values = [ARRAY_DELIMITER.join(value or []) or None for value in values]
            columns[f"{each.key}:{header}"] = pa.array(values, type_of)
        path = write_table(columns, run_id, folder / type_)
        arguments.append(f"--relationships={type_}={path}")
    return arguments


def column(rows: Sequence[Row], key: str) -> pa.Array:
    """One key of all rows, as text."""
    return pa.array([row[key] for row in rows], pa.string())


def write_table(columns: dict[str, pa.Array], run_id: str, path: Path) -> Path:
    """Write columns and the run's id as CSV."""
    length = len(next(iter(columns.values())))
    runs = pa.array([run_id] * length, pa.string())
    table = pa.table({**columns, "run_id:string": runs})
    csv.write_csv(table, path, csv.WriteOptions(quoting_style="needed"))
    return path
