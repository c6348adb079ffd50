"""`kgplan resources`: rankings of resources, and how good they are."""

from typing import Annotated

import typer

from kgplan.cli.output import AsJson, console, print_json, progress_bar, table
from kgplan.errors import ConfigError

resources = typer.Typer(help="Resources: which to open, and how well that is said.")


@resources.command("evaluate")
def evaluate_rankings(
    protocols: Annotated[
        str | None,
        typer.Option(
            "--protocols",
            help="last-5, last-1, last-20%, global, per concept, by commas; all where not given.",
        ),
    ] = None,
    seeds: Annotated[int, typer.Option(help="How many, from 0.", min=1)] = 5,
    as_markdown: Annotated[
        bool, typer.Option("--markdown", help="Print the tables as Markdown.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Hold views back, rank all that a learner had not opened, and say what was found.

    Each learner's last views, or all behind one moment, are named by methods that count and by the
    blend. Everything is ranked, nothing is sampled; ties go by id. Intervals: 95 %, over learners.

    [bold]Examples:[/] kgplan resources evaluate · kgplan resources evaluate --protocols last-5
    --seeds 1 · kgplan resources evaluate --markdown
    """
    from kgplan.evaluation.resources.report import MEASURES, PROTOCOLS, evaluate, markdown
    from kgplan.pipeline.resource_views import open_views
    from kgplan.settings import read_settings

    asked = [each.strip() for each in protocols.split(",")] if protocols else list(PROTOCOLS)
    for each in asked:
        if each not in PROTOCOLS:
            raise ConfigError(f"no protocol {each!r}; there are {', '.join(PROTOCOLS)}")
    viewing, vectors = open_views(read_settings())
    with progress_bar("resources") as progress:
        cells = list(evaluate(viewing, vectors, asked, seeds, progress))
    if as_json:
        print_json([each.to_dict() for each in cells])
        return
    if as_markdown:
        typer.echo(markdown(cells))
        return
    for protocol in asked:
        rows = [each for each in cells if each.protocol == protocol]
        names = MEASURES[protocol]
        told = [
            (row.method, *(f"{row.means[name]:.3f}" for name in names), _gain(row.gain, row.over))
            for row in rows
        ]
        title = f"{protocol}, {rows[0].cases:,} cases"
        console.print(table(title, ("", *names, "gain"), told))


def _gain(gain: float | None, over: str | None) -> str:
    return "" if gain is None else f"{gain:+.3f} over {over}"
