"""The `kgplan` command."""

import sys

from rich.markup import escape

from kgplan.cli.output import errors
from kgplan.errors import InputError, KgplanError


def main() -> None:
    """Run the command; an error that kgplan raises on purpose is one sentence, not a traceback."""
    try:
        from kgplan.cli.main import app  # it asks which planners there are, which may fail

        app()
    except KgplanError as error:
        errors.print(f"[bold red]kgplan:[/] {escape(str(error))}", highlight=False, soft_wrap=True)
        sys.exit(2 if isinstance(error, InputError) else 1)
