"""A MOOCCube archive small enough to read: 3 learners, 3 courses, 8 concepts, 6 videos.

`MINI` is clean and has every kind of file. `DIRT` adds lines that must all be kept out, each with
the reason, so that the dirty archive gives the same tables as the clean one.
"""

import json
import random
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

MATHS, CS = "数学", "计算机科学技术"
SET, FUNCTION, VECTOR, MATRIX = (f"K_{name}_{MATHS}" for name in ("集合", "函数", "向量", "矩阵"))
ALGORITHM, ARRAY, RECURSION, CS_VECTOR = (
    f"K_{name}_{CS}" for name in ("算法", "数组", "递归", "向量")
)


def _concept(concept_id: str, en: str, explanation: str) -> dict[str, Any]:
    name = concept_id.split("_")[1]
    return {"id": concept_id, "name": name, "en": en, "explanation": explanation}


def _course(number: int, name: str, about: str, videos: Sequence[str]) -> dict[str, Any]:
    return {
        "id": f"C_{number}",
        "name": name,
        "prerequisites": "",
        "about": about,
        "core_id": f"C_{number}",
        "video_order": list(videos),
        "display_name": [f"{video} shown" for video in videos],
        "chapter": ["1"] * len(videos),
    }


def activity(course: str, video: str, start: str, **rest: Any) -> dict[str, Any]:
    """One activity with its start; `full` gives the other fields."""
    return {"course_id": course, "video_id": video, **rest, "local_start_time": start}


def full(count: int, duration: float, played: float, end: str) -> dict[str, Any]:
    """The further fields of an activity that was logged in full."""
    return {
        "watching_count": count,
        "video_duration": duration,
        "local_watching_time": played,
        "video_progress_time": played,
        "video_start_time": 0.0,
        "video_end_time": min(played, duration),
        "local_end_time": end,
    }


ACTIVITIES = {
    "U_1": [
        # played 150 s of 100 s: a replay; listed again for the other run of the course
        activity(
            "C_1", "V_1", "2018-03-01 10:00:00", **full(2, 100.0, 150.0, "2018-03-01 10:03:00")
        ),
        activity(
            "C_2", "V_1", "2018-03-01 10:00:00", **full(2, 100.0, 150.0, "2018-03-01 10:03:00")
        ),
        # a quarter, and later half of V_2
        activity(
            "C_1", "V_2", "2018-03-02 10:00:00", **full(1, 200.0, 50.0, "2018-03-02 10:01:00")
        ),
        activity(
            "C_1", "V_2", "2018-03-05 10:00:00", **full(1, 200.0, 100.0, "2018-03-05 10:02:00")
        ),
        # the earliest of all, though listed last
        activity("C_2", "V_4", "2018-02-01 10:00:00", **full(1, 80.0, 20.0, "2018-02-01 10:01:00")),
    ],
    "U_2": [
        activity("C_2", "V_4", "2018-04-01 09:00:00"),
        activity("C_2", "V_3", "2018-04-02 09:00:00"),
    ],
}

MINI: dict[str, list[Any]] = {
    "entities/concept.json": [
        _concept(SET, "set", "学科：数学_集合论"),
        _concept(
            FUNCTION,
            "function",
            "学科：数学_集合论 定义：给每个元素配上唯一一个元素的对应关系。"
            " 见载：《数学名词》第一版",
        ),
        _concept(VECTOR, "vector", "学科：数学"),
        _concept(MATRIX, "", "学科：数学"),
        _concept(ALGORITHM, "algorithm", "学科：计算机科学技术"),
        _concept(ARRAY, "array", ""),
        _concept(RECURSION, "recursion", "学科：计算机科学技术"),
        _concept(CS_VECTOR, "vector", "学科：计算机科学技术"),
    ],
    "entities/course.json": [
        _course(1, "线性代数", "vectors and matrices", ["V_2", "V_1"]),
        _course(2, "算法", "", ["V_3", "V_4"]),
        _course(3, "数学与计算", "both worlds", []),
    ],
    "entities/school.json": [
        {"id": "S_A", "name": "甲大学", "about": ""},
        {"id": "S_B", "name": "乙大学", "about": "founded in 1911"},
    ],
    "entities/teacher.json": [
        {"id": "T_1", "name": "T_1", "about": ""},
        {"id": "T_2", "name": "T_2", "about": "teaches algorithms"},
    ],
    "entities/user.json": [
        {
            "id": "U_1",
            "course_order": ["C_2", "C_1"],
            "enroll_time": ["2018-01-01 08:00:00", "2018-01-05 08:00:00"],
        },
        {"id": "U_2", "course_order": ["C_2"], "enroll_time": [None]},
        {"id": "U_3", "course_order": [], "enroll_time": []},
    ],
    "entities/video.json": [
        {"id": "V_1", "name": "集合与函数", "start": [0], "end": [900], "text": ["你好"]},
        {"id": "V_2", "name": "矩阵"},
        {"id": "V_3", "name": "数组"},
        {"id": "V_4", "name": "递归"},
        {"id": "V_5", "name": "总结"},
        {"id": "V_6", "name": float("nan")},
    ],
    "relations/concept-field.json": [
        *((concept, MATHS) for concept in (SET, FUNCTION, VECTOR, MATRIX)),
        *((concept, CS) for concept in (ALGORITHM, ARRAY, RECURSION, CS_VECTOR)),
    ],
    "relations/course-concept.json": [
        *(("C_1", concept) for concept in (SET, FUNCTION, VECTOR, MATRIX, ARRAY)),
        *(("C_2", concept) for concept in (ALGORITHM, ARRAY, RECURSION)),
        ("C_3", FUNCTION),
        ("C_3", ALGORITHM),
    ],
    "relations/course-video.json": [
        ("C_1", "V_1"),
        ("C_1", "V_2"),
        ("C_1", "V_5"),
        ("C_2", "V_3"),
        ("C_2", "V_4"),
        ("C_3", "V_6"),
        ("C_3", "V_5"),
    ],
    "relations/parent-son.json": [(SET, FUNCTION), (ARRAY, CS_VECTOR)],
    # 数组 -> 算法 -> 递归 -> 数组 is a cycle
    "relations/prerequisite-dependency.json": [
        (SET, FUNCTION),
        (FUNCTION, MATRIX),
        (ARRAY, ALGORITHM),
        (ALGORITHM, RECURSION),
        (RECURSION, ARRAY),
    ],
    "relations/school-course.json": [("S_A", "C_1"), ("S_A", "C_3"), ("S_B", "C_2")],
    "relations/school-teacher.json": [("S_A", "T_1"), ("S_B", "T_2")],
    "relations/teacher-course.json": [("T_1", "C_1"), ("T_2", "C_2"), ("T_2", "C_3")],
    "relations/user-course.json": [
        ("U_1", "C_1"),
        ("U_1", "C_2"),
        ("U_1", "C_3"),
        ("U_2", "C_2"),
        ("U_3", "C_3"),
    ],
    "relations/user-video.json": [
        ("U_1", "V_1"),
        ("U_1", "V_2"),
        ("U_1", "V_3"),
        ("U_2", "V_3"),
        ("U_2", "V_4"),
        ("U_3", "V_6"),
        ("U_3", "V_5"),
    ],
    "relations/video-concept.json": [
        ("V_1", SET),
        ("V_1", FUNCTION),
        ("V_2", VECTOR),
        ("V_2", MATRIX),
        ("V_3", ARRAY),
        ("V_4", RECURSION),
        ("V_4", ALGORITHM),
    ],
    "additional_information/prerequisite_prediction.json": [
        {"c1": "集合", "c2": "函数", "label": 1, "predict": [0.1, 0.9]},
        {"c1": "向量", "c2": "矩阵", "label": 1, "predict": [0.2, 0.8]},  # maths: 矩阵 is
        {"c1": "数组", "c2": "向量", "label": 1, "predict": [0.3, 0.7]},  # computing: 数组 is
    ],
    "additional_information/user_video_act.json": [
        {"id": learner, "activity": activities} for learner, activities in ACTIVITIES.items()
    ],
}

ORDER_MATTERS = {f"relations/{name}.json" for name in ("course-video", "user-course", "user-video")}
"""Files whose line order says something: what was first in a course, or seen first."""


class Dirt(NamedTuple):
    """A line that must be kept out: its row or bytes, and the reasons of what it holds."""

    row: Any
    reasons: tuple[str, ...]
    table: str = ""


def _dirt(row: Any, *reasons: str, table: str = "") -> Dirt:
    return Dirt(row, reasons, table)


_NOT_UTF8 = _dirt(b"\xff\xfe\x00broken", "broken_row")
_BROKEN_OBJECTS = (
    _dirt(b'{"id": "X_1", "name": "cut of', "broken_json"),
    _dirt(b'["a", "list"]', "broken_json"),
    _dirt(b"plain words", "broken_json"),
    _NOT_UTF8,
)


def _dirty_entity(first: Mapping[str, Any], name_is_needed: bool = True) -> tuple[Dirt, ...]:
    lines = (
        *_BROKEN_OBJECTS,
        _dirt({"name": "no id"}, "missing_field"),
        _dirt({"id": "", "name": "empty id"}, "missing_field"),
        _dirt({"id": None, "name": "null id"}, "missing_field"),
        _dirt({"id": ["X_2"], "name": "a list for an id"}, "broken_row"),
        _dirt(first, "duplicate"),
        _dirt({**first, "name": "another name"}, "duplicate"),
    )
    if name_is_needed:
        lines += (
            _dirt({"id": "X_3"}, "missing_field"),
            _dirt({"id": "X_3", "name": " "}, "missing_field"),
            _dirt({"id": "X_3", "name": float("nan")}, "missing_field"),
            _dirt({"id": "X_3", "name": {"zh": "名"}}, "broken_row"),
        )
    return lines


def _dirty_pairs(
    first: tuple[str, str], *, right_has_entity: bool = True, loop: str = ""
) -> tuple[Dirt, ...]:
    left, right = first
    lines = (
        _NOT_UTF8,
        _dirt(f"{left}".encode(), "broken_row"),
        _dirt(f"{left}\t{right}\tmore".encode(), "broken_row"),
        _dirt((left, ""), "missing_field"),
        _dirt(("", right), "missing_field"),
        _dirt(b"\t", "missing_field"),
        _dirt((left, right), "duplicate"),
        _dirt((left, right), "duplicate"),
        _dirt(("X_404", right), "dangling_id"),
    )
    if right_has_entity:
        lines += (_dirt((left, "X_404"), "dangling_id"), _dirt(("X_404", "X_405"), "dangling_id"))
    if loop:
        lines += (_dirt((loop, loop), "self_loop"),)
    return lines


def _watch(**changed: Any) -> dict[str, Any]:
    """A clean, full activity of U_1 but for what is changed; None takes a field away."""
    clean = activity(
        "C_1", "V_5", "2018-06-01 10:00:00", **full(1, 100.0, 50.0, "2018-06-01 10:01:00")
    )
    return {name: value for name, value in (clean | changed).items() if value is not None}


_DIRTY_ACTIVITIES: tuple[tuple[Any, str], ...] = (
    (ACTIVITIES["U_1"][0], "duplicate"),
    # the same start with less said about it
    (activity("C_1", "V_1", "2018-03-01 10:00:00"), "duplicate"),
    (_watch(course_id=None), "missing_field"),
    (_watch(video_id=None), "missing_field"),
    (_watch(video_id=" "), "missing_field"),
    (_watch(video_id="V_404"), "dangling_id"),
    (_watch(course_id="C_404"), "dangling_id"),
    (_watch(local_end_time="2018-06-01 09:59:59"), "impossible_time"),
    (_watch(local_start_time="2018-02-30 10:00:00"), "impossible_time"),
    (_watch(local_start_time="yesterday"), "impossible_time"),
    (_watch(local_start_time="-infinity"), "impossible_time"),
    (_watch(local_end_time="infinity"), "impossible_time"),
    (_watch(local_end_time="epoch"), "impossible_time"),
    (_watch(local_end_time=1527818460), "impossible_time"),
    (_watch(video_duration=0), "impossible_time"),
    (_watch(video_duration=-3.5), "impossible_time"),
    (_watch(video_duration="long"), "impossible_time"),
    (_watch(video_duration=float("inf")), "impossible_time"),
    (_watch(local_watching_time=-1), "impossible_time"),
    (_watch(video_progress_time=-0.1), "impossible_time"),
    (_watch(video_progress_time=[1]), "impossible_time"),
    (_watch(video_start_time=60.0), "impossible_time"),  # and ends at 50
    (_watch(video_end_time="{}"), "impossible_time"),
    (_watch(watching_count=1.5), "broken_row"),
    (_watch(watching_count="twice"), "broken_row"),
    (_watch(watching_count=-1), "broken_row"),
    ("no object", "broken_row"),
    (7, "broken_row"),
    (["C_1", "V_5"], "broken_row"),
)

DIRT: dict[str, tuple[Dirt, ...]] = {
    "entities/concept.json": _dirty_entity(MINI["entities/concept.json"][0]),
    "entities/course.json": _dirty_entity(MINI["entities/course.json"][0]),
    "entities/school.json": _dirty_entity(MINI["entities/school.json"][0]),
    "entities/teacher.json": _dirty_entity(MINI["entities/teacher.json"][0]),
    "entities/user.json": _dirty_entity(MINI["entities/user.json"][0], name_is_needed=False),
    "entities/video.json": (
        *_dirty_entity(MINI["entities/video.json"][0], name_is_needed=False),
        _dirt({"id": "V_7", "name": ["a", "list"]}, "broken_row"),
    ),
    "relations/concept-field.json": _dirty_pairs((SET, MATHS), right_has_entity=False),
    "relations/course-concept.json": _dirty_pairs(("C_1", SET)),
    "relations/course-video.json": _dirty_pairs(("C_1", "V_1")),
    "relations/parent-son.json": _dirty_pairs((SET, FUNCTION), loop=SET),
    "relations/prerequisite-dependency.json": _dirty_pairs((SET, FUNCTION), loop=SET),
    "relations/school-course.json": _dirty_pairs(("S_A", "C_1")),
    "relations/school-teacher.json": _dirty_pairs(("S_A", "T_1")),
    "relations/teacher-course.json": _dirty_pairs(("T_1", "C_1")),
    "relations/user-course.json": _dirty_pairs(("U_1", "C_1")),
    "relations/user-video.json": _dirty_pairs(("U_1", "V_1")),
    "relations/video-concept.json": _dirty_pairs(("V_1", SET)),
    "additional_information/prerequisite_prediction.json": (
        *_BROKEN_OBJECTS,
        _dirt({"c1": "集合", "c2": "函数"}, "missing_field"),
        _dirt({"c1": "集合", "c2": "", "label": 1}, "missing_field"),
        _dirt({"c2": "函数", "label": 1}, "missing_field"),
        _dirt({"c1": ["集合"], "c2": "函数", "label": 1}, "broken_row"),
        _dirt({"c1": "集合", "c2": "函数", "label": "yes"}, "broken_row"),
        _dirt({"c1": "集合", "c2": "函数", "label": 1}, "duplicate"),
        _dirt({"c1": "集合", "c2": "集合", "label": 1}, "self_loop"),
        _dirt({"c1": "集合", "c2": "群", "label": 1}, "unresolved_name"),
        _dirt({"c1": "群", "c2": "集合", "label": 1}, "unresolved_name"),
        # 向量 is a concept of both fields: no common field, then one in each
        _dirt({"c1": "向量", "c2": "向量", "label": 1}, "self_loop"),
        _dirt({"c1": "集合", "c2": "矩阵", "label": 0}, "not_a_prerequisite"),
        _dirt({"c1": "集合", "c2": "矩阵", "label": -1}, "not_a_prerequisite"),
        _dirt({"c1": "群", "c2": "矩阵", "label": -1}, "not_a_prerequisite"),
    ),
    "additional_information/user_video_act.json": (
        *_BROKEN_OBJECTS,
        _dirt({"activity": [_watch()]}, "missing_field"),
        _dirt({"id": "U_3"}, "missing_field"),
        _dirt({"id": "U_3", "activity": "none"}, "broken_row"),
        _dirt({"id": "U_3", "activity": []}),
        _dirt({"id": "U_404", "activity": [_watch(), _watch()]}, "dangling_id", "dangling_id"),
        _dirt(
            {"id": "U_1", "activity": [row for row, _ in _DIRTY_ACTIVITIES]},
            *(reason for _, reason in _DIRTY_ACTIVITIES),
        ),
    ),
}
"""File -> its dirty lines. They follow the clean ones, each after a blank line."""

DIRTY_LISTS: dict[str, tuple[int, dict[str, Any], str, tuple[str, ...]]] = {
    "entities/course.json": (
        0,
        {"video_order": ["V_2", "V_404", "", None, ["V_1"], "V_1", "V_2"]},
        "course_item",
        ("dangling_id", "missing_field", "missing_field", "broken_row", "duplicate"),
    ),
    "entities/user.json": (
        0,
        {
            "course_order": ["C_2", "C_404", "C_3", "C_1", {}, "C_2"],
            "enroll_time": [
                "2018-01-01 08:00:00",
                "2018-01-02 08:00:00",
                "2018-13-01 08:00:00",
                "2018-01-05 08:00:00",
                None,
                "2018-01-09 08:00:00",
            ],
        },
        "learner_course",
        ("dangling_id", "impossible_time", "broken_row", "duplicate"),
    ),
}
"""File -> a clean line's number, what its lists hold instead, for which table, what is wrong."""

FILE_TABLES = {
    "entities/user.json": "learner",
    "relations/concept-field.json": "field_concept",
    "relations/parent-son.json": "broader_concept",
    "relations/prerequisite-dependency.json": "prerequisite",
    "relations/user-course.json": "learner_course",
    "entities/video.json": "item",
    "relations/course-video.json": "course_item",
    "relations/user-video.json": "learner_item",
    "relations/video-concept.json": "item_concept",
    "additional_information/prerequisite_prediction.json": "prerequisite",
    "additional_information/user_video_act.json": "watch",
}
"""File -> its table, where the name does not say it."""


def table_of(file: str) -> str:
    """The table that a file's rows go into."""
    return FILE_TABLES.get(file, Path(file).stem.replace("-", "_"))


def as_line(row: Any) -> bytes:
    """One row as the archive writes it: JSON, or cells and TABs."""
    if isinstance(row, bytes):
        return row
    if isinstance(row, tuple):
        return "\t".join(row).encode()
    return json.dumps(row, ensure_ascii=False).encode()


def write_folder(
    folder: Path,
    files: Mapping[str, Sequence[Any]],
    newline: bytes = b"\n",
    shuffle: random.Random | None = None,
) -> Path:
    """Write rows as an unpacked archive; `shuffle` mixes lines whose order says nothing."""
    for path, rows in files.items():
        lines = [as_line(row) for row in rows]
        if shuffle and path not in ORDER_MATTERS:
            shuffle.shuffle(lines)
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"".join(line + newline for line in lines))
    return folder


def write_zip(path: Path, files: Mapping[str, Sequence[Any]], top: str = "MOOCCube/") -> Path:
    """Write rows as a zip with an inner top folder."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, rows in files.items():
            archive.writestr(top + name, b"".join(as_line(row) + b"\n" for row in rows))
    return path


def dirty_files() -> dict[str, list[Any]]:
    """The clean rows with `DIRTY_LISTS` put in, then the dirty ones, each after a blank line."""
    files = {path: list(rows) for path, rows in MINI.items()}
    for path, (index, lists, _, _) in DIRTY_LISTS.items():
        files[path][index] = files[path][index] | lists
    for path, lines in DIRT.items():
        for line in lines:
            files[path] += [b"", line.row]
    return files


def dirty_rejects() -> list[tuple[str, int, str, str]]:
    """What must be kept out of the dirty archive: (file, line, table, reason), sorted."""
    expected = []
    for path, lines in DIRT.items():
        for index, line in enumerate(lines):
            number = len(MINI[path]) + 2 * index + 2
            expected += [(path, number, table_of(path), reason) for reason in line.reasons]
    for path, (index, _, table, reasons) in DIRTY_LISTS.items():
        expected += [(path, index + 1, table, reason) for reason in reasons]
    return sorted(expected)
