"""Which entities match what a person typed, in Chinese or English?"""

import unicodedata
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import islice, takewhile
from typing import Generic, Literal, Protocol, TypeVar

import numpy as np
from rapidfuzz import process
from rapidfuzz.distance import OSA

from kgplan.arrays import Ids

Kind = Literal["exact", "prefix", "part", "near"]
KINDS: tuple[Kind, ...] = ("exact", "prefix", "part", "near")


class Searchable(Protocol):
    """Something with an id and names."""

    @property
    def id(self) -> str:
        """Its id."""
        ...

    @property
    def names(self) -> tuple[str, ...]:
        """What else it is called; "" is no name."""
        ...


@dataclass(frozen=True)
class Entry:
    """An id and its names, and nothing else."""

    id: str
    names: tuple[str, ...]


T = TypeVar("T", bound=Searchable)


@dataclass(frozen=True)
class Match(Generic[T]):
    """An entry that was found, and how: by the whole name, its begin, a part, or nearly so."""

    entry: T
    kind: Kind


class SearchIndex(Generic[T]):
    """Entries ready to be searched by id and names.

    Args:
        entries: what there is, in the order to show it in.
    """

    def __init__(self, entries: Iterable[T]) -> None:
        self.entries = list(entries)

    @cached_property
    def _folded(self) -> list[tuple[str, int]]:
        """Every id and name with the place of its entry, sorted."""
        names = {
            (folded(name), place)
            for place, entry in enumerate(self.entries)
            for name in (entry.id, *entry.names)
            if name
        }
        return sorted(names)

    @cached_property
    def _by_id(self) -> dict[str, T]:
        return {entry.id: entry for entry in self.entries}

    def called(self, text: str) -> list[T]:
        """The entry of this id; else those whose id or name this is, as `folded`, in their order.

        >>> index = SearchIndex([Entry("C_2", ("Sets",)), Entry("C_1", ("sets", "C_2"))])
        >>> [entry.id for entry in index.called("C_2")], [e.id for e in index.called("SETS ")]
        (['C_2'], ['C_2', 'C_1'])
        """
        if text in self._by_id:
            return [self._by_id[text]]
        wanted = folded(text)
        first = bisect_left(self._folded, (wanted, 0))
        same = takewhile(lambda each: each[0] == wanted, islice(self._folded, first, None))
        return [self.entries[place] for _, place in same] if wanted else []

    def search(self, text: str, limit: int) -> list[Match[T]]:
        """Entries that match a text: exact first, then by begin, part of a name, near misses.

        A near miss differs by one edit (a letter more, less, another, or two exchanged) where the
        text has three to five letters, by two where it has more; of a name that goes on, its begin
        may be the near miss. Names and text are compared as `folded`.

        Args:
            text: typed by a person; "" lists everything.
            limit: entries at most.

        >>> index = SearchIndex([Entry("K_2", ("队列", "queue")),
        ...     Entry("K_1", ("栈", "stack")), Entry("K_3", ("栈溢出", "stack overflow"))])
        >>> [(match.entry.id, match.kind) for match in index.search("Stakc", 5)]
        [('K_1', 'near'), ('K_3', 'near')]
        >>> [(match.entry.id, match.kind) for match in index.search("栈", 5)]
        [('K_1', 'exact'), ('K_3', 'prefix')]
        """
        wanted = folded(text)
        if not wanted:
            return [Match(entry, "prefix") for entry in self.entries[:limit]]
        ranks: dict[int, tuple[int, int]] = {}  # place -> kind, edits

        def found(place: int, rank: tuple[int, int]) -> None:
            ranks[place] = min(rank, ranks.get(place, rank))

        for name, place in self._folded:
            if wanted in name:
                found(place, (0 if name == wanted else 1 if name.startswith(wanted) else 2, 0))
        edits = edits_allowed(wanted)
        if edits:
            for cut in (None, len(wanted)):
                begins = [name[:cut] for name, _ in self._folded]
                distances = process.cdist(
                    [wanted], begins, scorer=OSA.distance, score_cutoff=edits, dtype=np.int32
                )[0]
                for k in np.flatnonzero(distances <= edits).tolist():
                    found(self._folded[k][1], (3, 2 * int(distances[k]) + (cut is not None)))
        best = sorted(ranks, key=lambda place: (ranks[place], place))[:limit]
        return [Match(self.entries[place], KINDS[ranks[place][0]]) for place in best]


def folded(text: str) -> str:
    """A text without what may be written one way or another: case, width, and how wide a space is.

    In NFKC, as Unicode folds case for comparison.

    >>> folded(" ＩＰ地址"), folded("Data\u3000Structure"), folded("ｱﾙｺﾞ")
    ('ip地址', 'data structure', 'アルゴ')
    """
    if not text.isascii():
        text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return " ".join(text.casefold().split())


def edits_allowed(text: str) -> int:
    """Edits that a near miss may have: none under three letters, one under six, else two.

    >>> [edits_allowed(text) for text in ("栈", "stack", "recursion")]
    [0, 1, 2]
    """
    return 0 if len(text) < 3 else 1 if len(text) < 6 else 2


def close_matches(wanted: str, ids: Ids, limit: int = 3) -> list[str]:
    """Ids that look like the one that was asked for, best first.

    >>> close_matches("ｃ_math", np.array(["C_maths", "C_art", "K_x"]))
    ['C_maths']
    """
    found = process.extract(wanted, ids.tolist(), processor=folded, limit=limit, score_cutoff=75)
    return [match for match, _, _ in found]
