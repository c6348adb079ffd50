"""Which sources can be read, and which of them is it that lies at a path?

A source is a file that makes a `NamedSource`, with SQL beside it where it needs some. Those of
other packages are found by the entry point group `kgplan.sources`. What is common to all, from zips
to repeated rows, is in `kgplan.etl.archive` and `kgplan.etl.extract`.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from kgplan.errors import SourceError
from kgplan.etl.archive import Archive, Layout, open_archive
from kgplan.etl.sources import (
    assistments,
    canvas,
    case,
    ednet,
    junyi,
    mooccube,
    mooccubex,
    moocradar,
    moodle,
    oneroster,
    openedx,
    split,
    tables,
    xes3g5m,
)
from kgplan.etl.sources.steps import NamedSource, Step
from kgplan.registry import named, registered
from kgplan.store.queries import named_queries

__all__ = [
    "GROUP",
    "NamedSource",
    "Step",
    "files_read",
    "named_queries",
    "open_source",
    "source_named",
    "source_of",
    "sources",
]

GROUP = "kgplan.sources"
SHOWN_FILES = 3


@cache
def sources() -> Mapping[str, NamedSource]:
    """Every source by its name: ours first, then other packages'.

    Raises:
        ConfigError: one cannot be loaded, or two have one name.
    """
    platforms = (mooccube, mooccubex, openedx, moodle, case, oneroster, canvas, tables)
    sets = (assistments, ednet, junyi, moocradar, split, xes3g5m)
    ours = [each.SOURCE for each in (*platforms, *sets)]
    return registered("source", GROUP, NamedSource, ours)


def source_named(name: str) -> NamedSource:
    """The source of a name.

    Raises:
        ConfigError: there is none.
    """
    return named("source", name, sources())


def files_read(source: NamedSource) -> Layout:
    """The source's own files, and the plain tables that may lie beside them."""
    return (*source.layout, *tables.SOURCE.layout) if source.read else source.layout


def source_of(path: Path, name: str | None = None) -> NamedSource:
    """The source of a name; without one, the source whose files lie at a path.

    Raises:
        ConfigError: there is none of this name.
        SourceError: nothing is there, no source has such files, or several do.
    """
    if name is not None:
        return source_named(name)
    with open_archive(path) as archive:
        paths = archive.paths
        for looks in (False, True):  # into the files, only where their names do not tell
            found = {
                each.name: sorted(archive.tops([f for f in each.layout if looks or not f.sign]))
                for each in sources().values()
            }
            likely = [each for each in sources().values() if found[each.name]]
            whole = [each for each in likely if not _missing(each, archive.within(each.layout))]
            best = _surest(whole or likely, found)
            if len(best) == 1 and (looks or (whole and best[0] is not tables.SOURCE)):
                return best[0]
    if not likely:
        known = "; ".join(f"{each.name}: {_listed(_paths(each))}" for each in sources().values())
        raise SourceError(
            f"{path} holds {_listed(sorted(paths))}, nothing of a source that is known"
            f" ({known}); give the zip or the folder that has them, `kgplan etl sources` lists all"
        )
    could = " or ".join(f"{each.name} (it has {_listed(found[each.name])})" for each in likely)
    raise SourceError(f"{path} could be {could}; say which it is with --format")


def _surest(likely: list[NamedSource], found: Mapping[str, list[str]]) -> list[NamedSource]:
    """Those beside which the others are less: some of the same files, or plain tables."""
    most = [
        each
        for each in likely
        if not any(set(found[each.name]) < set(found[other.name]) for other in likely)
    ]
    return [each for each in most if each is not tables.SOURCE] or most


@contextmanager
def open_source(path: Path, source: NamedSource) -> Iterator[Archive]:
    """Open a source's zip or folder; folders of any name around its files are looked through.

    Raises:
        SourceError: nothing is there, it is no readable zip, it has no file of the source's, a
            required file is absent, or a member unpacks to suspiciously much.
    """
    with open_archive(path) as whole:
        archive = whole.within(source.layout)
        if not archive.paths:
            raise SourceError(
                f"{path} does not hold {source.title}: no {source.layout[0].path} or any other file"
                " of its layout; give the zip or the folder that has them in it"
            )
        if missing := _missing(source, archive):
            raise SourceError(
                f"{path} lacks {', '.join(missing)}; take them from the full {source.title} archive"
            )
        yield archive


def _missing(source: NamedSource, archive: Archive) -> list[str]:
    return [f.path for f in source.layout if f.required and not archive.found(f)]


def _paths(source: NamedSource) -> list[str]:
    return [file.path for file in source.layout]


def _listed(paths: list[str]) -> str:
    shown, more = paths[:SHOWN_FILES], len(paths) - SHOWN_FILES
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "") if paths else "no file"
