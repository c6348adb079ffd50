"""Where do compiled functions lie? In a folder named after the source of all of them.

numba knows a compiled function by its own file alone. A function that calls one of another file
has that one compiled into it, and would go on with the old one after the other file changed. So
the folder's name changes whenever any file with compiled functions does. It does not tell where
kgplan lies: a second installation of the same source finds what the first one compiled.
"""

import hashlib
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import cache as once
from pathlib import Path
from typing import Any

import numba
import platformdirs
from numba.core import config
from numba.core.caching import CompileResultCacheImpl, FunctionCache, UserWideCacheLocator

from kgplan.machine import locked

HERE = Path(__file__).parent
MARKS = (b"njit", b"numba", b"NamedTuple")  # the last: what compiled functions take apart


def njit(*, cache: bool = False, **options: Any) -> Callable[[Callable], Any]:
    """`numba.njit`, which keeps what it compiled in a folder of kgplan's own.

    Args:
        cache: keep it for later processes.
        **options: of `numba.njit`.
    """

    def compiled(function: Callable) -> Any:
        kernel = numba.njit(**options)(function)  # noqa: TID251
        if cache and kernel is not function:  # it is under NUMBA_DISABLE_JIT
            kernel._cache = _Cache(function)
        return kernel

    return compiled


def compiled_folder(caches: Path, sources: Iterable[Path]) -> Path:
    """The folder for what is compiled from these files; those without compiled functions pass.

    Args:
        caches: the folder above it.
        sources: Python files, of one folder.
    """
    digest = hashlib.sha256(numba.__version__.encode())  # each would drop what the other kept
    for path in sorted(sources):
        text = path.read_bytes()
        if any(mark in text for mark in MARKS):
            digest.update(b"\0".join((path.name.encode(), text, b"")))
    return caches / f"compiled-{digest.hexdigest()[:16]}"


@once
def _folder() -> Path:
    """The folder for kgplan as it is now, below the one that the user names for numba, if any."""
    caches = Path(config.CACHE_DIR or platformdirs.user_cache_path("kgplan"))
    return compiled_folder(caches, HERE.glob("*.py"))


class _Locator(UserWideCacheLocator):
    def ensure_cache_path(self) -> None:
        with suppress(OSError):  # a folder may be there to be read only, as an image's
            super().ensure_cache_path()

    def get_cache_path(self) -> str:
        if Path(self._py_file).parent == HERE:  # the folder's name tells the source
            return str(_folder())
        return str(_folder() / self.get_suitable_cache_subpath(self._py_file))


class _Implementation(CompileResultCacheImpl):
    _locator_classes = (_Locator,)


class _Cache(FunctionCache):
    _impl_class = _Implementation

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        with suppress(OSError):  # what cannot be read is compiled, too
            return super().load_overload(sig, target_context)
        return None

    def save_overload(self, sig: Any, data: Any) -> None:
        # numba numbers the files of a function's signatures by what its index says they are: two
        # processes that save at once would give theirs one number, and later ones load the wrong
        # code. What cannot be kept is compiled again.
        self._impl.locator.ensure_cache_path()
        with suppress(OSError), locked(Path(self.cache_path) / ".lock"):
            super().save_overload(sig, data)
