"""How alike are two courses, by what is said of them and by who takes both?

Sizes: C courses, F terms, U learners.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from kgplan.arrays import Floats

TERMS = 128
"""Most frequent terms that count, less stop words."""
_TERM = re.compile(r"\b\w\w+\b")
_LISTED = """
about above after again against all also although am among an and any are as at be because been
before being below between both but by can cannot could did do does doing down during each etc
every few for from further get had has have having he hence her here hers herself him himself
his how however if in into is it its itself just least less made make many may me might more
most much must my myself neither no nor not now of off often on once one only or other others
our ours ourselves out over own per please rather same see seem several she should since so some
still such than that the their theirs them themselves then there therefore these they this those
through thus to together too towards two under until up upon us very was we well were what when
where whether which while who whole whom whose why will with within without would yet you your
yours yourself yourselves
"""
STOP_WORDS = frozenset(_LISTED.split())
"""Of English, in which what is said of courses was translated; other languages have none here."""


def terms_of(text: str) -> list[str]:
    """The terms of a text, in small letters, in order.

    >>> terms_of("The Theory of Graphs, a first course")
    ['theory', 'graphs', 'first', 'course']
    """
    return [word for word in _TERM.findall(text.lower()) if word not in STOP_WORDS]


def tfidf(texts: Sequence[str], most: int = TERMS) -> sparse.csr_array:
    """tf(t, c) (ln((1 + C) / (1 + df_t)) + 1), each row of length 1; of the most frequent terms.

    Args:
        texts: C, what is said of each course.
        most: F at most; of terms that are as frequent, the first by code point.

    Returns:
        (C, F), rows of texts without such a term empty.
    """
    counted = [Counter(terms_of(text)) for text in texts]
    total: Counter[str] = Counter()
    for each in counted:
        total.update(each)
    kept = [term for term, _ in sorted(total.items(), key=lambda row: (-row[1], row[0]))[:most]]
    place = {term: k for k, term in enumerate(kept)}
    entries = [
        (row, place[term], number)
        for row, each in enumerate(counted)
        for term, number in each.items()
        if term in place
    ]
    row, column, number = (np.array([e[k] for e in entries], dtype=np.int64) for k in range(3))
    df = np.bincount(column, minlength=len(kept))
    weight = number * (np.log((1 + len(texts)) / (1 + df[column])) + 1)
    length = np.sqrt(np.bincount(row, weight**2, minlength=len(texts)))
    shape = len(texts), len(kept)
    return sparse.coo_array((weight / length[row], (row, column)), shape=shape).tocsr()


@dataclass(frozen=True)
class CourseSimilarity:
    """How alike courses are.

    Attributes:
        words: (C, F) rows of length 1, see `tfidf`.
        learners: (U, C) 1 where the learner takes the course.
    """

    words: sparse.csr_array
    learners: sparse.csr_array

    def semantic(self, course: int) -> Floats:
        """(C,) cosine of what is said of a course with what is said of each."""
        found: Floats = (self.words @ self.words[[course]].T).toarray().ravel()
        return found

    def collaborative(self, course: int) -> Floats:
        """(C,) cosine of who takes a course with who takes each; 0 where nobody does."""
        takes = (self.learners > 0).astype(np.float64).tocsc()
        both = (takes.T @ takes[:, [course]]).toarray().ravel()
        size = np.sqrt(np.asarray(takes.sum(axis=0)).ravel())
        scale = size * size[course]
        return np.divide(both, scale, out=np.zeros(both.size), where=scale > 0)

    def joined(self, course: int) -> Floats:
        """(C,) mean of both, 0 with itself."""
        found: Floats = (self.semantic(course) + self.collaborative(course)) / 2
        found[course] = 0.0
        return found
