"""`kgplan adjust tick` and `kgplan audit verify`, on a home with running plans."""

import json
import time

from forked import run_kgplan

from kgplan.adjusting import usual_rules
from kgplan.data.events import Event
from kgplan.model.current import CurrentLearners
from kgplan.model.opening import open_planner
from kgplan.model.running import RunningPlans
from kgplan.settings import Settings
from kgplan.store.events import open_events
from kgplan.store.events.sent import Sent


def test_looks_that_are_due_are_made_once_and_the_chain_is_verified(own_home: Settings):
    planner = open_planner(own_home)
    learner, course = str(planner.records.learner_ids[0]), str(planner.graph.course_ids[0])
    store, begun = open_events(own_home.records_url), time.time() - 7_200
    runs = RunningPlans(CurrentLearners(store), usual_rules())
    run = runs.begin(planner, planner.plan(learner, course), 60.0, "platform", begun)
    (item, *_) = run.plan.steps[0].items
    told = [Event(f"e{k}", learner, begun + 180 * k, item, course, score=0.0) for k in range(1, 30)]
    store.submit([Sent(each, "event", {}, each.event_id) for each in told]).result(30)
    store.close()

    done = run_kgplan(own_home.home, "adjust", "tick", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    # two hours of quarters: 29 answers in 87 minutes, and the end of the session after 30 more
    assert (found["plans"], found["looks"], found["again"]) == (1, 8, 0)
    assert found["changes"] > 0
    assert json.loads(run_kgplan(own_home.home, "adjust", "tick", "--json").stdout)["looks"] == 0

    done = run_kgplan(own_home.home, "audit", "verify", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["lines"] == 2  # begun, and looked at
    done = run_kgplan(own_home.home, "audit", "verify", "--hash", "f" * 64)
    assert done.returncode == 1
    assert "no line has the hash" in done.stderr


def test_without_records_there_is_an_empty_chain(tmp_path):
    done = run_kgplan(tmp_path, "audit", "verify")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("0 lines")
