"""`kgplan serve`: the HTTP service."""

from typing import Annotated

import typer

from kgplan.cli.output import console
from kgplan.settings import read_settings


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)] = 8000,
) -> None:
    """Answer over HTTP: paths at /v1, a page at /, the API's description at /docs.

    [bold]Example:[/] kgplan serve --port 9000
    """
    import uvicorn  # the other commands start without it

    from kgplan.api.app import create_app
    from kgplan.api.current import CurrentLearners
    from kgplan.api.keeper import keep_planner
    from kgplan.api.limits import Limits
    from kgplan.api.records import open_records

    settings = read_settings()
    keeper = keep_planner(settings)  # a missing model is said before the port opens
    records = open_records(settings.records_url)
    app = create_app(keeper, Limits.of(settings), CurrentLearners(records))
    console.print(f"kgplan at http://{host}:{port}/ · API description at /docs")
    try:
        uvicorn.run(app, host=host, port=port, log_level="info")
    finally:
        records.close()
