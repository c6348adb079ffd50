"""What do XES3G5M's files say: questions, their concepts' tree, and sequences of answers?

A row of a sequence file holds lists, filled up with -1. Sequences by question are read where they
are there; those by concept repeat a question for each of its concepts. The files of windows repeat
what the others have. Ids tell what they are of: `question-`, `concept-`. See
https://github.com/ai4ed/XES3G5M for the fields.
"""

import json
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from kgplan.errors import SourceError
from kgplan.etl.archive import Archive, SourceFile
from kgplan.etl.sources.cells import RECORD_CHARACTERS, cells_of
from kgplan.etl.sources.steps import NamedSource, Rows, rows_of

QUESTIONS = "metadata/questions.json"
NAMES = "metadata/kc_routes_map.json"
BY_QUESTION = SourceFile("question_level/{train_valid_sequences,test}_quelevel.csv", required=False)
BY_CONCEPT = SourceFile("kc_level/{train_valid_sequences,test}.csv", required=False)
WINDOWS = SourceFile(
    "{kc_level,question_level}/test_*window_sequences*.csv", required=False, used=False
)
NONE = "-1"
BETWEEN = "----"  # the steps of a route, from the broadest
LISTS = ("questions", "responses", "concepts", "timestamps", "is_repeat")
TITLE_CHARACTERS = 200


def read(archive: Archive) -> Iterator[Rows | str]:
    """Rows of each table; sequences are read as a stream."""
    questions, names = _object(archive, QUESTIONS), _object(archive, NAMES)
    tree = _Tree(names)
    needs = dict[tuple[str, str], None]()
    for number, question in questions.items():
        for leaf in tree.grow(question):
            needs[f"question-{number}", leaf] = None
    paths, again = BY_QUESTION.among(archive.paths), BY_CONCEPT.among(archive.paths)
    if paths and again:
        yield f"{' and '.join(again)}: the same answers as by question, not read twice"
    for path in paths or again:
        needed = {name: [name] for name in ("uid", *LISTS[:2])}
        with cells_of(archive, path, needed, {name: [name] for name in LISTS[2:]}) as opened:
            yield from opened.notes
            yield rows_of("events", path, _answers(opened.rows, needs))
    yield rows_of("concepts", NAMES, tree.concepts())
    yield rows_of("items", QUESTIONS, (_item(n, each) for n, each in questions.items()))
    pairs = ({"item_id": item, "concept_id": concept} for item, concept in needs)
    yield rows_of("item_concepts", QUESTIONS, pairs)
    if tree.other_parents:
        yield f"{QUESTIONS}: {tree.other_parents:,} concepts have several parents; one is kept"
    if tree.unknown:
        yield f"{QUESTIONS}: {len(tree.unknown):,} steps of routes are not in {NAMES}"


def _object(archive: Archive, path: str) -> dict[str, Any]:
    """The JSON object in a file.

    Raises:
        SourceError: there is none.
    """
    with archive.open(path) as stream:
        try:
            found = json.load(stream)
        except (ValueError, RecursionError) as error:
            raise SourceError(f"{path} is no JSON that can be read ({error})") from None
    if not isinstance(found, dict):
        raise SourceError(f"{path} holds no JSON object; take the file as it was published")
    return found


class _Tree:
    """Concepts by their names, and which is a part of which by the routes of questions."""

    def __init__(self, names: Mapping[str, Any]) -> None:
        self.names = {f"concept-{number}": str(name).strip() for number, name in names.items()}
        self.unknown, self.other_parents = set[str](), 0
        self._ids = {name: id_ for id_, name in reversed(self.names.items())}
        self._parents = dict[str, list[str]]()

    def grow(self, question: Any) -> Iterator[str]:
        """The concepts at the ends of a question's routes; what lies above them is remembered."""
        routes = question.get("kc_routes") if isinstance(question, dict) else None
        for route in routes if isinstance(routes, list) else []:
            steps = [step.strip() for step in str(route).split(BETWEEN) if step.strip()]
            self.unknown |= {step for step in steps if step not in self._ids}
            known = [self._ids[step] for step in steps if step in self._ids]
            for broader, narrower in pairwise(known):
                above = self._parents.setdefault(narrower, [])
                if broader != narrower and broader not in above:
                    self.other_parents += len(above) == 1
                    above.append(broader)
            yield from known[-1:]

    def concepts(self) -> Iterator[dict[str, Any]]:
        """A row each."""
        for id_, name in self.names.items():
            parent = next(iter(self._parents.get(id_, ())), None)
            yield {"concept_id": id_, "name": name, "parent": parent}


def _item(number: str, question: Any) -> dict[str, Any]:
    content = question.get("content") if isinstance(question, dict) else None
    title = " ".join(str(content or "").split())[:TITLE_CHARACTERS]
    return {"item_id": f"question-{number}", "kind": "exercise", "title": title or None}


def _answers(
    rows: Iterator[dict[str, Any]], needs: dict[tuple[str, str], None]
) -> Iterator[dict[str, Any]]:
    """An answer for each filled place of a row's lists; what it asks for is added to `needs`."""
    for row in rows:
        if "reject" in row:
            yield row
            continue
        lists = {name: row[name].split(",") for name in LISTS if row[name]}
        lengths = {name: len(values) for name, values in lists.items()}
        if len(set(lengths.values())) != 1 or not {"questions", "responses"} <= lists.keys():
            told = ", ".join(f"{length} {name}" for name, length in lengths.items()) or "no lists"
            record = str(row)[:RECORD_CHARACTERS]
            why = f"broken_row the row has {told}; as many of each are needed"
            yield {"line": row["line"], "record": record, "reject": why}
            continue
        empty = [None] * lengths["questions"]
        columns = [lists.get(name, empty) for name in LISTS]
        for question, response, concepts, time, is_repeat in zip(*columns, strict=True):
            if NONE in (question, response) or is_repeat == "1":
                continue
            for concept in (concepts or "").split("_"):
                if concept not in ("", NONE):
                    needs[f"question-{question}", f"concept-{concept}"] = None
            yield {
                "line": row["line"],
                "learner_id": row["uid"],
                "item_id": f"question-{question}",
                "score": response,
                "time": None if time == NONE else time,
            }


SOURCE = NamedSource(
    name="xes3g5m",
    title="XES3G5M",
    about="answers to questions of third-grade mathematics, with a tree of concepts",
    layout=(SourceFile(QUESTIONS), SourceFile(NAMES), BY_QUESTION, BY_CONCEPT, WINDOWS),
    read=read,
)
