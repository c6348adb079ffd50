"""The `kgplan` command."""

import sys
from pathlib import Path

from rich.markup import escape

from kgplan.cli.output import errors
from kgplan.errors import InputError, KgplanError
from kgplan.files import enough_room


def main() -> None:
    """Run the command; an error that kgplan raises on purpose is one sentence, not a traceback."""
    try:
        from kgplan.cli.main import app  # it asks which planners there are, which may fail

        with enough_room("the command", Path.cwd()):
            app()
    except KgplanError as error:
        errors.print(f"[bold red]kgplan:[/] {escape(str(error))}", highlight=False, soft_wrap=True)
        sys.exit(2 if isinstance(error, InputError) else 1)
