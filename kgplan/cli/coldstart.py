"""`kgplan coldstart`: whom a new learner is like, and whether that helps."""

from typing import Annotated

import typer

from kgplan.cli.output import AsJson, console, print_json, progress_bar, table
from kgplan.cli.stages import finish, print_figures, run_alone
from kgplan.settings import read_settings

coldstart = typer.Typer(
    no_args_is_help=True,
    help="Whom a learner is like of whom little is known, by a Siamese network.",
    epilog="[bold]Examples:[/] kgplan coldstart train · kgplan coldstart evaluate --seeds 1",
)


@coldstart.command("train")
def train(
    epochs: Annotated[int, typer.Option(help="Of training, at most.", min=1)] = 100,
    seed: Annotated[int, typer.Option(help="Of all that is drawn.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Train a Siamese network that says whom a learner of few rows is like.

    It needs the extra embed. Nothing that is served rests on it yet.

    [bold]Example:[/] kgplan coldstart train
    """
    from kgplan.coldstart.config import TowerConfig
    from kgplan.pipeline.coldstart import run_coldstart

    reports = [run_alone(run_coldstart, TowerConfig(epochs=epochs, seed=seed))]
    print_figures(reports, as_json)
    finish(reports, as_json)


@coldstart.command("evaluate")
def evaluate_lending(
    seeds: Annotated[int, typer.Option(help="How often the network is trained.", min=1)] = 5,
    epochs: Annotated[int, typer.Option(help="Of training, at most.", min=1)] = 100,
    whole: Annotated[
        bool,
        typer.Option(
            "--whole/--quick",
            help="Whether parts are left out of the network, and a forest and a network without"
            " sides fitted to pairs, too.",
        ),
    ] = True,
    as_markdown: Annotated[
        bool, typer.Option("--markdown", help="Print all tables as Markdown.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Cut learners after a few rows, and say what neighbours tell of what they did next.

    Of the learners 14 of 20 are known, 3 choose settings, 3 are measured, by the hash of their ids.
    What they open next is named by the network, its parts left out, and methods that count; their
    mastery is compared with what all rows say. Intervals: 95 %, over learners. It needs the extra
    embed, and some minutes.

    [bold]Examples:[/] kgplan coldstart evaluate · kgplan coldstart evaluate --seeds 1 --epochs 30
    --quick --markdown
    """
    from kgplan.coldstart.config import CUTS, TowerConfig
    from kgplan.evaluation.coldstart.report import evaluate, markdown
    from kgplan.pipeline.cold_rows import read_world
    from kgplan.store.artifacts import ArtifactStore

    tables = ArtifactStore(read_settings().artifacts).current("tables").path
    world = read_world(tables)
    with progress_bar("evaluation") as progress:
        report = evaluate(world, TowerConfig(epochs=epochs), seeds, progress, whole)
    if as_json:
        print_json(report.to_dict())
        return
    if as_markdown:
        typer.echo(markdown(report), nl=False)
        return
    heads = ("", *(f"n = {n}" for n in CUTS))
    ranked = {(each.method, each.n): each.means["AUC_hard"] for each in report.ranked}
    lent = {(each.method, each.n): each.means["error"] for each in report.lent}
    for title, found in (("AUC_hard", ranked), ("error of mastery", lent)):
        names = dict.fromkeys(name for name, _ in found)
        rows = [(name, *(f"{found[name, n]:.3f}" for n in CUTS)) for name in names]
        console.print(table(title, heads, rows))
