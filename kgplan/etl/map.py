"""Which triples do the tables say? The mapping is `ontology/mapping.rml.ttl`, run by Morph-KGC.

The mapping names its Parquet files relative to the folder of tables. They are read here and handed
to the engine in memory, for two reasons: the engine spells a NULL of a file "None" and then cannot
tell it from a concept of that name, and files would tie it to the working directory.
"""

import logging
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from rdflib import Graph, Literal, Namespace

from kgplan.errors import SourceError
from kgplan.etl.rdf import canonical_lines
from kgplan.ontology import ontology_text
from kgplan.progress import Progress, silent

RML = Namespace("http://w3id.org/rml/")
Row = dict[str, str]

# Stands for NULL inside the engine: a private-use character, which no MOOCCube text holds.
NULL_MARK = "\ue000NULL"


def map_tables(tables: Path, progress: Progress = silent, items: bool = False) -> list[str]:
    """Run the mapping over a folder of tables.

    Args:
        tables: folder with the Parquet files that the mapping names.
        progress: called with a table's name, tables read and tables in all.
        items: whether items are mapped, too, by `ontology/items.rml.ttl`.

    Returns:
        N-Triples lines, sorted and without repeats: the same bytes for the same rows in any order.

    Raises:
        SourceError: a table or a column is missing, or an id is NULL.
    """
    mapping = Graph().parse(data=ontology_text("mapping.rml.ttl"), format="turtle")
    if items:
        mapping.parse(data=ontology_text("items.rml.ttl"), format="turtle")
    wanted = _columns_of(mapping)
    rows: dict[str, list[Row]] = {}
    for done, (file_name, (ids, others)) in enumerate(sorted(wanted.items()), start=1):
        rows[file_name] = _read(tables / file_name, ids, others)
        progress(Path(file_name).stem, done, len(wanted))
    triples = _run_engine(mapping, rows)
    return canonical_lines("".join(f"{triple} .\n" for triple in triples).encode())


def _columns_of(mapping: Graph) -> dict[str, tuple[set[str], set[str]]]:
    """File -> the columns that its IRIs are made of, and the columns whose values it copies."""
    columns: dict[str, tuple[set[str], set[str]]] = defaultdict(lambda: (set(), set()))
    for triples_map, logical_source in mapping.subject_objects(RML.logicalSource):
        ids, others = columns[str(mapping.value(logical_source, RML.source))]
        for node in mapping.transitive_objects(triples_map, None):
            for template in mapping.objects(node, RML.template):
                ids.update(re.findall(r"{([^}]+)}", str(template)))
            others.update(map(str, mapping.objects(node, RML.reference)))
    return columns


def _read(path: Path, ids: set[str], others: set[str]) -> list[Row]:
    if not path.is_file():
        raise SourceError(f"there is no table {path}; make the tables with `kgplan etl run`")
    missing = sorted((ids | others) - set(pq.read_schema(path).names))
    if missing:
        raise SourceError(f"table {path} has no column {', '.join(missing)}; extract it again")
    table = pq.read_table(path, columns=sorted(ids | others))
    for column in sorted(ids):
        if nulls := table[column].null_count:
            raise SourceError(f"{nulls} rows of table {path} have no {column}; extract it again")
    marked = {c: pc.fill_null(table[c].cast(pa.string()), NULL_MARK) for c in table.column_names}
    # Not as a DataFrame: from one of those the engine strips every quotation mark.
    return pa.table(marked).to_pylist()


def _run_engine(mapping: Graph, rows: Mapping[str, list[Row]]) -> set[str]:
    import morph_kgc  # here, because it takes seconds

    for logical_source, file_name in list(mapping.subject_objects(RML.source)):
        mapping.set((logical_source, RML.source, Literal(f"{{{file_name}}}")))
    with TemporaryDirectory(prefix="kgplan-") as folder, _quiet():
        path = Path(folder) / "mapping.ttl"
        mapping.serialize(path, format="turtle", encoding="utf-8")
        settings = {
            "na_values": NULL_MARK,
            "number_of_processes": "1",  # a pool starts more slowly than the sample maps
            "logging_level": "CRITICAL",
        }
        lines = [f"{key}={value}" for key, value in settings.items()]
        escaped = str(path).replace("$", "$$")
        config = "\n".join(["[CONFIGURATION]", *lines, "[tables]", f"mappings={escaped}"])
        return morph_kgc.materialize_set(config, dict(rows))


@contextmanager
def _quiet() -> Iterator[None]:
    """Undo what the engine does to logging: it configures the root logger and reports there."""
    root, engine = logging.getLogger(), logging.getLogger("morph_kgc")
    handlers, level, engine_level = root.handlers[:], root.level, engine.level
    engine.setLevel(logging.ERROR)
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        engine.setLevel(engine_level)
