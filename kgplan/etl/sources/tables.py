"""What do plain tables say: a file each, CSV or Parquet, as `kgplan init` writes them?"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from kgplan.errors import SourceError
from kgplan.etl.archive import Archive, Layout, SourceFile, tops_of
from kgplan.etl.plain import PLAIN, PlainTable
from kgplan.etl.sources.columns import fault_of
from kgplan.etl.sources.steps import NamedSource, Rows, rows_of
from kgplan.store.csvfile import CsvStream, plain, renamed, stream_csv, words_for

PACKAGE = "datapackage.json"


def read(archive: Archive) -> Iterator[Rows | str]:
    """Rows of each table that is there.

    Raises:
        SourceError: a table is there twice, lacks a column that it needs, or is no Parquet.
        InputError: as `stream_csv`.
    """
    for table in PLAIN.values():
        found = _file(table).among(archive.paths)
        if len(found) > 1:
            raise SourceError(f"{' and '.join(found)} are one table; give one of them")
        for path in found:
            if path.endswith(".parquet"):
                yield from _parquet(archive, path, table)
            else:
                yield from _csv(archive, path, table)


def beside(archive: Archive, own: Layout) -> Iterator[Rows | str]:
    """Rows of the plain tables that lie beside a source's own files, or in one folder among them.

    Args:
        archive: as `open_source` gives it.
        own: the source's layout; what is of it is no plain table, whatever it is called.

    Raises:
        SourceError: as for `read`; or two folders have plain tables.
    """
    others = archive.whole.without(own)
    folders = sorted(set(tops_of(others.paths, SOURCE.layout).values()))
    if len(folders) > 1:
        named = " and ".join(repr(folder.rstrip("/")) for folder in folders)
        raise SourceError(f"plain tables lie in the folders {named}; put them into one")
    found = others.within(SOURCE.layout)
    found.encoding = archive.encoding
    if found.paths:
        yield f"read beside: {', '.join(sorted(found.paths))}"
    yield from read(found)


def _csv(archive: Archive, path: str, table: PlainTable) -> Iterator[Rows | str]:
    with archive.open(path) as stream:
        opened = stream_csv(stream, path, archive.encoding)
        columns = _columns(opened.header, table, path)
        yield from (*opened.notes, *columns.notes)
        yield rows_of(table.name, path, _rows(opened, columns.places))


def _rows(opened: CsvStream, places: Mapping[str, int]) -> Iterator[dict[str, object]]:
    width = len(opened.header)
    for line, cells in opened.rows:
        if reject := fault_of(cells, width):
            yield {"line": line, "reject": reject}
        else:
            yield {"line": line} | {name: cells[at] or None for name, at in places.items()}


def _parquet(archive: Archive, path: str, table: PlainTable) -> Iterator[Rows | str]:
    with archive.open(path) as stream:
        try:
            file = pq.ParquetFile(stream)
        except pa.ArrowInvalid as error:
            raise SourceError(f"{path} is no Parquet file that can be read ({error})") from None
        columns = _columns(file.schema_arrow.names, table, path)
        yield from columns.notes

        def batches() -> Iterator[pa.RecordBatch]:
            line = 1
            for batch in file.iter_batches():
                lines = pa.array(range(line, line + batch.num_rows), pa.int64())
                line += batch.num_rows
                texts = {n: batch[place].cast(pa.string()) for n, place in columns.places.items()}
                yield pa.record_batch({"line": lines, **texts})

        yield Rows(table.name, path, batches())


@dataclass(frozen=True)
class _Columns:
    """Which of a file's columns are a table's, by place; and what is to be said of it."""

    places: dict[str, int]
    notes: list[str]


def _columns(header: list[str], table: PlainTable, path: str) -> _Columns:
    titles = [plain(title) for title in header]
    places: dict[str, int] = {}
    for column in table.columns:
        named = [titles.index(word) for word in words_for(column.name) if word in titles]
        if free := [place for place in named if place not in places.values()]:
            places[column.name] = free[0]
    lacking = [column.name for column in table.columns if column.required]
    if missing := [name for name in lacking if name not in places]:
        raise SourceError(
            f"{path} has no column {missing[0]!r}: it has {', '.join(header[:8])}; name the columns"
            f" as in {', '.join(table.column_names)}"
        )
    unread = [title for at, title in enumerate(header) if title and at not in places.values()]
    notes = renamed(path, header, places)
    notes += [f"{path}: not read: {', '.join(unread)}"] if unread else []
    return _Columns(places, notes)


def whose(archive: Archive) -> tuple[str, str]:
    """The title and the licence in a data package's description; nothing where there is none."""
    if PACKAGE not in archive.paths:
        return "", ""
    with archive.open(PACKAGE) as stream:
        try:
            package = json.load(stream)
        except ValueError as error:
            raise SourceError(f"{PACKAGE} is no JSON ({error}); mend it, or leave it out") from None
    package = package if isinstance(package, dict) else {}
    licences = [each for each in package.get("licenses") or [] if isinstance(each, dict)]
    named = [str(each.get("title") or each.get("name") or "") for each in licences]
    return str(package.get("title") or ""), ", ".join(filter(None, named))


def _file(table: PlainTable) -> SourceFile:
    return SourceFile(f"{table.name}.{{csv,tsv,txt,parquet}}", required=table.required)


SOURCE = NamedSource(
    name="tables",
    title="plain tables",
    about="a spreadsheet's tables, CSV or Parquet, as `kgplan init` writes them",
    layout=(
        *(_file(table) for table in PLAIN.values()),
        SourceFile(PACKAGE, required=False),
    ),
    read=read,
    whose=whose,
)
