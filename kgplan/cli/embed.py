"""`kgplan embed`, `reembed`: train TransR and show it; renew all that rests on its vectors."""

from pathlib import Path
from typing import Annotated, Any

import typer

from kgplan.cli.output import AsJson, console
from kgplan.cli.stages import Changes, Config, configured, finish, print_figures, run_stage
from kgplan.settings import read_settings

Warm = Annotated[
    bool, typer.Option("--warm", help="Start from the vectors in use, and stop when they are back.")
]
Log = Annotated[
    Path | None, typer.Option(help="Append stages and epochs to this file, as JSON lines.")
]
Trackers = Annotated[
    list[str] | None,
    typer.Option(help="PyKEEN's result tracker: tensorboard=DIR, mlflow=URI, csv=FILE, json=FILE."),
]

embed = typer.Typer(invoke_without_command=True)


@embed.callback()
def run_embedding(
    context: typer.Context,
    config: Config = None,
    changes: Changes = None,
    warm: Warm = False,
    log: Log = None,
    tracker: Trackers = None,
    as_json: AsJson = False,
) -> None:
    """Train TransR on the graph's triples; needs kgplan\\[embed].

    A run that was stopped is taken up after its last whole epoch.

    [bold]Examples:[/] kgplan embed · kgplan embed --config my.toml --json ·
    kgplan embed --set training.epochs=40 ·
    kgplan embed --warm --log epochs.jsonl --tracker tensorboard=runs/1
    """
    if context.invoked_subcommand is not None:
        return
    from kgplan.pipeline.embed import run_embed
    from kgplan.pipeline.tracking import followed

    settings, chosen = read_settings(), configured(run_embed, config, changes)
    with followed(log, tracker or [], chosen.to_dict()) as follow:
        run = follow.stages(run_stage)
        training = {"warm": warm, "follow": follow}
        reports = [run("embed", lambda progress: run_embed(settings, chosen, progress, **training))]
    print_figures(reports, as_json)
    if not as_json:
        say_how_it_began(reports[0].details)
    finish(reports, as_json)


def reembed(
    config: Config = None,
    changes: Changes = None,
    warm: Warm = False,
    alpha: Annotated[
        float | None, typer.Option(help="Weight of the semantic part, 0 to 1; as similarity.alpha.")
    ] = None,
    log: Log = None,
    tracker: Trackers = None,
    job: Annotated[str, typer.Option(hidden=True, help="Id of the job that runs this.")] = "",
    as_json: AsJson = False,
) -> None:
    """Vectors, diagnosis and similarity of the graph as it is now, put into use all at once.

    Until the end, and if it is stopped, everybody is answered from the old model.

    Keys belong to a stage, which may stand before them: diagnose.damping, or damping alone.

    [bold]Examples:[/] kgplan reembed · kgplan reembed --warm --log epochs.jsonl ·
    kgplan reembed --set training.epochs=40 --set diagnose.damping=0.2
    """
    from kgplan.pipeline.embed import run_embed
    from kgplan.pipeline.reembed import run_reembed
    from kgplan.pipeline.tracking import followed
    from kgplan.store.configs import configs_with, read_changes
    from kgplan.store.stages import stages_of

    wanted = read_changes(config, changes or [])
    if alpha is not None:
        wanted["similarity.alpha"] = alpha
    settings, configs = read_settings(), configs_with(wanted, stages_of("model"))
    training = configs.get(run_embed.name) or run_embed.config()
    with followed(log, tracker or [], training.to_dict()) as follow:
        run = follow.stages(run_stage)
        reports = run_reembed(settings, configs, warm, follow, run, job)
    print_figures(reports, as_json)
    if not as_json:
        say_how_it_began(reports[0].details)
        plans = reports[-1].details["plans"]
        if plans is not None:
            console.print(
                f"plans of the panel: {plans['changed']} of {plans['plans']} changed,"
                f" {plans['kept_steps']:z.0%} of their concepts stayed",
                highlight=False,
            )
    finish(reports, as_json)


def say_how_it_began(details: dict[str, Any]) -> None:
    """Tell of a warm start, a run taken up, and how far the vectors moved."""
    began = [
        "warm start" if details["warm"] else "cold start",
        *(["taken up where a run was stopped"] if details["resumed"] else []),
    ]
    drift = details["drift"]
    if drift is not None:
        began.append(
            f"{drift['kept']:,} entities kept, {drift['new']:,} new, {drift['gone']:,} gone;"
            f" mean drift {drift['mean']:z.3f},"
            f" {drift['share']:z.0%} of the usual distance of two entities"
        )
    console.print("; ".join(began), highlight=False)


@embed.command("report")
def report_embedding(
    out: Annotated[
        Path | None, typer.Option(help="The page; embedding.html in KGPLAN_HOME.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the map, and of what is drawn from many.")] = 0,
) -> None:
    """Write one HTML page: training, figures by relation, a map, neighbours, similarities.

    [bold]Examples:[/] kgplan embed report · kgplan embed report --out page.html --seed 1
    """
    from kgplan.pipeline.embedding_report import PAGE, find_in_home, to_html
    from kgplan.report.writing import write_page

    settings = read_settings()
    place = out or settings.home / PAGE
    write_page(to_html(find_in_home(settings, seed)), place)
    console.print(f"page: {place}", highlight=False, soft_wrap=True)
