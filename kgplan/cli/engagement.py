"""`kgplan engagement`: how well real records tell whether the next view is completed."""

from dataclasses import asdict
from typing import Annotated

import typer

from kgplan.cli.output import AsJson, console, print_json, progress_bar, table
from kgplan.settings import read_settings

engagement = typer.Typer(
    no_args_is_help=True,
    help="What earlier views say of engagement: whether the next one is completed.",
    epilog="[bold]Examples:[/] kgplan engagement evaluate · kgplan engagement evaluate --markdown",
)


@engagement.callback()
def group() -> None:
    """What earlier views say of engagement: whether the next one is completed."""


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
