"""`kgplan plan`: one learner's path through one course, or towards a concept."""

from collections.abc import Callable
from inspect import Parameter, signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from kgplan.cli.output import AsJson, console, errors, print_json
from kgplan.errors import ConfigError, UnknownLearner
from kgplan.planning.options import OPTIONS, NamedOption
from kgplan.settings import read_settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kgplan.planning import Plan, Planner, Resource, StepExplanation


def with_plan_options(command: Callable[..., None]) -> Callable[..., None]:
    """A command that takes `PlanOptions` one by one, in place of its `**chosen`."""
    own = signature(command, eval_str=True)
    kept = [each for each in own.parameters.values() if each.kind is not Parameter.VAR_KEYWORD]
    mine = [_parameter(named) for named in OPTIONS]
    command.__signature__ = own.replace(parameters=[*kept, *mine])  # type: ignore[attr-defined]
    return command


def _parameter(named: NamedOption) -> Parameter:
    option, of, default = named.option, named.type, named.default
    try:
        about = option.told()
    except ConfigError as error:  # a planner cannot be loaded: other commands need none
        about = f"{option.about} ({error})"
    about = about[0].upper() + about[1:]
    if isinstance(default, tuple):
        of, default, about = list[str] | None, None, f"{about}; may be repeated"
    elif option.names is not None:
        of = str
    described = typer.Option(help=f"{about}.", min=option.low, max=option.high)
    return Parameter(
        named.name,
        Parameter.POSITIONAL_OR_KEYWORD,
        default=default,
        annotation=Annotated[of, described],
    )


GoalCourse = Annotated[
    str | None,
    typer.Argument(help="Course by id or name, see `kgplan courses`; or give --towards."),
]
GoalConcept = Annotated[
    str | None, typer.Option(help="Concept to reach, by id or name, in place of a course.")
]


@with_plan_options
def plan(
    learner_id: Annotated[str, typer.Argument(help="Learner, as in `kgplan learners`.")],
    course: GoalCourse = None,
    towards: GoalConcept = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Also what was rejected and what would change.")
    ] = False,
    picture_path: Annotated[
        Path | None, typer.Option("--picture", help="Also draw the path to this SVG file.")
    ] = None,
    as_json: AsJson = False,
    **chosen: Any,
) -> None:
    """What a learner should learn next in a course, or towards a concept, and why.

    A name that several have is answered with a list of them, to choose an id from. What the service
    recorded of the learner counts, as in its own answers. Whom nothing names gets the plan of a new
    learner.

    [bold]Examples:[/] kgplan plan U_177003 操作系统 ·
    kgplan plan U_177003 C_course-v1:TsinghuaX+30240184+sp
    --length 6 --picture path.svg · kgplan plan U_177003 --towards K_中断机制_计算机科学技术
    --explain --theta 0.9
    """
    from kgplan.model.names import Names  # --help answers without the numerical libraries
    from kgplan.model.opening import open_planner
    from kgplan.model.recorded import recorded_learner
    from kgplan.planning import PlanOptions

    if (course is None) == (towards is None):
        raise ConfigError("give either a course (`kgplan courses` lists them) or --towards CONCEPT")
    options = PlanOptions(**{name: given for name, given in chosen.items() if given is not None})
    settings = read_settings()
    maker = open_planner(settings)
    current = recorded_learner(settings, maker, learner_id)
    if current is None:
        tell_of_unknown(maker, learner_id)
    names = Names(maker.graph, maker.records)
    options = names.options(options)
    if towards is not None:
        made = maker.plan_towards(learner_id, names.concept(towards), options, current)
    else:
        made = maker.plan(learner_id, names.course(course or ""), options, current)
    explained = maker.explain(made, current) if explain else ()
    if picture_path is not None:
        write_picture(maker, made, picture_path)
    if as_json:
        why = {"explanations": [each.to_dict() for each in explained]} if explain else {}
        print_json(made.to_dict() | why)
        return
    print_plan(maker, made, explained)
    if picture_path is not None:
        console.print(f"picture: {picture_path}")


def tell_of_unknown(planner: "Planner", learner_id: str) -> None:
    """Say on standard error where no learner has this id, and who may have been meant."""
    try:
        planner.records.learners.place(learner_id, UnknownLearner)
    except UnknownLearner as unknown:
        told = f"{unknown}; this is the plan of a new learner"
        errors.print(escape(told), highlight=False, soft_wrap=True)


def print_plan(
    planner: "Planner", made: "Plan", explained: "Sequence[StepExplanation]" = ()
) -> None:
    """Show a plan step by step, with its notes and versions, and explanations where there are."""
    goal = planner.graph.goal_name(made.course_id, made.towards)
    way = "in" if made.course_id is not None else "towards"
    goal_id = made.course_id or made.towards or ""
    named = f"[bold]{escape(f'{made.learner_id} {way} {goal}')}[/]"
    console.print(f"{named} {escape(goal_id)}" if goal_id != goal else named)
    for place, step in enumerate(made.steps, start=1):
        other = step.name_en if step.name_en != step.name else ""
        english = f" [dim]{escape(other)}[/]" if other else ""
        doubt = f", {step.doubt.replace('_', ' ')}" if step.doubt else ""
        console.print(
            f"{place:>3}. [bold]{escape(step.name)}[/]{english}  {step.role},"
            f" mastery {step.terms.mastery:z.2f} ± {step.sd:z.2f}{doubt}",
            highlight=False,
        )
        console.print(f"     {escape(step.because)}", highlight=False, soft_wrap=True)
        for resource in step.resources:
            console.print(
                f"     [dim]{escape(opened(resource))}[/]", highlight=False, soft_wrap=True
            )
        if step.runners_up:
            others = ", ".join(each.title or each.item_id or "" for each in step.runners_up)
            console.print(f"     [dim]or {escape(others)}[/]", highlight=False, soft_wrap=True)
        if explained:
            print_explanation(explained[place - 1])
    for note in made.notes:
        console.print(escape(note), highlight=False)
    console.print(f"[dim]graph {made.graph_version} · model {made.model_version}[/]")


def opened(resource: "Resource") -> str:
    """What to open, in a line."""
    from kgplan.data.records import EXERCISE, VIDEO, WATCHED

    what = resource.title or (f"{resource.kind} {resource.item_id}" if resource.item_id else "")
    kind = "" if resource.kind in (None, VIDEO) else str(resource.kind)
    length = f"{resource.minutes:.0f} min" if resource.minutes is not None else ""
    moves = ", ".join(
        f"{move.name} {move.mastery:.2f} → {move.expected:.2f}" for move in resource.moves
    )
    where = f"in {resource.course_name}"
    again = "again" if resource.again else ""
    if resource.score is not None and resource.kind == EXERCISE:
        again = f"again: not yet, {resource.score:.0%} right"
        if resource.score >= WATCHED:
            again = "again: was right"
    leave = "may be left out" if resource.optional else ""
    told = ", ".join(filter(None, (kind, again, length, where, leave, resource.url or "")))
    once = "once right, " if moves and resource.kind == EXERCISE else ""
    return f"{what} ({told})" + (f": {once}{moves}" if moves else "") if what else where


def print_explanation(explanation: "StepExplanation") -> None:
    """Show what decided a step, what was rejected and what would change the choice."""
    lines = [explanation.because]
    lines += [f"not {other.name}: {other.because}" for other in explanation.alternatives]
    lines += [f"then not {other.name}: {other.because}" for other in explanation.ended]
    lines += [change.because for change in explanation.changes]
    for line in lines:
        console.print(f"       [dim]{escape(line)}[/]", highlight=False, soft_wrap=True)


def write_picture(planner: "Planner", made: "Plan", path: Path) -> None:
    """Draw a plan to an SVG file."""
    from kgplan.report.plan_picture import picture

    edges = planner.graph.prerequisites_among([step.concept_id for step in made.steps])
    drawn = picture(made, planner.graph.goal_name(made.course_id, made.towards), edges)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(drawn, encoding="utf-8")
