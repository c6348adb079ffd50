"""Archives that say much less than their files, or than the last one."""

import json

import duckdb
import miniature
import pytest
import stage_runner

from kgplan.errors import LossRefused, SourceError
from kgplan.etl.forms import json_lines, seems_to_be, tab_separated
from kgplan.etl.stages import run_etl
from kgplan.settings import Settings
from kgplan.store.artifacts import ArtifactStore

CONCEPTS = "entities/concept.json"
LEARNERS = "entities/user.json"
TAUGHT = "relations/video-concept.json"
JSON_LINES = '{"id": "K_算法_计算机", "name": "算法"}\n{"id": "K_数组_计算机", "name": "数组"}\n'
PAIRS = "V_1\tK_算法_计算机\nV_2\tK_数组_计算机\n"


def whole(text):
    """The array that a person would write in one piece."""
    return json.dumps([json.loads(line) for line in text.splitlines()], indent=1).encode()


@pytest.mark.parametrize(
    ("head", "pairs", "says"),
    [
        (JSON_LINES.encode("utf-16"), False, "UTF-16"),
        (JSON_LINES.encode("utf-16-be"), False, "UTF-16"),
        ('{"id": "K_1"}\n'.encode("utf-16-le"), False, "UTF-16"),
        ("V_1\tK_1\n".encode("utf-16-le"), True, "UTF-16"),
        ('{"id": "K_1"}\n'.encode("utf-32"), False, "UTF-32"),
        (JSON_LINES.encode("gb18030"), False, "GBK"),
        (PAIRS.encode("gbk"), True, "GBK"),
        (b'{"id": "C_1", "name": "Th\xe9orie g\xe9n\xe9rale"}\n', False, "Latin-1"),
        (whole(JSON_LINES), False, "one JSON document"),
        (json.dumps({"concepts": []}, indent=2).encode(), False, "one JSON document"),
        (b'{"concept": "K_1", "title": "a"}\n', False, "other fields: concept, title"),
        (b"id,name\nK_1,a\n", False, "a table of columns"),
        (PAIRS.replace("\t", ",").encode(), True, "commas"),
        (PAIRS.replace("\t", ";").encode(), True, "semicolons"),
        (PAIRS.replace("\t", " | ").encode(), True, "bars"),
        (PAIRS.replace("\t", "   ").encode(), True, "spaces"),
        (b'["V_1", "K_1"]\n', True, "JSON"),
        (b"\x1f\x8b\x08\0\0\0", True, "gzip"),
        (b"PK\x03\x04", False, "a zip"),
        (b"<!DOCTYPE html><html>", False, "HTML"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", True, "Git LFS"),
        (PAIRS.encode(), True, ""),
        (JSON_LINES.encode(), False, ""),
        (PAIRS.encode()[:-6], True, ""),  # cut within a character
    ],
)
def test_a_form_is_told_by_its_first_bytes(head, pairs, says):
    found = seems_to_be(head, tab_separated if pairs else json_lines("id"))
    assert says in found
    assert bool(says) == bool(found)


def archive(tmp_path, name, **changes):
    """The miniature with other bytes in some of its files, as a folder."""
    folder = miniature.write_folder(tmp_path / name, miniature.MINI)
    for path, content in changes.items():
        (folder / path).write_bytes(content)
    return folder


def text_of(path):
    return b"".join(miniature.as_line(row) + b"\n" for row in miniature.MINI[path]).decode()


def in_use(home):
    return ArtifactStore(home.artifacts).in_use()


@pytest.mark.parametrize(
    ("path", "content", "says"),
    [
        (CONCEPTS, text_of(CONCEPTS).encode("utf-16-le"), "UTF-16"),
        (CONCEPTS, b'{"concepts":\n' + whole(text_of(CONCEPTS)) + b"}", "one JSON document"),
        (CONCEPTS, b"".join(b"\x1f\x8b\x08 packed\n" for _ in range(3)), "gzip"),
        (TAUGHT, text_of(TAUGHT).replace("\t", ",").replace("\n", ",1\n").encode(), "commas"),
        (TAUGHT, text_of(TAUGHT).replace("\t", "  ").encode(), "spaces"),
        (TAUGHT, b'{"V_1": ["K_1", "K_2"]}\n', "JSON that holds no pairs"),
        (TAUGHT, text_of(TAUGHT).replace("K_", "X_").encode(), "there is no concept 'X_"),
    ],
)
@pytest.mark.parametrize("read_before", [False, True], ids=["no home", "a home"])
def test_a_file_of_which_no_row_is_kept_stops_the_run(
    request, tmp_path, path, content, says, read_before
):
    home = Settings(home=tmp_path / "home")
    if read_before:
        home = request.getfixturevalue("own_home")
    before = in_use(home)
    with pytest.raises(SourceError, match="not one row of") as refused:
        run_etl(home, archive(tmp_path, "odd", **{path: content}))
    assert says in str(refused.value)
    assert f"{path}:1: " in str(refused.value)
    assert in_use(home) == before
    stage_runner.run("extract", home, tmp_path / "odd", tolerant=True)
    assert in_use(home)["tables"] != before.get("tables")


@pytest.mark.parametrize("path", [CONCEPTS, TAUGHT])
def test_tables_without_any_row_of_a_file_become_triples_where_that_is_tolerated(tmp_path, path):
    """Whatever was wrong in the file: the tables are the same without its rows."""
    home = Settings(home=tmp_path / "home")
    run_etl(home, archive(tmp_path, "odd", **{path: b"odd\n"}), tolerant=True)
    assert in_use(home).keys() >= {"tables", "triples"}


def test_what_no_learner_or_label_makes_of_the_rows_is_no_fault(tmp_path):
    predictions = "additional_information/prerequisite_prediction.json"
    none = json.dumps({"c1": "集合", "c2": "函数", "label": 0}, ensure_ascii=False)
    made = archive(tmp_path, "none", **{LEARNERS: b"", predictions: none.encode()})
    reports = run_etl(Settings(home=tmp_path / "home"), made)
    said = "5 rows kept out, the first is relations/user-course.json:1:"
    assert any(said in note for note in reports[0].details["notes"])


def test_a_table_that_empties_against_the_last_run_stops_the_run(own_home, tmp_path):
    home, before = own_home, in_use(own_home)
    with pytest.raises(LossRefused, match=r"learner has 0 rows, 3 before.*--tolerant") as refused:
        run_etl(home, archive(tmp_path, "empty", **{LEARNERS: b""}))
    # the first of their rows that was kept out
    assert "user_video_act.json:1: there is no learner 'U_1'" in str(refused.value)
    nothing = dict.fromkeys(miniature.MINI, b"")
    with pytest.raises(LossRefused, match="the files themselves say less"):
        run_etl(home, archive(tmp_path, "nothing", **nothing))
    assert in_use(home) == before
    run_etl(home, tmp_path / "empty", tolerant=True)
    assert in_use(home)["tables"] != before["tables"]


@pytest.mark.parametrize(("share", "refused"), [(0.5, True), (0.6, False)])
def test_a_table_may_lose_the_share_that_is_set(tmp_path, own_home, share, refused):
    home = own_home.model_copy(update={"loss_share": share})
    rows = text_of("relations/user-course.json").splitlines(keepends=True)
    less = archive(tmp_path, "less", **{"relations/user-course.json": "".join(rows).encode()})
    kept = text_of(TAUGHT).splitlines(keepends=True)[:3]  # 4 of 7 lines are lost, .57
    (less / TAUGHT).write_text("".join(kept), encoding="utf-8")
    if refused:
        with pytest.raises(LossRefused, match="item_concept has 3 rows, 7 before"):
            run_etl(home, less)
    else:
        run_etl(home, less)
        tables = ArtifactStore(home.artifacts).current("tables").path
        assert len(duckdb.sql(f"FROM '{tables}/item_concept.parquet'").fetchall()) == 3


def test_an_archive_without_a_known_id_takes_the_place_of_the_last_one(own_home, tmp_path):
    renamed = {
        path: text_of(path)
        .replace("K_", "k-")
        .replace("C_", "c-")
        .replace("V_", "v-")
        .replace("U_", "u-")
        .encode()
        for path in miniature.MINI
    }
    renamed["relations/parent-son.json"] = b""  # and a table may be empty in it
    report = run_etl(own_home, archive(tmp_path, "another", **renamed))[0]
    assert report.details["another"]
    assert "another archive" in report.details["notes"][-1]
