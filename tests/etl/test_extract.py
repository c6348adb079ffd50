import hashlib
import io
import itertools
import json
import random
import struct
import zipfile
from collections import Counter, defaultdict
from datetime import datetime
from pathlib import Path
from typing import Any

import miniature
import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from miniature import (
    ALGORITHM,
    ARRAY,
    CS,
    CS_VECTOR,
    FUNCTION,
    MATHS,
    MATRIX,
    MINI,
    RECURSION,
    SET,
    VECTOR,
    write_folder,
    write_zip,
)

from kgplan.errors import SourceError
from kgplan.etl import archive as archive_module
from kgplan.etl.archive import split_lines
from kgplan.etl.extract import extract
from kgplan.etl.records import read_records
from kgplan.etl.report import ExtractReport
from kgplan.etl.sources.mooccube import SOURCE
from kgplan.etl.tables import REJECTS, TABLES, Reason


def rows(out: Path, table: str) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in pq.read_table(out / f"{table}.parquet").to_pylist()]


def hashes(out: Path) -> dict[str, str]:
    return {
        name: hashlib.sha256((out / f"{name}.parquet").read_bytes()).hexdigest() for name in TABLES
    }


def rejects(out: Path) -> list[dict[str, Any]]:
    return pq.read_table(out / "rejects.parquet").to_pylist()


@pytest.fixture(scope="module")
def mini(mini_source, tmp_path_factory) -> tuple[ExtractReport, Path]:
    out = tmp_path_factory.mktemp("out")
    return extract(mini_source, out), out


@pytest.fixture(scope="module")
def dirty(dirty_source, tmp_path_factory) -> tuple[ExtractReport, Path]:
    out = tmp_path_factory.mktemp("out")
    return extract(dirty_source, out), out


@pytest.fixture(scope="module")
def sample(sample_source, tmp_path_factory) -> tuple[ExtractReport, Path]:
    out = tmp_path_factory.mktemp("out")
    return extract(sample_source, out), out


def at(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%S")


# --- what the miniature becomes, worked out by hand ---------------------------------------------

EXPECTED = {
    "concept": [
        (SET, "集合", "set", "学科：数学 › 集合论"),
        (
            *(FUNCTION, "函数", "function"),
            "给每个元素配上唯一一个元素的对应关系。\n学科：数学 › 集合论\n见载：《数学名词》第一版",
        ),
        (VECTOR, "向量", "vector", "学科：数学"),
        (MATRIX, "矩阵", None, "学科：数学"),
        (ALGORITHM, "算法", "algorithm", "学科：计算机科学技术"),
        (ARRAY, "数组", "array", None),
        (RECURSION, "递归", "recursion", "学科：计算机科学技术"),
        (CS_VECTOR, "向量", "vector", "学科：计算机科学技术"),
    ],
    "course": [
        ("C_1", "线性代数", "vectors and matrices", None, "C_1"),
        ("C_2", "算法", None, None, "C_2"),
        ("C_3", "数学与计算", "both worlds", None, "C_3"),
    ],
    "school": [("S_A", "甲大学", None), ("S_B", "乙大学", "founded in 1911")],
    "teacher": [("T_1", "T_1", None), ("T_2", "T_2", "teaches algorithms")],
    "field": [(MATHS, MATHS), (CS, CS)],
    "learner": [("U_1",), ("U_2",), ("U_3",)],
    "item": [
        ("V_1", "video", "集合与函数", 100.0, None),
        ("V_2", "video", "矩阵", 200.0, None),
        ("V_3", "video", "数组", None, None),
        ("V_4", "video", "递归", 80.0, None),
        ("V_5", "video", "总结", None, None),
        ("V_6", "video", None, None, None),
    ],
    # C_1 has four maths concepts and one of computing; C_3 has one of each
    "field_course": [(MATHS, "C_1"), (CS, "C_2"), (MATHS, "C_3"), (CS, "C_3")],
    "course_concept": MINI["relations/course-concept.json"],
    "school_course": MINI["relations/school-course.json"],
    "field_concept": [(field, c) for c, field in MINI["relations/concept-field.json"]],
    "teacher_course": MINI["relations/teacher-course.json"],
    "school_teacher": MINI["relations/school-teacher.json"],
    # C_1: its video_order is V_2, V_1; V_5 is only in course-video.json. C_3 has no video_order.
    "course_item": [
        ("C_1", "V_2", 0),
        ("C_1", "V_1", 1),
        ("C_1", "V_5", 2),
        ("C_2", "V_3", 0),
        ("C_2", "V_4", 1),
        ("C_3", "V_6", 0),
        ("C_3", "V_5", 1),
    ],
    "item_concept": MINI["relations/video-concept.json"],
    "prerequisite": [
        *(
            (a, b, "dependency", None, None)
            for a, b in MINI["relations/prerequisite-dependency.json"]
        ),
        (SET, FUNCTION, "prediction", None, None),
        (VECTOR, MATRIX, "prediction", None, None),
        (ARRAY, CS_VECTOR, "prediction", None, None),
    ],
    "broader_concept": MINI["relations/parent-son.json"],
    "learner_course": [
        ("U_1", "C_2", at("2018-01-01 08:00:00"), 0),
        ("U_1", "C_1", at("2018-01-05 08:00:00"), 1),
        ("U_1", "C_3", None, 2),
        ("U_2", "C_2", None, 0),
        ("U_3", "C_3", None, 0),
    ],
    "watch": [
        (
            learner,
            a["course_id"],
            a["video_id"],
            a.get("watching_count"),
            a.get("video_duration"),
            a.get("local_watching_time"),
            a.get("video_progress_time"),
            a.get("video_start_time"),
            a.get("video_end_time"),
            at(a["local_start_time"]),
            at(a["local_end_time"]) if "local_end_time" in a else None,
        )
        for learner, activities in miniature.ACTIVITIES.items()
        for a in activities
    ],
    "answer": [],  # MOOCCube has none
    "learner_item": [
        ("U_1", "V_4", 0.25, "progress", False, at("2018-02-01 10:00:00"), 0),
        ("U_1", "V_1", 1.0, "progress", True, at("2018-03-01 10:00:00"), 1),
        ("U_1", "V_2", 0.5, "progress", False, at("2018-03-02 10:00:00"), 2),
        ("U_1", "V_3", 1.0, "view", False, None, 3),
        ("U_2", "V_4", 1.0, "view", False, at("2018-04-01 09:00:00"), 0),
        ("U_2", "V_3", 1.0, "view", False, at("2018-04-02 09:00:00"), 1),
        ("U_3", "V_6", 1.0, "view", False, None, 0),
        ("U_3", "V_5", 1.0, "view", False, None, 1),
    ],
}


@pytest.mark.parametrize("table", TABLES)
def test_each_table_of_the_miniature_is_what_a_reader_of_its_files_would_write(mini, table):
    found = rows(mini[1], table)
    assert len(found) == len(EXPECTED[table])
    assert set(found) == set(EXPECTED[table])


def test_the_records_have_the_length_and_title_of_each_video_that_covers_a_concept(tmp_path):
    videos = MINI["entities/video.json"]
    untitled = [each | {"name": None} if each["id"] == "V_4" else each for each in videos]
    (out := tmp_path / "out").mkdir()
    extract(write_folder(tmp_path / "in", {**MINI, "entities/video.json": untitled}), out)
    records = read_records(out)
    told = zip(records.item_names.tolist(), records.item_seconds.tolist(), strict=True)
    assert dict(zip(records.item_ids.tolist(), told, strict=True)) == {
        "V_1": ("集合与函数", 100.0),
        "V_2": ("矩阵", 200.0),
        "V_3": ("数组", pytest.approx(np.nan, nan_ok=True)),
        "V_4": ("", 80.0),
    }


def test_the_clean_miniature_has_no_reject(mini):
    assert rejects(mini[1]) == []


def test_dirt_in_every_file_leaves_the_tables_as_they_were(mini, dirty):
    assert hashes(dirty[1]) == hashes(mini[1])


def test_each_dirty_row_is_listed_with_its_file_line_and_reason(dirty):
    found = sorted((r["file"], r["line"], r["table_name"], r["reason"]) for r in rejects(dirty[1]))
    assert found == miniature.dirty_rejects()


def test_the_dirty_miniature_shows_every_reason_that_its_files_can_give_but_ambiguity():
    shown = {reason for *_, reason in miniature.dirty_rejects()}
    assert shown == set(Reason) - {Reason.AMBIGUOUS_NAME, Reason.NOT_IN_FORCE}


def test_a_name_of_two_fields_is_ambiguous_unless_one_field_has_both_names(tmp_path):
    pairs = [
        {"c1": "向量", "c2": "图", "label": 1},  # in both fields: two candidate pairs
        {"c1": "向量", "c2": "管理", "label": 1},  # in neither field
        {"c1": "管理", "c2": "集合", "label": 1},  # each name has one concept: nothing to choose
    ]
    added = {"K_图_数学": MATHS, f"K_图_{CS}": CS, "K_管理_管理": "管理"}
    files = {
        **MINI,
        "entities/concept.json": MINI["entities/concept.json"]
        + [{"id": c, "name": c.split("_")[1], "en": "", "explanation": ""} for c in added],
        "relations/concept-field.json": MINI["relations/concept-field.json"] + list(added.items()),
        "additional_information/prerequisite_prediction.json": pairs,
    }
    (out := tmp_path / "out").mkdir()
    extract(write_folder(tmp_path / "in", files), out)
    first, second = rejects(out)
    assert (first["reason"], second["reason"]) == ("ambiguous_name", "ambiguous_name")
    for candidate in (VECTOR, CS_VECTOR, "K_图_数学", f"K_图_{CS}"):
        assert candidate in first["detail"]
    predicted = {row[:2] for row in rows(out, "prerequisite") if row[2] == "prediction"}
    assert predicted == {("K_管理_管理", SET)}


def test_what_is_mended_is_kept_and_counted(mini, dirty):
    mended = {(f.file, f.table): f.mended for f in mini[0].files if f.mended}
    assert mended == {
        ("entities/concept.json", "concept"): {"empty_text": 2},
        ("entities/course.json", "course"): {"empty_text": 4},
        ("entities/school.json", "school"): {"empty_text": 1},
        ("entities/teacher.json", "teacher"): {"empty_text": 1},
        ("entities/video.json", "item"): {"nan_value": 1},
        ("entities/user.json", "learner_course"): {"missing_time": 1},
        ("additional_information/user_video_act.json", "watch"): {"capped_replay": 2},
    }
    [watch] = (f for f in dirty[0].files if f.table == "watch")
    assert watch.mended == {"capped_replay": 2, "merged_record": 1}


def test_enrolments_without_matching_times_are_kept_without_time(tmp_path):
    learner = {"id": "U_1", "course_order": ["C_2", "C_1"], "enroll_time": ["2018-01-01 08:00:00"]}
    files = {**MINI, "entities/user.json": [learner, *MINI["entities/user.json"][1:]]}
    (out := tmp_path / "out").mkdir()
    report = extract(write_folder(tmp_path / "in", files), out)
    enrolled = [row for row in rows(out, "learner_course") if row[0] == "U_1"]
    assert {row[1:] for row in enrolled} == {("C_2", None, 0), ("C_1", None, 1), ("C_3", None, 2)}
    [step] = (
        f for f in report.files if (f.file, f.table) == ("entities/user.json", "learner_course")
    )
    assert step.mended == {"unpaired_times": 2, "missing_time": 1}


# --- laws ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("archive", ["mini", "dirty", "sample"])
def test_rows_read_are_kept_rejected_or_left_out(archive, request):
    report, out = request.getfixturevalue(archive)
    listed = Counter((r["file"], r["table_name"], r["reason"]) for r in rejects(out))
    for f in report.files:
        assert f.read == f.kept + sum(f.rejected.values()) + sum(f.left_out.values())
        for reason, count in (f.rejected | f.left_out).items():
            assert listed.pop((f.file, f.table, reason)) == count
    assert not listed


@pytest.mark.parametrize("archive", ["dirty", "sample"])
def test_every_id_in_a_table_is_in_its_entity_table_and_keys_are_unique(archive, request):
    _, out = request.getfixturevalue(archive)
    for table in TABLES.values():
        columns = pq.read_table(out / f"{table.name}.parquet").to_pydict()
        for column, entity in table.references.items():
            known = pq.read_table(out / f"{entity}.parquet").to_pydict()[f"{entity}_id"]
            assert set(columns[column]) <= set(known), (table.name, column)
        keys = list(zip(*(columns[name] for name in table.key), strict=True))
        assert len(keys) == len(set(keys)), table.name


@pytest.mark.parametrize("archive", ["dirty", "sample"])
def test_files_have_the_declared_schema_and_order(archive, request):
    _, out = request.getfixturevalue(archive)
    assert {file.stem for file in out.iterdir()} == {*TABLES, "rejects"}
    for table in (*TABLES.values(), REJECTS):
        found = pq.read_table(out / f"{table.name}.parquet")
        assert found.schema.equals(table.arrow_schema)
        ids = [tuple(row[name] for name in table.key) for row in found.to_pylist()]
        assert ids == sorted(ids), table.name


def test_the_same_archive_gives_the_same_bytes_with_any_number_of_threads(
    sample, sample_source, tmp_path
):
    report = extract(sample_source, tmp_path, threads=1)
    assert report == sample[0]
    assert hashes(tmp_path) == hashes(sample[1])
    rejects_file = "rejects.parquet"
    assert (tmp_path / rejects_file).read_bytes() == (sample[1] / rejects_file).read_bytes()


@pytest.mark.parametrize("seed", [0, 1])
def test_the_order_of_lines_does_not_matter_where_it_says_nothing(mini, tmp_path, seed):
    shuffled = write_folder(tmp_path / "in", MINI, shuffle=random.Random(seed))
    (out := tmp_path / "out").mkdir()
    extract(shuffled, out)
    assert hashes(out) == hashes(mini[1])


@pytest.mark.parametrize("top", ["", "MOOCCube/", "a folder/of any name/"])
def test_a_zip_gives_what_the_folder_gives(mini, tmp_path, top):
    archive = write_zip(tmp_path / "mini.zip", MINI, top)
    (out := tmp_path / "out").mkdir()
    extract(archive, out)
    assert hashes(out) == hashes(mini[1])


@pytest.mark.parametrize("block", [1, 3, 4, 64])
def test_a_byte_order_mark_is_no_end_however_little_is_read_at_once(block):
    found = split_lines(io.BytesIO(b"\xef\xbb\xbffirst\nsecond"), "f", block)
    assert [row["text"] for batch in found for row in batch.to_pylist()] == ["first", "second"]


def test_byte_order_marks_crlf_blank_lines_and_a_missing_newline_change_nothing(mini, tmp_path):
    spaced = {path: [x for row in lines for x in (row, b"", b"  ")] for path, lines in MINI.items()}
    folder = write_folder(tmp_path / "in", spaced, newline=b"\r\n")
    for file in folder.glob("*/*.json"):
        file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes().removesuffix(b"\r\n  \r\n\r\n"))
    (out := tmp_path / "out").mkdir()
    extract(folder, out)
    assert hashes(out) == hashes(mini[1])
    assert rejects(out) == []


@settings(max_examples=200, deadline=None)
@given(
    pieces=st.lists(st.sampled_from([b"a", "数".encode(), b"\xff", b" ", b"\t", b"\n", b"\r\n"])),
    block_bytes=st.integers(1, 40),
)
def test_lines_are_those_that_splitting_the_whole_file_gives(pieces, block_bytes):
    whole = b"".join(pieces)
    found = [
        tuple(row.values())
        for batch in split_lines(io.BytesIO(whole), block_bytes=block_bytes)
        for row in batch.to_pylist()
    ]
    expected = []
    for number, line in enumerate(whole.split(b"\n"), start=1):
        line = line.rstrip(b"\r")
        if line.strip(b" "):
            text = line.decode(errors="replace")
            expected.append((number, text, text.encode() == line))
    assert found == expected


# --- archives that cannot be used ---------------------------------------------------------------


def refused(source: Path, out: Path) -> str:
    with pytest.raises(SourceError) as caught:
        extract(source, out)
    return str(caught.value)


def test_a_path_that_is_not_there_is_refused(tmp_path):
    assert "there is no" in refused(tmp_path / "absent.zip", tmp_path)


def test_a_folder_without_mooccube_files_is_refused(tmp_path):
    (tmp_path / "holiday.json").write_text("{}")
    message = refused(tmp_path, tmp_path)
    assert "holds holiday.json, nothing of a source that is known" in message
    assert "mooccube: entities/concept.json" in message
    with pytest.raises(SourceError, match=r"does not hold MOOCCube: no entities/concept\.json"):
        extract(tmp_path, tmp_path, source=SOURCE)


def test_a_file_that_is_no_zip_is_refused(tmp_path):
    (tmp_path / "broken.zip").write_bytes(b"PK\x03\x04 and then nothing of use")
    assert "not a zip" in refused(tmp_path / "broken.zip", tmp_path)


@pytest.mark.parametrize(
    ("at", "written"),
    [
        pytest.param(6, b"\x40\x00", id="a later version of the format"),
        pytest.param(8, b"\x00\x08", id="a name that is called UTF-8, and is not"),
        pytest.param(10, b"\x0e\x00", id="another compression"),
    ],
)
def test_a_damaged_list_of_members_is_refused(tmp_path, at, written):
    """Offsets of the format's central directory header (APPNOTE 4.3.12)."""
    data = bytearray(write_zip(tmp_path / "whole.zip", MINI).read_bytes())
    header = data.index(b"PK\x01\x02")
    data[header + at : header + at + 2] = written
    data[header + 46] = 0xFF  # the name's first byte
    (tmp_path / "broken.zip").write_bytes(data)
    assert refused(tmp_path / "broken.zip", tmp_path)


def test_every_absent_required_file_is_named(tmp_path):
    gone = {"entities/video.json", "relations/video-concept.json"}
    folder = write_folder(tmp_path / "in", {p: r for p, r in MINI.items() if p not in gone})
    message = refused(folder, tmp_path)
    assert [path for path in MINI if path in message] == sorted(gone)


def test_a_zip_whose_bytes_were_changed_is_refused(tmp_path):
    archive = write_zip(tmp_path / "mini.zip", MINI)
    with zipfile.ZipFile(archive) as opened:
        info = opened.getinfo("MOOCCube/relations/user-video.json")
    raw = bytearray(archive.read_bytes())
    name_length, extra_length = struct.unpack_from("<HH", raw, info.header_offset + 26)
    raw[info.header_offset + 30 + name_length + extra_length + info.compress_size // 2] ^= 0xFF
    archive.write_bytes(raw)
    message = refused(archive, tmp_path)
    assert "user-video.json" in message
    assert "damaged" in message


def test_a_zip_bomb_is_refused_before_it_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(archive_module, "BOMB_BYTES", 1 << 20)
    blank = {**MINI, "relations/user-video.json": [b" " * (4 << 20)]}
    assert "times its size" in refused(write_zip(tmp_path / "bomb.zip", blank), tmp_path)


def test_a_line_without_end_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archive_module, "LONGEST_LINE", 1 << 20)
    files = {**MINI, "relations/user-video.json": [("U_1", "V_1"), b"x" * (20 << 20)]}
    assert "line 2 of" in refused(write_folder(tmp_path / "in", files), tmp_path)


def test_members_outside_the_layout_are_neither_read_nor_unpacked(mini, tmp_path):
    archive = write_zip(tmp_path / "mini.zip", MINI)
    with zipfile.ZipFile(archive, "a") as opened:
        opened.writestr("../../entities/user.json", b"not this one")
        opened.writestr("__MACOSX/MOOCCube/entities/._user.json", b"nor this")
    (out := tmp_path / "out").mkdir()
    extract(archive, out)
    assert hashes(out) == hashes(mini[1])
    assert {path.name for path in tmp_path.iterdir()} == {"mini.zip", "out"}


def test_an_absent_optional_file_is_reported_and_its_tables_are_empty(tmp_path):
    optional = {path for path in MINI if path.startswith("additional_information/")}
    files = {path: lines for path, lines in MINI.items() if path not in optional}
    files["entities/paper.json"] = [{"id": "P_1"}]
    (out := tmp_path / "out").mkdir()
    report = extract(write_folder(tmp_path / "in", files), out)
    assert set(report.absent) == optional
    assert report.unused == ("entities/paper.json",)
    assert rows(out, "watch") == []
    assert {row[3] for row in rows(out, "learner_item")} == {"view"}
    assert {row[2] for row in rows(out, "prerequisite")} == {"dependency"}


# --- the real sample, counted a second time in plain Python -------------------------------------


def counted(archive: Path) -> dict[str, Any]:
    """Counts of the sample by sets and loops over its lines."""
    with zipfile.ZipFile(archive) as opened:
        names = {name.split("/", 1)[1]: name for name in opened.namelist()}

        def records(path: str) -> list[dict[str, Any]]:
            return [json.loads(line) for line in opened.read(names[path]).decode().splitlines()]

        def pairs(name: str) -> list[tuple[str, ...]]:
            text = opened.read(names[f"relations/{name}.json"]).decode()
            return [tuple(line.split("\t")) for line in text.splitlines()]

        entities = {
            name: records(f"entities/{name}.json")
            for name in ("concept", "course", "school", "teacher", "user", "video")
        }
        relations = {
            path.split("/")[1][:-5]: pairs(path.split("/")[1][:-5])
            for path in names
            if path.startswith("relations/")
        }
        activities = [
            (record["id"], a)
            for record in records("additional_information/user_video_act.json")
            for a in record["activity"]
        ]
        predictions = records("additional_information/prerequisite_prediction.json")
    return {
        "entities": entities,
        "relations": relations,
        "activities": activities,
        "predictions": predictions,
    }


@pytest.fixture(scope="module")
def plain(sample_source):
    return counted(sample_source)


def test_the_sample_s_entities_and_relations_are_counted_right(sample, plain):
    report, _ = sample
    for name, records in plain["entities"].items():
        assert report.tables[{"user": "learner", "video": "item"}.get(name, name)] == len(records)
    of_file = {f.file: f for f in report.files if f.file.startswith("relations/")}
    learners = {record["id"] for record in plain["entities"]["user"]}
    for name, pairs in plain["relations"].items():
        known = [p for p in pairs if not name.startswith("user-") or p[0] in learners]
        f = of_file[f"relations/{name}.json"]
        assert (f.read, f.kept) == (len(pairs), len(set(known)))
        assert f.rejected.get("dangling_id", 0) == len(pairs) - len(known)
        assert f.rejected.get("duplicate", 0) == len(known) - len(set(known))


def test_the_sample_s_published_oddities_are_found(sample):
    report, out = sample
    of = {(f.file.split("/")[1], f.table): f for f in report.files}
    # data/SOURCE.md and the archive's own description
    assert of["course-concept.json", "course_concept"].rejected == {"duplicate": 46}
    assert of["prerequisite-dependency.json", "prerequisite"].rejected == {"duplicate": 122}
    assert of["prerequisite-dependency.json", "prerequisite"].kept == 905
    assert of["prerequisite_prediction.json", "prerequisite"].read == 1605
    assert of["user_video_act.json", "watch"].mended["merged_record"] == 1
    assert of["video.json", "item"].mended == {"nan_value": 102}
    dangling = [
        r["record"]
        for r in rejects(out)
        if r["reason"] == "dangling_id" and r["file"].startswith("relations")
    ]
    assert {record.split("\t")[0] for record in dangling} == {"U_8519784"}


def test_the_sample_s_predicted_pairs_are_resolved_as_a_loop_over_candidates_does(sample, plain):
    _, out = sample
    field_of = dict(plain["relations"]["concept-field"])
    ids = defaultdict(list)
    for concept in plain["entities"]["concept"]:
        ids[concept["name"]].append(concept["id"])
    expected, unclear = set(), 0
    for pair in plain["predictions"]:
        candidates = list(itertools.product(ids[pair["c1"]], ids[pair["c2"]]))
        if len(candidates) > 1:
            candidates = [(a, b) for a, b in candidates if field_of[a] == field_of[b]]
        if len(candidates) == 1:
            expected.add(candidates[0])
        else:
            unclear += 1
    found = {row[:2] for row in rows(out, "prerequisite") if row[2] == "prediction"}
    assert found == expected
    assert sum(r["reason"] == "ambiguous_name" for r in rejects(out)) == unclear


def test_the_sample_s_field_of_each_course_is_the_most_common_one(sample, plain):
    _, out = sample
    field_of = dict(plain["relations"]["concept-field"])
    votes = defaultdict(Counter)
    for course, concept in set(plain["relations"]["course-concept"]):
        votes[course][field_of[concept]] += 1
    expected = {
        (field, course)
        for course, counts in votes.items()
        for field, n in counts.items()
        if n == max(counts.values())
    }
    assert set(rows(out, "field_course")) == expected


def test_the_sample_s_learner_records_equal_those_of_a_loop_over_activities(sample, plain):
    report, out = sample
    learners = {record["id"] for record in plain["entities"]["user"]}
    best: dict[tuple[str, ...], dict[str, Any]] = {}
    for learner, a in plain["activities"]:
        key = (learner, a["course_id"], a["video_id"], a["local_start_time"])
        if learner in learners and (key not in best or len(a) > len(best[key])):
            best[key] = a
    assert report.tables["watch"] == len(best)
    share: dict[tuple[str, str], float] = {}
    replayed, first = set(), {}
    for (learner, _, video, start), a in best.items():
        pair = learner, video
        first[pair] = min(first.get(pair, at(start)), at(start))
        if "video_duration" in a:
            ratio = a["video_progress_time"] / a["video_duration"]
            share[pair] = max(share.get(pair, 0), min(1, ratio))
            if ratio > 1:
                replayed.add(pair)
    viewed = {pair for pair in plain["relations"]["user-video"] if pair[0] in learners}
    found = {row[:2]: row[2:] for row in rows(out, "learner_item")}
    assert found.keys() == viewed | first.keys()
    for pair, (watched, evidence, again, started, _) in found.items():
        assert watched == share.get(pair, 1.0)
        assert evidence == ("progress" if pair in share else "view")
        assert again == (pair in replayed)
        assert started == first.get(pair)
    durations = defaultdict(float)
    for learner, a in plain["activities"]:
        if learner in learners and "video_duration" in a:
            durations[a["video_id"]] = max(durations[a["video_id"]], a["video_duration"])
    assert {row[0]: row[3] for row in rows(out, "item") if row[3] is not None} == durations


@pytest.mark.parametrize(
    ("table", "list_name", "entity", "file"),
    [
        ("course_item", "video_order", "course", "course-video"),
        ("learner_course", "course_order", "user", "user-course"),
    ],
)
def test_the_sample_s_positions_follow_the_lists(sample, plain, table, list_name, entity, file):
    expected: dict[str, list[str]] = {
        r["id"]: list(r[list_name]) for r in plain["entities"][entity]
    }
    for owner, member in plain["relations"][file]:
        if member not in expected[owner]:
            expected[owner].append(member)
    found = {(row[0], row[1]): row[-1] for row in rows(sample[1], table)}
    assert found == {
        (owner, member): position
        for owner, members in expected.items()
        for position, member in enumerate(members)
    }


LONG, LONGEST = "x" * 501, "x" * 500
ODD_IDS = ("K a b", "K_é/ü?#%20", "K_\u00a0_\u3000", "K_\u202e", "K_{x}$`'\"", "K_𝒳", LONGEST)
BAD_IDS = ("K_0\0", "K_\x07", "K_a\nb", "K_a\tb", "K_\x85", "K_" + LONG)


def test_an_id_that_is_too_long_or_holds_a_control_character_is_kept_out(tmp_path):
    """NumPy would take a NUL at the end for none, and make every id as wide as the longest."""
    concepts = "entities/concept.json"
    files = {path: list(found) for path, found in miniature.MINI.items()}
    files[concepts] += [{"id": each, "name": "n"} for each in (*ODD_IDS, *BAD_IDS)]
    files[concepts].append({"id": "K_name", "name": "n" * 10_001})
    files["entities/user.json"].append({"id": "U_1\0"})
    written = [each for each in BAD_IDS if not set(each) & {"\n", "\t"}]
    files["relations/course-concept.json"] += [("C_1", each) for each in written]
    files["relations/concept-field.json"].append(("K a b", "F\0"))
    out_folder = tmp_path / "out"
    out_folder.mkdir()
    extract(miniature.write_folder(tmp_path / "source", files), out_folder)
    kept = {row[0] for row in rows(out_folder, "concept")}
    assert kept == {row["id"] for row in miniature.MINI[concepts]} | set(ODD_IDS)
    assert {row[0] for row in rows(out_folder, "learner")} == {"U_1", "U_2", "U_3"}
    out = rejects(out_folder)
    assert len(out) == len(BAD_IDS) + 1 + 1 + len(written) + 1
    assert {row["reason"] for row in out} == {"broken_row"}
    details = {row["detail"] for row in out}
    assert "concept_id holds a control character" in details
    assert f"concept_id has {len(LONG) + 2} characters, 500 are allowed" in details
    assert "name has 10001 characters, 10000 are allowed" in details
    assert max(len(row["record"]) for row in out) <= 1_000
