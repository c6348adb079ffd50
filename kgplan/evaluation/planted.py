"""Learners whose trouble is planted, so that it is known when it began: is it noticed, and when?

Each learner goes through a course of steps: a video, then exercises. Answers are those of V-DINA:
right with 1 - slip where the step is held, and with guess where it is not. Trouble begins at one
step or day: the step cannot be held, nothing more is done, or every session ends tired.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from kgplan.adjusting import (
    Affect,
    Other,
    Prerequisite,
    Rules,
    RunningPlan,
    RunningStep,
)
from kgplan.adjusting.signals import DAY, HOUR, MINUTE, WEEK, counted
from kgplan.data.events import Event
from kgplan.evaluation.adjusting import Followed, run
from kgplan.progress import Progress, silent

Trouble = Literal["none", "stuck", "lagging", "tired"]
TROUBLES: tuple[Trouble, ...] = ("stuck", "lagging", "tired")
NOTICED = {
    "stuck": ("difficulty", "stuck"),
    "lagging": ("pace", "lagging"),
    "tired": ("load", "eased"),
}
REGIONS = ("pace", "difficulty", "ahead", "load")


@dataclass(frozen=True)
class World:
    """How planted learners learn.

    Attributes:
        steps: of the course.
        minutes: of each step's video; an answer takes two.
        exercises: of each step.
        slip, guess: of every exercise.
        held: probability that a step's video makes it held; what is not held yet is watched again.
        tries: exercises at the step that cannot be held, until the learner gives up for the day.
        days: that are followed.
        weekly: minutes a week that are wanted.
        study: probability of a session on a day.
        told: probability that a session has a report of a mood.
        mistaken: probability that a report is drawn at random.
    """

    steps: int = 30
    minutes: float = 10.0
    exercises: int = 5
    slip: float = 0.1
    guess: float = 0.2
    held: float = 0.9
    tries: int = 20
    days: int = 28
    weekly: float = 60.0
    study: float = 0.7
    told: float = 0.5
    mistaken: float = 0.1


@dataclass(frozen=True)
class Planted:
    """Whether planted trouble was noticed.

    Attributes:
        trouble: which.
        learners: with it.
        noticed: share of them in the state that names it, after it began.
        delay: median hours from its begin to that state, of those noticed; None where none was.
        late: hours within which nine of ten of them were.
        false_alarms: times that the state was entered without trouble, a week of learners without
            any.
        quiet: share of these learners whom it never named.
    """

    trouble: str
    learners: int
    noticed: float
    delay: float | None
    late: float | None
    false_alarms: float
    quiet: float

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)


def plant(
    rules: Rules,
    learners: int,
    world: World | None = None,
    seed: int = 0,
    progress: Progress = silent,
) -> list[Planted]:
    """Follow learners with and without trouble through `adjust`.

    Args:
        rules: that are tried.
        learners: of each kind.
        world: how they learn.
        seed: of all draws.
        progress: told of learners.
    """
    world = world or World()
    entered: dict[Trouble, list[tuple[float, list[tuple[float, str, str]]]]] = {}
    kinds: tuple[Trouble, ...] = ("none", *TROUBLES)
    for k, trouble in enumerate(kinds):
        for n in range(learners):
            rng = np.random.default_rng((seed, k, n))
            followed, since = learner(world, trouble, rng, f"{trouble} {n}")
            entered.setdefault(trouble, []).append((since, _entered(followed, rules, world)))
            progress("learners", k * learners + n + 1, len(kinds) * learners)
    weeks = learners * world.days / 7
    found = []
    for trouble in TROUBLES:
        region, state = NOTICED[trouble]
        delays = []
        for since, states in entered[trouble]:
            after = [at - since for at, r, s in states if (r, s) == (region, state) and at >= since]
            if after:
                delays.append(min(after) / HOUR)
        alarms = [
            sum((r, s) == (region, state) for _, r, s in states) for _, states in entered["none"]
        ]
        found.append(
            Planted(
                trouble,
                learners,
                len(delays) / learners,
                float(np.median(delays)) if delays else None,
                float(np.quantile(delays, 0.9)) if delays else None,
                sum(alarms) / weeks,
                float(np.mean([each == 0 for each in alarms])),
            )
        )
    return found


def learner(
    world: World, trouble: Trouble, rng: np.random.Generator, name: str
) -> tuple[Followed, float]:
    """A learner with a trouble, and when it began: inf where there is none."""
    plan, events, affect = _plan(world), list[Event](), list[Affect]()
    at_step = int(rng.integers(4, 9)) if trouble == "stuck" else -1
    from_day = int(rng.integers(7, 15)) if trouble in ("lagging", "tired") else world.days
    since, step, time = float("inf"), 0, 0.0

    def happens(minutes: float, item: str, **said: Any) -> None:
        nonlocal time
        time += minutes * MINUTE
        events.append(Event(f"{len(events):05}", name, time, item, "C", **said))

    for day in range(world.days):
        begin = time = day * DAY + float(rng.uniform(8, 20)) * HOUR
        if day >= from_day and since == float("inf"):
            since = begin
        stops = trouble == "lagging" and day >= from_day
        if rng.random() > (0.2 if stops else world.study) or step >= world.steps:
            continue
        if stops:  # looks in and goes
            happens(0.0, f"v{step:02}", share=0.05, length=world.minutes * MINUTE)
            continue
        tired = trouble == "tired" and day >= from_day
        if tired or rng.random() < world.told:
            labels = ("positive", "neutral", "confused", "fatigued", "negative")
            mistaken = rng.random() < world.mistaken
            label = "fatigued" if tired else "neutral"
            drawn = labels[int(rng.integers(5))] if mistaken else label
            affect.append(Affect(f"{name} m{day}", begin + 20 * MINUTE, drawn))  # type: ignore[arg-type]
        stuck = step == at_step
        if stuck and since == float("inf"):
            since = begin
        happens(0.0, f"v{step:02}", started_at=0.0)
        happens(world.minutes, f"v{step:02}", share=1.0, length=world.minutes * MINUTE)
        held = not stuck and rng.random() < world.held
        right = 1 - world.slip if held else world.guess
        answers = world.tries if stuck else world.exercises
        for n in range(answers):
            happens(2.0, f"x{step:02}.{n % world.exercises}", score=float(rng.random() < right))
        step += held
    return Followed(name, plan, tuple(events), tuple(affect)), since


def mastery_of(
    events: Sequence[Event], world: World, at: float, prior: float = 0.5
) -> Mapping[str, float]:
    """Posterior of each step, given all answers to it, at the slip and guess of the world.

    >>> one = [Event("e", "u", 0.0, "x00.0", score=1.0)]
    >>> round(mastery_of(one, World(), 1.0)["00"], 3)  # .9 / (.9 + .2)
    0.818
    """
    odds: dict[str, float] = {}
    for event in counted(events, at):
        if event.score is not None and event.item_id is not None:
            step, right = event.item_id[1:3], event.score >= 0.5
            ratio = (1 - world.slip) / world.guess if right else world.slip / (1 - world.guess)
            odds[step] = odds.get(step, prior / (1 - prior)) * ratio
    return {step: each / (1 + each) for step, each in odds.items()}


def _plan(world: World) -> RunningPlan:
    names = [f"{k:02}" for k in range(world.steps)]
    steps = tuple(
        RunningStep(
            each,
            (f"v{each}",),
            world.minutes + 2 * world.exercises,
            asks=tuple(f"x{each}.{n}" for n in range(world.exercises)),
            needs=frozenset(names[max(k - 1, 0) : k]),
            others=(Other(f"w{each}", 1),),
            before=(Prerequisite(RunningStep(f"p{each}", (f"vp{each}",), 5.0), 0.5, 0.5),),
        )
        for k, each in enumerate(names)
    )
    return RunningPlan(steps, frozenset(names[-1:]), 0.0, world.weekly)


def _entered(followed: Followed, rules: Rules, world: World) -> list[tuple[float, str, str]]:
    """(at, region, state) of each state that was entered."""
    done = run(
        followed,
        rules,
        lambda at: mastery_of(followed.events, world, at),
        until=world.days * DAY + WEEK,
    )
    found, before = [], ("",) * len(REGIONS)
    for at, states in done.ticks:
        for region, was, now in zip(REGIONS, before, states, strict=True):
            if now and now != was:
                found.append((at, region, now))
        before = states
    return found
