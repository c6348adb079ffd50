"""`kgplan token`: tokens for those who run a platform, and the secret that they are signed with."""

import os
import secrets
import time
from pathlib import Path
from typing import Annotated

import typer

from kgplan.cli.output import console
from kgplan.errors import ConfigError
from kgplan.settings import read_settings

HOURS = 24 * 366.0


def token(
    scope: Annotated[
        list[str] | None, typer.Option(help="What it allows; repeat it for several.")
    ] = None,
    learner: Annotated[
        str | None, typer.Option(help="The only learner whom it reaches; every one if not given.")
    ] = None,
    course: Annotated[
        list[str] | None,
        typer.Option(
            help="A teacher's course, whose running plans it reaches alone; repeat it for several."
        ),
    ] = None,
    hours: Annotated[float, typer.Option(help="How long it is valid.", min=0.001, max=HOURS)] = 1.0,
    subject: Annotated[str, typer.Option(help="Who holds it; the audit log names them.")] = "",
    new_secret: Annotated[
        Path | None, typer.Option(help="Write a fresh secret to this file, and make no token.")
    ] = None,
) -> None:
    """Print a token signed with the secret of KGPLAN_AUTH_SECRET_FILE or KGPLAN_AUTH_SECRET.

    [bold]Examples:[/] kgplan token --new-secret secret ·
    kgplan token --scope paths:read --learner U_1 --hours 1 ·
    kgplan token --scope teach --course C_1 --subject "Ms Noether"
    """
    from kgplan.api.tokens import SCOPES, mint  # the other commands start without it

    if new_secret is not None:
        write_secret(new_secret)
        console.print(f"wrote {new_secret}; set KGPLAN_AUTH_SECRET_FILE to it", highlight=False)
        return
    unknown = sorted(set(scope or []) - SCOPES.keys())
    if not scope or unknown:
        said = f"there is no scope {unknown[0]!r}" if unknown else "no scope is given"
        raise ConfigError(f"{said}; give --scope with one of {', '.join(SCOPES)}")
    if learner == "":
        raise ConfigError(
            "--learner is empty, so the token would reach nobody; give a learner's id"
        )
    settings = read_settings()
    if not settings.auth_secrets:
        raise ConfigError(
            "no secret is set, so tokens come from the issuer of KGPLAN_AUTH_JWKS, if any; for"
            " tokens from here, set KGPLAN_AUTH_SECRET_FILE"
        )
    print(
        mint(
            settings.auth_secrets[0],
            settings.auth_audience,
            scope,
            3600 * hours,
            time.time(),
            settings.auth_issuer,
            subject,
            learner,
            course or None,
        )
    )


def write_secret(path: Path) -> None:
    """Write a fresh secret that only the file's owner reads.

    Args:
        path: of a file that is not there yet.

    Raises:
        ConfigError: it is there, or cannot be written.
    """
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise ConfigError(
            f"{str(path)!r} cannot be written: {error.strerror}; name a new file, as tokens of the"
            " secret in an old one would end"
        ) from None
    with os.fdopen(file, "w", encoding="ascii") as stream:
        stream.write(secrets.token_urlsafe(48) + "\n")
