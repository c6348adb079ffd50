"""`kgplan embed`: the batch stage that trains TransR."""

import typer

from kgplan.cli.output import AsJson, console
from kgplan.cli.stages import Config, embedding_config, embedding_table, finish, run_stage
from kgplan.settings import read_settings

embed = typer.Typer(invoke_without_command=True)


@embed.callback()
def run_embedding(context: typer.Context, config: Config = None, as_json: AsJson = False) -> None:
    """Train TransR on the graph's triples; needs kgplan\\[embed].

    [bold]Examples:[/] kgplan embed · kgplan embed --config my.toml --json
    """
    if context.invoked_subcommand is not None:
        return
    from kgplan.etl.stages import run_embed

    settings, chosen = read_settings(), embedding_config(config)
    reports = [run_stage("embed", lambda progress: run_embed(settings, chosen, progress))]
    if not as_json:
        console.print(embedding_table(reports[0].details))
    finish(reports, as_json)
