"""What do the tables of GCN-Attention-RL measure, on real views and on synthetic learners?

T. Li, AMNS 2025, amns-2025-0829, section 4. On real views a value is of a learner whose last ones
are held back; of synthetic learners each has one.
Sizes: n cases, V resources, K concepts, S seeds.
"""

from collections.abc import Callable
from dataclasses import fields, replace
from functools import lru_cache

import numpy as np

from kgplan.arrays import Floats, Ints
from kgplan.data.records import items_in_order
from kgplan.errors import ConfigError, UnknownCourse
from kgplan.evaluation.papers.experiment import Parameters
from kgplan.evaluation.papers.harness import LEARNER, Measure, Values
from kgplan.evaluation.papers.intervals import Ratio, mean_of
from kgplan.evaluation.papers.sources import Sources
from kgplan.evaluation.resources.metrics import diversity, ndcg, precision, recall
from kgplan.evaluation.resources.networks import Content
from kgplan.evaluation.resources.protocol import FIRST
from kgplan.evaluation.resources.splits import Split, Viewing, last
from kgplan.evaluation.resources.synthetic import Course
from kgplan.evaluation.resources.taught import CONTESTANTS, MEASURED, outcome
from kgplan.resources.foundations import Foundations
from kgplan.resources.network.config import NetworkConfig
from kgplan.resources.simple import best, counts_of, item_cf, markov, next_in_course, popular

NETWORK = "network"
OF_NETWORK = frozenset(each.name for each in fields(NetworkConfig)) - {"seed"}
OF_RANKING = frozenset({"method", "delta", "held", "seeds", "cases", "sample_seed"})
COUNTED = {
    "popular": popular,
    "item-CF": item_cf,
    "Markov": markov,
    "next in course": next_in_course,
}


class Session:
    """Real views, and what their resources are about.

    Args:
        viewing, content: of these.
    """

    def __init__(self, viewing: Viewing, content: Content) -> None:
        self.viewing, self.content = viewing, content
        covers = viewing.records.q_matrix
        self.foundations = Foundations.of(covers, content.before)
        self.split: Callable[[int], Split] = lru_cache(maxsize=2)(self._split)
        self.scores: Callable[..., tuple[Floats, Floats]] = lru_cache(maxsize=5)(self._scores)

    def _split(self, held: int) -> Split:
        return last(held)(self.viewing)

    def course(self, course_id: str) -> Course:
        """A course's videos in order, and what they cover.

        Raises:
            UnknownCourse: the records have none of this id.
        """
        records = self.viewing.records
        found = np.flatnonzero(records.course_ids == course_id)
        if not found.size:
            raise UnknownCourse(course_id)
        items = items_in_order(records.course_items, int(found[0]))
        return Course.of(records.q_matrix[items], self.content.before)

    def cases(self, held: int, most: int, seed: int) -> Ints:
        """Some of a split's cases, drawn at random, in order."""
        n = self.split(held).learner.size
        drawn = np.random.default_rng(seed).permutation(n)[:most]
        return np.sort(drawn)

    def _scores(
        self, method: str, config: NetworkConfig, held: int, cases: tuple[int, ...]
    ) -> tuple[Floats, Floats]:
        """(n, V) of every resource, and (n,) log(1 + hours) that a network expects to the next
        view, NaN of a method that counts."""
        split = self.split(held)
        known = split.known
        learners = split.learner[list(cases)].tolist()
        histories = [known.lines[u] for u in learners]
        if method != NETWORK:
            counts, of = counts_of(known.records), COUNTED[method]
            found = np.stack([of(counts, history) for history in histories])
            return found, np.full(len(cases), np.nan)
        from kgplan.resources.network.training import train

        about = self.content
        network, _ = train(
            known.records, about.modalities, about.vectors, about.before, config, waits=known.waits
        )
        pairs = list(zip(histories, learners, strict=True))
        found = np.stack([network.scores(history, u) for history, u in pairs])
        return found, np.array([network.wait(history, u) for history, u in pairs])


def rankings(session: Session, parameters: Parameters) -> Values:
    """What the first five that a method names are worth, each case the mean over seeds.

    Returns:
        Of each case precision, recall, NDCG, diversity, the share of the five with a prerequisite
        that no opened resource covers, and the squared error of log(1 + hours) to the next view.
    """
    method = parameters["method"]
    if method != NETWORK and method not in COUNTED:
        raise ConfigError(
            f"there is no method {method!r}; it is one of {', '.join([NETWORK, *COUNTED])}"
        )
    held, delta = parameters["held"], parameters["delta"]
    split = session.split(held)
    cases = session.cases(held, parameters["cases"], parameters["sample_seed"])
    given = {name: value for name, value in parameters.items() if name in OF_NETWORK}
    if "modalities" in given:
        given["modalities"] = tuple(given["modalities"])
    config = NetworkConfig(**given)
    drawn = range(parameters["seeds"] if method == NETWORK else 1)
    by_seed = []
    for seed in drawn:
        scores, waits = session.scores(
            method, replace(config, seed=seed), held, tuple(cases.tolist())
        )
        by_seed.append(
            [_judged(session, split, c, scores[k], delta, waits[k]) for k, c in enumerate(cases)]
        )
    values = np.mean(np.array(by_seed), axis=0)
    names = ("precision", "recall", "ndcg", "diversity", "unmet", "error")
    return {LEARNER: split.learner[cases], **dict(zip(names, values.T, strict=True))}


def _judged(
    session: Session, split: Split, case: int, scores: Floats, delta: float, wait: float
) -> list[float]:
    learner = int(split.learner[case])
    history, coming = split.known.lines[learner], split.coming[case]
    left = np.setdiff1d(np.arange(scores.size), history)
    about = session.foundations
    covered = np.zeros(about.criticality.size)
    covered[session.viewing.records.q_matrix[history].indices] = 1
    if delta:
        scores = scores.copy()
        scores[left] += delta * about.pre(left, covered)
    shown = best(scores, left, FIRST)
    lacking = about.before[shown] @ (1 - covered) > 0
    true_wait = session.viewing.waits[learner][history.size]
    return [
        precision(shown, coming, FIRST),
        recall(shown, coming, FIRST),
        ndcg(shown, coming, FIRST),
        diversity(session.content.alike[shown]),
        float(lacking.mean()),
        (wait - true_wait) ** 2,
    ]


def taught_learners(session: Session, parameters: Parameters) -> Values:
    """What a contestant brings synthetic learners; those of a seed are drawn together."""
    name, seeds = parameters["contestant"], parameters["seeds"]
    if name not in CONTESTANTS:
        raise ConfigError(f"there is no contestant {name!r}; it is one of {', '.join(CONTESTANTS)}")
    course = session.course(parameters["course"])
    found = [outcome(course, name, parameters["learners"], seed).values for seed in range(seeds)]
    values = {each: np.concatenate([of[each] for of in found]) for each in MEASURED}
    return {LEARNER: np.repeat(np.arange(seeds), parameters["learners"]), **values}


def _read(parameters: Parameters) -> Parameters:
    """Without what the method does not look at, so that equal cells are computed once."""
    skipped = frozenset() if parameters["method"] == NETWORK else OF_NETWORK | {"seeds"}
    return {name: value for name, value in parameters.items() if name not in skipped}


def _mean(name: str) -> Callable[[Values], Ratio]:
    return lambda values: mean_of(values[name])


def _root(values: Values) -> Ratio:
    return replace(mean_of(values["error"]), root=True)


MEASURES = {
    "ranking": Measure(
        rankings,
        OF_RANKING | OF_NETWORK,
        {
            "P@5": _mean("precision"),
            "R@5": _mean("recall"),
            "NDCG@5": _mean("ndcg"),
            "diversity": _mean("diversity"),
            "unmet prerequisite": _mean("unmet"),
            "RMSE": _root,
        },
        _read,
    ),
    "synthetic": Measure(
        taught_learners,
        frozenset({"contestant", "learners", "seeds", "course"}),
        {name: _mean(name) for name in MEASURED},
    ),
}


def open_session(sources: Sources) -> Session:
    """From what is in use."""
    return Session(*sources.views())
