"""`kgplan neo4j start | stop | status`: a real Neo4j server without Docker."""

from typing import TYPE_CHECKING, Annotated

import typer

from kgplan.cli.output import AsJson, console, errors, print_json, progress_bar
from kgplan.settings import read_settings

# Each command imports its own tools, so that the others start without the driver.
if TYPE_CHECKING:
    from kgplan.graph.neo4j_server import Neo4jServer, ServerStatus

neo4j = typer.Typer(
    help="A Neo4j server on this machine, from Maven Central; needs Java 17+ and Maven.",
    no_args_is_help=True,
)


@neo4j.command()
def start(
    host: Annotated[str, typer.Option(help="Address to listen on, as clients reach it.")] = (
        "127.0.0.1"
    ),
    bolt_port: Annotated[int, typer.Option(help="For drivers.", min=1, max=65535)] = 7687,
    http_port: Annotated[int, typer.Option(help="For Browser.", min=1, max=65535)] = 7474,
    heap_mb: Annotated[int, typer.Option(help="Memory of Java.", min=256)] = 1024,
    page_cache_mb: Annotated[int, typer.Option(help="Memory of the database.", min=8)] = 512,
    salvage: Annotated[
        bool, typer.Option("--salvage", help="Open a damaged database; the end of its log is lost.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Get Neo4j when needed, start it, and wait until it answers.

    The first start sets the password: KGPLAN_GRAPH_PASSWORD or the one in
    KGPLAN_GRAPH_PASSWORD_FILE, else a random one. It is kept in KGPLAN_HOME/neo4j/password.

    [bold]Examples:[/] kgplan neo4j start · kgplan neo4j start --bolt-port 17687 --http-port 17474
    """
    server = our_server()
    with progress_bar("neo4j") as progress:
        server.start(
            host,
            bolt_port,
            http_port,
            heap_mb,
            page_cache_mb,
            password=read_settings().graph_access.password or None,
            salvage=salvage,
            progress=progress,
        )
    show(server, server.status(), as_json)


@neo4j.command()
def stop() -> None:
    """Stop the server; its graph stays.

    [bold]Example:[/] kgplan neo4j stop
    """
    errors.print("Neo4j has stopped" if our_server().stop() else "no Neo4j was running")


@neo4j.command()
def status(as_json: AsJson = False) -> None:
    """Whether the server runs, and where.

    [bold]Example:[/] kgplan neo4j status --json
    """
    server = our_server()
    show(server, server.status(), as_json)


def our_server() -> "Neo4jServer":
    """The server in KGPLAN_HOME/neo4j."""
    from kgplan.graph.neo4j_server import Neo4jServer

    return Neo4jServer(read_settings().neo4j_home)


def show(server: "Neo4jServer", now: "ServerStatus", as_json: bool) -> None:
    """Print where the server is and how to use it."""
    if as_json:
        print_json(
            {
                "running": now.running,
                "pid": now.pid,
                "bolt": now.bolt,
                "http": now.http,
                "password_file": str(server.password_file),
                "log": str(server.log),
            }
        )
        return
    if not now.running:
        console.print("Neo4j is not running; start it with `kgplan neo4j start`")
        return
    lines = (
        f"Neo4j runs as process {now.pid}; log: {server.log}",
        f"Browser: {now.http}/browser/ · user neo4j · password in {server.password_file}",
        f"use it: export KGPLAN_GRAPH={now.bolt}",
    )
    console.print("\n".join(lines), highlight=False, soft_wrap=True)
