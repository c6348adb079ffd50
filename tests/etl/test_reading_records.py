"""Records of all that was opened, and the moment of each view, of the miniature."""

from datetime import UTC, datetime

import pytest
from miniature import MINI, write_folder

from kgplan.errors import InputError
from kgplan.etl.extract import extract
from kgplan.etl.records import read_moments, read_records

TIMED = [("U_1", "V_1"), ("U_1", "V_2"), ("U_2", "V_3"), ("U_2", "V_4")]


def tables(tmp_path, **changed):
    (out := tmp_path / "out").mkdir()
    extract(write_folder(tmp_path / "in", MINI | changed), out)
    return out


def test_what_was_opened_is_kept_though_it_covers_no_concept(tmp_path):
    out = tables(tmp_path)
    # U_3 opened V_5 and V_6, which cover nothing
    assert read_records(out).item_ids.tolist() == ["V_1", "V_2", "V_3", "V_4"]
    found = read_records(out, all_opened=True)
    assert found.item_ids.tolist() == ["V_1", "V_2", "V_3", "V_4", "V_5", "V_6"]
    assert not found.q_matrix[[4, 5]].nnz


def test_each_view_has_the_moment_of_its_first_start(tmp_path):
    out = tables(tmp_path, **{"relations/user-video.json": TIMED})
    found = read_records(out, all_opened=True)
    moments = read_moments(out, found)
    stored = found.viewed.tocoo()
    told = {
        (str(found.learner_ids[u]), str(found.item_ids[v])): datetime.fromtimestamp(at, UTC)
        for u, v, at in zip(stored.row, stored.col, moments.tolist(), strict=True)
    }
    assert {pair: at.strftime("%m-%d %H") for pair, at in told.items()} == {
        ("U_1", "V_1"): "03-01 10",
        ("U_1", "V_2"): "03-02 10",  # and once more on 03-05
        ("U_1", "V_4"): "02-01 10",
        ("U_2", "V_3"): "04-02 09",
        ("U_2", "V_4"): "04-01 09",
    }


def test_views_without_a_moment_are_refused(tmp_path):
    out = tables(tmp_path)
    # V_3 of U_1, and both of U_3
    with pytest.raises(InputError, match="3 of 8 views"):
        read_moments(out, read_records(out, all_opened=True))
