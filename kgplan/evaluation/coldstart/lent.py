"""Is a learner's mastery nearer to what all rows say once neighbours lend theirs?

Sizes: n cases, V items, K concepts, U known learners, k neighbours.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from typing import Any

import numpy as np
from scipy import sparse

from kgplan.arrays import Array, Floats, Ints
from kgplan.coldstart.config import CUTS
from kgplan.coldstart.features import Histories, Rows
from kgplan.coldstart.lending import (
    LendingConfig,
    lent_prior,
    lent_share,
    neighbours_mastery,
)
from kgplan.data.records import LearnerRecords
from kgplan.diagnosis.live import LiveDiagnosis, Posterior
from kgplan.diagnosis.predicting import predict
from kgplan.evaluation.coldstart.cases import Case
from kgplan.evaluation.resources.metrics import paired_interval
from kgplan.planning.mastery import LearnerMastery

GRID = {"most": (0.25, 0.5, 0.75, 1.0), "fade": (1.0, 3.0, 10.0, 30.0), "pull": (0.02, 0.1, 0.5)}
PRIOR, OWN = "prior only", "own only"
MEASURES = ("error", "error, not reached", "log loss", "calibration error")
Lenders = tuple[Ints, Floats, float]
"""Positions and weights of those who lend, and the confidence in them."""
Lend = Callable[[int, int], Lenders]
"""Those who lend to a case after n rows."""


@dataclass(frozen=True)
class Lent:
    """A way to estimate mastery after n rows.

    Attributes:
        method, n: which, and rows seen.
        means: measure -> mean over learners; the calibration error over all their predictions.
        gains: way -> how much less error than by it, and its 95 % interval over learners.
    """

    method: str
    n: int
    means: Mapping[str, float]
    gains: Mapping[str, tuple[float, float, float]]

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


class Diagnoser:
    """Infers cut learners at what was fitted to known ones.

    Args:
        fitted: to the known learners.
        records: whose items and courses these are.
        histories: of the learners asked about.
    """

    def __init__(
        self, fitted: LearnerMastery, records: LearnerRecords, histories: Histories
    ) -> None:
        items = fitted.items
        assert items is not None
        self.records, self.histories = records, histories
        self.prior: Floats = np.asarray(fitted.prior)
        self.known = fitted.mastery
        self.slip, self.guess = items.slip, items.guess
        self.attendance = items.attendance_on(records)
        self.q_matrix = sparse.csr_matrix(records.q_matrix)
        self.live = LiveDiagnosis(self.q_matrix, items.slip, items.guess, self.prior, items.config)

    def observed(self, rows: Rows) -> tuple[Ints, Floats, Floats]:
        """What rows say: what was opened, and what was passed by before the furthest opened item
        of its course, weighed by whether it was met."""
        courses = self.histories.courses_of(rows.items)
        passed = []
        for course in courses.tolist():
            line = self.records.in_order(course)
            opened = np.flatnonzero(np.isin(line, rows.items))
            passed.append(line[: opened[-1]])
        due = self.records.due(courses)
        skipped = np.unique(np.concatenate([np.zeros(0, np.int64), *passed])).astype(np.int64)
        skipped = skipped[due[skipped] & ~np.isin(skipped, rows.items)]
        weight: Floats = np.ones(skipped.size)
        if self.attendance is not None and skipped.size:
            weight = self.attendance.weights(rows.items, courses, skipped)
        skipped, weight = skipped[weight > 0], weight[weight > 0]
        items = np.concatenate([rows.items, skipped])
        shares = np.concatenate([rows.shares, np.zeros(skipped.size)])
        weights = np.concatenate([np.ones(rows.items.size), weight])
        order = np.argsort(items)
        return items[order], shares[order], weights[order]

    def inferred(self, observed: tuple[Ints, Floats, Floats], prior: Floats) -> Posterior:
        """The posterior under a prior of the learner's own."""
        return self.live.with_prior(prior).infer(*observed)

    def dense(self, posterior: Posterior, prior: Floats) -> Floats:
        """(K,) mastery of every concept."""
        found = prior.copy()
        found[posterior.concepts] = posterior.mastery
        return found


@dataclass(frozen=True)
class _Truth:
    """What all rows say of a case: concepts that they reach, and mastery of these."""

    concepts: Ints
    mastery: Floats


class Lending:
    """Cases with all that is needed to lend to them in several ways.

    Args:
        diagnoser: infers.
        cases: learners.
        rng: draws the items that are not opened, for the log loss.
    """

    def __init__(
        self, diagnoser: Diagnoser, cases: Sequence[Case], rng: np.random.Generator
    ) -> None:
        self.by, self.cases = diagnoser, cases
        histories = diagnoser.histories
        self.seen = {
            n: [diagnoser.observed(histories.cut(case.learner, n)) for case in cases] for n in CUTS
        }
        self.truth = []
        for case in cases:
            found = diagnoser.inferred(
                diagnoser.observed(histories.cut(case.learner)), diagnoser.prior
            )
            self.truth.append(_Truth(found.concepts, found.mastery))
        covers = np.diff(diagnoser.records.q_matrix.indptr) > 0
        self.asked = [self._asked(case, covers, rng) for case in cases]

    def _asked(self, case: Case, covers: Array, rng: np.random.Generator) -> tuple[Ints, Floats]:
        """Targets that cover a concept, and as many unopened items of started courses."""
        by = self.by
        started = by.histories.courses_of(case.rows)
        due = by.records.due(started)
        due[case.rows] = False
        targets = case.targets[covers[case.targets]]
        others = rng.permutation(np.flatnonzero(due & covers))[: targets.size]
        return np.concatenate([targets, others]), np.repeat([1.0, 0.0], [targets.size, others.size])

    def estimate(self, k: int, n: int, prior: Floats) -> Floats:
        """(K,) of a case after n rows, under a prior of its own."""
        observed = self.seen[n][k]
        if not observed[0].size:
            return prior
        return self.by.dense(self.by.inferred(observed, prior), prior)

    def errors(self, k: int, n: int, mastery: Floats) -> tuple[float, float]:
        """Mean distance from what all rows say, over concepts that these reach; and over those of
        them that the first n rows do not reach, NaN where these reach all."""
        truth = self.truth[k]
        if not truth.concepts.size:
            return np.nan, np.nan
        apart = np.abs(mastery[truth.concepts] - truth.mastery)
        items = self.seen[n][k][0]
        reached = np.unique(self.by.q_matrix[items].indices)
        rest = ~np.isin(truth.concepts, reached)
        return float(apart.mean()), float(apart[rest].mean()) if rest.any() else np.nan

    def predictions(self, k: int, mastery: Floats) -> Floats:
        """P(opened) of the items asked of a case."""
        by, items = self.by, self.asked[k][0]
        nobody = sparse.csr_matrix((1, mastery.size))
        pairs = np.zeros(items.size, np.int64), items
        return predict(nobody, mastery, by.q_matrix, by.slip, by.guess, pairs)

    def lent(self, k: int, n: int, lend: Lend, config: LendingConfig) -> Floats:
        """(K,) of a case after n rows, with what is lent."""
        positions, weights, confidence = lend(k, n)
        by = self.by
        b = neighbours_mastery(positions, weights, by.known, by.prior, config.pull)
        share = lent_share(config, confidence, n)
        return self.estimate(k, n, lent_prior(by.prior, b, share))

    def chosen(self, lend: Lend) -> LendingConfig:
        """Of `GRID` the setting of the least error, mean over cuts and learners."""
        found = {}
        for values in product(*GRID.values()):
            config = LendingConfig(**dict(zip(GRID, values, strict=True)))
            errors = [
                self.errors(k, n, self.lent(k, n, lend, config))[0]
                for n in CUTS
                for k in range(len(self.cases))
            ]
            found[config] = _mean(np.array(errors))
        return min(found, key=lambda each: found[each])

    def compared(self, ways: Mapping[str, Lend], config: LendingConfig) -> Iterator[Lent]:
        """Measure ways to lend after each cut, beside the prior and own rows alone."""
        for n in CUTS:
            found: dict[str, Floats] = {}
            off: dict[str, float] = {}
            for name in (PRIOR, OWN, *ways):
                rows, told = [], []
                for k in range(len(self.cases)):
                    if name == PRIOR:
                        mastery = self.by.prior
                    elif name == OWN:
                        mastery = self.estimate(k, n, self.by.prior)
                    else:
                        mastery = self.lent(k, n, ways[name], config)
                    p = np.clip(self.predictions(k, mastery), 1e-6, 1 - 1e-6)
                    yes = self.asked[k][1]
                    loss = -np.log(np.where(yes > 0, p, 1 - p))
                    rows.append((*self.errors(k, n, mastery), loss.mean() if p.size else np.nan))
                    told.append((p, yes))
                found[name] = np.array(rows)
                said, happened = (np.concatenate(each) for each in zip(*told, strict=True))
                off[name] = calibration_error(said, happened)
            for name, table in found.items():
                means = [*(_mean(column) for column in table.T), off[name]]
                gains = {}
                for other in (PRIOR, OWN):
                    if name != other:
                        both = ~np.isnan(table[:, 0])
                        theirs, ours = found[other][both, 0], table[both, 0]
                        low, high = paired_interval(theirs, ours, np.random.default_rng(0))
                        gains[other] = (float(np.mean(theirs - ours)), low, high)
                yield Lent(name, n, dict(zip(MEASURES, means, strict=True)), gains)


def _mean(values: Floats) -> float:
    """Of those that are known; NaN where none is."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else float("nan")


def calibration_error(p: Floats, yes: Floats, bins: int = 10) -> float:
    """Mean distance of what was said and what happened, over bins of what was said.

    >>> round(calibration_error(np.array([0.9, 0.9, 0.1]), np.array([1.0, 0.0, 0.0])), 3)
    0.3
    """
    if not p.size:
        return float("nan")
    at = np.minimum((p * bins).astype(int), bins - 1)
    apart = np.bincount(at, p, bins) - np.bincount(at, yes, bins)
    return float(np.abs(apart).sum() / p.size)


def by_mastery(known: sparse.csr_array, truth: _Truth, k: int) -> Lenders:
    """The known learners nearest in mastery of concepts that both have identified: who could be
    named if all rows were known, the bound of what any neighbours may reach."""
    near = np.zeros(known.shape[0])
    part = sparse.csr_array(known[:, truth.concepts])
    there = sparse.csr_array((np.ones(part.nnz), part.indices, part.indptr), shape=part.shape)
    apart = np.abs(part.data - truth.mastery[part.indices])
    total = sparse.csr_array((apart, part.indices, part.indptr), shape=part.shape).sum(axis=1)
    count = np.asarray(there.sum(axis=1)).ravel()
    wide = count >= max(truth.concepts.size / 2, 1)  # one common concept says little
    near[wide] = 1 - np.asarray(total).ravel()[wide] / count[wide]
    at = np.argsort(-near, kind="stable")[:k]
    weights = near[at] ** 10
    return at, weights / max(weights.sum(), np.finfo(float).tiny), 1.0
