"""What did a learner say about concepts, and what is a plan to keep to?"""

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
    """What a learner said about a concept (`Said`), and when, in seconds since 1970."""

    concept_id: str
    said: str
    time: float


@dataclass(frozen=True)
class Wishes:
    """What a learner said about concepts; a plan keeps to it.

    Attributes:
        held: done or too easy: counted as held, as learned, and not planned again.
        left_out: not for me: not planned.
        too_hard: planned only behind all direct prerequisites that are neither held nor left out,
            as far as the plan's length and prerequisites go; the walk ends with these.
        answers: concept -> what the learner answered when asked whether it is held, `HOLDS`.
    """

    held: frozenset[str] = frozenset()
    left_out: frozenset[str] = frozenset()
    too_hard: frozenset[str] = frozenset()
    answers: Mapping[str, float] = field(default_factory=dict)


def last_words(words: Iterable[Word]) -> list[Word]:
    """The last wish and the last answer on each concept, the newest first.

    What was withdrawn is not listed: that takes back both.

    Args:
        words: of one learner, in the order that they were said.
    """
    last: dict[tuple[str, bool], Word] = {}
    for word in words:
        kinds = (True, False) if word.said == "withdrawn" else (word.said in HOLDS,)
        for answers in kinds:
            last.pop((word.concept_id, answers), None)
            if word.said != "withdrawn":
                last[word.concept_id, answers] = word
    return list(reversed(last.values()))


def wishes_of(words: Iterable[Word]) -> Wishes:
    """Sum up one learner's words.

    Args:
        words: in the order that they were said; the last on each concept counts.

    >>> wishes_of([Word("a", "done", 1.0), Word("b", "too_hard", 2.0), Word("a", "withdrawn", 3.0)])
    Wishes(held=frozenset(), left_out=frozenset(), too_hard=frozenset({'b'}), answers={})
    """
    last = last_words(words)

    def having(*said: str) -> frozenset[str]:
        return frozenset(word.concept_id for word in last if word.said in said)

    return Wishes(
        having("done", "too_easy"),
        having("not_for_me"),
        having("too_hard"),
        {word.concept_id: HOLDS[word.said] for word in last if word.said in HOLDS},
    )
