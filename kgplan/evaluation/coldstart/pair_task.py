"""Are two learners alike? The paper's five measures, and the classifiers that it compares with.

Sizes: P pairs, B cut learners, U known learners, d width of a vector.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy import sparse

from kgplan.arrays import Floats, Ints
from kgplan.coldstart.config import AHEAD, CUTS
from kgplan.coldstart.features import Encoder, Groups, Histories, Rows, weighed
from kgplan.coldstart.pairs import Pairs, drawn, likeness
from kgplan.evaluation.coldstart.cases import auc

WIDTH = 64  # of the decomposed features that classifiers get
MOST_PAIRS = 20_000  # that classifiers are fitted to
CHUNK = 32  # learners whose pairs with all known ones are told at once
Likeness = Callable[["Asked"], Floats]
"""(P,) how alike both are of the pairs asked."""


@dataclass(frozen=True)
class PairFigures:
    """A method on pairs: shares of the equations (7) to (10), and the AUC."""

    method: str
    pairs: int
    accuracy: float
    precision: float
    recall: float
    f1: float
    auc: float

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


@dataclass(frozen=True)
class Asked:
    """Cut learners with pairs to tell apart.

    Attributes:
        rows: what is known of each.
        pairs: with whom each is compared.
    """

    rows: list[Rows]
    pairs: Pairs


def asked_of(
    histories: Histories,
    learners: Ints,
    known: Ints,
    encoder: Encoder,
    n_alike: int,
    rng: np.random.Generator,
) -> Asked:
    """Pairs of learners at every cut and known learners, as training draws them.

    Args:
        histories: of all.
        learners: who is cut, by position; one of the known is never compared with itself.
        known: who is known, by position.
        encoder: whose idf weighs items.
        n_alike: pairs that are alike, at most, for each learner and cut.
        rng: draws.
    """
    both = [(u, n) for u in learners.tolist() for n in CUTS]
    later = [histories.all_of(u)[n : n + AHEAD] for u, n in both]
    theirs = [histories.all_of(u) for u in known.tolist()]
    place = {u: k for k, u in enumerate(known.tolist())}
    own = np.array([place.get(u, -1) for u, _ in both])
    weight = encoder.item_weight
    t = likeness(weighed(later, weight), weighed(theirs, weight), own)
    return Asked([histories.cut(u, n) for u, n in both], drawn(t, n_alike, rng))


def told_apart(method: str, like: Likeness, validation: Asked, test: Asked) -> PairFigures:
    """The five measures, at the bound of the best F1 on validation."""
    values = [like(each) for each in (validation, test)]
    bound = _best_bound(values[0], validation.pairs.alike)
    said, yes = values[1] >= bound, test.pairs.alike > 0
    right = float(np.sum(said & yes))
    precision, recall = right / max(int(said.sum()), 1), right / max(int(yes.sum()), 1)
    f1 = 2 * precision * recall / (precision + recall) if right else 0.0
    accuracy = float(np.mean(said == yes))
    area = auc(values[1], test.pairs.alike)
    return PairFigures(method, yes.size, accuracy, precision, recall, f1, area)


def _best_bound(values: Floats, alike: Floats) -> float:
    """The value from which on to say alike, of the best F1."""
    order = np.argsort(-values, kind="stable")
    right = np.cumsum(alike[order])
    f1 = 2 * right / (np.arange(1, values.size + 1) + alike.sum())
    last = np.append(np.diff(values[order]) != 0, True)  # a bound takes all of one value
    return float(values[order][np.argmax(np.where(last, f1, -1))])


class Classifier:
    """A classifier of pairs, by the difference and the product of both sides' features.

    Args:
        model: of scikit-learn.
        encoder: makes features.
        whole: groups of the known learners.
        train: pairs to fit to.
        rng: draws pairs where there are more than are taken.
    """

    def __init__(
        self,
        model: Any,
        encoder: Encoder,
        whole: Groups,
        train: Asked,
        rng: np.random.Generator,
    ) -> None:
        from sklearn.decomposition import TruncatedSVD

        self.encoder, self.model = encoder, model
        stacked = _stacked(whole)
        width = max(1, min(WIDTH, *(n - 1 for n in stacked.shape)))
        self.less = TruncatedSVD(width, random_state=0).fit(stacked)
        self.theirs = self.less.transform(stacked)
        some = rng.permutation(train.pairs.alike.size)[:MOST_PAIRS]
        both = self._both(train.rows, train.pairs.asked[some], train.pairs.known[some])
        model.fit(both, train.pairs.alike[some])

    def of_pairs(self, asked: Asked) -> Floats:
        """(P,) probability that both are alike."""
        both = self._both(asked.rows, asked.pairs.asked, asked.pairs.known)
        return np.asarray(self.model.predict_proba(both)[:, 1])

    def of_all(self, rows: list[Rows]) -> Floats:
        """(B, U) the same with every known learner."""
        n_known = self.theirs.shape[0]
        found = []
        for begin in range(0, len(rows), CHUNK):
            some = rows[begin : begin + CHUNK]
            asked = np.repeat(np.arange(len(some)), n_known)
            both = self._both(some, asked, np.tile(np.arange(n_known), len(some)))
            found.append(self.model.predict_proba(both)[:, 1].reshape(len(some), n_known))
        return np.concatenate(found)

    def _both(self, rows: list[Rows], asked: Ints, known: Ints) -> Floats:
        mine = self.less.transform(_stacked(self.encoder.groups(rows)))
        x1, x2 = mine[asked], self.theirs[known]
        return np.concatenate([np.abs(x1 - x2), x1 * x2], axis=1)


def _stacked(groups: Groups) -> sparse.csr_array:
    return sparse.csr_array(sparse.hstack(groups.parts))
