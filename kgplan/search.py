"""Which entities match what a person typed, in Chinese or English?"""

from collections.abc import Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz

TYPO_SCORE = 80  # of 100, from which a near miss is shown


@dataclass(frozen=True)
class Entry:
    """Something that can be listed: an id, its names, and what else to show."""

    id: str
    names: tuple[str, ...]
    shown: tuple[str | int, ...]


def search(entries: Sequence[Entry], text: str, limit: int) -> list[Entry]:
    """Entries that match a text: exact first, then by prefix, part of a name, and near misses.

    Args:
        entries: what there is, in the order to show it in.
        text: typed by a person; "" lists everything.
        limit: entries at most.

    >>> stack = Entry("K_1", ("栈", "stack"), ())
    >>> queue = Entry("K_2", ("队列", "queue"), ())
    >>> [entry.id for entry in search([queue, stack], "Stakc", 5)]
    ['K_1']
    >>> [entry.id for entry in search([queue, stack], "队", 5)]
    ['K_2']
    """
    wanted = text.strip().casefold()
    if not wanted:
        return list(entries[:limit])
    ranked = [(rank(entry, wanted), place) for place, entry in enumerate(entries)]
    return [entries[place] for score, place in sorted(ranked) if score < 4][:limit]


def rank(entry: Entry, wanted: str) -> float:
    """How far an entry is from the text: 0 the same, 1 prefix, 2 part, 3 near miss, 4 other."""
    best = 4.0
    for name in (entry.id, *entry.names):
        folded = name.casefold()
        if folded == wanted:
            return 0
        if folded.startswith(wanted):
            best = min(best, 1)
        elif wanted in folded:
            best = min(best, 2)
        elif (score := fuzz.ratio(folded, wanted)) >= TYPO_SCORE:
            best = min(best, 4 - score / 100)
    return best
