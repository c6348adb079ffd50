"""Which plain tables can anyone hand over, with which columns, and what do these mean?

The only declaration: readers, what `kgplan init` writes and the table schemas come from here.
"""

from dataclasses import dataclass

from kgplan.data.records import KINDS


@dataclass(frozen=True)
class PlainColumn:
    """A column of a plain table.

    Attributes:
        name: of it.
        type: string, number, integer or datetime, as a table schema (Frictionless) names it.
        about: what it means, in a sentence.
        example: a value.
        required: whether each row has one.
    """

    name: str
    type: str
    about: str
    example: str
    required: bool = False


@dataclass(frozen=True)
class PlainTable:
    """A plain table.

    Attributes:
        name: of it, and of its file.
        about: what a row is.
        columns: in order.
        key: the columns that tell rows apart.
        refers: column -> the table whose ids it holds.
        required: whether nothing can be done without it.
    """

    name: str
    about: str
    columns: tuple[PlainColumn, ...]
    key: tuple[str, ...]
    refers: dict[str, str]
    required: bool = False

    @property
    def column_names(self) -> tuple[str, ...]:
        """In order."""
        return tuple(column.name for column in self.columns)


def _column(name: str, about: str, example: str, type: str = "string") -> PlainColumn:
    return PlainColumn(name.rstrip("!"), type, about, example, name.endswith("!"))


PLAIN = {
    table.name: table
    for table in (
        PlainTable(
            "concepts",
            "what can be learned",
            (
                _column("concept_id!", "names the concept in the other tables", "fractions"),
                _column("name", "as people call it; the id where it is missing", "Fractions"),
                _column("name_en", "its English name", "Fractions"),
                _column(
                    "parent",
                    "the concept that this one is a part of; several with ; between them",
                    "numbers",
                ),
                _column("definition", "what it is, in a sentence", "Parts of a whole."),
            ),
            ("concept_id",),
            {"parent": "concepts"},
            required=True,
        ),
        PlainTable(
            "prerequisites",
            "which concept is needed before which",
            (
                _column("before!", "the concept that is learned first", "fractions"),
                _column("after!", "the concept that needs it", "percentages"),
                _column(
                    "source",
                    "dependency: people say so; prediction: a program does; dependency if missing",
                    "dependency",
                ),
                _column(
                    "strength",
                    "how much it is needed, from 0 (helps nothing) to 1 (nothing goes without it)",
                    "1",
                    "number",
                ),
                _column(
                    "any_of",
                    "rows of one `after` with the same text here are alternatives: any one will do",
                    "",
                ),
            ),
            ("before", "after", "source"),
            {"before": "concepts", "after": "concepts"},
        ),
        PlainTable(
            "courses",
            "what learners take",
            (
                _column("course_id!", "names the course in the other tables", "maths-7"),
                _column("name", "as people call it; the id where it is missing", "Mathematics 7"),
            ),
            ("course_id",),
            {},
        ),
        PlainTable(
            "items",
            "what a learner opens; one that several courses have stands in a row for each",
            (
                _column("item_id!", "names the item in the other tables", "fractions-1"),
                _column("course_id", "the course that has it", "maths-7"),
                _column(
                    "position", "its place in the course; rows' order if missing", "1", "number"
                ),
                _column(
                    "kind",
                    f"one of {', '.join(KINDS)}; video if missing",
                    "video",
                ),
                _column("title", "as people call it", "What is a fraction?"),
                _column("seconds", "how long it takes", "310", "number"),
                _column("url", "where it is opened", "https://lms.example/items/fractions-1"),
            ),
            ("item_id", "course_id"),
            {"course_id": "courses"},
            required=True,
        ),
        PlainTable(
            "item_concepts",
            "which item teaches or asks for which concept",
            (
                _column("item_id!", "the item", "fractions-1"),
                _column("concept_id!", "the concept; several with ; between them", "fractions"),
            ),
            ("item_id", "concept_id"),
            {"item_id": "items", "concept_id": "concepts"},
        ),
        PlainTable(
            "enrolments",
            "who takes which course; of rows of one learner and course the earliest time counts",
            (
                _column("learner_id!", "names the learner", "ada"),
                _column("course_id!", "the course", "maths-7"),
                _column("time", "since when", "2026-02-27T08:00:00Z", "datetime"),
            ),
            ("learner_id", "course_id"),
            {"course_id": "courses"},
        ),
        PlainTable(
            "events",
            "what a learner did",
            (
                _column("learner_id!", "names the learner", "ada"),
                _column("item_id!", "the item that was opened or answered", "fractions-1"),
                _column("time", "when", "2026-03-01T10:15:00Z", "datetime"),
                _column("score", "of an answer, from 0 to 1", "", "number"),
                _column(
                    "share",
                    "of the item that was watched, from 0 to 1; all if missing",
                    "0.8",
                    "number",
                ),
                _column("course_id", "the course that it happened in", "maths-7"),
            ),
            ("learner_id", "item_id", "time"),
            {"item_id": "items", "course_id": "courses"},
        ),
    )
}
"""Every plain table by name."""
