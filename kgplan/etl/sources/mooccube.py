"""What does a MOOCCube archive hold, and which rows of the tables are in it [hou2025, 3.2]?

Entities are files of a JSON object a line, relations files of two columns separated by a TAB; other
forms that can mean only one thing are read as well (`kgplan.etl.reading`).
"""

from functools import partial

from kgplan.etl.archive import SourceFile
from kgplan.etl.forms import json_lines, tab_separated
from kgplan.etl.reading import objects, pairs
from kgplan.etl.sources.steps import NamedSource, Step, as_json
from kgplan.etl.tables import REFERENCES, TABLES
from kgplan.store.queries import named_queries

QUERIES = named_queries("kgplan.etl.sources", "mooccube.sql")

NEEDED = frozenset(
    ["concept", "course", "video", "course-concept", "course-video", "video-concept"]
)
"""Without these nothing can be taught; who teaches, who learns and what is known of it may come
later."""

FILES = (
    *(
        SourceFile(f"entities/{name}.json", required=name in NEEDED, seems=json_lines("id"))
        for name in ("concept", "course", "school", "teacher", "user", "video")
    ),
    SourceFile("entities/paper.json", required=False, used=False),
    *(
        SourceFile(f"relations/{name}.json", required=name in NEEDED, seems=tab_separated)
        for name in (
            "concept-field",
            "course-concept",
            "course-video",
            "parent-son",
            "prerequisite-dependency",
            "school-course",
            "school-teacher",
            "teacher-course",
            "user-course",
            "user-video",
            "video-concept",
        )
    ),
    SourceFile("relations/concept-paper.json", required=False, used=False),
    SourceFile("additional_information/concept_information.json", required=False, used=False),
    SourceFile(
        "additional_information/prerequisite_prediction.json",
        required=False,
        seems=json_lines("c1"),
    ),
    SourceFile(
        "additional_information/user_video_act.json", required=False, seems=json_lines("id")
    ),
)
"""Every file of the official layout."""


def _entity(
    name: str, table: str, fields: dict[str, str], optional: str = "", lists: str = ""
) -> Step:
    """A file of one JSON object a line, with the id in `id`.

    Args:
        name: the file's name.
        table: the table that it fills.
        fields: JSON field -> column.
        optional: the fields that may be absent or empty.
        lists: fields that are kept as JSON for a later step.
    """
    key = f"{table}_id"
    texts = {"id": key, **fields}
    may_lack = [field for field in texts if field in optional.split()]
    names = [*texts, *lists.split()]
    structure = ", ".join(f'"{field}": "JSON"' for field in names)
    checks = [f"not_text('{field}', r.{field})" for field in texts]
    checks += [f"no_field('{field}', r.{field})" for field in texts if field not in may_lack]
    mended = [f"mend_text(r.{field})" for field in may_lack]
    query = f"""
        WITH parsed AS (
            SELECT line, text, broken_json(line, is_utf8, text) AS broken,
                CASE WHEN broken IS NULL THEN from_json(text, '{{{structure}}}') END AS r
            FROM lines
        )
        SELECT line, 0 AS item, text AS record, coalesce(broken, {", ".join(checks)}) AS reject,
            concat_ws(' ', {", ".join(["''", *mended])}) AS mends,
            {", ".join(f"plain(r.{field}) AS {column}" for field, column in texts.items())}
            {"".join(f", r.{field} AS {field}" for field in lists.split())}
        FROM parsed"""
    columns = (*texts.values(), *lists.split())
    path = f"entities/{name}.json"
    return Step(path, table, table, query, columns, same=(key,), rows=objects)


def _pairs(file: str, name: str, columns: str, table: str = "", constant: str = "") -> Step:
    """A file of two columns separated by a TAB.

    Args:
        file: the file's name.
        name: of the step, and of the table where `table` does not say otherwise.
        columns: the names of the two columns in the file's order.
        table: the table that it fills.
        constant: a third column with its value, "value AS column".
    """
    left, right = columns.split()
    loops = REFERENCES[left] == REFERENCES[right]
    query = f"""
        WITH cut AS (SELECT *, string_split(text, chr(9)) AS cells FROM lines)
        SELECT line, 0 AS item, text AS record,
            coalesce(
                broken_text(is_utf8),
                CASE WHEN len(cells) <> 2 THEN reject('broken_row',
                    format('the line has {{}} columns, 2 are needed', len(cells))) END,
                no_text('{left}', cells[1]),
                no_text('{right}', cells[2]),
                CASE WHEN {loops} AND cells[1] = cells[2] THEN reject('self_loop',
                    format('''{{}}'' is related to itself', cells[1])) END) AS reject,
            '' AS mends,
            cells[1] AS {left}, cells[2] AS {right} {f", {constant}" if constant else ""}
        FROM cut"""
    names = (left, right, *([constant.split()[-1]] if constant else []))
    return Step(
        f"relations/{file}.json",
        name,
        table or name,
        query,
        names,
        same=(left, right),
        rows=partial(pairs, columns=(left, right)),
    )


_WATCH = TABLES["watch"].column_names

STEPS = (
    _entity(
        "concept",
        "concept",
        {"name": "name", "en": "name_en", "explanation": "explanation"},
        optional="en explanation",
    ),
    _entity(
        "course",
        "course",
        {
            "name": "name",
            "about": "about",
            "prerequisites": "prerequisites",
            "core_id": "core_id",
        },
        optional="about prerequisites core_id",
        lists="video_order",
    ),
    _entity("school", "school", {"name": "name", "about": "about"}, optional="about"),
    _entity("teacher", "teacher", {"name": "name", "about": "about"}, optional="about"),
    _entity("user", "learner", {}, lists="course_order enroll_time"),
    _entity("video", "item", {"name": "name"}, optional="name"),
    _pairs("concept-field", "field_concept", "concept_id field_id"),
    _pairs("course-concept", "course_concept", "course_id concept_id"),
    _pairs("school-course", "school_course", "school_id course_id"),
    _pairs("school-teacher", "school_teacher", "school_id teacher_id"),
    _pairs("teacher-course", "teacher_course", "teacher_id course_id"),
    _pairs("video-concept", "item_concept", "item_id concept_id"),
    _pairs("parent-son", "broader_concept", "broader_id narrower_id"),
    _pairs(
        "prerequisite-dependency",
        "prerequisite_dependency",
        "before_id after_id",
        table="prerequisite",
        constant="'dependency' AS source",
    ),
    Step(
        "additional_information/prerequisite_prediction.json",
        "prerequisite_prediction",
        "prerequisite",
        QUERIES["predictions"],
        ("before_id", "after_id", "source"),
        same=("before_id", "after_id"),
        rows=objects,
    ),
    Step(
        "entities/course.json",
        "course_item_order",
        "course_item",
        QUERIES["course_videos"],
        ("course_id", "item_id"),
        same=("course_id", "item_id"),
        rows=None,
    ),
    _pairs("course-video", "course_item", "course_id item_id"),
    Step(
        "entities/user.json",
        "learner_course_order",
        "learner_course",
        QUERIES["enrolments"],
        ("learner_id", "course_id", "enrolled_at"),
        same=("learner_id", "course_id"),
        rows=None,
    ),
    _pairs("user-course", "learner_course", "learner_id course_id"),
    _pairs("user-video", "learner_item", "learner_id item_id"),
    Step(
        "additional_information/user_video_act.json",
        "watch",
        "watch",
        QUERIES["activities"],
        _WATCH,
        # Nobody starts a video twice in the same second: the fuller row says all the others do.
        same=(
            "learner_id",
            "course_id",
            "item_id",
            "started_at",
            f"CASE WHEN started_at IS NULL THEN {as_json(_WATCH[3:])} END",
        ),
        rank=" + ".join(f"({column} IS NULL)::INTEGER" for column in _WATCH[3:])
        + f", {', '.join(_WATCH[3:])}, line, item",
        rows=objects,
        bulky=True,
        joined="learner_id",
    ),
)

SOURCE = NamedSource(
    name="mooccube",
    title="MOOCCube",
    about="the official archive of XuetangX's courses, as a zip or its folder",
    licence="CC0 1.0",
    layout=FILES,
    steps=STEPS,
    tables={
        name.removeprefix("table."): query
        for name, query in QUERIES.items()
        if name.startswith("table.")
    },
)
