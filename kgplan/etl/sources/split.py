"""What do answers say that were split for training and testing, with a Q-matrix beside them?

Data sets of cognitive diagnosis are handed on in this form: `q.csv` with an item and a concept on
each row, and `train.csv`, `valid.csv` and `test.csv` with answers, without times. All answers are
read. Ids tell what they are of: `item-`, `concept-`.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from kgplan.etl.archive import Archive, SourceFile
from kgplan.etl.sources.columns import Record, sheet
from kgplan.etl.sources.steps import NamedSource, Rows, rows_of

Q = "q.csv"
PARTS = ("train.csv", "valid.csv", "test.csv")


def read(archive: Archive) -> Iterator[Rows | str]:
    """Rows of each table."""
    concepts, items = dict[str, int](), dict[str, int]()
    with sheet(archive, Q, ("item_id", "concept_id")) as given:
        yield from given.notes
        yield rows_of("item_concepts", Q, _pairs(given.records(), items, concepts))
    for path in PARTS:
        if path in archive.paths:
            with sheet(archive, path, ("learner_id", "item_id", "score")) as given:
                yield from given.notes
                yield rows_of("events", path, _answers(given.records(), items))
    yield rows_of("concepts", Q, _named("concept_id", concepts))
    yield rows_of("items", Q, _named("item_id", items, kind="exercise"))


def _pairs(
    records: Iterator[Record], items: dict[str, int], concepts: dict[str, int]
) -> Iterator[dict[str, Any]]:
    for line, cells, reject in records:
        item = _met("item", cells.get("item_id"), line, items)
        concept = _met("concept", cells.get("concept_id"), line, concepts)
        yield {"line": line, "reject": reject, "item_id": item, "concept_id": concept}


def _answers(records: Iterator[Record], items: dict[str, int]) -> Iterator[dict[str, Any]]:
    for line, cells, reject in records:
        yield {
            "line": line,
            "reject": reject,
            "learner_id": cells.get("learner_id"),
            "item_id": _met("item", cells.get("item_id"), line, items),
            "score": cells.get("score") or None,
        }


def _met(kind: str, number: str | None, line: int, seen: dict[str, int]) -> str | None:
    """The id of a number, which is remembered with the line that it is first seen on."""
    if not number:
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
