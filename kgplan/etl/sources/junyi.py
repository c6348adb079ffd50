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
from kgplan.etl.sources.cells import cells_of
from kgplan.etl.sources.steps import NamedSource, Rows, rows_of

EXERCISES = "junyi_Exercise_table.csv"
ANSWERS = "junyi_ProblemLog_original.csv"
ANNOTATIONS = SourceFile("relationship_annotation_{training,testing}.csv", required=False)
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
    with cells_of(
        archive,
        EXERCISES,
        {"name": ["name"]},
        {
            "needs": ["prerequisites", "prerequisite"],
            "pretty": ["pretty_display_name"],
            "short": ["short_display_name"],
            "topic": ["topic"],
            "area": ["area"],
        },
    ) as opened:
        yield from opened.notes
        exercises = list(opened.rows)
    known = [row for row in exercises if "reject" not in row]
    yield rows_of("concepts", EXERCISES, _broader(known))
    yield rows_of("concepts", EXERCISES, (_concept(row) for row in exercises))
    yield rows_of("items", EXERCISES, (_item(row) for row in known))
    yield rows_of("item_concepts", EXERCISES, (_item_concept(row) for row in known))
    agreed = Agreed()
    for path in ANNOTATIONS.among(archive.paths):
        yield from _annotations(archive, path, agreed)
    drawn = list(_drawn(known, agreed))
    yield rows_of("prerequisites", EXERCISES, drawn)
    pairs = {(row["before"], row["after"]) for row in drawn}
    others = {pair: said for pair, said in agreed.items() if _ids(*pair) not in pairs}
    for path in ANNOTATIONS.among(archive.paths):
        yield rows_of("prerequisites", path, _annotated(others, path))
    if low := sum(not _is_needed(said) for said in others.values()):
        yield f"{ANNOTATIONS.path}: left out {low:,} pairs that people mostly call none"
    if ANSWERS in archive.paths:
        yield from _answers(archive)


def _broader(exercises: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Areas, and topics below the area of their first exercise."""
    seen = set[str]()
    for row in exercises:
        area, topic = _id("area", row["area"]), _id("topic", row["topic"])
        for id_, name, parent in ((area, row["area"], None), (topic, row["topic"], area)):
            if id_ and id_ not in seen:
                seen.add(id_)
                yield {"line": row["line"], "concept_id": id_, "name": name, "parent": parent}


def _concept(row: dict[str, Any]) -> dict[str, Any]:
    if "reject" in row:
        return row
    return {
        "line": row["line"],
        "concept_id": _id("skill", row["name"]),
        "name": row["pretty"] or row["short"] or row["name"],
        "name_en": row["name"] and row["name"].replace("_", " "),
        "parent": _id("topic", row["topic"]) or _id("area", row["area"]),
    }


def _item(row: dict[str, Any]) -> dict[str, Any]:
    title = row["pretty"] or row["short"]
    item = _id("exercise", row["name"])
    return {"line": row["line"], "item_id": item, "kind": "exercise", "title": title}


def _item_concept(row: dict[str, Any]) -> dict[str, Any]:
    name = row["name"]
    return {
        "line": row["line"],
        "item_id": _id("exercise", name),
        "concept_id": _id("skill", name),
    }


def _annotations(archive: Archive, path: str, agreed: Agreed) -> Iterator[Rows | str]:
    """Fill `agreed` with what a file says; rows that cannot be used are given."""
    broken = []
    with cells_of(
        archive,
        path,
        {
            "after": ["Exercise_A"],
            "before": ["Exercise_B"],
            "score": ["Prerequisite_avg", "Prequesite_avg"],
        },
    ) as opened:
        yield from opened.notes
        for row in opened.rows:
            if "reject" not in row:
                pair, strength = (row["before"], row["after"]), _score(row["score"])
                if None not in pair and strength is not None and pair not in agreed:
                    agreed[pair] = Opinion(path, row["line"], strength)
                    continue
                row = _unusable(row, agreed.get(pair))
            broken.append(row)
    yield rows_of("prerequisites", path, broken)


def _score(text: str | None) -> float | None:
    """A score from 0 to 1."""
    try:
        score = (float(text or "") - LOWEST) / (HIGHEST - LOWEST)
    except ValueError:
        return None
    return score if 0 <= score <= 1 else None


def _unusable(row: dict[str, Any], earlier: Opinion | None) -> dict[str, Any]:
    why = f"broken_row the score is {row['score']!r}; two exercises and 1 to 9 are needed"
    if earlier:
        why = f"duplicate {earlier.path}, line {earlier.line}, says how much these two need it"
    record = f"{row['after']},{row['before']},{row['score']}"
    return {"line": row["line"], "record": record, "reject": why}


def _drawn(exercises: list[dict[str, Any]], agreed: Agreed) -> Iterator[dict[str, Any]]:
    """What Junyi's map draws, as strong as people say where they were asked."""
    for row in exercises:
        for before in filter(None, re.split(r"\s*[,;|]\s*", row["needs"] or "")):
            said = agreed.get((before, row["name"]))
            yield _prerequisite(row["line"], before, row["name"], said.strength if said else None)


def _annotated(others: Agreed, path: str) -> Iterator[dict[str, Any]]:
    """What people mostly call needed, beside what is drawn."""
    for pair, said in others.items():
        if said.path == path and _is_needed(said):
            yield _prerequisite(said.line, *pair, said.strength)


def _is_needed(said: Opinion) -> bool:
    return said.strength > 0.5


def _prerequisite(line: int, before: str, after: str, strength: float | None) -> dict[str, Any]:
    first, then = _ids(before, after)
    row = {"line": line, "before": first, "after": then, "source": "dependency"}
    return {**row, "strength": strength}


def _ids(before: str, after: str) -> tuple[str | None, str | None]:
    return _id("skill", before), _id("skill", after)


def _answers(archive: Archive) -> Iterator[Rows | str]:
    with cells_of(
        archive,
        ANSWERS,
        {
            "learner_id": ["user_id"],
            "exercise": ["exercise"],
            "time": ["time_done"],
            "correct": ["correct"],
        },
    ) as opened:
        yield from opened.notes
        yield rows_of("events", ANSWERS, (_answer(row) for row in opened.rows))


def _answer(row: dict[str, Any]) -> dict[str, Any]:
    """`correct` is false already where a hint was asked for."""
    if "reject" in row:
        return row
    correct = row["correct"]
    return {
        "line": row["line"],
        "learner_id": row["learner_id"],
        "item_id": _id("exercise", row["exercise"]),
        "time": row["time"],
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
