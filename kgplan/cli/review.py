"""`kgplan reviews`: what a learner held and is about to forget, and the least to open for it."""

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.markup import escape

from kgplan.cli.mastery import Language
from kgplan.cli.output import AsJson, console, print_json
from kgplan.settings import read_settings


def reviews(
    learner_id: Annotated[str, typer.Argument(help="Learner, as in `kgplan learners`.")],
    course: Annotated[
        str | None, typer.Argument(help="Course by id or name; all concepts if not given.")
    ] = None,
    minutes: Annotated[
        float,
        typer.Option(
            help="That the learner has; reviews take a share (KGPLAN_REVIEW_SHARE) of it.",
            min=1,
            max=100_000,
        ),
    ] = 60.0,
    language: Annotated[Language, typer.Option(help="Of the sentences.")] = Language.ENGLISH,
    as_json: AsJson = False,
) -> None:
    """What a learner held and is about to forget, and the least to open for it.

    A concept is due where the chance of recalling it, by FSRS, has fallen to KGPLAN_REVIEW_RECALL.
    When something was worked on is known by the service's events alone: send them over HTTP, or
    load them with `kgplan events load`.

    [bold]Examples:[/] kgplan reviews U_177003 操作系统 ·
    kgplan reviews U_177003 --minutes 30 --json
    """
    import time

    from kgplan.cli.plan import opened
    from kgplan.model.names import Names  # --help answers without the numerical libraries
    from kgplan.model.opening import open_planner
    from kgplan.model.recorded import reading_learners
    from kgplan.model.reviews import ReviewRules, reviews_of
    from kgplan.planning import PlanOptions

    settings = read_settings()
    planner = open_planner(settings)
    course_id = None if course is None else Names(planner.graph, planner.records).course(course)
    manner = PlanOptions(language=language.value, detail="numbers")
    with reading_learners(settings) as learners:
        rules = ReviewRules.of(settings)
        asked = learners, planner, learner_id, course_id, minutes
        found = reviews_of(*asked, rules, manner, time.time())
    if as_json:
        print_json(found.to_dict())
        return
    for place, each in enumerate(found.reviews, start=1):
        line = f"{place:>3}. {escape(opened(each.resource))}"
        console.print(line, highlight=False, soft_wrap=True)
        console.print(f"     [dim]{escape(each.because)}[/]", highlight=False, soft_wrap=True)
    told = [found.note] if found.note else []
    if found.later:
        told.append(f"beyond {found.minutes:.0f} min: {found.later:,} concepts that are due, too")
    if found.next_due is not None:
        when = datetime.fromtimestamp(found.next_due, UTC).date()
        told.append(f"next is due on {when} (UTC)")
    for line in told:
        console.print(escape(line), highlight=False, soft_wrap=True)
