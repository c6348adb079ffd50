"""What does a round of looks at running plans cost? CPU seconds, whatever else the machine does.

`PYTHONPATH=tests python tests/bench/running_plans.py [LEARNERS] [URL]`: so many learners in the
middle of a session, each with 20 events in the last quarter of an hour, all of them due at once.
"""

import sys
import tempfile
import time
from dataclasses import replace
from functools import partial

import numpy as np
from planning_cases import large_case

from kgplan.adjusting import usual_rules
from kgplan.api.adjuster import look_at_all
from kgplan.data.events import Event
from kgplan.model.current import CurrentLearners
from kgplan.model.running import Run, RunningPlans
from kgplan.planning import Planner
from kgplan.store.events import open_events, running
from kgplan.store.events.sent import Sent

EVENTS = 20


def begun_in(runs: RunningPlans, planner: Planner, course: str, begun: float) -> Run:
    """A plan of a course; others' are made like it, as planning is not what is measured."""
    learner = f"first in {course}"
    enrols = Event(learner, learner, begun - 1, course_id=course, enrols=True)
    runs.store.submit([Sent(enrols, "event", {}, enrols.event_id)]).result()
    return runs.begin(planner, planner.plan(learner, course), 60.0, "", begun)


def main(n: int, url: str) -> None:
    """Print what it costs."""
    case, rng, begun = large_case(2_000, 200, 2_000), np.random.default_rng(0), 1e9
    planner, store = case.planner(), open_events(url)
    runs = RunningPlans(CurrentLearners(store), usual_rules())
    courses = case.graph.course_ids.tolist()
    like = {course: begun_in(runs, planner, course, begun) for course in courses}
    for k in range(n):
        course = courses[k % len(courses)]
        kept = replace(like[course].kept, learner_id=f"learner {k}")
        store.write(partial(running.begin, run=kept, erasures=0, told={"what": "begin"}))
        items = [item for step in like[course].plan.steps for item in step.items]
        times = begun + np.sort(rng.uniform(0, 900, EVENTS))
        sent = []
        for e, at in enumerate(times.tolist()):
            item = items[(e * len(items)) // (2 * EVENTS)]
            says = {"score": float(rng.random() < 0.4)} if e % 3 == 0 else {"share": 0.5}
            event = Event(f"{k} {e}", f"learner {k}", at, item, course, **says)
            sent.append(Sent(event, "event", {}, event.event_id))
        store.submit(sent)
    store.flush()
    since = time.process_time()
    done = look_at_all(runs, lambda: planner, lambda: begun + 1_800)
    spent = time.process_time() - since
    print(f"{done}: {spent:.1f} CPU s, {1e3 * spent / max(done.plans, 1):.2f} ms a plan")
    with store.reading() as session:
        lines = session.rows("audit_line.page", after=0, most=10 * n)
    looks = [len(text) + 72 for _, text, _ in lines if '"what": "look"' in text]
    print(f"{len(looks):,} lines of audit, {np.mean(looks):.0f} bytes each")
    store.close()


if __name__ == "__main__":
    learners = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory() as folder:
        main(learners, sys.argv[2] if len(sys.argv) > 2 else f"sqlite:///{folder}/learners.db")
