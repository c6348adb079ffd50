import csv
import io
import json
from collections import Counter

import miniature
import pyarrow.parquet as pq
import pytest
from rich.console import Console

from kgplan.etl.extract import extract
from kgplan.etl.report import ExtractReport, render, summary, to_json, write_csv
from kgplan.etl.tables import Reason
from kgplan.store.csvfile import uncell


@pytest.fixture(scope="module")
def dirty(dirty_source, tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    return extract(dirty_source, out), out / "rejects.parquet"


@pytest.fixture(scope="module")
def planted():
    return Counter(reason for *_, reason in miniature.dirty_rejects())


def test_a_report_survives_the_way_through_a_manifest(dirty):
    report, _ = dirty
    assert ExtractReport.from_dict(json.loads(json.dumps(report.to_dict()))) == report
    assert ExtractReport.from_json(to_json(report)) == report


def test_totals_are_what_was_planted(dirty, planted):
    total = summary(dirty[0])["total"]
    left_out = planted["not_a_prerequisite"]
    assert total["left_out"] == {"not_a_prerequisite": left_out}
    assert total["rejected"] == {r: n for r, n in planted.items() if r != "not_a_prerequisite"}
    assert dirty[0].rows_rejected == planted.total() - left_out
    assert dirty[0].rows_read == total["kept"] + planted.total()


def test_the_rendered_table_names_every_file_and_every_reason(dirty, planted):
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(render(dirty[0]))
    text = console.export_text()
    for shown in (
        *miniature.MINI,
        *planted,
        *dirty[0].tables.keys() - {"field", "field_course", "answer"},
    ):
        assert shown in text


def test_absent_and_unused_files_are_shown():
    report = ExtractReport(
        source="a.zip",
        files=(),
        tables={},
        absent=("additional_information/user_video_act.json",),
        unused=("entities/paper.json",),
    )
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(render(report))
    lines = console.export_text().splitlines()
    assert any("user_video_act.json" in line and "absent" in line for line in lines)
    assert any("paper.json" in line and "not used" in line for line in lines)


def test_the_csv_gives_back_every_reject_as_it_is_in_parquet(dirty, planted, tmp_path):
    path = tmp_path / "rejects.csv"
    assert write_csv(dirty[1], path) == planted.total()
    with path.open(encoding="utf-8-sig", newline="") as stream:
        read = list(csv.DictReader(stream))
    assert not [
        v for row in read for v in row.values() if v.startswith(("=", "+", "@", "\t", "\r"))
    ]
    found = [{name: uncell(value) for name, value in row.items()} for row in read]
    kept = pq.read_table(dirty[1]).to_pylist()
    assert found == [{name: str(value) for name, value in row.items()} for row in kept]


@pytest.mark.parametrize("reason", [Reason.IMPOSSIBLE_TIME, Reason.AMBIGUOUS_NAME])
def test_the_csv_of_one_reason_has_only_that_reason(dirty, planted, tmp_path, reason):
    path = tmp_path / "rejects.csv"
    assert write_csv(dirty[1], path, reason) == planted[reason]
    with path.open(encoding="utf-8-sig", newline="") as stream:
        assert {row["reason"] for row in csv.DictReader(stream)} <= {reason}


def test_every_detail_is_one_sentence_without_a_line_break(dirty):
    for row in pq.read_table(dirty[1]).to_pylist():
        assert row["detail"].strip() == row["detail"] != ""
        assert "\n" not in row["detail"]
