"""`kgplan model`: the models that were in use, and which one is to be."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from kgplan.cli.output import AsJson, console, print_json, table
from kgplan.settings import read_settings
from kgplan.store.artifacts import ArtifactStore

if TYPE_CHECKING:
    from kgplan.model.versions import Activation

model = typer.Typer(help="Models: which were in use, and which is to be.", no_args_is_help=True)


@model.command("list")
def list_models(as_json: AsJson = False) -> None:
    """Every model that was in use, the last one first.

    [bold]Examples:[/] kgplan model list · kgplan model list --json
    """
    from kgplan.model import versions  # --help answers without the numerical libraries

    found = versions.list_models(ArtifactStore(read_settings().artifacts))
    if as_json:
        print_json([asdict(each) for each in found])
        return
    rows = [
        (
            each.version,
            each.in_use,
            each.since[:19].replace("T", " "),
            each.by,
            each.test_mrr,
            each.log_likelihood,
            each.graph_version,
            each.problem or "whole",
        )
        for each in found
    ]
    headings = ("version", "in use", "since (UTC)", "by", "test MRR", "log-likelihood", "graph")
    console.print(table("models", (*headings, "on disk"), rows))


@model.command("activate")
def activate(
    version: Annotated[str, typer.Argument(help="As `kgplan model list` shows it.")],
    as_json: AsJson = False,
) -> None:
    """Put a model into use again that was in use before, all of it at once.

    Refused where its files are not whole or it knows none of the graph's concepts. A running
    service follows within seconds.

    [bold]Example:[/] kgplan model activate 0123456789abcdef
    """
    from kgplan.model import versions

    tell(versions.activate(read_settings(), version, by="kgplan model activate"), as_json)


@model.command("rollback")
def rollback(as_json: AsJson = False) -> None:
    """Put the model into use that was in use before this one; each call goes one further back.

    [bold]Examples:[/] kgplan model rollback · kgplan model rollback --json
    """
    from kgplan.model import versions

    tell(versions.roll_back(read_settings(), by="kgplan model rollback"), as_json)


def tell(done: "Activation", as_json: bool) -> None:
    """Say which model is in use now, and how well it knows the graph."""
    if as_json:
        print_json(asdict(done))
        return
    was = f", {done.before} before" if done.before and done.before != done.model.version else ""
    console.print(
        f"in use: {done.model.version}{was}; it has vectors of {done.known_concepts:,} of the"
        f" {done.concepts:,} concepts of graph {done.graph_version}",
        highlight=False,
        soft_wrap=True,
    )
