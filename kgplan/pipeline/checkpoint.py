"""Where does a long run stand? One file, replaced whole: a killed run leaves its last state.

The file is named by a hash of all that the run's result depends on: only a run that would come to
the same result finds it.
"""

import os
import time
from pathlib import Path

from kgplan.machine import sync

FORGOTTEN_AFTER = 7 * 24 * 3600.0  # seconds; nobody has taken up such a run


class Checkpoint:
    """The stored state of one run.

    Args:
        folder: of all checkpoints.
        key: of this run.
    """

    def __init__(self, folder: Path, key: str) -> None:
        self.path = folder / key

    def read(self) -> bytes | None:
        """The last state that was written; None where there is none."""
        try:
            return self.path.read_bytes()
        except FileNotFoundError:
            return None

    def write(self, state: bytes) -> None:
        """Replace the stored state; whoever is killed meanwhile leaves the one before."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        aside = self.path.with_suffix(f".{os.getpid()}")
        try:
            aside.write_bytes(state)
            sync(aside)
            aside.replace(self.path)
        finally:
            aside.unlink(missing_ok=True)

    def remove(self) -> None:
        """Forget the run, and all that was left in the folder too long ago."""
        self.path.unlink(missing_ok=True)
        for path in self.path.parent.glob("*"):
            if time.time() - path.stat().st_mtime > FORGOTTEN_AFTER:
                path.unlink(missing_ok=True)
