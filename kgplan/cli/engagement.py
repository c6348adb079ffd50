"""`kgplan engagement`: whether the next view is completed; its batch stage, its worth."""

import time
from dataclasses import asdict
from typing import Annotated

import typer
from rich.markup import escape

from kgplan.cli.mastery import Language
from kgplan.cli.output import AsJson, console, print_json, progress_bar, table
from kgplan.cli.stages import finish, print_figures, run_alone
from kgplan.settings import read_settings

engagement = typer.Typer(
    no_args_is_help=True,
    help="What earlier views say of engagement: whether the next one is completed.",
    epilog="[bold]Examples:[/] kgplan engagement show U_177003 · kgplan engagement train ·"
    " kgplan engagement evaluate --markdown",
)


@engagement.callback()
def group() -> None:
    """What earlier views say of engagement: whether the next one is completed."""


@engagement.command("show")
def show(
    learner_id: Annotated[str, typer.Argument(help="Learner, as in `kgplan learners`.")],
    course: Annotated[
        str | None,
        typer.Option(help="Course by id or name that the next view is in; else that of the last."),
    ] = None,
    language: Annotated[Language, typer.Option(help="Of the sentences.")] = Language.ENGLISH,
    as_json: AsJson = False,
) -> None:
    """How likely a learner is to complete the next view if it is opened now, and why.

    It is completion of a video, from earlier views alone, and no state of a person. What the
    service recorded of the learner counts, as in its own answers.

    [bold]Examples:[/] kgplan engagement show U_177003 · kgplan engagement show U_177003 --json
    """
    from kgplan.model.engagement import engagement_of
    from kgplan.model.names import Names
    from kgplan.model.opening import open_planner
    from kgplan.model.recorded import reading_learners
    from kgplan.planning import PlanOptions

    settings = read_settings()
    planner = open_planner(settings)
    course_id = None if course is None else Names(planner.graph, planner.records).course(course)
    manner = PlanOptions(language=language.value, detail="numbers")
    with reading_learners(settings) as learners:
        found = engagement_of(learners, planner, learner_id, course_id, manner, time.time())
    if as_json:
        print_json(found.to_dict())
        return
    if found.item_id is not None:
        console.print(escape(found.title or found.item_id), highlight=False, soft_wrap=True)
    console.print(escape(found.because), highlight=False, soft_wrap=True)
    if found.alike_completed is not None:
        console.print(
            f"[dim]{found.alike_completed:.0%} of {found.alike:,} views held back that were given"
            " a chance in the same tenth were completed[/]",
            highlight=False,
            soft_wrap=True,
        )
    console.print(f"[dim]model {found.model_version}[/]", highlight=False)


@engagement.command("train")
def train(
    seed: Annotated[int, typer.Option(help="Of folds, fits and resamples.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Fit what says whether the next view is completed, and hold learners back to measure it.

    Where too few views tell how much was watched, nothing is served, and a note says why.

    [bold]Example:[/] kgplan engagement train
    """
    from kgplan.pipeline.engagement import EngagementConfig, run_engagement

    reports = [run_alone(run_engagement, EngagementConfig(seed=seed))]
    print_figures(reports, as_json)
    finish(reports, as_json)


@engagement.command("evaluate")
def evaluate_completion(
    seed: Annotated[int, typer.Option(help="Of folds, fits and resamples.")] = 0,
    as_markdown: Annotated[
        bool, typer.Option("--markdown", help="Print the table as Markdown.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Hold learners back, and say who tells best whether their next view is completed.

    Five folds by learner; a view is completed from a share of .9 on. Intervals: 95 %, over
    learners. Then, whether learners alike tell what share is watched, and whether clusters help.
    No real records here have labels of affect: this is completion and nothing else. It needs the
    extra embed.

    [bold]Examples:[/] kgplan engagement evaluate · kgplan engagement evaluate --seed 1 --json
    """
    from kgplan.engagement.completion import next_views
    from kgplan.evaluation.engagement import evaluate, foretell, foretold_markdown, markdown
    from kgplan.pipeline.engagement_views import open_watched

    watched, places, _ = open_watched(read_settings())
    views = next_views(watched, places)
    with progress_bar("engagement") as progress:
        rows = list(evaluate(views, seed=seed, progress=progress))
    choice, foretold, narrowed = foretell(watched, seed)
    if as_json:
        print_json(
            {
                "completion": [each.to_dict() for each in rows],
                "clusters": choice.k,
                "neighbours": [asdict(each) for each in foretold],
                "narrowed": asdict(narrowed),
            }
        )
        return
    learners = len(set(views.learner.tolist()))
    said = f"{views.completed.size:,} views of {learners} learners"
    if as_markdown:
        typer.echo(f"{said}\n\n{markdown(rows)}\n\n{foretold_markdown(foretold, narrowed)}")
        return
    lines = [
        (
            row.method,
            f"{row.auc:.4f} [{row.low:.4f}, {row.high:.4f}]",
            f"{row.accuracy:.4f}",
            f"{row.brier:.4f}",
            "" if row.gain is None else f"{row.gain:+.4f}",
        )
        for row in rows
    ]
    console.print(table(said, ("", "AUC", "accuracy", "Brier", "over logistic"), lines))
    told = [(row.method, f"{row.rmse:.4f}", f"{row.covered:.1%}") for row in foretold]
    title = f"shares of held-back views, {choice.k} clusters"
    console.print(table(title, ("", "RMSE", "told by neighbours"), told))
