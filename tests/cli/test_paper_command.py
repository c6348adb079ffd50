"""`kgplan paper` as a person runs it, on the miniature."""

import csv
import json
import re

import pytest
from forked import run_kgplan

from kgplan.evaluation.papers.paper import experiment_of

TEXT = """
paper = "kg-plppm"
version = 7
title = "Small & short"
source = "nowhere"
resamples = 20
model = { learn_prior = false }
parameters = { sample_seed = 0, seed = 0, neighbours = 10, alpha = 0.7, max_pre = 4, theta = 0.5 }
[[tables]]
name = "1"
title = "Degrees"
measure = "degree"
figure = "degree"
unit = "degree"
across = "nodes"
digits = 4
parameters = { enrolments = 10 }
columns = [{ title = "2", parameters = { max_pre = 2 } }]
rows = [
  { title = "walks", drawn = true, parameters = { method = "walks" }, published = [0.5] },
  { title = "random", drawn = true, parameters = { method = "random" } },
]
[[tables]]
name = "2"
title = "Efficiency"
measure = "efficiency"
figure = "efficiency"
digits = 1
parameters = { enrolments = 10, least_concepts = 2, own_videos = true, k = 50 }
columns = [{ title = "50%" }]
rows = [{ title = "our default planner", parameters = { method = "gain" } }]
"""


@pytest.fixture
def file(own_home):
    path = own_home.home / "small.toml"
    path.write_text(TEXT)
    return path


def test_all_files_say_the_same(own_home, file):
    out = own_home.home / "out"
    done = run_kgplan(own_home.home, "paper", file, "--out", out, "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert sorted(path.name for path in out.iterdir()) == [
        f"kg-plppm.{ending}" for ending in ("csv", "html", "json", "md")
    ]
    assert json.loads((out / "kg-plppm.json").read_text()) == told
    cells = [cell for table in told["tables"] for cell in table["cells"]]
    rows = list(csv.DictReader((out / "kg-plppm.csv").read_text().splitlines()))
    assert [row["row"] for row in rows] == [cell["row"] for cell in cells]
    # the walks of U_1 and U_2 in 算法: its three concepts are a cycle, each walk of 2 nodes a hit
    # and 2 of 5 pairs none; the course 数学与计算 and 线性代数 have others
    walks = cells[0]
    assert 0 < walks["value"] < 1
    assert walks["gap"] == pytest.approx(walks["value"] - 0.5)
    assert float(rows[0]["value"]) == walks["value"]
    assert cells[1]["published"] is None
    markdown = (out / "kg-plppm.md").read_text(encoding="utf-8")
    page = (out / "kg-plppm.html").read_text(encoding="utf-8")
    for text in (markdown, page):
        assert f"{walks['value']:.4f} [" in text
        assert "published 0.5000" in text
        assert told["made"]["records"] in text
    assert "Small &amp; short" in page
    assert page.count("<svg") == 1
    assert not re.search(r'="[^"]*nan', page)


def test_a_second_run_uses_the_cells_of_the_first(own_home, file):
    first = run_kgplan(own_home.home, "paper", file, "--json")
    kept = {path: path.stat().st_mtime_ns for path in own_home.home.glob("papers/cells/*/*")}
    assert len(kept) == 4  # three cells and the fit
    second = run_kgplan(own_home.home, "paper", file, "--json")
    assert json.loads(second.stdout) == json.loads(first.stdout)
    again = {path: path.stat().st_mtime_ns for path in own_home.home.glob("papers/cells/*/*")}
    assert again == kept


def test_people_see_tables_findings_and_where_they_are(own_home, file):
    done = run_kgplan(own_home.home, "paper", file, "--table", "1")
    assert done.returncode == 0, done.stderr
    assert "Degrees" in done.stdout
    assert "Efficiency" not in done.stdout
    assert "published 0.5000" in done.stdout
    assert str(own_home.home / "papers" / "kg-plppm.md") in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("kg-plppm", "--table", "9"), "there is no table '9'; the tables are 1, 1-ceiling, 1-why"),
        (("hsnn",), "paper is 'hsnn'; it is one of kg-plppm, gcn-attention-rl"),
        (("none.toml",), "none.toml cannot be read as an experiment"),
        (("kg-plppm", "--table", "2"), "no learner is enrolled in a course with concepts and met"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(own_home, arguments, said):
    done = run_kgplan(own_home.home, "paper", *arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_help_shows_how_to_call_it(own_home):
    done = run_kgplan(own_home.home, "paper", "--help")
    assert "kgplan paper kg-plppm --out results --json" in done.stdout


def test_the_papers_own_tables_fill_the_whole_page(own_home):
    """The file that comes with kgplan, cut to the size of the miniature."""
    text = experiment_of("kg-plppm")
    assert [table.name for table in text.tables][:3] == ["1", "1-ceiling", "1-why"]
    asked = [word for name in ("1", "1-ceiling", "plans") for word in ("--table", name)]
    done = run_kgplan(own_home.home, "paper", "kg-plppm", *asked)
    assert done.returncode == 0, done.stderr
    assert "The published Table 1 lies nearest to" in done.stdout
    assert "A valid path of 4 steps has a degree of" in done.stdout
    assert 'Ten steps of "our default planner"' in done.stdout
