"""What did a learner say about concepts and resources, and what is a plan to keep to?"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Said = Literal["done", "too_easy", "too_hard", "not_for_me", "withdrawn"]


@dataclass(frozen=True)
class Word:
    """What a learner said (`Said`) about a concept, or about one item on it, and when.

    Attributes:
        concept_id: the concept.
        said: what.
        time: in seconds since 1970.
        item_id: the item that was meant; None where the concept was.
    """

    concept_id: str
    said: str
    time: float
    item_id: str | None = None

    @property
    def about(self) -> tuple[str, str]:
        """What it is said about: an item is the same on any concept."""
        return ("concept", self.concept_id) if self.item_id is None else ("item", self.item_id)


@dataclass(frozen=True)
class Wishes:
    """What a learner said about concepts and items; a plan keeps to it.

    Attributes:
        held: done or too easy: counted as held, as learned, and not planned again.
        left_out: not for me: not planned.
        too_hard: planned only behind all direct prerequisites that are neither held nor left out,
            as far as the plan's length and prerequisites go; the walk ends with these.
        items_left_out: items that are not for me: neither planned nor ranked.
    """

    held: frozenset[str] = frozenset()
    left_out: frozenset[str] = frozenset()
    too_hard: frozenset[str] = frozenset()
    items_left_out: frozenset[str] = frozenset()


def last_words(words: Iterable[Word]) -> list[Word]:
    """The last word on each concept and item, the newest first; what was withdrawn is not listed.

    Args:
        words: of one learner, in the order that they were said.
    """
    last: dict[tuple[str, str], Word] = {}
    for word in words:
        last.pop(word.about, None)
        last[word.about] = word
    return [word for word in reversed(last.values()) if word.said != "withdrawn"]


def wishes_of(words: Iterable[Word]) -> Wishes:
    """Sum up one learner's words.

    Args:
        words: in the order that they were said; the last on each concept, and each item, counts.

    >>> said = [Word("a", "done", 1.0), Word("b", "too_hard", 2.0), Word("a", "withdrawn", 3.0)]
    >>> wishes_of(said).held, wishes_of(said).too_hard
    (frozenset(), frozenset({'b'}))
    >>> wishes_of([Word("a", "not_for_me", 1.0, "v")]).items_left_out
    frozenset({'v'})
    """
    last = last_words(words)

    def having(*said: str) -> frozenset[str]:
        return frozenset(
            word.concept_id for word in last if word.said in said and word.item_id is None
        )

    items = frozenset(word.item_id for word in last if word.item_id is not None)
    return Wishes(having("done", "too_easy"), having("not_for_me"), having("too_hard"), items)
