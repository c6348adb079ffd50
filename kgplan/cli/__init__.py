"""The `kgplan` command."""

from kgplan.cli.main import app, main

__all__ = ["app", "main"]
