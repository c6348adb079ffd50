"""What do answers say that were split for training and testing, with a Q-matrix beside them?

Data sets of cognitive diagnosis are handed on in this form: `q.csv` with an item and a concept on
each row, and `train.csv`, `valid.csv` and `test.csv` with answers, without times. All answers are
read. Ids tell what they are of: `item-`, `concept-`.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from kgplan.etl.archive import Archive, SourceFile
from kgplan.etl.sources.cells import cells_of
from kgplan.etl.sources.steps import NamedSource, Rows, rows_of
from kgplan.store.csvfile import COLUMNS

Q = "q.csv"
PARTS = ("train.csv", "valid.csv", "test.csv")


def read(archive: Archive) -> Iterator[Rows | str]:
    """Rows of each table."""
    concepts, items = dict[str, int](), dict[str, int]()
    with cells_of(archive, Q, _called("item_id", "concept_id")) as opened:
        yield from opened.notes
        yield rows_of("item_concepts", Q, _pairs(opened.rows, items, concepts))
    for path in PARTS:
        if path in archive.paths:
            with cells_of(archive, path, _called("learner_id", "item_id", "score")) as opened:
                yield from opened.notes
                yield rows_of("events", path, _answers(opened.rows, items))
    yield rows_of("concepts", Q, _named("concept_id", concepts))
    yield rows_of("items", Q, _named("item_id", items, kind="exercise"))


def _called(*names: str) -> dict[str, list[str]]:
    return {name: [name, *COLUMNS[name].split()] for name in names}


def _pairs(
    rows: Iterator[dict[str, Any]], items: dict[str, int], concepts: dict[str, int]
) -> Iterator[dict[str, Any]]:
    for row in rows:
        if "reject" not in row:
            row["item_id"] = _met("item", row["item_id"], row["line"], items)
            row["concept_id"] = _met("concept", row["concept_id"], row["line"], concepts)
        yield row


def _answers(rows: Iterator[dict[str, Any]], items: dict[str, int]) -> Iterator[dict[str, Any]]:
    for row in rows:
        if "reject" not in row:
            row["item_id"] = _met("item", row["item_id"], row["line"], items)
        yield row


def _met(kind: str, number: str | None, line: int, seen: dict[str, int]) -> str | None:
    """The id of a number, which is remembered with the line that it is first seen on."""
    if number is None:
        return None
    seen.setdefault(f"{kind}-{number}", line)
    return f"{kind}-{number}"


def _named(column: str, seen: Mapping[str, int], **more: str) -> Iterator[dict[str, Any]]:
    return ({"line": line, column: id_, **more} for id_, line in seen.items())


SOURCE = NamedSource(
    name="split",
    title="split answers",
    about="answers in train.csv, valid.csv and test.csv, with a Q-matrix in q.csv",
    layout=(SourceFile(Q), *(SourceFile(path, required=path == PARTS[0]) for path in PARTS)),
    read=read,
)
