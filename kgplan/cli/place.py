"""`kgplan place`: some questions to a learner of whom little is known, and the plan then."""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from kgplan.cli.events import records
from kgplan.cli.output import AsJson, console, print_json
from kgplan.cli.plan import GoalConcept, GoalCourse, print_plan
from kgplan.errors import ConfigError
from kgplan.settings import read_settings

if TYPE_CHECKING:
    from kgplan.model.names import Names
    from kgplan.planning import Planner
    from kgplan.planning.placing import Question

MOST = 12
REPLIES = {"y": 1.0, "yes": 1.0, "n": 0.0, "no": 0.0, "?": 0.5, "unsure": 0.5, "s": None}
"""What may be typed; None passes the question over."""
ASKED = "y yes · n no · ? not sure · s pass over · q stop"


def place(
    learner_id: Annotated[str, typer.Argument(help="Learner; may be new.")],
    course: GoalCourse = None,
    towards: GoalConcept = None,
    most: Annotated[int, typer.Option(help="Questions at most.", min=0, max=200)] = MOST,
    in_words: Annotated[
        bool, typer.Option("--in-words", help="Ask about concepts alone, not exercises.")
    ] = False,
    answers: Annotated[
        Path | None,
        typer.Option(
            help="JSON: concept or item -> yes, no, unsure, or a score; questions that it does not"
            " answer are passed over."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Ask a learner what is held already, where that says most, and plan.

    Asks whether concepts are held, and exercises where the goal has some, one after the other,
    until no answer would change how the plan begins. The answers are stored in the learner records,
    as if they had been sent over HTTP: every later plan knows them.

    [bold]Examples:[/] kgplan place zhang 操作系统 · kgplan place zhang --towards 栈 --most 6 ·
    kgplan place zhang 操作系统 --answers answers.json --json
    """
    from kgplan.api.placements import Answered, keep, known_of  # --help answers without numbers
    from kgplan.model.current import CurrentLearners
    from kgplan.model.names import Names
    from kgplan.model.opening import open_planner
    from kgplan.planning.placing import Goal, Placer

    if (course is None) == (towards is None):
        raise ConfigError("give either a course (`kgplan courses` lists them) or --towards CONCEPT")
    settings = read_settings()
    planner = open_planner(settings)
    names = Names(planner.graph, planner.records)
    goal = Goal(
        None if course is None else names.course(course),
        None if towards is None else names.concept(towards),
    )
    reply = asked_in_the_terminal if answers is None else replies_of(answers, planner, names)
    given: list[Answered] = []
    told: list[dict[str, Any]] = []
    with records(settings) as store:
        learners = CurrentLearners(store)
        placer = Placer(planner, learners.model(planner))
        while True:
            found = placer.next(
                learner_id,
                goal,
                known_of(learners, planner, learner_id),
                [each.named for each in given],
                len(given),
                most,
                in_words=in_words,
            )
            if found.question is None:
                break
            value = reply(len(given) + 1, found.question)
            if value == STOPPED:
                break
            answer = Answered(found.question.concept_id, found.question.item_id, value)
            keep(learners, planner, learner_id, [answer])
            given.append(answer)
            told.append(asdict(found.question) | {"value": value})
    if as_json:
        print_json({"questions": told, "reason": found.ended, "plan": found.plan.to_dict()})
        return
    console.print(f"[dim]{len(given)} questions: {why(found.ended)}[/]", highlight=False)
    print_plan(planner, found.plan)


STOPPED = -1.0


def why(ended: str | None) -> str:
    """Why there are no more questions, in words."""
    from kgplan.planning import PlanOptions
    from kgplan.planning.texts import say

    return "stopped." if ended is None else say(PlanOptions(), f"place.{ended}")


def asked_in_the_terminal(number: int, question: "Question") -> float | None:
    """The answer that a person types; `STOPPED` where no more is wanted."""
    other = f" ({question.name_en})" if question.name_en not in ("", question.name) else ""
    if question.concept_id is not None:
        asks = f"Do you know {question.name}{other}?"
    else:
        where = f" {question.url}" if question.url else ""
        asks = f"Can you answer “{question.name or question.item_id}” right?{where}"
    console.print(f"{number}. [bold]{escape(asks)}[/]", highlight=False, soft_wrap=True)
    console.print(f"   [dim]{escape(question.because)}[/]", highlight=False, soft_wrap=True)
    while True:
        typed = typer.prompt(f"   {ASKED}", prompt_suffix=": ").strip().lower()
        if typed in ("q", "quit"):
            return STOPPED
        if typed in REPLIES:
            return REPLIES[typed]


def replies_of(
    path: Path, planner: "Planner", names: "Names"
) -> "Callable[[int, Question], float | None]":
    """The answers of a file.

    Raises:
        ConfigError: it is no JSON object of answers. Others as for `Names.concept`.
    """
    try:
        stated = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read as JSON: {error}") from None
    if not isinstance(stated, dict):
        raise ConfigError(f"{path} holds no object; write " + '{"concept": "yes"}')
    found: dict[str, float | None] = {}
    for called, said in stated.items():
        value = REPLIES.get(said, STOPPED) if isinstance(said, str) else said
        if isinstance(value, bool) or (value is not None and not 0 <= value <= 1):
            raise ConfigError(
                f"{path} says {said!r} of {called!r}; write yes, no, unsure, or a score of 0 to 1"
            )
        is_item = planner.records.items.find(called) >= 0
        if not is_item and value not in (0.0, 0.5, 1.0, None):
            raise ConfigError(
                f"{path} says {said!r} of the concept {called!r}; write yes, no or unsure"
            )
        found[called if is_item else names.concept(called)] = value
    return lambda _, question: found.get(question.concept_id or question.item_id or "")
