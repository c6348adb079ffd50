"""`kgplan recommend`: courses that a learner may take next, each with its reason."""

from typing import Annotated

import typer
from rich.markup import escape

from kgplan.cli.output import AsJson, console, print_json
from kgplan.settings import read_settings


def recommend(
    learner_id: Annotated[str, typer.Argument(help="Learner, as in `kgplan learners`.")],
    limit: Annotated[int, typer.Option(help="Courses at most.", min=1, max=50)] = 5,
    alike: Annotated[
        float, typer.Option(help="How alike a course has to be to one taken.", min=0, max=1)
    ] = 0.7,
    as_json: AsJson = False,
) -> None:
    """Courses that a learner may take next: those like the ones taken, each with its reason.

    Alike is the mean of two cosines: of what is said of both courses, and of who takes both. Runs
    of courses that were taken are left out. Of whom nothing is known gets what most learners take.

    [bold]Examples:[/] kgplan recommend U_177003 · kgplan recommend U_177003 --alike 0.5 --json
    """
    from kgplan.model.opening import open_planner  # --help answers without numerical libraries
    from kgplan.model.recommending import open_recommender
    from kgplan.model.recorded import recorded_learner

    settings = read_settings()
    planner = open_planner(settings)
    current = recorded_learner(settings, planner, learner_id)
    recommender = open_recommender(planner, settings)
    found = recommender.of(learner_id, current, limit, alike)
    if as_json:
        print_json(found.to_dict())
        return
    for place, each in enumerate(found.courses, start=1):
        console.print(
            f"{place:>3}. [bold]{escape(each.name)}[/] {escape(each.course_id)}",
            highlight=False,
            soft_wrap=True,
        )
        console.print(f"     {escape(each.because)}", highlight=False, soft_wrap=True)
    if found.told:
        console.print(escape(found.told), highlight=False, soft_wrap=True)
