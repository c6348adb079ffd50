"""Plain tables: any dialect of CSV says the same, what is lost is told, and `kgplan init` works."""

import codecs
import csv
import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from source_cases import extracted

from kgplan.errors import InputError, SourceError
from kgplan.etl.archive import SourceFile
from kgplan.etl.extract import extract
from kgplan.etl.init import write_example
from kgplan.etl.plain import PLAIN
from kgplan.etl.records import read_records
from kgplan.etl.sources import NamedSource, source_of
from kgplan.etl.sources.steps import rows_of as rows_given
from kgplan.etl.tables import TABLES

SITE: dict[str, list[list[str]]] = {
    "concepts": [
        ["concept_id", "name", "name_en", "parent", "definition"],
        ["numbers", "数", "Numbers", "", "What counts."],
        ["fractions", "分数", "Fractions", "numbers", 'Parts of a "whole",\nin two lines.'],
        ["percent", "", "", "numbers", ""],
        ["interest", "利息", "Interest", "", ""],
    ],
    "prerequisites": [
        ["before", "after", "source", "strength", "any_of"],
        ["fractions", "percent", "", "0.5", ""],
        ["percent", "interest", "prediction", "", "ways in"],
        ["numbers", "interest", "", "", "ways in"],
    ],
    "courses": [["course_id", "name"], ["m7", "Maths 7"], ["m8", ""]],
    "items": [
        ["item_id", "course_id", "position", "kind", "title", "seconds", "url"],
        ["v2", "m7", "2", "Lecture", "Percent", "200", "https://x.example/v2"],
        ["v1", "m7", "1", "", "What is a fraction?", "310.5", ""],
        ["q1", "m7", "2.5", "quiz", "", "", ""],
        ["v1", "m8", "", "", "", "", ""],
        ["t1", "m8", "", "text", "Read on", "60", ""],
    ],
    "item_concepts": [
        ["item_id", "concept_id"],
        ["v1", "fractions; numbers"],
        ["v2", "percent"],
        ["q1", "percent"],
        ["t1", "interest"],
    ],
    "enrolments": [
        ["learner_id", "course_id", "time"],
        ["ada", "m7", "2026-02-27T08:00:00Z"],
        ["ada", "m8", ""],
        ["ada", "m8", "2026-02-28"],
        ["cem", "m8", ""],
    ],
    "events": [
        ["learner_id", "item_id", "time", "score", "share", "course_id"],
        ["ada", "v1", "2026-03-01T10:15:00+08:00", "", "0.25", "m7"],
        ["ada", "v1", "2026-03-01 03:00", "", "0.75", "m7"],
        ["ada", "q1", "1772334000", "0.5", "", ""],
        ["ben", "v2", "", "", "", ""],
        ["ben", "t1", "2026/03/02 12:00:00", "", "0", ""],
    ],
}


def at(text: str) -> Any:
    return pa.scalar(text).cast(pa.timestamp("us")).as_py()


EXPECTED: dict[str, list[tuple[Any, ...]]] = {
    "concept": [
        ("numbers", "数", "Numbers", "What counts."),
        ("fractions", "分数", "Fractions", 'Parts of a "whole",\nin two lines.'),
        ("percent", "percent", None, None),
        ("interest", "利息", "Interest", None),
    ],
    "broader_concept": [("numbers", "fractions"), ("numbers", "percent")],
    "prerequisite": [
        ("fractions", "percent", "dependency", 0.5, None),
        ("percent", "interest", "prediction", None, 1),
        ("numbers", "interest", "dependency", None, 1),
    ],
    "course": [("m7", "Maths 7", None, None, None), ("m8", "m8", None, None, None)],
    "item": [
        ("v1", "video", "What is a fraction?", 310.5, None),
        ("v2", "video", "Percent", 200.0, "https://x.example/v2"),
        ("q1", "exercise", None, None, None),
        ("t1", "text", "Read on", 60.0, None),
    ],
    "course_item": [
        ("m7", "v1", 0),
        ("m7", "v2", 1),
        ("m7", "q1", 2),
        ("m8", "v1", 0),
        ("m8", "t1", 1),
    ],
    "item_concept": [
        ("v1", "fractions"),
        ("v1", "numbers"),
        ("v2", "percent"),
        ("q1", "percent"),
        ("t1", "interest"),
    ],
    "course_concept": [
        ("m7", "fractions"),
        ("m7", "numbers"),
        ("m7", "percent"),
        ("m8", "fractions"),
        ("m8", "numbers"),
        ("m8", "interest"),
    ],
    "learner": [("ada",), ("ben",), ("cem",)],
    # 10:15 in Shanghai is 02:15 in Greenwich; 1772334000 is 03:00 there
    "learner_course": [
        ("ada", "m7", at("2026-02-27 08:00:00"), 0),
        ("ada", "m8", at("2026-02-28 00:00:00"), 1),
        ("cem", "m8", None, 0),
        ("ben", "m8", at("2026-03-02 12:00:00"), 0),
        ("ben", "m7", None, 1),
    ],
    "learner_item": [
        ("ada", "v1", 0.75, "progress", False, at("2026-03-01 02:15:00"), 0),
        ("ben", "t1", 0.0, "progress", False, at("2026-03-02 12:00:00"), 0),
        ("ben", "v2", 1.0, "view", False, None, 1),
    ],
    "answer": [("ada", "q1", 0, 0.5, at("2026-03-01 03:00:00"))],
}


def written(rows: list[list[str]], separator: str = ",", newline: str = "\n") -> str:
    stream = io.StringIO()
    csv.writer(stream, delimiter=separator, lineterminator=newline).writerows(rows)
    return stream.getvalue()


def folder_of(folder: Path, tables: dict[str, list[list[str]]], form: str = "plain") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in tables.items():
        path = folder / f"{name}.csv"
        match form:
            case "excel":  # as Excel saves it where commas are decimal
                cells = [[c.replace(".", ",") if is_number(c) else c for c in r] for r in rows]
                path.write_bytes(codecs.BOM_UTF8 + written(cells, ";", "\r\n").encode())
            case "sep line":
                path.write_text("sep=|\n" + written(rows, "|"), encoding="utf-8")
            case "unicode text":  # Excel's own, in UTF-16 with tabs
                path.write_bytes(written(rows, "\t", "\r\n").encode("utf-16"))
            case "chinese windows":
                path.write_bytes(written(rows).encode("gb18030"))
            case "parquet":
                header, *cells = rows
                columns = [[cell or None for cell in column] for column in zip(*cells, strict=True)]
                arrays = [pa.array(column, pa.string()) for column in columns]
                pq.write_table(pa.table(arrays, names=header), folder / f"{name}.parquet")
            case "other names":
                called = {"concept_id": "Skill", "learner_id": "Student ID", "time": "Timestamp"}
                called |= {"course_id": "Course", "share": "Progress", "seconds": "Duration"}
                called |= {"before": "From", "after": "To", "url": "Link"}
                path.write_text(written([[called.get(c, c) for c in rows[0]], *rows[1:]]))
            case _:
                path.write_text(written(rows), encoding="utf-8")
    return folder


def is_number(cell: str) -> bool:
    return cell.replace(".", "", 1).isdigit()


def rows_of(folder: Path, table: str) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in pq.read_table(folder / f"{table}.parquet").to_pylist()]


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    out = tmp_path_factory.mktemp("tables")
    source = folder_of(tmp_path_factory.mktemp("site"), SITE)
    return extract(source, out, zone="UTC"), out


@pytest.mark.parametrize("table", EXPECTED)
def test_each_table_is_what_a_reader_of_the_page_expects(plain, table):
    assert sorted(rows_of(plain[1], table), key=str) == sorted(EXPECTED[table], key=str)


def test_nothing_of_a_clean_site_is_lost_and_the_rest_is_empty(plain):
    report, out = plain
    assert (report.format, report.rows_rejected, report.notes) == ("tables", 0, ())
    full = {*EXPECTED, "watch"}
    assert {name for name in TABLES if rows_of(out, name)} == full


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ("excel", "separated by semicolons"),
        ("sep line", "separated by vertical bars"),
        ("unicode text", "read as UTF-16"),
        ("chinese windows", "read as GB18030"),
        ("other names", "Skill as concept_id"),
        ("parquet", ""),
    ],
)
def test_the_same_rows_in_another_form_are_the_same_tables_and_it_is_said(
    plain, tmp_path, form, said
):
    (tmp_path / "out").mkdir()
    site = folder_of(tmp_path / "site", SITE, form)
    report = extract(site, tmp_path / "out", zone="UTC", encoding="gb18030")
    for name in TABLES:
        assert rows_of(tmp_path / "out", name) == rows_of(plain[1], name)
    assert any(said in note for note in report.notes) if said else report.notes == ()


def test_a_time_without_a_zone_is_of_the_setting_s_and_one_with_it_the_same_moment(tmp_path):
    (tmp_path / "out").mkdir()
    extract(folder_of(tmp_path / "site", SITE), tmp_path / "out", zone="Asia/Shanghai")
    times = {row[1]: row[5] for row in rows_of(tmp_path / "out", "learner_item")}
    assert times["v1"] == at("2026-03-01 03:00:00")  # of 03:00 here and 10:15 the earlier
    assert rows_of(tmp_path / "out", "answer")[0][4] == at("2026-03-01 11:00:00")


DIRT: list[tuple[str, list[str], str, str]] = [
    ("concepts", ["", "nameless", "", "", ""], "missing_field", "concept_id"),
    ("concepts", ["numbers", "again", "", "", ""], "duplicate", "line 2"),
    ("concepts", ["x", "two cells"], "broken_row", "2 cells, the header 5"),
    ("concepts", ["own", "", "", "own", ""], "self_loop", "own"),
    ("concepts", ["orphan", "", "", "ghost", ""], "dangling_id", "ghost"),
    ("prerequisites", ["ghost", "percent", "", "", ""], "dangling_id", "ghost"),
    ("prerequisites", ["percent", "percent", "", "", ""], "self_loop", "percent"),
    ("prerequisites", ["fractions", "percent", "", "0,7", ""], "duplicate", "line 2"),
    ("prerequisites", ["numbers", "percent", "rumour", "", ""], "broken_row", "rumour"),
    ("prerequisites", ["numbers", "fractions", "", "1.5", ""], "broken_row", "1.5"),
    ("courses", ["m7", "again"], "duplicate", "line 2"),
    ("items", ["v9", "m99", "", "", "", "", ""], "dangling_id", "m99"),
    ("items", ["v1", "m7", "9", "", "", "", ""], "duplicate", "line 3"),
    ("item_concepts", ["v1", "ghost"], "dangling_id", "ghost"),
    ("item_concepts", ["ghost", "percent"], "dangling_id", "ghost"),
    ("enrolments", ["eve", "ghost", ""], "dangling_id", "ghost"),
    ("enrolments", ["eve", "m7", "2999-01-01"], "impossible_time", "to come"),
    ("enrolments", ["", "m7", ""], "missing_field", "learner_id"),
    ("events", ["eve", "ghost", "", "", "", ""], "dangling_id", "ghost"),
    ("events", ["eve", "v1", "2999-01-01", "", "", ""], "impossible_time", "to come"),
    ("events", ["eve", "v1", "03/04/2026", "", "", ""], "impossible_time", "03/04/2026"),
    ("events", ["eve", "q1", "", "80", "", ""], "broken_row", "80"),
    ("events", ["eve", "q1", "", "", "", ""], "missing_field", "score"),
    ("events", ["", "v1", "", "", "", ""], "missing_field", "learner_id"),
]


def test_each_dirty_row_is_told_with_its_line_and_reason_and_no_other(plain, tmp_path):
    dirty = {name: list(rows) for name, rows in SITE.items()}
    places = []
    for table, row, reason, detail in DIRT:
        dirty[table].append(row)
        line = len(written(dirty[table]).splitlines())
        places.append((f"{table}.csv", line, reason, detail))
    (tmp_path / "out").mkdir()
    extract(folder_of(tmp_path / "site", dirty), tmp_path / "out", zone="UTC")
    found = sorted(rows_of(tmp_path / "out", "rejects"))
    assert [(file, line, reason) for file, line, _, reason, _, _ in found] == [
        place[:3] for place in sorted(places)
    ]
    for row, place in zip(found, sorted(places), strict=True):
        assert place[3] in row[4]
    kept = set(rows_of(tmp_path / "out", "concept")) - set(rows_of(plain[1], "concept"))
    assert {row[0] for row in kept} == {"own", "orphan"}  # but for their parents they are sound


def test_values_that_cannot_be_read_are_left_out_and_counted(tmp_path):
    site = {name: list(rows) for name, rows in SITE.items()}
    site["items"] += [
        ["w1", "m7", "first", "", "", "1,000", "javascript:alert(1)"],
        ["w2", "m7", "", "forum", "", "-5", "https://x.example/a b"],
    ]
    site["events"] += [["eve", "v1", "", "0.5", "", ""]]
    (tmp_path / "out").mkdir()
    report = extract(folder_of(tmp_path / "site", site), tmp_path / "out", zone="UTC")
    mended = {(file.file, file.table): file.mended for file in report.files if file.mended}
    assert mended == {
        ("items.csv", "item"): {"other_kind": 1, "unreadable_value": 3, "unusable_url": 2},
        ("events.csv", "learner_item"): {"score_of_view": 1},
    }
    items = {row[0]: row[1:] for row in rows_of(tmp_path / "out", "item")}
    assert items["w1"] == ("video", None, None, None)
    assert items["w2"] == ("text", None, None, None)
    assert rows_of(tmp_path / "out", "answer") == EXPECTED["answer"]


def test_concepts_and_items_alone_are_one_course(tmp_path):
    site = {"concepts": [["concept_id"], ["a"]], "items": [["item_id"], ["v1"], ["v2"]]}
    (tmp_path / "out").mkdir()
    report = extract(folder_of(tmp_path / "site", site), tmp_path / "out")
    assert rows_of(tmp_path / "out", "course_item") == [("course", "v1", 0), ("course", "v2", 1)]
    assert rows_of(tmp_path / "out", "course") == [("course", "course", None, None, None)]
    assert any("no item names a course" in note for note in report.notes)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"items.csv": None}, "lacks items"),
        ({"items.csv": b"id,title\n1,x\n"}, "no column 'item_id'"),
        ({"items.csv": b""}, "empty"),
        ({"items.csv": b'item_id\n"never closed\n'}, "items.csv, after line 1"),
        ({"items.csv": "item_id\n课".encode("gb18030")}, "line 2, is not UTF-8; save it"),
        ({"items.parquet": b"item_id\nv1\n"}, "items.csv and items.parquet are one table"),
        ({"items.csv": None, "items.parquet": b"item_id\nv1\n"}, "no Parquet file"),
    ],
)
def test_what_is_no_such_table_is_refused_in_a_sentence(tmp_path, change, said):
    site = folder_of(tmp_path / "site", SITE)
    for name, content in change.items():
        (site / name).unlink() if content is None else (site / name).write_bytes(content)
    (tmp_path / "out").mkdir()
    with pytest.raises((InputError, SourceError)) as error:
        extract(site, tmp_path / "out")
    assert said in str(error.value)


def test_a_row_without_a_line_is_told_by_its_place_among_its_file_s(tmp_path):
    def read(archive):
        yield rows_given("concepts", "a.txt", [{"concept_id": "a"}, {"concept_id": "a"}])
        yield rows_given("items", "b.txt", [{"item_id": ""}, {"item_id": "", "line": 9}])

    source = NamedSource("made", "made", "", (SourceFile("a.txt"),), read=read)
    (tmp_path / "a.txt").touch()
    (tmp_path / "out").mkdir()
    extract(tmp_path / "a.txt", tmp_path / "out", source=source)
    places = [(row[0], row[1], row[3]) for row in rows_of(tmp_path / "out", "rejects")]
    assert places == [
        ("a.txt", 2, "duplicate"),
        ("b.txt", 1, "missing_field"),
        ("b.txt", 9, "missing_field"),
    ]


def test_files_in_other_folders_than_most_are_told(tmp_path):
    site = folder_of(tmp_path / "site" / "new", SITE)
    folder_of(tmp_path / "site" / "old", {"courses": SITE["courses"]})
    (tmp_path / "out").mkdir()
    report = extract(site.parent, tmp_path / "out")
    assert "not read: old/courses.csv" in report.notes[0]


def test_a_zip_is_read_as_its_folder_and_known_by_its_files(tmp_path, plain):
    import zipfile

    site = folder_of(tmp_path / "site", SITE)
    with zipfile.ZipFile(tmp_path / "site.zip", "w") as archive:
        for file in site.iterdir():
            archive.write(file, f"export/deep/{file.name}")
    assert source_of(tmp_path / "site.zip").name == "tables"
    (tmp_path / "out").mkdir()
    extract(tmp_path / "site.zip", tmp_path / "out", zone="UTC")
    assert rows_of(tmp_path / "out", "answer") == rows_of(plain[1], "answer")


def test_the_example_is_clean_and_every_column_stands_on_its_page(tmp_path):
    folder = tmp_path / "my platform"
    assert set(write_example(folder)) == {file.name for file in folder.iterdir()}
    (tmp_path / "out").mkdir()
    report = extract(folder, tmp_path / "out")
    assert (report.rows_rejected, report.notes, report.absent) == (0, (), ())
    assert len(rows_of(tmp_path / "out", "concept")) == 10
    page = (folder / "README.md").read_text(encoding="utf-8")
    for table in PLAIN.values():
        assert f"## {table.name}:" in page
        for column in table.columns:
            assert f"`{column.name}`{'*' if column.required else ' '}" in page
    with pytest.raises(InputError, match="not empty"):
        write_example(folder)


@pytest.mark.parametrize(
    ("package", "told"),
    [
        (None, ("", "")),
        ({"title": "Our school", "licenses": [{"name": "CC-BY-4.0"}]}, ("Our school", "CC-BY-4.0")),
        (
            {"licenses": [{"title": "CC BY 4.0", "name": "x"}, {"name": "MIT"}]},
            ("", "CC BY 4.0, MIT"),
        ),
        ({"title": None, "licenses": "MIT"}, ("", "")),
    ],
)
def test_whose_the_data_are_is_what_their_package_says(tmp_path, package, told):
    site = folder_of(tmp_path / "site", SITE)
    if package is not None:
        (site / "datapackage.json").write_text(json.dumps(package))
    (tmp_path / "out").mkdir()
    report = extract(site, tmp_path / "out")
    assert (report.title, report.licence) == told


def test_the_schema_names_the_columns_of_the_example_s_files(tmp_path):
    write_example(tmp_path / "site")
    package = json.loads((tmp_path / "site" / "datapackage.json").read_text(encoding="utf-8"))
    for resource in package["resources"]:
        with (tmp_path / "site" / resource["path"]).open(encoding="utf-8", newline="") as stream:
            header, *rows = list(csv.reader(stream))
        fields = {field["name"]: field for field in resource["schema"]["fields"]}
        assert set(header) <= set(fields)
        for name, field in fields.items():
            if field.get("constraints", {}).get("required"):
                assert all(row[header.index(name)] for row in rows)
            if field["type"] == "number" and name in header:
                assert all(is_number(row[header.index(name)] or "0") for row in rows)


def test_a_concept_may_have_several_parents(tmp_path):
    parents = {"a": "", "b": "", "b; c": "", "d": "a;b", "e": "b; c"}
    concepts = "concept_id,parent\n" + "".join(f"{k},{v}\n" for k, v in parents.items())
    files = {"concepts.csv": concepts, "items.csv": "item_id\ni\n"}
    found = extracted(tmp_path, files).rows("broader_concept")
    # what is itself the name of a concept is one
    assert found == [("a", "d"), ("b", "d"), ("b; c", "e")]


def test_separators_at_the_ends_of_lines_are_no_columns(tmp_path):
    concepts = "concept_id,name,,\na,A,,\nb,B,,stray\nc,C\nd\n"
    found = extracted(tmp_path, {"concepts.csv": concepts, "items.csv": "item_id,\ni,\n"})
    assert found.rows("concept", "concept_id", "name") == [("a", "A"), ("c", "C")]
    assert [row[:3] for row in found.rejects()] == [
        ("concepts.csv", 3, "broken_row"),
        ("concepts.csv", 5, "broken_row"),
    ]


def test_records_hold_every_answer_in_the_order_of_time(tmp_path):
    answers = (
        "learner_id,item_id,time,score\n"
        "u,q2,2026-01-03T00:00:00Z,1\nu,q1,2026-01-01T00:00:00Z,0\n"
        "t,q1,2026-01-01T00:00:00Z,0.5\nu,q1,2026-01-02T00:00:00Z,1\nu,q2,2026-01-04T00:00:00Z,0\n"
    )
    files = {
        "concepts.csv": "concept_id,name\na,A\n",
        "items.csv": "item_id,kind\nq1,exercise\nq2,exercise\n",
        "item_concepts.csv": "item_id,concept_id\nq1,a\nq2,a\n",
        "events.csv": answers,
    }
    found = extracted(tmp_path, files)
    records = read_records(found.out)
    told = {
        str(learner): [
            (str(records.item_ids[item]), score)
            for item, score in zip(
                *(each.tolist() for each in records.answers_of(row)), strict=True
            )
        ]
        for row, learner in enumerate(records.learner_ids)
    }
    assert told["u"] == [("q1", 0.0), ("q1", 1.0), ("q2", 1.0), ("q2", 0.0)]
    assert told["t"] == [("q1", 0.5)]
    assert records.answers_of(-1)[0].size == 0


def test_views_and_answers_of_the_records_stand_in_one_order_in_time(tmp_path):
    write_example(tmp_path / "in")
    (out := tmp_path / "out").mkdir()
    extract(tmp_path / "in", out)
    records = read_records(out)
    places: dict[str, dict[int, str]] = {}
    for matrix, order in (
        (records.viewed, records.viewed_order),
        (records.answered, records.answered_order),
    ):
        stored = matrix.tocoo()
        for row, column, place in zip(stored.row, stored.col, order.tolist(), strict=True):
            learner = str(records.learner_ids[row])
            places.setdefault(learner, {})[place] = str(records.item_ids[column])
    in_time = {learner: [of[k] for k in sorted(of)] for learner, of in places.items()}
    assert in_time["ben"] == [
        "variables-video", "expressions-video", "conditions-video", "conditions-quiz"
    ]  # fmt: skip
    assert in_time["ada"][3:] == ["conditions-quiz", "loops-video"]
    assert in_time["chi"] == ["variables-video", "lists-video", "lists-quiz"]
