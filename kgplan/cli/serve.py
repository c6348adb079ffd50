"""`kgplan serve`: the HTTP service."""

import os
from typing import Annotated

import typer

from kgplan.cli.output import console
from kgplan.settings import read_settings


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)] = 8000,
    workers: Annotated[
        int,
        typer.Option(
            help="Processes that answer; several share one copy of the model.",
            envvar="KGPLAN_WORKERS",
            min=1,
        ),
    ] = 1,
    dev: Annotated[
        bool, typer.Option("--dev", help="Answer without tokens; on this machine only.")
    ] = False,
) -> None:
    """Answer over HTTP: paths at /v1, a page at /, the API's description at /docs.

    Requests need a token, see docs/guide/security.md.

    [bold]Examples:[/] kgplan serve --dev · KGPLAN_AUTH_SECRET_FILE=secret kgplan serve --port 9000
    """
    from kgplan.api.security import check_settings  # the other commands start without it
    from kgplan.api.statements import StatementRules
    from kgplan.data.links import Links
    from kgplan.model.experiments import running_experiment

    settings = read_settings()
    if dev:
        settings = settings.model_copy(update={"auth": "dev"})
    check_settings(settings, host)
    os.umask(0o077)  # what the service and its jobs write is about learners
    StatementRules.of(settings)
    Links.of(settings.links)
    running_experiment(settings)
    where = f"kgplan at http://{host}:{port}/ · API description at /docs"
    if workers > 1:
        from kgplan.api.workers import serve_by_workers

        console.print(where)
        raise typer.Exit(serve_by_workers(settings, host, port, workers))

    from kgplan.api.door import DoorLimits
    from kgplan.api.keeper import keep_planner
    from kgplan.api.server import run_server
    from kgplan.api.service import make_service
    from kgplan.api.telemetry.logs import set_up_logging

    lines = set_up_logging(settings.log_format, settings.log_level)
    # a missing model is said before the port opens
    app = make_service(settings, keep_planner(settings), lines)
    console.print(where)
    limits = DoorLimits.of(settings)
    run_server(app, host, port, settings.drain_seconds, settings.stop_seconds, limits=limits)
