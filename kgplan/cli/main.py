"""`kgplan`: every part of the service, from the command line."""

import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.markup import escape

from kgplan import __version__
from kgplan.cli import (
    adjust,
    audit,
    browse,
    coldstart,
    diagnose,
    embed,
    engagement,
    events,
    experiment,
    generate,
    mastery,
    model,
    neo4j,
    paper,
    place,
    plan,
    recommend,
    resources,
    review,
    serve,
    similar,
    simulate,
    stages,
    token,
)
from kgplan.cli.output import errors
from kgplan.errors import InputError, KgplanError
from kgplan.store.files import enough_room

app = typer.Typer(
    name="kgplan",
    help="What should this learner learn next in this course, in what order, and why.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    epilog="Start with [bold]kgplan demo data/mooccube-cs.zip[/], or with [bold]kgplan init DIR[/]."
    " Settings: KGPLAN_HOME (where results are kept), KGPLAN_GRAPH (the graph database).",
)


def show_version(wanted: bool) -> None:
    """Print the version and stop."""
    if wanted:
        print(f"kgplan {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=show_version, is_eager=True, help="The version.")
    ] = False,
) -> None:
    """What should this learner learn next in this course, in what order, and why."""


app.command()(stages.init)
app.command()(stages.demo)
app.add_typer(stages.etl, name="etl")
app.add_typer(stages.graph, name="graph")
app.add_typer(neo4j.neo4j, name="neo4j")
app.add_typer(embed.embed, name="embed")
app.command()(embed.reembed)
app.add_typer(diagnose.diagnose, name="diagnose")
app.command()(stages.similarity)
app.command()(plan.plan)
app.command()(place.place)
app.command()(mastery.mastery)
app.command()(recommend.recommend)
app.command()(review.reviews)
app.add_typer(resources.resources, name="resources")
app.add_typer(coldstart.coldstart, name="coldstart")
app.command()(browse.learners)
app.command()(browse.courses)
app.command()(browse.concepts)
app.command()(similar.similar)
app.command()(browse.artifacts)
app.add_typer(model.model, name="model")
app.command()(serve.serve)
app.add_typer(events.events, name="events")
app.add_typer(experiment.experiment, name="experiment")
app.add_typer(adjust.adjust, name="adjust")
app.add_typer(audit.audit, name="audit")
app.add_typer(engagement.engagement, name="engagement")
app.command()(token.token)
app.command()(generate.generate)
app.command()(paper.paper)
app.command()(simulate.simulate)
stages.register(app)


def main() -> None:
    """Run the command; an error that kgplan raises on purpose is one sentence, not a traceback."""
    try:
        with enough_room("the command", Path.cwd()):
            app()
    except KgplanError as error:
        give_up(str(error), 2 if isinstance(error, InputError) else 1)
    except ModuleNotFoundError as error:
        give_up(
            f"the package {error.name} is not installed, as in the image, which only serves;"
            " `pip install kgplan` brings the whole",
            1,
        )


def give_up(why: str, status: int) -> NoReturn:
    """End with one sentence."""
    errors.print(f"[bold red]kgplan:[/] {escape(why)}", highlight=False, soft_wrap=True)
    sys.exit(status)
