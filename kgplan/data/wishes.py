"""What did a learner say about concepts and resources, and what is a plan to keep to?"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

Said = Literal[
    "done", "too_easy", "too_hard", "not_for_me", "known", "unsure", "unknown", "withdrawn"
]
HOLDS: Mapping[str, float] = {"known": 1.0, "unsure": 0.5, "unknown": 0.0}
"""Of the words that answer whether a concept is held: how much of it. They are no wishes: they are
observed, as answers to items are (`diagnosis.placing`)."""


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
        answers: concept -> what the learner answered when asked whether it is held, `HOLDS`.
        items_left_out: items that are not for me: neither planned nor ranked.
    """

    held: frozenset[str] = frozenset()
    left_out: frozenset[str] = frozenset()
    too_hard: frozenset[str] = frozenset()
    answers: Mapping[str, float] = field(default_factory=dict)
    items_left_out: frozenset[str] = frozenset()


def last_words(words: Iterable[Word]) -> list[Word]:
    """The last wish and answer on each concept, and the last word on each item, the newest first.

    What was withdrawn is not listed: that takes back all that was said about the same.

    Args:
        words: of one learner, in the order that they were said.
    """
    last: dict[tuple[tuple[str, str], bool], Word] = {}
    for word in words:
        kinds = (True, False) if word.said == "withdrawn" else (word.said in HOLDS,)
        for answers in kinds:
            last.pop((word.about, answers), None)
            if word.said != "withdrawn":
                last[word.about, answers] = word
    return list(reversed(last.values()))


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
    answers = {word.concept_id: HOLDS[word.said] for word in last if word.said in HOLDS}
    held, left_out = having("done", "too_easy"), having("not_for_me")
    return Wishes(held, left_out, having("too_hard"), answers, items)
