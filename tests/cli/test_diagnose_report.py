"""`kgplan diagnose calibrate` and `kgplan diagnose report` as a person runs them."""

import csv
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import miniature
import numpy as np
import pytest
from forked import run_kgplan
from scipy import sparse

from kgplan.data.records import LearnerRecords
from kgplan.diagnosis import DiagnosisConfig, LearnerModelConfig, infer
from kgplan.errors import InputError, UnknownLearner
from kgplan.etl.stages import Extraction, run_extract
from kgplan.model.opening import StoredArrays, open_mastery
from kgplan.pipeline.calibrate import CalibrationConfig, run_calibrate
from kgplan.pipeline.diagnose import run_diagnose
from kgplan.pipeline.diagnosis_report import find_in_home, find_in_results, to_html
from kgplan.pipeline.mastery import run_fit
from kgplan.report.charts import Axis, Point, bars, histogram, points
from kgplan.report.writing import write_page
from kgplan.settings import Settings
from kgplan.store.artifacts import ArtifactStore

FRACTION = Path(__file__).parent.parent / "data" / "fraction-15x5"
VOID = {"meta", "link", "img", "input", "br", "hr", "path", "circle", "rect", "polyline"}


def classroom() -> dict[str, list]:
    """The miniature archive with 24 more videos of one course and 60 learners who drop out."""
    rng = np.random.default_rng(0)
    files = {name: list(rows) for name, rows in miniature.MINI.items()}
    concepts = [row["id"] for row in files["entities/concept.json"]]
    videos = [f"V_{10 + i}" for i in range(24)]
    for i, video in enumerate(videos):
        name = "<script>alert(1)</script>" if i == 0 else f"第{i}课"
        files["entities/video.json"].append({"id": video, "name": name})
        files["relations/course-video.json"].append(("C_1", video))
        for k in sorted({i % 8, int(rng.integers(8))}):
            files["relations/video-concept.json"].append((video, concepts[k]))
    for u in range(60):
        learner = f"U_{100 + u}"
        files["entities/user.json"].append(
            {"id": learner, "course_order": ["C_1"], "enroll_time": [None]}
        )
        files["relations/user-course.json"].append((learner, "C_1"))
        for video in videos[: rng.integers(0, 25)]:
            if rng.random() < 0.8:
                files["relations/user-video.json"].append((learner, video))
    return files


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A home with tables, records and a batch diagnosis of the classroom."""
    source = miniature.write_folder(tmp_path_factory.mktemp("classroom"), classroom())
    settings = Settings(home=tmp_path_factory.mktemp("home"))
    run_extract(settings, Extraction(source))
    run_diagnose(settings, LearnerModelConfig())
    return settings


@pytest.fixture(scope="module")
def calibrated(home):
    """What `kgplan diagnose calibrate --json` prints."""
    return json.loads(
        json.dumps(run_calibrate(home, CalibrationConfig(resamples=30)).to_dict(), allow_nan=False)
    )


def views_by_learner():
    found: dict[str, int] = {}
    covered = {video for video, _ in classroom()["relations/video-concept.json"]}
    activity = {
        (learner, each["video_id"])
        for learner, listed in miniature.ACTIVITIES.items()
        for each in listed
    }
    for learner, video in {*classroom()["relations/user-video.json"], *activity}:
        found[learner] = found.get(learner, 0) + (video in covered)
    return {row["id"]: found.get(row["id"], 0) for row in classroom()["entities/user.json"]}


def test_learners_with_too_few_views_are_counted_and_listed(home, calibrated):
    views = views_by_learner()
    split = calibrated["details"]["split"]
    assert split["learners_without_views"] == sum(n == 0 for n in views.values())
    assert split["learners_with_too_few_views"] == sum(0 < n < 5 for n in views.values())
    assert split["learners_predicted"] == sum(n >= 5 for n in views.values())
    assert split["views_held_back"] == sum(int(0.2 * n + 0.5) for n in views.values() if n >= 5)
    folder = ArtifactStore(home.artifacts).current("calibration").path
    with (folder / "left_out.csv").open(encoding="utf-8") as stream:
        listed = {row["learner_id"]: int(row["n_views"]) for row in csv.DictReader(stream)}
    assert listed == {learner: n for learner, n in views.items() if n < 5}


def test_every_method_reports_figures_within_their_intervals(calibrated):
    methods = calibrated["details"]["methods"]
    assert {"V-DINA", "popularity", "item-based CF", "logistic regression"} <= {
        method["name"] for method in methods
    }
    for method in methods:
        for figure in ("brier", "log_loss", "auc"):
            value, low, high = method[figure]
            assert low <= value <= high
        assert sum(method["reliability"]["pairs"]) == calibrated["details"]["split"]["pairs"]


def test_a_second_calibration_with_the_same_seed_is_the_same_artifact(home, calibrated, tmp_path):
    before = ArtifactStore(home.artifacts).current("calibration")
    out = tmp_path / "calibration.json"
    done = run_kgplan(home.home, "diagnose", "calibrate", "--resamples", 30, "--out", out)
    assert done.returncode == 0, done.stderr
    after = ArtifactStore(home.artifacts).current("calibration")
    assert before.version == after.version == calibrated["version"]
    saved = json.loads(out.read_text(encoding="utf-8"))
    assert "diagnose calibrate --share 0.2" in saved.pop("made")["command"]
    assert saved == calibrated["details"]


def test_a_home_whose_learners_all_have_too_few_views_is_refused(home):
    with pytest.raises(InputError, match="no learner has 500 views"):
        run_calibrate(home, CalibrationConfig(least_views=500))


class Page(HTMLParser):
    """Checks that tags nest, and collects what a test asks about."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.sections, self.charts, self.titles = [], [], [], [], []
        self.feed(text)
        self.close()
        assert set(self.open) <= {"html"}

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "svg":
            self.charts.append(dict(attributes))

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, text):
        if self.open and self.open[-1] == "h2":
            self.sections.append(text)
        if self.open and self.open[-1] == "title":
            self.titles.append(text)


@pytest.fixture(scope="module")
def home_page(home, calibrated):
    done = run_kgplan(home.home, "diagnose", "report")
    assert done.returncode == 0, done.stderr
    return (home.home / "diagnosis.html").read_text(encoding="utf-8")


def test_the_page_of_a_home_has_all_sections(home_page):
    page = Page(home_page)
    for section in (
        "Convergence", "Slip and guess", "Item fit", "Mastery", "Identifiability",
        "A learner, before and after", "Calibration: V-DINA", "Prediction: AUC",
    ):  # fmt: skip
        assert section in page.sections
    assert len(page.charts) == len(page.sections)


def test_the_page_loads_nothing_and_runs_nothing(home_page):
    page = Page(home_page)
    assert not {"script", "link", "img", "iframe", "object"} & {tag for tag, _ in page.tags}
    assert not [a for _, a in page.tags if {"src", "href"} & set(a)]
    assert "url(" not in home_page
    assert "@import" not in home_page
    assert "&lt;script&gt;" in home_page  # a video's name


def test_the_page_can_be_read_aloud_and_in_the_dark(home_page):
    page = Page(home_page)
    assert all(chart["role"] == "img" and chart["aria-label"] for chart in page.charts)
    assert all(attributes.get("scope") == "col" for tag, attributes in page.tags if tag == "th")
    assert page.tags.count(("caption", {})) == page.tags.count(("table", {})) > 0
    assert "color-scheme: light dark" in home_page


def test_a_chosen_learner_is_shown_and_an_unknown_one_named(home, tmp_path):
    learner = next(u for u, n in views_by_learner().items() if n > 8)
    findings = find_in_home(home, learner)
    assert findings.moves.learner == learner
    n_views = views_by_learner()[learner]
    assert findings.moves.stages[1:] == (
        f"after {(n_views + 1) // 2} views",
        f"after {n_views} views",
    )
    stored = _mastery_of(home, learner, findings.moves.names)
    assert len(stored) > 3
    for name, stages_ in zip(findings.moves.names, findings.moves.mastery, strict=True):
        if name in stored:  # the last stage is the batch model's own
            assert stages_[2] == pytest.approx(stored[name], abs=1e-3)
    with pytest.raises(UnknownLearner):
        find_in_home(home, "U_nobody")


def test_a_learner_s_masteries_say_what_they_rest_on(home, tmp_path):
    """Against the batch's inference of the stored fit, on the learner's row without each view."""
    learner = next(u for u, n in views_by_learner().items() if n > 8)
    findings = find_in_home(home, learner)
    artifact, records = (
        ArtifactStore(home.artifacts).current("diagnosis"),
        LearnerRecords.from_arrays(StoredArrays(ArtifactStore(home.artifacts).current("records"))),
    )
    fit = [artifact.array(name) for name in ("slip", "guess", "prior")]
    items = open_mastery(artifact).items
    at = [records.learner_ids.tolist().index(learner)]
    row, weight = (each[at] for each in items.observed_in(records))
    concepts = artifact.array("concept_ids").tolist()

    def mastery(kept, concept):
        shares, weights = (
            sparse.csr_matrix(
                (each.data[kept], row.indices[kept], [0, int(np.sum(kept))]), shape=row.shape
            )
            for each in (row, weight)
        )
        found = infer(shares, records.q_matrix, *fit, items.config, weights=weights)
        return found.mastery[0, concept] or fit[2][concept]  # the prior where none is left

    assert len(findings.reasons) == 4
    for told in findings.reasons:
        concept, whole = concepts.index(told.concept_id), np.ones(row.nnz, bool)
        assert told.learner_id == learner
        assert told.reasons
        for reason in told.reasons[:6]:
            rest = records.item_ids[row.indices] != reason.item_id
            expected = mastery(whole, concept) - mastery(rest, concept)
            assert reason.moved == pytest.approx(expected, abs=1e-6)
    page = Page(to_html(findings))
    told = [each for each in page.sections if each.startswith("What a mastery rests on: ")]
    assert told == [f"What a mastery rests on: {each.name}" for each in findings.reasons]


def test_bars_begin_at_0_and_are_as_long_as_their_values():
    drawn = bars([("a", 0.4), ("b", -0.2), ("c", 0.1)], Axis("x", -0.5, 0.5), "three", 100)
    found = re.findall(r'class="(bar[ a-z]*)" x="([\d.]+)" y="[\d.]+" width="([\d.]+)"', drawn)
    (kinds, begins, widths) = zip(*found, strict=True)
    begins, widths = np.array(begins, float), np.array(widths, float)
    assert kinds == ("bar", "bar below", "bar")
    np.testing.assert_allclose(widths / widths[2], [4, 2, 1], rtol=0.01)
    np.testing.assert_allclose([begins[0], begins[1] + widths[1]], begins[2], atol=0.1)


def _mastery_of(home, learner, names):
    """The learner's stored mastery of concepts whose names only one concept has."""
    artifact = ArtifactStore(home.artifacts).current("diagnosis")
    u = artifact.array("learner_ids").tolist().index(learner)
    part = slice(*artifact.array("mastery.indptr")[u : u + 2])
    dense = np.array(artifact.array("prior"))
    dense[artifact.array("mastery.indices")[part]] = artifact.array("mastery.data")[part]
    ids = [concept.split("_")[1] for concept in artifact.array("concept_ids").tolist()]
    return {name: dense[ids.index(name)] for name in names if ids.count(name) == 1}


def test_a_calibration_of_other_records_is_not_shown(home, calibrated, tmp_path):
    source = miniature.write_folder(tmp_path / "other", miniature.MINI)
    settings = Settings(home=tmp_path / "home")
    run_extract(settings, Extraction(source))
    run_diagnose(settings, LearnerModelConfig())
    assert "kgplan diagnose calibrate" in find_in_home(settings).missing["calibration"]


@pytest.fixture(scope="module")
def fraction(tmp_path_factory):
    """A folder of results of the fraction items."""
    out = tmp_path_factory.mktemp("fraction")
    config = DiagnosisConfig.maximum_likelihood(link="conjunctive", class_prior="saturated")
    run_fit(FRACTION / "responses.csv", FRACTION / "q.csv", out, config)
    return out


def test_the_page_of_results_shows_the_published_figures(fraction):
    write_page(to_html(find_in_results(fraction)), fraction / "diagnosis.html")
    text = (fraction / "diagnosis.html").read_text(encoding="utf-8")
    page = Page(text)
    assert "7,033.5" in text  # AIC
    assert "7,294.9" in text  # BIC
    assert sum(title.startswith("T") and "guess" in title for title in page.titles) == 15
    assert "results of `kgplan diagnose fit` have none" in text  # why there is no calibration


def test_results_that_were_changed_since_or_are_not_there_are_refused(fraction, tmp_path):
    with pytest.raises(InputError, match="holds no results"):
        find_in_results(tmp_path)
    for file in fraction.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "items.csv").write_text("item_id\n")
    with pytest.raises(InputError, match="is not what"):
        find_in_results(tmp_path)
    with pytest.raises(UnknownLearner):
        find_in_results(fraction, "nobody")


def test_a_page_that_cannot_be_made_leaves_the_earlier_one(fraction, tmp_path, monkeypatch):
    findings = find_in_results(fraction)
    write_page(to_html(findings), tmp_path / "page.html")
    before = (tmp_path / "page.html").read_text(encoding="utf-8")

    def fail(*_):
        raise OSError("no space left")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="no space"):
        write_page(to_html(findings), tmp_path / "page.html")
    assert (tmp_path / "page.html").read_text(encoding="utf-8") == before
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]


def test_points_stand_where_their_values_say():
    """Two points fix the scale; the third must lie on it."""
    three = [Point(x, 2 * x, f"at {x}") for x in (0.0, 0.5, 1.0)]
    drawn = points(three, Axis("x", 0, 1), Axis("y", 0, 2), "three points")
    places = [tuple(map(float, p)) for p in re.findall(r'cx="([\d.]+)" cy="([\d.]+)"', drawn)]
    middle = np.mean([places[0], places[2]], axis=0)
    np.testing.assert_allclose(places[1], middle, atol=0.1)
    assert places[0][0] < places[2][0]
    assert places[0][1] > places[2][1]  # upwards is less in SVG


def test_bars_are_as_high_as_their_counts():
    drawn = histogram([1, 2, 4], [0, 1, 2, 3], Axis("x", 0, 3), "things", "three bars")
    heights = [float(h) for h in re.findall(r' height="([\d.]+)"><title>', drawn)]
    np.testing.assert_allclose(np.array(heights) / heights[0], [1, 2, 4], rtol=0.01)


def test_ids_that_a_spreadsheet_takes_for_formulas_come_back_in_the_report(tmp_path):
    items = ["=1+1", "-1", "@x", "'=y"]
    concepts = ["+sum", "plain"]
    rng = np.random.default_rng(0)
    cells = [[f"u{u}", *map(str, row)] for u, row in enumerate(rng.integers(0, 2, (40, 4)))]
    for name, table in (
        ("R.csv", [["learner_id", *items], *cells]),
        (
            "Q.csv",
            [["item_id", "concept_id"], *([item, concepts[k % 2]] for k, item in enumerate(items))],
        ),
    ):
        with (tmp_path / name).open("w", newline="", encoding="utf-8") as stream:
            csv.writer(stream).writerows(table)
    run_fit(tmp_path / "R.csv", tmp_path / "Q.csv", tmp_path / "out", DiagnosisConfig())
    written = (tmp_path / "out" / "items.csv").read_text(encoding="utf-8")
    assert [row.partition(",")[0] for row in written.splitlines()[1:]] == [
        "'=1+1",
        "-1",
        "'@x",
        "''=y",
    ]
    assert list(find_in_results(tmp_path / "out", None).items.names) == items
