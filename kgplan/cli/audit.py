"""`kgplan audit`: is the chained log of running plans as it was written?"""

from typing import Annotated

import typer

from kgplan.cli.output import AsJson, console, print_json
from kgplan.settings import read_settings

audit = typer.Typer(
    help="The chained log of looks at running plans and of decisions about them.",
    no_args_is_help=True,
)


@audit.command("verify")
def verify(
    known: Annotated[
        str, typer.Option("--hash", help="That of a line, as an earlier verify printed it.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """See that no line of the log was changed, left out or put in since it was written.

    Whoever may write to the database could write the whole chain anew: keep the hash that is
    printed elsewhere, and give it next time.

    [bold]Examples:[/] kgplan audit verify · kgplan audit verify --hash 3f1c…
    """
    from dataclasses import asdict

    from kgplan.store.events import read_events
    from kgplan.store.events.chain import FIRST, Chain, verified

    found, store = Chain(0, FIRST), read_events(read_settings().records_url)
    if store is not None:
        try:
            with store.reading() as session:
                found = verified(session, known)
        finally:
            store.close()
    if as_json:
        print_json(asdict(found))
        return
    console.print(
        f"{found.lines:,} lines, the chain holds; the last hash is {found.hash}",
        highlight=False,
        soft_wrap=True,
    )
