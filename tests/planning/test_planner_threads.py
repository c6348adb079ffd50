"""Do many threads that plan at once get what one gets alone, whatever is kept between plans?"""

import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from planning_cases import random_case

from kgplan.planning import PlanOptions, sequencing


@pytest.fixture
def switching():
    """Threads take turns as often as Python can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def test_threads_that_plan_at_once_get_what_one_gets_alone(monkeypatch, switching):
    """With room for two scopes, nearly every plan drives out another's."""
    monkeypatch.setattr(sequencing, "KEPT", 2)
    case = random_case(3)
    courses, concepts = case.graph.course_ids.tolist(), case.graph.concept_ids.tolist()
    asked = [(learner, course) for learner in ("u0", "u1", "nobody") for course in courses]
    to = [(learner, concept) for learner in ("u0", "nobody") for concept in concepts]

    def plans(planner):
        options = PlanOptions(6)
        yield from (lambda each=each: planner.plan(*each, options) for each in asked)
        yield from (lambda each=each: planner.plan_towards(*each, options) for each in to)

    alone = [make() for make in plans(case.planner())]
    assert any(plan.steps for plan in alone)
    with ThreadPoolExecutor(16) as threads:
        shared = list(plans(case.planner()))
        again = [*threads.map(lambda make: make(), shared * 8)]
    assert again == alone * 8
