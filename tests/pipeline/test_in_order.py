"""Answers in order from files: laws of time and order, planted truth, and what the folder says."""

import csv
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow.parquet as pq
import pytest

from kgplan.diagnosis import AgingConfig
from kgplan.errors import InputError
from kgplan.pipeline.diagnosis_report import find_in_results, to_html
from kgplan.pipeline.in_order import run_fit_in_order

Q = "item_id,concept_id\n" + "".join(f"i{v},c{v // 4}\n" for v in range(12))
BEGUN = datetime(2026, 3, 1, tzinfo=UTC)
FAST = AgingConfig(n_classes=3, iteration_limit=60)
HALF_LIFE = 20.0


def answers(n_learners=60, n_answers=30, seed=0):
    """Rows of learner, item, score and day: a concept is learned by answering, and forgotten."""
    rng = np.random.default_rng(seed)
    rows = []
    for u in range(n_learners):
        held, day = rng.random(3) < 0.4, 0.0
        for _ in range(n_answers):
            gap = float(rng.exponential(8.0))
            anew = rng.random(3) < 1 - 0.5 ** (gap / HALF_LIFE)
            held, day = np.where(anew, rng.random(3) < 0.4, held), day + gap
            item = int(rng.integers(0, 12))
            right = rng.random() < (0.9 if held[item // 4] else 0.15)
            held[item // 4] |= rng.random() < 0.3
            rows.append((f"u{u}", f"i{item}", int(right), day))
    return rows


def fit(folder, rows, config=FAST, as_of=None, zone=UTC, written=None, q=Q):
    """Fit rows that are written as files; the summary, and the folder of results."""
    written = written or (lambda day: (BEGUN + timedelta(days=day)).isoformat())
    lines = [f"{u},{v},{r},{written(day)}" for u, v, r, day in rows]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "R.csv").write_text("\n".join(["learner_id,item_id,score,time", *lines]) + "\n")
    (folder / "Q.csv").write_text(q)
    moment = None if as_of is None else (BEGUN + timedelta(days=as_of)).timestamp()
    out = folder / "out"
    summary = run_fit_in_order(folder / "R.csv", folder / "Q.csv", out, config, zone, moment)
    assert json.loads((out / "fit.json").read_text(encoding="utf-8")) == summary
    return summary, out


def mastery_of(out):
    """(learner, concept) -> a row of mastery.parquet."""
    table = pq.read_table(out / "mastery.parquet").to_pylist()
    return {(row["learner_id"], row["concept_id"]): row for row in table}


def column(path, name):
    with path.open(encoding="utf-8") as stream:
        return [row[name] for row in csv.DictReader(stream)]


def test_the_planted_half_life_slip_and_guess_are_found(tmp_path):
    summary, out = fit(tmp_path, answers(200), AgingConfig(n_classes=1))
    low, high = summary["half_life_95"]
    assert low < HALF_LIFE < high
    assert summary["learn"] == pytest.approx(0.3, abs=0.1)
    guess, slip = (np.array(column(out / "items.csv", name), float) for name in ("guess", "slip"))
    assert guess.mean() == pytest.approx(0.15, abs=0.05)
    assert slip.mean() == pytest.approx(0.1, abs=0.05)


def test_the_order_of_rows_and_the_notation_of_times_change_nothing(tmp_path):
    rows = answers(30)
    plain, first = fit(tmp_path / "a", rows)
    mixed = [rows[i] for i in np.random.default_rng(1).permutation(len(rows))]
    east = timezone(timedelta(hours=8))
    _, second = fit(
        tmp_path / "b",
        mixed,
        zone=ZoneInfo("Asia/Shanghai"),
        written=lambda day: (
            (BEGUN + timedelta(days=day)).astimezone(east).replace(tzinfo=None).isoformat(" ")
        ),
    )
    assert plain["as_of"].endswith("+00:00")
    one, other = mastery_of(first), mastery_of(second)
    assert one.keys() == other.keys()
    for key, row in one.items():
        assert other[key]["mastery"] == pytest.approx(row["mastery"], abs=1e-6)


def test_mastery_loses_half_of_what_is_left_in_each_half_life(tmp_path):
    rows = answers(20)
    config = replace(FAST, fit_forget=False, half_life=HALF_LIFE)
    last = max(day for *_, day in rows)
    then = [
        mastery_of(fit(tmp_path / str(n), rows, config, last + n * HALF_LIFE)[1]) for n in range(3)
    ]
    for key in then[0]:
        m = [each[key]["mastery"] for each in then]
        assert m[2] - m[1] == pytest.approx((m[1] - m[0]) / 2, abs=1e-9)
        assert then[0][key]["bits"] >= then[1][key]["bits"] >= then[2][key]["bits"]


def test_answers_after_the_moment_say_nothing_of_mastery_then(tmp_path):
    rows = answers(20)
    summary, out = fit(tmp_path, rows, as_of=50.0)
    assert summary["as_of"] == (BEGUN + timedelta(days=50)).isoformat()
    assert summary["n_responses_later"] == sum(day > 50 for *_, day in rows)
    asked = {(u, f"c{int(v[1:]) // 4}") for u, v, _, day in rows if day <= 50}
    found = mastery_of(out)
    assert {key for key, row in found.items() if row["identified"]} == asked
    for key, row in found.items():
        assert (row["bits"] > 0) == (key in asked)
    n_learners = [sum(key[1] == f"c{k}" for key in asked) for k in range(3)]
    assert list(map(int, column(out / "concepts.csv", "n_learners"))) == n_learners


def test_before_all_answers_everybody_is_as_expected_without_any(tmp_path):
    _, out = fit(tmp_path, answers(10), as_of=-1.0)
    by_concept = {}
    for (_, concept), row in mastery_of(out).items():
        assert row["bits"] == 0
        assert not row["identified"]
        by_concept.setdefault(concept, set()).add(row["mastery"])
    assert all(len(each) == 1 for each in by_concept.values())
    assert set(column(out / "concepts.csv", "mean_mastery")) == {""}


def test_without_a_concept_asked_for_again_the_half_life_is_stated_and_told(tmp_path):
    rows = [row for row in answers(40) if row[1] in ("i0", "i4", "i8")]
    first = {(u, v): (u, v, r, day) for u, v, r, day in reversed(rows)}
    summary, _ = fit(tmp_path, list(first.values()))
    assert summary["half_life_days"] == pytest.approx(730)
    assert summary["half_life_fitted"] is False
    assert summary["half_life_95"] is None
    assert any("asked for a concept again" in note for note in summary["notes"])


def test_what_says_little_is_listed_and_the_rest_is_fitted(tmp_path):
    rows = [*answers(20), ("late", "i0", "", 1.0), ("u0", "bare", 1, 1.0), ("u0", "other", 1, 1.0)]
    rows += [("u1", "i0", 1, 2.5), ("u1", "i1", 1, 2.5)]
    q = "item_id,c0,c1,c2,unused\n" + "".join(
        f"i{v},{int(v < 4)},{int(4 <= v < 8)},{int(v >= 8)},0\n" for v in range(12)
    )
    q += "never,1,0,0,0\nbare,0,0,0,0\n"
    summary, out = fit(tmp_path, rows, q=q)
    assert summary["rejected"] == {"unknown_item": 1}
    assert summary["n_without_say"] == 1
    assert summary["n_missing"] == 1
    assert summary["items_without_concepts"] == ["bare"]
    assert summary["items_without_responses"] == ["never"]
    assert summary["concepts_without_items"] == ["unused"]
    assert summary["learners_without_responses"] == ["late"]
    assert any(note.startswith("1 answers have the same learner") for note in summary["notes"])
    items = dict(zip(*(column(out / "items.csv", n) for n in ("item_id", "slip")), strict=True))
    assert items["bare"] == ""
    alike = [float(items[f"i{v}"]) for v in range(4)]
    assert min(alike) < float(items["never"]) < max(alike)
    assert column(out / "concepts.csv", "learn")[3] == ""
    found = mastery_of(out)
    assert found["u0", "unused"]["mastery"] == pytest.approx(0.5, abs=0.1)
    assert not found["late", "c0"]["identified"]


def test_answers_that_say_nothing_at_all_are_refused(tmp_path):
    with pytest.raises(InputError, match="speaks about a concept"):
        fit(tmp_path, [("u0", "bare", 1, 0.0)], q="item_id,c0\ni0,1\nbare,0\n")
    assert not (tmp_path / "out").exists()


def test_the_page_of_results_tells_the_moment_and_that_the_evidence_may_fall(tmp_path):
    summary, out = fit(tmp_path, answers(10))
    text = to_html(find_in_results(out))
    assert f"mastery at {summary['as_of']}" in text
    assert "It may fall" in text
    assert "never falls" not in text
