"""Where do compiled functions lie? In a folder named after the source of all of them.

numba knows a compiled function by its own file alone. A function that calls one of another file
has that one compiled into it, and would go on with the old one after the other file changed. So
the folder's name changes whenever any file with compiled functions does.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path

MARK = b"njit"


def compiled_folder(caches: Path, sources: Iterable[Path]) -> Path:
    """The folder for what is compiled from these files; those without compiled functions pass.

    Args:
        caches: the folder above it.
        sources: Python files.
    """
    digest = hashlib.sha256()
    for path in sorted(sources):
        text = path.read_bytes()
        if MARK in text:
            digest.update(str(path).encode() + b"\0" + text)
    return caches / f"compiled-{digest.hexdigest()[:16]}"
