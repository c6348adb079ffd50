"""`kgplan plan`: one learner's path through one course."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from kgplan.cli.output import AsJson, console, print_json
from kgplan.settings import read_settings

if TYPE_CHECKING:
    from kgplan.planning import Plan, Planner


def plan(
    learner_id: Annotated[str, typer.Argument(help="Learner, as in `kgplan learners`.")],
    course_id: Annotated[str, typer.Argument(help="Course, as in `kgplan courses`.")],
    length: Annotated[int, typer.Option(help="Concepts to plan.", min=1, max=50)] = 4,
    max_prerequisites: Annotated[
        int, typer.Option(help="Prerequisites walked per start.", min=0, max=50)
    ] = 10,
    neighbours: Annotated[
        int, typer.Option(help="Similar concepts that a preference looks at.", min=1, max=100)
    ] = 10,
    picture_path: Annotated[
        Path | None, typer.Option("--picture", help="Also draw the path to this SVG file.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """What a learner should learn next in a course, foundation first, and why.

    [bold]Example:[/] kgplan plan U_7001215 C_course-v1:TsinghuaX+30240184+sp
    --length 6 --picture path.svg
    """
    from kgplan.model import open_planner  # --help answers without the numerical libraries
    from kgplan.planning import PlanOptions

    planner = open_planner(read_settings())
    made = planner.plan(learner_id, course_id, PlanOptions(length, max_prerequisites, neighbours))
    if picture_path is not None:
        write_picture(planner, made, picture_path)
    if as_json:
        print_json(made.to_dict())
        return
    print_plan(planner, made)
    if picture_path is not None:
        console.print(f"picture: {picture_path}")


def print_plan(planner: "Planner", made: "Plan") -> None:
    """Show a plan step by step, with its notes and versions."""
    course = planner.graph.course_name(made.course_id)
    console.print(f"[bold]{escape(f'{made.learner_id} in {course}')}[/] {escape(made.course_id)}")
    for place, step in enumerate(made.steps, start=1):
        english = f" [dim]{escape(step.name_en)}[/]" if step.name_en else ""
        doubt = f", {step.doubt.replace('_', ' ')}" if step.doubt else ""
        console.print(
            f"{place:>3}. [bold]{escape(step.name)}[/]{english}  {step.role},"
            f" mastery {step.terms.mastery:.2f} ± {step.sd:.2f}{doubt}",
            highlight=False,
        )
        console.print(f"     {escape(step.because)}", highlight=False, soft_wrap=True)
        if step.teaches:
            where = step.teaches[0]
            video = f", video {where.video_id}" if where.video_id else ""
            console.print(
                f"     [dim]learn it in {escape(where.course_id)}{escape(video)}[/]",
                highlight=False,
                soft_wrap=True,
            )
    for note in made.notes:
        console.print(escape(note), highlight=False)
    console.print(f"[dim]graph {made.graph_version} · model {made.model_version}[/]")


def write_picture(planner: "Planner", made: "Plan", path: Path) -> None:
    """Draw a plan to an SVG file."""
    from kgplan.planning.picture import picture

    edges = planner.graph.prerequisites_among([step.concept_id for step in made.steps])
    drawn = picture(made, planner.graph.course_name(made.course_id), edges)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(drawn, encoding="utf-8")
