import json
import shutil
from pathlib import Path

import pytest
import typer
from forked import run_kgplan as kgplan
from miniature import ARRAY, CS, CS_VECTOR, MATHS, RECURSION, VECTOR
from typer.testing import CliRunner

from kgplan.cli.main import app as kgplan_app
from kgplan.diagnosis import LearnerModelConfig
from kgplan.store.artifacts import ArtifactStore


@pytest.fixture(scope="module")
def home(mini_home) -> Path:
    """A home with the model of the miniature archive."""
    return mini_home.home


def test_a_plan_as_json_has_the_promised_fields(home, tmp_path):
    done = kgplan(home, "plan", "U_1", "C_1", "--length", "3", "--json", cwd=tmp_path)
    plan = json.loads(done.stdout)
    assert list(plan) == [
        "learner_id",
        "course_id",
        "graph_version",
        "model_version",
        "steps",
        "notes",
        "towards",
        "minutes",
        "options",
        "gaps",
        "new",
        "theta",
        "stopped",
        "gain",
        "bound",
        "experiment",
    ]
    step = plan["steps"][0]
    assert {
        "concept_id",
        "name",
        "role",
        "start_concept_id",
        "terms",
        "resources",
        "because",
    } <= set(step)
    assert list(step["terms"]) == ["preference", "mastery", "value", "similarity", "score"]


def test_a_path_towards_a_concept_is_explained_and_keeps_to_the_options(home):
    """In the miniature 数组 leads to 算法, and 算法 to 递归."""
    recursion, array = "K_递归_计算机科学技术", "K_数组_计算机科学技术"
    ranked = ("--planner", "kg-plppm", "--length", "5")
    given = ("plan", "U_1", "--towards", recursion, *ranked, "--json")
    plain = json.loads(kgplan(home, *given).stdout)
    assert [step["name"] for step in plain["steps"]] == ["数组", "算法", "递归"]
    done = kgplan(home, *given, "--exclude", array, "--pin", "K_集合_数学", "--explain")
    told = json.loads(done.stdout)
    assert [step["name"] for step in told["steps"]] == ["集合", "算法", "递归"]
    algorithm = told["explanations"][1]
    assert [(e["name"], e["because"]) for e in algorithm["ended"]] == [("数组", "skip: excluded")]
    shown = kgplan(home, *given[:-1], "--exclude", array, "--explain", "--language", "zh").stdout
    assert "跳过：已被排除" in shown


def test_a_plan_needs_a_course_or_a_concept(home):
    for arguments in ((), ("C_1", "--towards", "K_递归_计算机科学技术")):
        done = kgplan(home, "plan", "U_1", *arguments)
        assert done.returncode == 2
        assert "give either a course" in done.stderr


def test_the_same_plan_twice_is_the_same_text(home):
    one, other = (kgplan(home, "plan", "U_1", "C_1", "--json").stdout for _ in range(2))
    assert one == other


def test_a_plan_for_people_gives_the_reason_for_each_step_and_a_picture(home, tmp_path):
    picture = tmp_path / "deep" / "path.svg"
    done = kgplan(home, "plan", "U_1", "C_1", "--length", "3", "--picture", picture)
    plan = json.loads(kgplan(home, "plan", "U_1", "C_1", "--length", "3", "--json").stdout)
    assert plan["steps"]
    for step in plan["steps"]:
        assert f"{step['name']} {step['name_en']}  {step['role']}, mastery" in done.stdout
        assert step["because"] in done.stdout
    assert picture.read_text(encoding="utf-8").startswith("<svg")


def test_an_unknown_course_is_one_sentence_with_close_matches_and_exit_2(home):
    done = kgplan(home, "plan", "U_1", "C_9")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("kgplan: no course 'C_9'")
    assert "Traceback" not in done.stderr


def test_a_learner_whom_nothing_names_gets_the_plan_of_a_new_one_and_is_told(home):
    done = kgplan(home, "plan", "U_11", "C_1", "--json")
    assert (done.returncode, json.loads(done.stdout)["new"]) == (0, True)
    (line,) = done.stderr.splitlines()
    assert line.startswith("no learner 'U_11'; close matches: U_1")
    assert line.endswith("; this is the plan of a new learner")
    assert kgplan(home, "plan", "U_1", "C_1").stderr == ""


def test_a_course_and_concepts_may_be_named(home):
    by_id = kgplan(home, "plan", "U_1", "C_1", "--exclude", ARRAY, "--json").stdout
    named = kgplan(home, "plan", "U_1", "线性代数", "--exclude", "数组", "--json").stdout
    assert (by_id, json.loads(by_id)["course_id"]) == (named, "C_1")
    towards = kgplan(home, "plan", "U_1", "--towards", " Recursion", "--json").stdout
    assert json.loads(towards)["towards"] == RECURSION
    several = kgplan(home, "plan", "U_1", "--towards", "向量")
    assert (several.returncode, several.stdout) == (2, "")
    assert several.stderr == (
        "kgplan: 2 concepts are called '向量'; give an id:\n"
        f"  {VECTOR}  ({MATHS}, courses: 1)\n  {CS_VECTOR}  ({CS}, courses: 0)\n"
    )


def test_a_stage_takes_the_keys_that_differ_from_a_file_and_from_the_command_line(home, tmp_path):
    copied, file = shutil.copytree(home, tmp_path / "home"), tmp_path / "my.toml"
    file.write_text("tolerance = 1e-3\ndamping = 0.3\n")
    done = kgplan(copied, "diagnose", "--config", file, "--set", "damping=0.2", "--flat-prior")
    assert done.returncode == 0, done.stderr
    made = ArtifactStore(copied / "artifacts").current("diagnosis").manifest["config"]
    assert made == LearnerModelConfig(tolerance=1e-3, damping=0.2, learn_prior=False).to_dict()
    wrong = kgplan(copied, "reembed", "--set", "diagnose.dampening=0.2")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert wrong.stderr.startswith("kgplan: there is no key 'diagnose.dampening' to change; close")


def test_before_any_stage_the_plan_says_which_command_to_run(tmp_path):
    done = kgplan(tmp_path, "plan", "U_1", "C_1")
    assert done.returncode == 1
    assert done.stderr == "kgplan: there is no records artifact yet; run `kgplan etl run` first\n"


def test_a_source_that_is_not_there_is_one_sentence(tmp_path):
    done = kgplan(tmp_path, "etl", "run", "nowhere.zip")
    assert done.returncode == 2
    assert "nowhere.zip" in done.stderr
    assert "Traceback" not in done.stderr


def test_concepts_are_found_by_chinese_and_english_name(home):
    for text in ("递归", "recursion", "recursoin"):
        (found,) = json.loads(kgplan(home, "concepts", text, "--json").stdout)
        assert found["english"] == "recursion"


def test_courses_and_learners_are_listed_with_their_sizes(home):
    courses = json.loads(kgplan(home, "courses", "--json").stdout)
    assert {course["course_id"]: course["concepts"] for course in courses} == {
        "C_1": 5,
        "C_2": 3,
        "C_3": 2,
    }
    learners = json.loads(kgplan(home, "learners", "--json").stdout)
    assert {learner["learner_id"] for learner in learners} == {"U_1", "U_2", "U_3"}


def test_the_report_lists_what_was_rejected(tmp_path, dirty_source):
    refused = kgplan(tmp_path, "etl", "run", dirty_source, "--json")
    assert refused.returncode == 2
    assert "cannot be used; the first is" in refused.stderr
    done = kgplan(tmp_path, "etl", "run", dirty_source, "--tolerant", "--json")
    assert [stage["stage"] for stage in json.loads(done.stdout)] == ["extract", "map and check"]
    rejects = tmp_path / "rejects.csv"
    report = json.loads(kgplan(tmp_path, "etl", "report", "--json", "--csv", rejects).stdout)
    total = report["extract"]["total"]
    rows = len(rejects.read_text(encoding="utf-8-sig").splitlines()) - 1
    assert rows >= sum(total["rejected"].values()) + sum(total["left_out"].values()) > 20
    assert kgplan(tmp_path, "etl", "report").returncode == 0


def test_artifacts_and_graph_tell_the_versions_in_use(home):
    rows = json.loads(kgplan(home, "artifacts", "--json").stdout)
    assert {row["kind"] for row in rows if row["in_use"]} == {
        "tables",
        "records",
        "triples",
        "embedding",
        "diagnosis",
        "resources",
        "engagement",
        "similarity",
    }
    shown = json.loads(kgplan(home, "graph", "show", "--json").stdout)
    assert shown["concepts"] == 8


def commands(app=None, name=()):
    """Every command, by its words; a group that does something without a command is one too."""
    group = app or typer.main.get_command(kgplan_app)
    for word, command in group.commands.items():
        if not hasattr(command, "commands") or command.invoke_without_command:
            yield " ".join((*name, word))
        if hasattr(command, "commands"):
            yield from commands(command, (*name, word))


@pytest.mark.parametrize("command", list(commands()))
def test_help_has_an_example(command):
    done = CliRunner().invoke(kgplan_app, [*command.split(), "--help"], terminal_width=160)
    assert done.exit_code == 0
    examples = done.output.partition("Example")[2]
    assert f"kgplan {command}" in " ".join(examples.replace("│", " ").split())


def test_a_missing_argument_is_explained(home):
    done = kgplan(home, "plan")
    assert done.returncode == 2
    assert "learner_id" in done.stderr
