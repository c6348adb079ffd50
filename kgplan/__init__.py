"""kgplan: what should this learner learn next in this course, in what order, and why."""

import os
from importlib.metadata import version
from pathlib import Path

from kgplan.native.compiled import compiled_folder

__version__ = version("kgplan")

_PARTS = ("diagnosis", "embedding", "graph", "native", "planning", "similarity")
_CACHES = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()) / "kgplan"
os.environ.setdefault(  # before anything imports numba, which reads it once
    "NUMBA_CACHE_DIR",
    str(
        compiled_folder(
            _CACHES,
            (path for part in _PARTS for path in (Path(__file__).parent / part).glob("*.py")),
        )
    ),
)
