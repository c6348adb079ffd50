"""Which tables come out of every source, with which columns, types and keys?

This is the only declaration: the extraction, the Parquet schemas, the checks of ids and the tests
read it from here. The tables are those of the relational step of [hou2025, 3.2]; learners, videos
and views stay here, the rest goes on into the graph.
"""

from dataclasses import dataclass, field
from enum import StrEnum

import pyarrow as pa

_ARROW = {
    "VARCHAR": pa.string(),
    "DOUBLE": pa.float64(),
    "INTEGER": pa.int32(),
    "BIGINT": pa.int64(),
    "BOOLEAN": pa.bool_(),
    "TIMESTAMP": pa.timestamp("us"),  # Beijing wall-clock time, as the source has it; no zone
}


class Reason(StrEnum):
    """Why a row is not in the tables. The first reason that applies is the one that is given."""

    BROKEN_JSON = "broken_json"
    """The line is no JSON object."""
    BROKEN_ROW = "broken_row"
    """A wrong number of columns, bytes that are not UTF-8, a value of the wrong type, an id of more
    than 500 characters or with a control character, or a name of more than 10,000."""
    MISSING_FIELD = "missing_field"
    """A field without which the row says nothing is absent, null or empty."""
    DUPLICATE = "duplicate"
    """An earlier row says the same, or has the same id."""
    DANGLING_ID = "dangling_id"
    """The row names an id that its entity file does not have."""
    IMPOSSIBLE_TIME = "impossible_time"
    """A time is negative, unreadable, or ends before it starts; or a video has no length."""
    UNRESOLVED_NAME = "unresolved_name"
    """No concept has this name."""
    AMBIGUOUS_NAME = "ambiguous_name"
    """Several concepts have this name and the field does not tell which is meant."""
    SELF_LOOP = "self_loop"
    """A concept is related to itself."""
    NOT_A_PREREQUISITE = "not_a_prerequisite"
    """The label of a predicted pair is not 1. No error: the row is left out by its meaning."""
    NOT_IN_FORCE = "not_in_force"
    """It is deleted, hidden, or not graded yet. No error: the row is left out by its meaning."""


LEFT_OUT_BY_MEANING = frozenset({Reason.NOT_A_PREREQUISITE, Reason.NOT_IN_FORCE})


class Mend(StrEnum):
    """What was put right in a row that was kept."""

    EMPTY_TEXT = "empty_text"
    """An empty text became NULL."""
    NAN_VALUE = "nan_value"
    """A NaN, which stands for an unknown value, became NULL."""
    MISSING_TIME = "missing_time"
    """An enrolment without its time was kept."""
    UNPAIRED_TIMES = "unpaired_times"
    """A learner's courses and times differ in number: the enrolment was kept without its time."""
    MERGED_RECORD = "merged_record"
    """A learner's further activity record was joined to the first."""
    OTHER_KIND = "other_kind"
    """The kind of an item is none that is known: it counts as a text."""
    UNREADABLE_VALUE = "unreadable_value"
    """A place or a length is no number above 0: it became NULL."""
    BY_NAME = "by_name"
    """A concept is given by its name: its id is meant."""
    UNUSABLE_URL = "unusable_url"
    """An address does not begin with http:// or https://: it became NULL."""
    SCORE_OF_VIEW = "score_of_view"
    """An item that is no exercise has a score: it counts as opened."""
    CAPPED_REPLAY = "capped_replay"
    """More was played than the video is long, a replay: the watched share counts as 1."""


@dataclass(frozen=True)
class Column:
    """One column: its name, its DuckDB type, and whether it may be NULL."""

    name: str
    type: str = "VARCHAR"
    optional: bool = False


@dataclass(frozen=True)
class Table:
    """One table: its columns in order and the columns that tell its rows apart."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    order: tuple[str, ...] = field(init=False)
    """Rows are sorted by these columns: the key, then the rest; NULLs last, text by code point."""

    def __post_init__(self) -> None:
        rest = tuple(c.name for c in self.columns if c.name not in self.key)
        object.__setattr__(self, "order", self.key + rest)

    @property
    def column_names(self) -> tuple[str, ...]:
        """Column names in order."""
        return tuple(column.name for column in self.columns)

    @property
    def references(self) -> dict[str, str]:
        """Column -> the entity table in which its ids must exist."""
        return {
            name: REFERENCES[name]
            for name in self.column_names
            if name in REFERENCES and REFERENCES[name] != self.name
        }

    @property
    def arrow_schema(self) -> pa.Schema:
        """The Parquet schema.

        >>> TABLES["course_item"].arrow_schema.field("position")
        pyarrow.Field<position: int32 not null>
        """
        return pa.schema(
            [pa.field(c.name, _ARROW[c.type], nullable=c.optional) for c in self.columns]
        )


REFERENCES = {
    "concept_id": "concept",
    "before_id": "concept",
    "after_id": "concept",
    "broader_id": "concept",
    "narrower_id": "concept",
    "course_id": "course",
    "school_id": "school",
    "teacher_id": "teacher",
    "field_id": "field",
    "learner_id": "learner",
    "item_id": "item",
}
"""Column name -> the entity table whose ids it holds."""


def _table(name: str, key: str, *rest: Column) -> Table:
    names = tuple(key.split())
    return Table(name, (*(Column(column) for column in names), *rest), names)


def _optional(name: str, type_: str = "VARCHAR") -> Column:
    return Column(name, type_, optional=True)


TABLES = {
    table.name: table
    for table in (
        # entities
        _table(
            "concept", "concept_id", Column("name"), _optional("name_en"), _optional("explanation")
        ),
        _table(
            "course",
            "course_id",
            Column("name"),
            _optional("about"),
            _optional("prerequisites"),
            _optional("core_id"),
        ),
        _table("school", "school_id", Column("name"), _optional("about")),
        _table("teacher", "teacher_id", Column("name"), _optional("about")),
        _table("field", "field_id", Column("name")),
        _table("learner", "learner_id"),
        _table(
            "item",
            "item_id",
            Column("kind"),  # see kgplan.data.records.KINDS
            _optional("name"),
            _optional("duration", "DOUBLE"),  # seconds
            _optional("url"),
        ),
        # relations
        _table("field_course", "field_id course_id"),
        _table("course_concept", "course_id concept_id"),
        _table("school_course", "school_id course_id"),
        _table("field_concept", "field_id concept_id"),
        _table("teacher_course", "teacher_id course_id"),
        _table("school_teacher", "school_id teacher_id"),
        _table("course_item", "course_id item_id", Column("position", "INTEGER")),
        _table("item_concept", "item_id concept_id"),
        _table(
            "prerequisite",
            "before_id after_id source",
            _optional("strength", "DOUBLE"),  # 0..1
            _optional("any_of", "INTEGER"),  # 1, 2, ...: of one number, any one will do
        ),
        _table("broader_concept", "broader_id narrower_id"),
        # learner records
        _table(
            "learner_course",
            "learner_id course_id",
            _optional("enrolled_at", "TIMESTAMP"),
            Column("position", "INTEGER"),
        ),
        Table(
            "watch",
            (
                Column("learner_id"),
                Column("course_id"),
                Column("item_id"),
                _optional("watching_count", "INTEGER"),
                _optional("video_duration", "DOUBLE"),  # this and the next four: seconds
                _optional("local_watching_time", "DOUBLE"),
                _optional("video_progress_time", "DOUBLE"),
                _optional("video_start_time", "DOUBLE"),
                _optional("video_end_time", "DOUBLE"),
                _optional("started_at", "TIMESTAMP"),
                _optional("ended_at", "TIMESTAMP"),
            ),
            key=("learner_id", "course_id", "item_id", "started_at"),
        ),
        _table(
            "learner_item",
            "learner_id item_id",
            Column("watched", "DOUBLE"),  # share of the video, 0..1
            Column("evidence"),  # 'progress' | 'view'
            Column("replayed", "BOOLEAN"),
            _optional("first_started_at", "TIMESTAMP"),
            Column("position", "INTEGER"),  # 0, 1, ... in the learner's own time
        ),
        Table(
            "answer",
            (
                Column("learner_id"),
                Column("item_id"),
                Column("position", "INTEGER"),  # 0, 1, ... in the learner's own time
                Column("score", "DOUBLE"),  # 0..1
                _optional("answered_at", "TIMESTAMP"),
            ),
            key=("learner_id", "position"),
        ),
    )
}
"""Every table by name. Rows are unique by key; where `started_at` is unknown, by the whole row."""

REJECTS = Table(
    "rejects",
    (
        Column("file"),
        Column("line", "BIGINT"),
        Column("table_name"),
        Column("reason"),
        Column("detail"),
        Column("record"),
    ),
    key=("file", "line"),
)
"""The rows that were kept out. `line` counts from 1, in a file that is no table of lines the
entries of a list; `record` is cut after 1,000 characters."""
