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
from kgplan.etl.sources.cells import cells_of
from kgplan.etl.sources.steps import NamedSource, Rows, rows_of

FILE = SourceFile("skill_builder_data*.csv")
NEEDED = {
    "order": ["order_id"],
    "user": ["user_id"],
    "problem": ["problem_id"],
    "correct": ["correct"],
    "skill": ["skill_id", "list_skill_ids"],
}
OTHERS = {"original": ["original"], "name": ["skill_name", "skill"]}
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
    with cells_of(archive, path, NEEDED, OTHERS) as opened:
        yield from opened.notes
        yield rows_of("events", path, found.answers(opened.rows))
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

    def answers(self, rows: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """The first row of each answer."""
        for row in rows:
            if "reject" in row:
                yield row
            elif row["original"] == "0":
                self.scaffolds += 1
            else:
                item = row["problem"] and f"problem-{row['problem']}"
                if item:
                    self._note(row, item)
                if row["order"] is None or row["order"] not in self._orders:
                    self._orders.add(row["order"])
                    yield {
                        "line": row["line"],
                        "learner_id": row["user"],
                        "item_id": item,
                        "score": row["correct"],
                    }

    def _note(self, row: dict[str, Any], item: str) -> None:
        line = row["line"]
        self.problems.setdefault(item, {"line": line, "item_id": item, "kind": "exercise"})
        skills = [id_.strip() for id_ in JOINED.split(row["skill"] or "") if id_.strip()]
        names = JOINED.split(row["name"] or "")
        self.without += not skills
        if len(skills) == 1 or len(names) != len(skills):
            names = [row["name"]] * len(skills) if len(skills) == 1 else [""] * len(skills)
        for number, name in zip(skills, names, strict=True):
            skill = f"skill-{number}"
            title = (name or "").strip() or None
            told = self.skills.setdefault(skill, {"line": line, "concept_id": skill, "name": title})
            told["name"] = told["name"] or title
            self.needs.setdefault(
                (item, skill), {"line": line, "item_id": item, "concept_id": skill}
            )


SOURCE = NamedSource(
    name="assistments",
    title="ASSISTments 2009-10",
    about="answers to skill builder problems, with skills",
    layout=(FILE,),
    read=read,
)
