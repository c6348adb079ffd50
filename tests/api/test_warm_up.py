"""Does any request wait for a compiler? In a process of its own, that has compiled nothing."""

import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).parents[1]
SCRIPT = """
import sys
from dataclasses import replace
from itertools import product

import numpy as np
from fastapi.testclient import TestClient
from learner_cases import hand_model

from kgplan.api.app import create_app
from kgplan.api.keeper import Keeper
from kgplan.api.service import warm_up
from kgplan.model.current import CurrentLearners
from kgplan.planning.planners import planners
from kgplan.store.events import open_events

case = hand_model()
records = replace(case.records, item_seconds=np.full(6, 120.0))
planner = replace(case, records=records).planner()
learners = CurrentLearners(open_events("sqlite:///" + sys.argv[1]))
keeper = Keeper(lambda: planner, lambda: "always the same")
keeper.prepare(warm_up)
keeper.prepare(learners.prepare)
client = TestClient(create_app(keeper, learners=learners))


def loaded():
    # what is compiled for whom, of all modules with compiled functions
    return {
        (name, each): len(value.signatures)
        for name, module in list(sys.modules.items()) if name.startswith("kgplan.native.")
        for each, value in vars(module).items() if hasattr(value, "signatures")
    }


before = loaded()
assert before["kgplan.native.sequence", "sequence"] and before["kgplan.native.walk", "walk"]
seen = {"event_id": "e", "learner_id": "learner", "item_id": "v_e", "share": 1, "course_id": "A"}
goals = [{"course_id": "A"}, {"towards": "f"}]
more = [{}, {"length": 3}, {"minutes": 9, "bound": True}, {"theta": 0.9, "pin": "e"}]
for _ in range(2):
    for goal, options, name in product(goals, more, planners()):
        for learner in ("learner", "new", "somebody"):
            query = goal | options | {"planner": name, "explain": True, "detail": "numbers"}
            answer = client.get(f"/v1/learners/{learner}/path", params=query)
            walks = planners()[name].walks or "course_id" in goal
            assert answer.status_code == (200 if walks else 422), answer.text
    assert client.post("/v1/events", json=seen).status_code == 200
    assert client.get("/v1/learners/learner/mastery").status_code == 200
late = {each: n for each, n in loaded().items() if n != before.get(each, 0)}
assert not late, late
"""


def test_requests_find_all_that_is_compiled_loaded(tmp_path):
    command = [sys.executable, "-c", SCRIPT, str(tmp_path / "learners.db")]
    done = subprocess.run(command, cwd=TESTS, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
