"""`kgplan diagnose fit` as a person runs it."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from forked import run_kgplan

from kgplan.diagnosis import DiagnosisConfig
from kgplan.errors import InputError
from kgplan.pipeline import mastery
from kgplan.store.artifacts import hash_file

FRACTION = Path(__file__).parent.parent / "data" / "fraction-15x5"
DINA = DiagnosisConfig.maximum_likelihood(link="conjunctive", class_prior="saturated")


def diagnose_fit(*arguments, cwd):
    return run_kgplan(cwd / "home", "diagnose", "fit", *arguments, cwd=cwd)


def fraction_arguments(out):
    return (
        "--responses", FRACTION / "responses.csv", "--q-matrix", FRACTION / "q.csv",
        "--link", "conjunctive", "--prior", "saturated", "--out", out,
    )  # fmt: skip


def rows_of(path):
    with path.open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(scope="module")
def fraction(tmp_path_factory):
    """The folder that the command wrote for the fraction items, and what it printed."""
    place = tmp_path_factory.mktemp("fraction")
    done = diagnose_fit(*fraction_arguments(place / "deep" / "out"), "--json", cwd=place)
    assert done.returncode == 0, done.stderr
    return place / "deep" / "out", json.loads(done.stdout)


def test_the_fraction_items_give_the_published_figures(fraction):
    out, printed = fraction
    summary = json.loads((out / "fit.json").read_text(encoding="utf-8"))
    assert summary == printed
    assert summary["log_likelihood"] == pytest.approx(-3455.762, abs=1e-3)
    assert summary["aic"] == pytest.approx(7033.5, abs=0.05)
    assert summary["bic"] == pytest.approx(7294.9, abs=0.05)
    assert summary["converged"] is True
    assert summary["iterations"] > 0
    items = rows_of(out / "items.csv")
    assert float(items[1]["guess"]) == pytest.approx(0.211, abs=0.005)
    assert float(items[0]["slip"]) == pytest.approx(0.278, abs=0.005)
    assert items[0]["guess_se"] == ""  # at its bound
    assert float(items[0]["slip_se"]) == pytest.approx(0.02, abs=0.01)  # its Bayesian sd


def test_mastery_has_a_row_for_every_learner_and_concept(fraction):
    table = pq.read_table(fraction[0] / "mastery.parquet").to_pydict()
    assert list(table) == ["learner_id", "concept_id", "mastery", "sd", "identified"]
    pairs = set(zip(table["learner_id"], table["concept_id"], strict=True))
    assert len(pairs) == len(table["mastery"]) == 536 * 5
    m = np.array(table["mastery"])
    assert np.all((m >= 0) & (m <= 1))
    np.testing.assert_allclose(np.array(table["sd"]) ** 2, m * (1 - m), atol=1e-12)
    assert all(table["identified"])


def test_mean_mastery_is_the_prior_as_em_ends_where_the_two_agree(fraction):
    """Fixed point of EM: the share of each state is its mean posterior."""
    table = pq.read_table(fraction[0] / "mastery.parquet").to_pydict()
    of = np.array(table["concept_id"])
    for row in rows_of(fraction[0] / "concepts.csv"):
        mean = np.mean(np.array(table["mastery"])[of == row["concept_id"]])
        assert mean == pytest.approx(float(row["prior"]), abs=1e-4)


def test_states_are_listed_with_probabilities_that_sum_to_one(fraction):
    states = rows_of(fraction[0] / "states.csv")
    assert len(states) == 32
    assert sum(float(row["probability"]) for row in states) == pytest.approx(1)
    held = [[int(row[f"QT{k}"]) for k in range(1, 6)] for row in states]
    assert held[1] == [1, 0, 0, 0, 0]  # the first concept varies fastest
    assert len({tuple(h) for h in held}) == 32


def test_fit_json_names_the_hashes_of_the_other_files_and_no_draft_is_left(fraction):
    out, summary = fraction
    for name, digest in summary["files"].items():
        assert hash_file(out / name) == digest
    assert {p.name for p in out.iterdir()} == {*summary["files"], "fit.json"}


def test_a_second_run_writes_the_same_bytes(fraction, tmp_path):
    mastery.run_fit(FRACTION / "responses.csv", FRACTION / "q.csv", tmp_path, DINA)
    for name in ("items.csv", "states.csv", "mastery.parquet"):
        assert hash_file(tmp_path / name) == hash_file(fraction[0] / name)


def test_a_run_that_fails_while_writing_leaves_the_earlier_results(tmp_path, monkeypatch):
    files = FRACTION / "responses.csv", FRACTION / "q.csv"
    mastery.run_fit(*files, tmp_path, DINA)
    before = {p.name: hash_file(p) for p in tmp_path.iterdir()}

    def fail(*_):
        raise OSError("no space left")

    monkeypatch.setattr(mastery, "_write_mastery", fail)
    vdina = DiagnosisConfig.maximum_likelihood(class_prior="saturated")
    with pytest.raises(OSError, match="no space"):
        mastery.run_fit(*files, tmp_path, vdina)
    assert {p.name: hash_file(p) for p in tmp_path.iterdir()} == before


def test_files_of_others_in_the_folder_are_left_alone(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    mastery.run_fit(FRACTION / "responses.csv", FRACTION / "q.csv", tmp_path, DINA)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def dirty(tmp_path):
    """Two concepts that are used, one that is not, and every kind of odd item and learner."""
    rng = np.random.default_rng(0)
    lines = ["learner_id,item_id,score"]
    for u in range(80):
        holds = rng.random(2) < 0.5
        for v, need in enumerate([[0], [1], [0, 1], [0], [1]]):
            p = 0.9 if all(holds[k] for k in need) else 0.15
            lines.append(f"u{u},i{v},{int(rng.random() < p)}")
        lines.append(f"u{u},easy,1")
        lines.append(f"u{u},bare,{u % 2}")
    lines += ["late,i0,", "u0,i0,2", "u0,other,1", "u1,i1,x"]
    (tmp_path / "R.csv").write_text("\n".join(lines) + "\n")
    (tmp_path / "Q.csv").write_text(
        "item_id,a,b,unused\ni0,1,0,0\ni1,0,1,0\ni2,1,1,0\ni3,1,0,0\ni4,0,1,0\n"
        "easy,1,0,0\nbare,0,0,0\nnever,0,1,0\n"
    )
    return "--responses", tmp_path / "R.csv", "--q-matrix", tmp_path / "Q.csv"


@pytest.mark.parametrize("prior", ["saturated", "independent"])
@pytest.mark.parametrize("link", ["conjunctive", "compensatory"])
def test_bad_data_is_reported_and_the_rest_is_fitted(tmp_path, link, prior):
    files = dirty(tmp_path)
    out = tmp_path / "out"
    config = DiagnosisConfig.maximum_likelihood(link=link, class_prior=prior)
    summary = mastery.run_fit(files[1], files[3], out, config)
    assert summary["rejected"] == {
        "score_out_of_range": 1,
        "unknown_item": 1,
        "score_not_a_number": 1,
    }
    assert [r["reason"] for r in rows_of(out / "rejects.csv")] == [
        "score_out_of_range",
        "unknown_item",
        "score_not_a_number",
    ]
    assert summary["items_without_concepts"] == ["bare"]
    assert summary["items_without_responses"] == ["never"]
    assert summary["constant_items"] == ["easy"]
    assert summary["concepts_without_items"] == ["unused"]
    assert summary["learners_without_responses"] == ["late"]
    assert summary["unknown_items"] == ["other"]
    assert summary["n_missing"] == 1
    assert summary["n_without_say"] == 80  # the answers to the item without concepts
    assert summary["n_learners_with_evidence"] == 80
    items = {row["item_id"]: row for row in rows_of(out / "items.csv")}
    assert items["bare"]["guess"] == items["never"]["guess"] == ""
    assert float(items["easy"]["slip"]) < 1e-3
    assert items["easy"]["slip_se"] == ""
    table = pq.read_table(out / "mastery.parquet").to_pylist()
    by = {(row["learner_id"], row["concept_id"]): row for row in table}
    assert not by["u0", "unused"]["identified"]
    assert by["u0", "unused"]["mastery"] == 0.5
    assert by["u0", "a"]["identified"]
    assert not by["late", "a"]["identified"]
    prior_of = {row["concept_id"]: float(row["prior"]) for row in rows_of(out / "concepts.csv")}
    assert by["late", "a"]["mastery"] == pytest.approx(prior_of["a"])


def test_for_people_the_command_prints_the_figures_and_what_was_kept_out(tmp_path):
    done = diagnose_fit(
        *dirty(tmp_path), "--link", "conjunctive", "--prior", "saturated", "--pull",
        "--starts", "2", "--out", tmp_path / "out", cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for text in ("log_likelihood", "rejected: unknown_item", "constant items", "1: easy"):
        assert text in done.stdout


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"--responses": "nothing.csv"}, "cannot be read"),
        ({"--out": FRACTION / "q.csv"}, "is not a folder"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_exit_2(tmp_path, change, message):
    arguments = dict(zip(*[iter(map(str, fraction_arguments(tmp_path / "out")))] * 2, strict=True))
    arguments |= {name: str(value) for name, value in change.items()}
    done = diagnose_fit(*(part for pair in arguments.items() for part in pair), cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("kgplan: ")
    assert message in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_too_many_concepts_for_a_saturated_prior_are_refused(tmp_path):
    shutil.copy(FRACTION / "responses.csv", tmp_path / "R.csv")
    lines = ["item_id,concept_id"] + [f"T01,c{k}" for k in range(16)]
    (tmp_path / "Q.csv").write_text("\n".join(lines) + "\n")
    with pytest.raises(InputError, match="independent prior"):
        mastery.run_fit(tmp_path / "R.csv", tmp_path / "Q.csv", tmp_path / "out", DINA)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "rows", ["item_id,score,weight\na,bare,1,1\nb,bare,0,1", "item_id,score,weight\na,i1,1,0"]
)
def test_answers_that_say_nothing_at_all_are_refused(tmp_path, rows):
    (tmp_path / "R.csv").write_text(f"learner_id,{rows}\n")
    (tmp_path / "Q.csv").write_text("item_id,c1\ni1,1\nbare,0\n")
    with pytest.raises(InputError, match="speaks about a concept"):
        mastery.run_fit(tmp_path / "R.csv", tmp_path / "Q.csv", tmp_path / "out", DINA)


@pytest.mark.parametrize("prior", ["saturated", "independent"])
@pytest.mark.parametrize("link", ["conjunctive", "compensatory"])
def test_a_single_answer_is_explained_to_the_last_and_determines_nothing(tmp_path, link, prior):
    (tmp_path / "R.csv").write_text("learner_id,item_id,score\na,i1,1\n")
    (tmp_path / "Q.csv").write_text("item_id,c1\ni1,1\n")
    config = DiagnosisConfig.maximum_likelihood(link=link, class_prior=prior)
    summary = mastery.run_fit(tmp_path / "R.csv", tmp_path / "Q.csv", tmp_path / "out", config)
    assert summary["log_likelihood"] == pytest.approx(0, abs=1e-4)
    assert summary["srmsr"] is None
    assert rows_of(tmp_path / "out" / "items.csv")[0]["slip_se"] == ""


def test_diagnose_alone_is_the_batch_stage(tmp_path):
    done = run_kgplan(tmp_path, "diagnose")
    assert done.returncode == 1
    assert "kgplan etl run" in done.stderr  # it asks for the learner records


def test_what_was_read_otherwise_is_said_and_in_the_report(tmp_path):
    for name in ("responses.csv", "q.csv"):
        text = (FRACTION / name).read_text(encoding="utf-8")
        (tmp_path / name).write_text(text.replace(",", ";"), encoding="utf-8")
    done = diagnose_fit(
        "--responses", "responses.csv", "--q-matrix", "q.csv", "--link", "conjunctive",
        "--prior", "saturated", "--out", "out", cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "note: responses.csv: separated by semicolons" in done.stdout
    notes = json.loads((tmp_path / "out" / "fit.json").read_text(encoding="utf-8"))["notes"]
    assert "q.csv: separated by semicolons" in notes


def test_scores_on_another_scale_are_one_sentence_and_exit_2_and_no_results(tmp_path):
    text = (FRACTION / "responses.csv").read_text(encoding="utf-8")
    (tmp_path / "percent.csv").write_text(text.replace(",1", ",100"), encoding="utf-8")
    done = diagnose_fit(
        "--responses", "percent.csv", "--q-matrix", FRACTION / "q.csv", "--out", "out", cwd=tmp_path
    )
    assert done.returncode == 2
    assert "percent.csv run from 0 to 100 (line 2: learner" in " ".join(done.stderr.split())
    assert not (tmp_path / "out").exists()


# ------------------------------------------------------------------------------------- in order


def timed(folder, n_learners=12):
    """Two files: every learner answers six items of two concepts, ten days apart, twice."""
    rng = np.random.default_rng(0)
    lines = ["learner_id,item_id,score,time"]
    for u in range(n_learners):
        for t in range(12):
            score = int(rng.random() < 0.3 + 0.05 * t)
            lines.append(f"u{u},i{t % 6},{score},2026-0{1 + t // 3}-{1 + 10 * (t % 3):02}")
    (folder / "R.csv").write_text("\n".join(lines) + "\n")
    (folder / "Q.csv").write_text(
        "item_id,concept_id\n" + "".join(f"i{v},c{v % 2}\n" for v in range(6))
    )
    return "--responses", "R.csv", "--q-matrix", "Q.csv", "--out", "out"


def test_in_order_the_command_prints_figures_concepts_items_and_the_moment(tmp_path):
    files = timed(tmp_path)
    done = diagnose_fit(
        *files, "--in-order", "--as-of", "2026-05-01", "--iterations", "5", cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    for text in ("half_life_days", "learned at an", "guess", "│ c1 ", "│ i5 ", "2026-05-01"):
        assert text in done.stdout
    zone = {"KGPLAN_TIME_ZONE": "Asia/Shanghai"}
    done = run_kgplan(
        tmp_path / "home", "diagnose", "fit", *files, "--in-order", "--as-of", "2026-03-01",
        "--iterations", "5", "--json", cwd=tmp_path, **zone,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert summary["as_of"] == "2026-03-01T00:00:00+08:00"
    assert summary["n_responses_later"] == 12 * 5  # on March 11 and 21, and in April
    assert summary["iterations"] == 4
    assert summary["converged"] is False
    assert {p.name for p in (tmp_path / "out").iterdir()} == {*summary["files"], "fit.json"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--in-order", "--starts", "2"), "--starts says nothing of answers in order"),
        (("--in-order", "--link", "conjunctive"), "leave out --link, or --in-order"),
        (("--in-order", "--as-of", "soon"), "'soon', which is no time"),
        (("--in-order", "--as-of", "1700000000000"), "'1700000000000', which is no time"),
        (("--as-of", "2026-05-01"), "give --in-order, too"),
    ],
)
def test_options_that_do_not_go_together_are_one_sentence_and_exit_2(tmp_path, options, message):
    done = diagnose_fit(*timed(tmp_path), *options, cwd=tmp_path)
    assert done.returncode == 2
    assert message in " ".join(done.stderr.split())
    assert not (tmp_path / "out").exists()
