"""Which entities match what a person typed, in Chinese or English?"""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from rapidfuzz import process
from rapidfuzz.distance import OSA

from kgplan.arrays import Ids

Kind = Literal["exact", "prefix", "part", "near"]
KINDS: tuple[Kind, ...] = ("exact", "prefix", "part", "near")


@dataclass(frozen=True)
class Entry:
    """Something that can be listed: an id, its names, and what else to show."""

    id: str
    names: tuple[str, ...]
    shown: tuple[str | int, ...]


@dataclass(frozen=True)
class Match:
    """An entry that was found, and how: by the whole name, its begin, a part, or nearly so."""

    entry: Entry
    kind: Kind


class SearchIndex:
    """Entries ready to be searched by id and names.

    Args:
        entries: what there is, in the order to show it in.
    """

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.entries = list(entries)
        names = {
            (folded(name), place)
            for place, entry in enumerate(self.entries)
            for name in (entry.id, *entry.names)
            if name
        }
        self._names = [name for name, _ in sorted(names)]
        self._places = [place for _, place in sorted(names)]

    def search(self, text: str, limit: int) -> list[Match]:
        """Entries that match a text: exact first, then by begin, part of a name, near misses.

        A near miss differs by one edit (a letter more, less, another, or two exchanged) where the
        text has three to five letters, by two where it has more; of a name that goes on, its begin
        may be the near miss. Names and text are compared as `folded`.

        Args:
            text: typed by a person; "" lists everything.
            limit: entries at most.

        >>> index = SearchIndex([Entry("K_2", ("队列", "queue"), ()),
        ...     Entry("K_1", ("栈", "stack"), ()), Entry("K_3", ("栈溢出", "stack overflow"), ())])
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

        for name, place in zip(self._names, self._places, strict=True):
            if wanted in name:
                found(place, (0 if name == wanted else 1 if name.startswith(wanted) else 2, 0))
        edits = edits_allowed(wanted)
        if edits:
            for cut in (None, len(wanted)):
                begins = [name[:cut] for name in self._names]
                distances = process.cdist(
                    [wanted], begins, scorer=OSA.distance, score_cutoff=edits, dtype=np.int32
                )[0]
                for k in np.flatnonzero(distances <= edits).tolist():
                    found(self._places[k], (3, 2 * int(distances[k]) + (cut is not None)))
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


def search(entries: Sequence[Entry], text: str, limit: int) -> list[Entry]:
    """Entries that match a text, as `SearchIndex.search` finds them."""
    return [match.entry for match in SearchIndex(entries).search(text, limit)]


def close_matches(wanted: str, ids: Ids, limit: int = 3) -> list[str]:
    """Ids that look like the one that was asked for, best first.

    >>> close_matches("ｃ_math", np.array(["C_maths", "C_art", "K_x"]))
    ['C_maths']
    """
    found = process.extract(wanted, ids.tolist(), processor=folded, limit=limit, score_cutoff=75)
    return [match for match, _, _ in found]
