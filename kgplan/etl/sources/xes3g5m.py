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
from kgplan.etl.sources.columns import Record, sheet
from kgplan.etl.sources.steps import RECORD_CHARACTERS, NamedSource, Rows, rows_of
from kgplan.etl.tables import Reason

QUESTIONS = "metadata/questions.json"
NAMES = "metadata/kc_routes_map.json"
BY_QUESTION = SourceFile("question_level/{train_valid_sequences,test}_quelevel.csv", required=False)
BY_CONCEPT = SourceFile("kc_level/{train_valid_sequences,test}.csv", required=False)
WINDOWS = SourceFile(
    "{kc_level,question_level}/test_*window_sequences*.csv", required=False, used=False
)
NONE = "-1"
BETWEEN = "----"  # the steps of a route, from the broadest
NEEDED = ("questions", "responses")
LISTS = (*NEEDED, "concepts", "timestamps", "is_repeat")
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
        with sheet(archive, path, ("uid", *NEEDED), LISTS) as given:
            yield from given.notes
            yield rows_of("events", path, _answers(given.records(), needs))
    yield rows_of("concepts", NAMES, tree.concepts())
    items = (_item(place, *each) for place, each in enumerate(questions.items(), start=1))
    yield rows_of("items", QUESTIONS, items)
    pairs = (
        {"line": place, "item_id": item, "concept_id": concept}
        for place, (item, concept) in enumerate(needs, start=1)
    )
    yield rows_of("item_concepts", QUESTIONS, pairs)
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
    """Concepts by their names, and which are parts of which by the routes of questions."""

    def __init__(self, names: Mapping[str, Any]) -> None:
        self.names = {f"concept-{number}": str(name).strip() for number, name in names.items()}
        self.unknown = set[str]()
        self._ids = {name: id_ for id_, name in reversed(self.names.items())}
        self._parents = dict[str, dict[str, None]]()

    def grow(self, question: Any) -> Iterator[str]:
        """The concepts at the ends of a question's routes; what lies above them is remembered."""
        routes = question.get("kc_routes") if isinstance(question, dict) else None
        for route in routes if isinstance(routes, list) else []:
            steps = [step.strip() for step in str(route).split(BETWEEN) if step.strip()]
            self.unknown |= {step for step in steps if step not in self._ids}
            known = [self._ids[step] for step in steps if step in self._ids]
            for broader, narrower in pairwise(known):
                if broader != narrower:
                    self._parents.setdefault(narrower, {})[broader] = None
            if steps and steps[-1] in self._ids:
                yield known[-1]

    def concepts(self) -> Iterator[dict[str, Any]]:
        """A row each."""
        for place, (id_, name) in enumerate(self.names.items(), start=1):
            parents = ";".join(self._parents.get(id_, ())) or None
            yield {"line": place, "concept_id": id_, "name": name, "parent": parents}


def _item(place: int, number: str, question: Any) -> dict[str, Any]:
    content = question.get("content") if isinstance(question, dict) else None
    title = " ".join(str(content or "").split())[:TITLE_CHARACTERS]
    item = {"line": place, "item_id": f"question-{number}", "kind": "exercise"}
    return {**item, "title": title or None}


def _answers(
    records: Iterator[Record], needs: dict[tuple[str, str], None]
) -> Iterator[dict[str, Any]]:
    """An answer for each filled place of a row's lists; what it asks for is added to `needs`."""
    for line, cells, reject in records:
        lists = {name: cells[name].split(",") for name in LISTS if cells.get(name)}
        lengths = {name: len(values) for name, values in lists.items()}
        if reject is None and not (set(NEEDED) <= lists.keys() and len({*lengths.values()}) == 1):
            told = ", ".join(f"{length} {name}" for name, length in lengths.items()) or "no lists"
            reject = f"{Reason.BROKEN_ROW} the row has {told}; as many of each are needed"
        if reject is not None:
            record = ",".join(cells.values())[:RECORD_CHARACTERS]
            yield {"line": line, "record": record, "reject": reject}
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
                "line": line,
                "learner_id": cells["uid"],
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
