"""When is a step done? Every way of having watched two videos, against the rule in words."""

from itertools import product

import pytest

from kgplan.planning.progress import Worked, steps_done

WHEN = ("never", "before the plan", "since")


def step(*again: bool, moves: bool = True) -> dict:
    """A step on concept c, as JSON, with a video v0, v1, ... for each of the arguments."""
    moved = [{"concept_id": "c", "mastery": 0.2, "expected": 0.6}] if moves else []
    videos = enumerate(again)
    resources = [{"item_id": f"v{n}", "again": each, "moves": moved} for n, each in videos]
    return {"concept_id": "c", "resources": resources}


def worked(*when: str) -> Worked:
    """What follows from when v0, v1, ... were watched; all are on c."""
    since = frozenset(f"v{n}" for n, each in enumerate(when) if each == "since")
    ever = frozenset(f"v{n}" for n, each in enumerate(when) if each != "never")
    return Worked(frozenset("c") if since else frozenset(), since, ever)


@pytest.mark.parametrize("when", list(product(WHEN, WHEN)))
@pytest.mark.parametrize("again", list(product((False, True), (False, True))))
def test_a_step_of_a_planned_sequence_is_done_with_all_its_resources(when, again):
    """What was planned to be opened again counts since then only."""
    whole = all(
        each == "since" or (each == "before the plan" and not repeated)
        for each, repeated in zip(when, again, strict=True)
    )
    assert steps_done([step(*again)], worked(*when)) == (frozenset("c") if whole else frozenset())


@pytest.mark.parametrize("when", list(product(WHEN, WHEN)))
def test_of_resources_to_choose_from_any_one_since_the_plan_will_do(when):
    expected = frozenset("c") if "since" in when else frozenset()
    chosen = step(False, False, moves=False)
    assert steps_done([chosen], worked(*when)) == expected
    earlier = {"concept_id": "c", "teaches": [{"item_id": "v0"}]}  # as plans once were kept
    assert steps_done([earlier], worked(*when)) == expected


def test_a_step_is_not_done_by_another_steps_videos():
    other = step(False) | {"concept_id": "d"}
    other["resources"][0]["item_id"] = "v9"
    assert steps_done([step(False), other], worked("since")) == {"c"}
    apart = [each | {"resources": []} for each in (step(), other)]
    assert steps_done(apart, worked("since")) == {"c"}
