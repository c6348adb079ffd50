"""Planners of other packages are found, described and asked for by name, wherever ours are."""

import json
import re
from importlib.metadata import EntryPoint

import pytest
from other_package import install, told_where_installed

from kgplan import registry
from kgplan.errors import ConfigError
from kgplan.model.opening import open_planner
from kgplan.planning.options import OPTIONS, PlanOptions
from kgplan.planning.planners import GROUP, planners

ELSEWHERE = """
import numpy as np
from kgplan.planning.planners import NamedPlanner, Ranking

PLANNER = NamedPlanner(
    name="by-id",
    title={"en": "In order of the id", "zh": "按编号"},
    about="takes the smallest id first",
    rank=lambda chooser, learner, asked, options: Ranking(None, -np.asarray(asked, dtype=float)),
    rule="place",
    figure={"en": "Place", "zh": "位置"},
    why={"en": "nothing stands before it: {figure:.0f}", "zh": "前面没有别的：{figure:.0f}"},
    start={"en": "{name} is next by id.", "zh": "按编号下一个是{name}。"},
)
"""

ASK = """
import json, os, sys
from fastapi.testclient import TestClient
from typer.testing import CliRunner
from kgplan.api.app import create_app
from kgplan.api.keeper import Keeper
from kgplan.cli.main import app
from kgplan.model.opening import open_planner
from kgplan.settings import read_settings

learner, course = sys.argv[1:]
asked = ["plan", learner, course, "--planner", "by-id", "--length", "3"]
command = CliRunner().invoke(app, [*asked, "--explain", "--json"])
planner = open_planner(read_settings())
with TestClient(create_app(Keeper(lambda: planner, lambda: "always the same"))) as client:
    query = {"course_id": course, "planner": "by-id", "length": 3, "explain": True}
    path = client.get(f"/v1/learners/{learner}/path", params=query)
    wrong = client.get(f"/v1/learners/{learner}/path", params=query | {"planner": "by-name"})
    print(json.dumps({
        "command": json.loads(command.output),
        "help": CliRunner().invoke(app, ["plan", "--help"], env={"COLUMNS": "200"}).output,
        "path": path.json(),
        "wrong": [wrong.status_code, wrong.json()["detail"]],
        "planners": client.get("/v1/planners").json(),
        "described": client.get("/openapi.json").json()["components"]["schemas"],
    }))
"""


def test_a_planner_of_another_package_answers_over_command_line_and_http(mini_home, tmp_path):
    install(tmp_path, ELSEWHERE, GROUP, "by-id = elsewhere:PLANNER")
    known = open_planner(mini_home)
    learners, graph = known.records.learner_ids.tolist(), known.graph
    left = {
        (learner, course): sorted(set(graph.concept_ids[has].tolist()) - set(held))
        for u, learner in enumerate(learners)
        for c, course in enumerate(graph.course_ids.tolist())
        for has in [graph.course_concepts[[c]].indices]
        for held in [graph.concept_ids[known.derived.learned[[u]].indices].tolist()]
    }
    (learner, course), concepts = max(left.items(), key=lambda each: len(each[1]))
    assert len(concepts) > 1
    found = json.loads(told_where_installed(tmp_path, mini_home.home, ASK, learner, course))

    for plan in (found["command"], found["path"]):
        steps = [step["concept_id"] for step in plan["steps"]]
        assert steps == concepts[:3]  # the ranking that was planted
        assert plan["options"]["planner"] == "by-id"
        assert plan["steps"][0]["because"] == f"{plan['steps'][0]['name']} is next by id."
        assert {each["rule"] for each in plan["explanations"]} == {"place"}
    assert found["command"]["steps"] == found["path"]["steps"]
    assert "by-id takes the smallest id first" in re.sub(r"[│\s]+", " ", found["help"])
    assert found["wrong"][0] == 422
    assert "by-id" in found["wrong"][1]
    names = [*planners(), "by-id"]
    assert [each["name"] for each in found["planners"]["planners"]] == names
    described = found["described"]
    assert described["PathIn"]["properties"]["planner"]["enum"] == names
    assert "place" in described["StepExplanation"]["properties"]["rule"]["enum"]


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("no_such_module_anywhere:PLANNER", "cannot be loaded"),
        ("kgplan.planning.planners.popularity:NO_SUCH_NAME", "cannot be loaded"),
        ("kgplan.planning.planners.popularity:rank", "is a function"),
        ("kgplan.planning.planners.popularity:PLANNER", "two planners are called 'popularity'"),
    ],
)
def test_a_planner_that_cannot_be_used_is_told_with_its_place(monkeypatch, value, told):
    broken = EntryPoint("broken", value, GROUP)
    monkeypatch.setattr(registry, "entry_points", lambda group: [broken])
    with pytest.raises(ConfigError, match=told) as refused:
        planners.__wrapped__()
    assert value in str(refused.value)


def test_every_option_is_described_once_and_checked_by_its_bounds():
    assert [each.name for each in OPTIONS] == list(PlanOptions.__dataclass_fields__)
    for each in OPTIONS:
        assert each.option.about
        if each.option.low is not None:
            for beyond in (each.option.low - 1, each.option.high + 1):
                with pytest.raises(ConfigError, match=f"{each.name} is {beyond}; it goes from"):
                    PlanOptions(**{each.name: beyond})
