"""What does ASSISTments' skill builder file of 2009-10 say?

A row is an answer and one skill of its problem: a problem of two skills has two rows of one
`order_id`. Answers carry no time, and `order_id` is not chronological: they stay in the file's
order. Ids tell what they are of: `problem-`, `skill-`. See
https://sites.google.com/site/assistmentsdata for the fields.
"""

import re
from collections.abc import Iterator
from typing import Any

from kgplan.errors import SourceError
from kgplan.etl.archive import Archive, SourceFile
from kgplan.etl.sources.columns import Record, sheet
from kgplan.etl.sources.steps import NamedSource, Rows, rows_of

FILE = SourceFile("skill_builder_data*.csv")
NEEDED = ("order_id", "user_id", "problem_id", "correct", "skill_id")
KNOWN = ("original", "skill_name")
ENCODING = "latin-1"
JOINED = re.compile(r"[_,;~]")  # between the skills of one row in the collapsed file


def read(archive: Archive) -> Iterator[Rows | str]:
    """Rows of each table; what problems and skills there are is kept meanwhile.

    Raises:
        SourceError: there are two such files.
    """
    path, *more = FILE.among(archive.paths)
    if more:
        raise SourceError(f"{path} and {more[0]} hold the same answers; give one of them")
    found = _Found()
    with sheet(archive, path, NEEDED, KNOWN, encoding=ENCODING) as given:
        yield from given.notes
        yield rows_of("events", path, found.answers(given.records()))
    yield rows_of("concepts", path, found.skills.values())
    yield rows_of("items", path, found.problems.values())
    yield rows_of("item_concepts", path, found.needs.values())
    if found.scaffolds:
        yield (
            f"{path}: left out {found.scaffolds:,} rows of answers to scaffolding questions,"
            " which only those see who failed the problem"
        )
    if found.without:
        yield f"{path}: {found.without:,} rows name no skill"


class _Found:
    """Problems, skills and answers that were seen."""

    def __init__(self) -> None:
        self.skills = dict[str, dict[str, Any]]()
        self.problems = dict[str, dict[str, Any]]()
        self.needs = dict[tuple[str, str], dict[str, Any]]()
        self.scaffolds = self.without = 0
        self._orders = set[str]()

    def answers(self, records: Iterator[Record]) -> Iterator[dict[str, Any]]:
        """The first row of each answer."""
        for line, cells, reject in records:
            order = cells.get("order_id")
            if reject is None and cells.get("original") == "0":
                self.scaffolds += 1
                continue
            item = f"problem-{cells['problem_id']}" if cells.get("problem_id") else None
            if reject is None and item:
                self._note(line, cells, item)
            if reject or not order or order not in self._orders:
                self._orders.add(order or "")
                yield {
                    "line": line,
                    "reject": reject,
                    "learner_id": cells.get("user_id"),
                    "item_id": item,
                    "score": cells.get("correct") or None,
                }

    def _note(self, line: int, cells: dict[str, str], item: str) -> None:
        self.problems.setdefault(item, {"line": line, "item_id": item, "kind": "exercise"})
        numbers = [number.strip() for number in JOINED.split(cells["skill_id"]) if number.strip()]
        self.without += not numbers
        name = cells.get("skill_name", "")
        names = [name] if len(numbers) == 1 else JOINED.split(name)
        if len(names) != len(numbers):
            names = [""] * len(numbers)
        for number, name in zip(numbers, names, strict=True):
            skill, title = f"skill-{number}", name.strip() or None
            told = self.skills.setdefault(skill, {"line": line, "concept_id": skill, "name": title})
            told["name"] = told["name"] or title
            need = {"line": line, "item_id": item, "concept_id": skill}
            self.needs.setdefault((item, skill), need)


SOURCE = NamedSource(
    name="assistments",
    title="ASSISTments 2009-10",
    about="answers to skill builder problems, with skills",
    layout=(FILE,),
    read=read,
)
