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

    from kgplan.api.keeper import keep_planner
    from kgplan.api.service import make_service

    settings = read_settings()
    # a missing model is said before the port opens
    app = make_service(settings, keep_planner(settings))
    console.print(f"kgplan at http://{host}:{port}/ · API description at /docs")
    uvicorn.run(app, host=host, port=port, log_level="info")
