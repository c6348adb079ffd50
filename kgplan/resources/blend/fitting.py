"""Which weight has each signal? Fit it to views whose learner is not in what they are judged by.

Sizes: U learners, V resources, F signals, j rows.
"""

from dataclasses import dataclass, replace

import numpy as np

from kgplan.arrays import Array, Floats, Ints
from kgplan.configured import check_above_zero
from kgplan.data.records import LearnerRecords
from kgplan.data.stored import Stored
from kgplan.diagnosis.entries import only
from kgplan.errors import ConfigError, InputError
from kgplan.native.signals import SIGNALS
from kgplan.progress import Progress, silent
from kgplan.resources.blend.signals import Known, known_of, methods_of, nominated, signals
from kgplan.resources.blend.trees import Trees, grown
from kgplan.resources.simple import HALF_LIFE, METHODS, item_cf, time_lines

OF_METHOD = methods_of(SIGNALS)


@dataclass(frozen=True)
class BlendConfig:
    """How the blend is fitted.

    Attributes:
        ahead: views behind a moment that count as opened next.
        moments: of each learner, drawn from the time line.
        before: views that lie before a moment, at least.
        folds: groups of learners; each is judged by what the others did.
        others: resources beside the opened ones that are drawn of those nominated at a moment.
        rounds, rate: of boosting.
        judged: learners whose last views say whether the blend is served.
        seed: of all that is drawn.

    Raises:
        ConfigError: no fold is left to count in, or a number is not above 0.
    """

    ahead: int = 5
    moments: int = 4
    before: int = 5
    folds: int = 5
    others: int = 40
    rounds: int = 120
    rate: float = 0.1
    judged: int = 300
    seed: int = 0

    def __post_init__(self) -> None:
        if self.folds < 2:
            raise ConfigError(f"folds is {self.folds}; give 2 or more, so that others are left")
        numbers = ("ahead", "moments", "before", "others", "rounds", "rate", "judged")
        check_above_zero(self, *numbers)


@dataclass(frozen=True)
class Blend(Stored):
    """All signals at once.

    Attributes:
        known: what signals are made of.
        trees: what they say together.
    """

    known: Known
    trees: Trees

    def of(self, history: Ints, asked: Ints) -> Floats:
        """(j,) scores of some resources, in log odds."""
        return self.trees.scores(signals(self.known, history, asked))

    def parts(self, rows: Floats) -> Floats:
        """(j, M) by how much the signals of each of `METHODS` moved a score from the mean score
        of what the trees were grown from, see `Trees.moves`; with that mean they add up to it.

        Args:
            rows: (j, F) `signals` of the resources.
        """
        found = np.zeros((rows.shape[0], len(METHODS)))
        moved = self.trees.moves(rows, OF_METHOD)
        found[:, : moved.shape[1]] = moved
        return found

    def scores(self, history: Ints) -> Floats:
        """(V,) of every resource: those that are not nominated stand below all others, by item-CF
        with age."""
        counts = self.known.counts
        aged, asked = item_cf(counts, history, HALF_LIFE), nominated(self.known, history)
        found = self.of(history, asked)
        scores = found.min(initial=0.0) - 2 + aged / (1 + aged.max(initial=0.0))
        scores[asked] = found
        return scores


def fit_blend(records: LearnerRecords, config: BlendConfig, progress: Progress = silent) -> Blend:
    """Fit to moments of every learner's time line.

    Args:
        records: with the order of views.
        config: settings.
        progress: told of learners.

    Raises:
        InputError: no learner has enough views, or the order is not known.
    """
    rows, yes = examples(records, config, progress)
    trees = grown(rows, yes, config.rounds, config.rate, config.seed)
    return Blend(known_of(records), trees)


def examples(
    records: LearnerRecords, config: BlendConfig, progress: Progress = silent
) -> tuple[Floats, Array]:
    """(j, F) signals, and (j,) whether the resource was among the next ones; see `fit_blend`."""
    rng = np.random.default_rng(config.seed)
    items, starts = time_lines(records)
    n_learners = starts.size - 1
    fold = rng.integers(0, config.folds, n_learners)
    of_others = [known_of(_without(records, fold == each)) for each in range(config.folds)]
    found: list[tuple[Floats, Array]] = []
    for learner in np.flatnonzero(np.diff(starts) > config.before).tolist():
        line = items[starts[learner] : starts[learner + 1]]
        known = of_others[fold[learner]]
        moments = np.arange(config.before, line.size)
        for at in rng.permutation(moments)[: config.moments].tolist():
            asked = nominated(known, line[:at])
            opened = np.isin(asked, line[at : at + config.ahead])
            asked = np.sort(
                np.concatenate([asked[opened], rng.permutation(asked[~opened])[: config.others]])
            )
            yes = np.isin(asked, line[at : at + config.ahead])
            found.append((signals(known, line[:at], asked), yes))
        progress("moments of each learner", learner + 1, n_learners)
    if not any(yes.any() for _, yes in found):
        raise InputError(
            f"no learner of {n_learners} has more than {config.before} views with one behind them"
            " that others' views or the courses would name; there is nothing to fit a blend to"
        )
    return np.concatenate([rows for rows, _ in found]), np.concatenate([yes for _, yes in found])


def _without(records: LearnerRecords, left_out: Array) -> LearnerRecords:
    """The records without the views of some learners."""
    kept = ~np.repeat(left_out, np.diff(records.viewed.indptr))
    order = records.places_of_views[kept]
    return replace(records, viewed=only(records.viewed, kept), viewed_order=order)
