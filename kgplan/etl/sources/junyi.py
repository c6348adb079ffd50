"""What do the files of Junyi Academy, January 2015, say: exercises, their order, and answers?

An exercise is both a concept and the item that asks for it; ids tell what they are of: `skill-`,
`topic-` and `area-` of concepts, `exercise-` of items. In the annotations B is what is needed
before A [chang2015, figure 2], on a scale from 1 to 9. See
https://pslcdatashop.web.cmu.edu/DatasetInfo?datasetId=1198 for the fields.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from kgplan.etl.archive import Archive, SourceFile
from kgplan.etl.sources.columns import Record, sheet
from kgplan.etl.sources.steps import NamedSource, Rows, rows_of
from kgplan.etl.tables import Reason

EXERCISES = "junyi_Exercise_table.csv"
ANSWERS = "junyi_ProblemLog_original.csv"
ANNOTATIONS = SourceFile("relationship_annotation_{training,testing}.csv", required=False)
NEEDED = ("name",)
KNOWN = (
    *("prerequisites", "prerequisite", "pretty_display_name", "short_display_name"),
    *("topic", "area"),
)
SCORED = ("Prerequisite_avg", "Prequesite_avg")  # as files and their description write it
LOWEST, HIGHEST = 1.0, 9.0
SCORES = {"true": "1", "false": "0"}


@dataclass(frozen=True)
class Opinion:
    """How much one exercise is needed before another, from 0 to 1, by those who were asked."""

    path: str
    line: int
    strength: float


Agreed = dict[tuple[str, str], Opinion]
"""(before, after) -> what is said of them."""


def read(archive: Archive) -> Iterator[Rows | str]:
    """Rows of each table; the log is read as a stream."""
    with sheet(archive, EXERCISES, NEEDED, KNOWN) as given:
        yield from given.notes
        records = list(given.records())
    known = [record for record in records if record[2] is None]
    yield rows_of("concepts", EXERCISES, _broader(known))
    yield rows_of("concepts", EXERCISES, (_concept(*record) for record in records))
    yield rows_of("items", EXERCISES, (_item(line, cells) for line, cells, _ in known))
    yield rows_of("item_concepts", EXERCISES, (_need(line, cells) for line, cells, _ in known))
    agreed = Agreed()
    for path in ANNOTATIONS.among(archive.paths):
        yield from _annotations(archive, path, agreed)
    drawn = list(_drawn(known, agreed))
    yield rows_of("prerequisites", EXERCISES, drawn)
    pairs = {(row["before"], row["after"]) for row in drawn}
    others = {pair: said for pair, said in agreed.items() if _ids(*pair) not in pairs}
    for path in ANNOTATIONS.among(archive.paths):
        yield rows_of("prerequisites", path, _annotated(others, path))
    if ANSWERS in archive.paths:
        yield from _answers(archive)


def _broader(exercises: list[Record]) -> Iterator[dict[str, Any]]:
    """Areas, and topics below the area of their first exercise."""
    seen = set[str]()
    for line, cells, _ in exercises:
        area, topic = _id("area", cells.get("area")), _id("topic", cells.get("topic"))
        for id_, title, parent in ((area, "area", None), (topic, "topic", area)):
            if id_ and id_ not in seen:
                seen.add(id_)
                yield {"line": line, "concept_id": id_, "name": cells[title], "parent": parent}


def _concept(line: int, cells: dict[str, str], reject: str | None) -> dict[str, Any]:
    name = cells.get("name", "")
    return {
        "line": line,
        "reject": reject,
        "concept_id": _id("skill", name),
        "name": _title(cells) or name,
        "name_en": name.replace("_", " ") or None,
        "parent": _id("topic", cells.get("topic")) or _id("area", cells.get("area")),
    }


def _item(line: int, cells: dict[str, str]) -> dict[str, Any]:
    item = _id("exercise", cells["name"])
    return {"line": line, "item_id": item, "kind": "exercise", "title": _title(cells)}


def _title(cells: dict[str, str]) -> str | None:
    return cells.get("pretty_display_name") or cells.get("short_display_name") or None


def _need(line: int, cells: dict[str, str]) -> dict[str, Any]:
    item, concept = _id("exercise", cells["name"]), _id("skill", cells["name"])
    return {"line": line, "item_id": item, "concept_id": concept}


def _annotations(archive: Archive, path: str, agreed: Agreed) -> Iterator[Rows | str]:
    """Fill `agreed` with what a file says; rows that cannot be used are given."""
    broken = []
    with sheet(archive, path, ("Exercise_A", "Exercise_B"), SCORED) as given:
        yield from given.notes
        for line, cells, reject in given.records():
            pair = (cells.get("Exercise_B", ""), cells.get("Exercise_A", ""))
            score = next((cells[title] for title in SCORED if title in cells), None)
            strength = _score(score)
            if reject is None and all(pair) and strength is not None and pair not in agreed:
                agreed[pair] = Opinion(path, line, strength)
            else:
                reject = reject or _why(score, agreed.get(pair))
                record = ",".join(cells.values())
                broken.append({"line": line, "record": record, "reject": reject})
    yield rows_of("prerequisites", path, broken)


def _score(text: str | None) -> float | None:
    """A score from 0 to 1."""
    try:
        score = (float(text or "") - LOWEST) / (HIGHEST - LOWEST)
    except ValueError:
        return None
    return score if 0 <= score <= 1 else None


def _why(score: str | None, earlier: Opinion | None) -> str:
    """Why a row cannot be used."""
    if earlier:
        return f"{Reason.DUPLICATE} {earlier.path}, line {earlier.line}, tells it"
    return f"{Reason.BROKEN_ROW} the score is {score!r}; two exercises and 1 to 9 are needed"


def _drawn(exercises: list[Record], agreed: Agreed) -> Iterator[dict[str, Any]]:
    """What Junyi's map draws, as strong as people say where they were asked."""
    for line, cells, _ in exercises:
        needs = cells.get("prerequisites") or cells.get("prerequisite") or ""
        for before in filter(None, re.split(r"\s*[,;|]\s*", needs)):
            said = agreed.get((before, cells["name"]))
            yield _prerequisite(line, before, cells["name"], said.strength if said else None)


def _annotated(others: Agreed, path: str) -> Iterator[dict[str, Any]]:
    """What people say beside what is drawn; it counts where most call it needed."""
    for pair, said in others.items():
        if said.path == path:
            row = _prerequisite(said.line, *pair, said.strength)
            if said.strength <= 0.5:
                row["reject"] = f"{Reason.NOT_A_PREREQUISITE} most say that it is not needed"
            yield row


def _prerequisite(line: int, before: str, after: str, strength: float | None) -> dict[str, Any]:
    first, then = _ids(before, after)
    row = {"line": line, "before": first, "after": then, "source": "dependency"}
    return {**row, "strength": strength}


def _ids(before: str, after: str) -> tuple[str | None, str | None]:
    return _id("skill", before), _id("skill", after)


def _answers(archive: Archive) -> Iterator[Rows | str]:
    """`correct` is false already where a hint was asked for."""
    with sheet(archive, ANSWERS, ("user_id", "exercise", "time_done", "correct")) as given:
        yield from given.notes
        yield rows_of("events", ANSWERS, (_answer(*record) for record in given.records()))


def _answer(line: int, cells: dict[str, str], reject: str | None) -> dict[str, Any]:
    correct = cells.get("correct") or None
    return {
        "line": line,
        "reject": reject,
        "learner_id": cells.get("user_id"),
        "item_id": _id("exercise", cells.get("exercise")),
        "time": cells.get("time_done"),
        "score": SCORES.get((correct or "").lower(), correct),
    }


def _id(kind: str, name: str | None) -> str | None:
    return f"{kind}-{name}" if name else None


SOURCE = NamedSource(
    name="junyi",
    title="Junyi Academy 2015",
    about="exercises of Junyi Academy with prerequisites by experts, and answers",
    layout=(
        SourceFile(EXERCISES),
        SourceFile(ANSWERS, required=False),
        ANNOTATIONS,
        SourceFile("junyi_ProblemLog_for_PSLC.{csv,txt}", required=False, used=False),
    ),
    licence="non-commercial",
    read=read,
)
