"""Generated archives: their layout, their truth, their dirt."""

import csv
import hashlib
import zipfile
from collections import Counter
from pathlib import Path

import duckdb
import numpy as np
import pytest

from kgplan.data.records import observations
from kgplan.diagnosis import DiagnosisConfig, LearnerModelConfig, fit, standard_errors
from kgplan.errors import ConfigError, InputError
from kgplan.etl.extract import extract
from kgplan.etl.records import read_records
from kgplan.etl.report import ExtractReport
from kgplan.etl.sources import open_source
from kgplan.etl.sources.mooccube import FILES, SOURCE
from kgplan.etl.stages import Extraction, run_extract, run_load, run_map
from kgplan.etl.tables import LEFT_OUT_BY_MEANING, Reason
from kgplan.evaluation.generate import CONFIGURATION, generate
from kgplan.evaluation.simulation import (
    PRESETS,
    SimulationConfig,
    cohorts,
    expected_right,
    plant,
    simulate,
    sittings,
    watch,
)
from kgplan.pipeline.diagnose import run_diagnose
from kgplan.settings import Settings

SMALL = PRESETS["sample"].resized(
    learners=120, courses=12, videos=240, concepts=200, views=6_000, enrolments=500, fields=3,
    schools=5, teachers=15,
)  # fmt: skip
TINY = SimulationConfig(
    learners=1_500, courses=3, videos=45, concepts=12, fields=3, schools=2, teachers=3,
    enrolments=2_250, views=12_000, course_concepts=12, concepts_per_video=2.0, prerequisites=6,
    second_runs=0, topics=0, partial=0,
)  # fmt: skip
"""Few concepts a course: the fit sums over all states exactly."""


def tree(folder: Path) -> dict[str, str]:
    """Every file's hash."""
    return {
        file.relative_to(folder).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


@pytest.fixture(scope="module")
def clean(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("generated") / "clean"
    generate(out, SMALL, seed=3)
    return out


@pytest.fixture(scope="module")
def clean_home(clean, tmp_path_factory):
    home = Settings(home=tmp_path_factory.mktemp("home"))
    return home, run_extract(home, Extraction(clean)), run_map(home), run_load(home)


def rows(folder: Path, name: str) -> dict[str, np.ndarray]:
    return duckdb.sql(f"SELECT * FROM '{folder / 'truth' / name}.parquet'").fetchnumpy()


def test_every_stage_reads_a_generated_folder_and_rejects_nothing(clean_home):
    home, extracted, mapped, loaded = clean_home
    assert extracted.details["rejected"] == 0
    assert mapped.rows_out == mapped.rows_in
    assert loaded.rows_out > SMALL.concepts
    assert run_diagnose(home, LearnerModelConfig(tolerance=1e-3)).details["skipped"] == 0


def test_every_file_of_the_layout_that_is_used_is_there(clean):
    with open_source(clean, SOURCE) as archive:
        assert archive.paths == {file.path for file in FILES if file.used}


def test_tables_have_as_many_rows_as_were_asked_for(clean, tmp_path):
    tables = extract(clean, tmp_path).tables
    wanted = {name: getattr(SMALL, f"{name}s") for name in ("concept", "course")}
    wanted |= {
        "item": SMALL.videos,
        "learner": 120,
        "teacher": 15,
        "school": 5,
        "field": 3,
        "learner_course": 500,
    }
    assert {name: tables[name] for name in wanted} == wanted
    assert tables["prerequisite"] == pytest.approx(SMALL.prerequisites, rel=0.02)
    # views are drawn: their number spreads by more than a Poisson's, learners holding what they do
    assert tables["learner_item"] == pytest.approx(SMALL.views, rel=0.1)
    assert tables["item_concept"] / tables["item"] == pytest.approx(3.6, rel=0.1)


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(clean, tmp_path):
    generate(tmp_path / "again", SMALL, seed=3)
    generate(tmp_path / "other", SMALL, seed=4)
    assert tree(tmp_path / "again") == tree(clean)
    assert tree(tmp_path / "other").keys() == tree(clean).keys()
    same = [name for name, code in tree(tmp_path / "other").items() if tree(clean)[name] == code]
    no_draws = {"truth/dirt.csv", "truth/learner.parquet"}
    assert set(same) <= {"entities/teacher.json", "entities/school.json", *no_draws}


def test_a_zip_holds_the_folder_and_has_fixed_bytes(clean, tmp_path):
    for name in ("one.zip", "two.zip"):
        generate(tmp_path / name, SMALL, seed=3)
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "one.zip") as archive:
        archive.extractall(tmp_path / "unpacked")
    assert tree(tmp_path / "unpacked" / "MOOCCube") == tree(clean)


def test_views_reach_the_records_as_they_were_drawn(clean, clean_home):
    """The shares watched that come out of the files are those of the simulation."""
    home = clean_home[0]
    tables = next((home.artifacts / "tables").iterdir())
    records = read_records(tables)
    world, watched = simulate(SMALL, seed=3)
    learners = np.argsort(rows(clean, "learner")["learner_id"].astype(str))
    videos = np.argsort(rows(clean, "video")["video_id"].astype(str))
    drawn = watched[learners][:, videos]
    found = observations(records)
    assert found.nnz == drawn.nnz
    np.testing.assert_allclose(found.toarray(), drawn.toarray(), atol=0.01)  # hundredths of seconds
    np.testing.assert_array_equal(found.toarray() == 1, drawn.toarray() == 1)
    np.testing.assert_array_equal(found.toarray() == 0, drawn.toarray() == 0)
    assert records.q_matrix.nnz == world.q_matrix.nnz


def test_the_fit_recovers_what_was_planted_within_its_standard_errors(tmp_path):
    """95 % intervals, from the files, hold the planted values about 95 times of 100."""
    generate(tmp_path / "tiny", TINY, seed=0)
    (tmp_path / "tables").mkdir()
    extract(tmp_path / "tiny", tmp_path / "tables")
    records = read_records(tmp_path / "tables")
    watched = observations(records)
    found = fit(watched, records.q_matrix, DiagnosisConfig.maximum_likelihood(tolerance=1e-9))
    errors = standard_errors(watched, records.q_matrix, found)
    truth = {}
    for name, ids in (("video", records.item_ids), ("concept", records.concept_ids)):
        table = rows(tmp_path / "tiny", name)
        at = {key: place for place, key in enumerate(table[f"{name}_id"])}
        order = [at[key] for key in ids.tolist() if key in at]
        truth |= {column: values[order] for column, values in table.items()}
    covered = np.unique(records.q_matrix.indices)
    z = np.concatenate(
        [
            (found.slip - truth["slip"]) / errors.slip,
            (found.guess - truth["guess"]) / errors.guess,
            (found.prior[covered] - truth["prior"]) / errors.prior[covered],
        ]
    )
    z = z[np.isfinite(z)]
    assert z.size > 90
    assert 0.87 <= np.mean(np.abs(z) < 1.96) <= 1
    assert abs(z.mean()) < 0.5


def test_planted_dirt_is_what_the_extraction_rejects_and_changes_no_table(clean, tmp_path):
    made = generate(tmp_path / "dirty", SMALL, seed=3, dirty=0.02)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    report: ExtractReport = extract(tmp_path / "dirty", tmp_path / "a")
    found = Counter(
        {
            (file.file, file.table, reason): n
            for file in report.files
            for reason, n in file.rejected.items()
        }
    )
    assert found == made.dirt
    assert {reason for _, _, reason in found} == {*Reason} - LEFT_OUT_BY_MEANING
    with (tmp_path / "dirty/truth/dirt.csv").open(encoding="utf-8", newline="") as stream:
        told = {
            (r["file"], r["table"], r["reason"]): int(r["rows"]) for r in csv.DictReader(stream)
        }
    assert told == made.dirt
    extract(clean, tmp_path / "b")
    tables_a, tables_b = tree(tmp_path / "a"), tree(tmp_path / "b")
    del tables_a["rejects.parquet"], tables_b["rejects.parquet"]
    assert tables_a == tables_b


def test_prerequisites_go_round_only_where_planted_wrong():
    world = plant(SMALL, seed=3)
    right = ~world.wrong
    assert np.all(world.before[right] < world.after[right])  # an order of all: no cycle
    assert np.all(world.before[~right] > world.after[~right])
    assert world.wrong.sum() == round(SMALL.wrong_prerequisites * SMALL.prerequisites)


def test_videos_are_opened_as_often_as_equation_10_says():
    """Learners with the same share held, pooled: the share of views is the mean of eq. (10)."""
    config = SMALL.resized(learners=1_500, enrolments=5_000, views=60_000, partial=0)
    world = plant(config, seed=0)
    hits = chances = spread = 0.0
    for cohort in cohorts(world, config):
        opened = cohort.watched.tocoo()
        for k in range(0, opened.nnz, 37):
            u, v = opened.row[k], opened.col[k]
            needs = world.q_matrix[[v]].indices
            held = np.asarray(cohort.held[[u]].todense()).ravel()[needs]
            eta = held.mean()
            p = world.guess[v] ** (1 - eta) * (1 - world.slip[v]) ** eta
            hits += opened.data[k]
            chances += p
            spread += p * (1 - p)
    assert abs(hits - chances) < 4 * np.sqrt(spread)


def test_the_expected_share_of_views_is_the_sum_over_all_states():
    rng = np.random.default_rng(0)
    q = plant(SMALL, seed=0).q_matrix[:30]
    prior, slip, guess = rng.random(q.shape[1]), rng.uniform(0, 0.5, 30), rng.uniform(0.05, 0.3, 30)
    expected = []
    for v in range(30):
        needs = q.indices[q.indptr[v] : q.indptr[v + 1]]
        total = 0.0
        for state in range(2**needs.size):
            held = (state >> np.arange(needs.size)) & 1
            weight = np.prod(np.where(held, prior[needs], 1 - prior[needs]))
            total += weight * guess[v] ** (1 - held.mean()) * (1 - slip[v]) ** held.mean()
        expected.append(total)
    np.testing.assert_allclose(expected_right(prior, q, slip, guess), expected)


def test_learners_watch_the_same_alone_and_in_company():
    world = plant(SMALL, seed=0)
    whole = watch(world, SMALL, np.random.default_rng(5), 0, SMALL.learners)
    alone = watch(world, SMALL, np.random.default_rng(5), 7, 8)
    assert alone.watched.indices.tolist() == whole.watched[[7]].indices.tolist()
    assert alone.held.indices.tolist() == whole.held[[7]].indices.tolist()


def test_idle_learners_open_nothing_and_others_go_on_after_they_enrol():
    config = SMALL.resized(idle=0.4, enrolments=500, views=3_000)
    world = plant(config, seed=0)
    cohort = next(iter(cohorts(world, config)))
    found = sittings(world, cohort, np.random.default_rng(0))
    assert 20 < world.idle.sum() < 76  # 120 * .4, five deviations either way
    assert not np.any(world.idle[found.row])
    assert np.all(found.ends > found.starts)
    first = world.enrolled_at[world.enrolment_start[found.row]]
    assert np.mean(found.starts >= first) > 0.99  # but for a first sitting brought forward


def test_what_is_there_already_is_not_overwritten_unasked(tmp_path):
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "notes.txt").write_text("keep")
    with pytest.raises(InputError, match="was not generated"):
        generate(mine, SMALL, force=True)
    generate(tmp_path / "out", SMALL, seed=1)
    with pytest.raises(InputError, match="--force"):
        generate(tmp_path / "out", SMALL, seed=2)
    generate(tmp_path / "out", SMALL, seed=2, force=True)
    assert '"seed": 2' in (tmp_path / "out" / CONFIGURATION).read_text(encoding="utf-8")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine", "out"]


def test_a_run_that_fails_leaves_the_earlier_result_and_nothing_else(tmp_path):
    generate(tmp_path / "out", SMALL, seed=1)
    before = tree(tmp_path / "out")

    def fail(what, done, total):
        if what == "learners":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate(tmp_path / "out", SMALL, seed=2, force=True, progress=fail)
    assert tree(tmp_path / "out") == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize(
    "changed",
    [
        {"views": 10**9},
        {"views": 1},
        {"learners": 0},
        {"enrolments": 10**6},
        {"concepts": 3},
        {"partial": 1.5},
        {"idle": -0.1},
    ],
)
def test_sizes_that_no_world_has_are_refused(changed):
    with pytest.raises(ConfigError, match="give"):
        plant(SMALL.resized(**changed), seed=0)
