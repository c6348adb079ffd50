"""Who names what a learner opens next, after none, one, or a few rows?

Sizes: n cases, V items, F scores that are blended.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.stats import rankdata

from kgplan.arrays import Floats
from kgplan.coldstart.config import CUTS
from kgplan.coldstart.features import Rows
from kgplan.evaluation.coldstart.cases import Case, auc, first_places
from kgplan.evaluation.resources.metrics import paired_interval
from kgplan.resources.blend.trees import Trees, grown

MEASURES = ("AUC_hard", "MRR", "NDCG@10", "Recall@10", "AUC_all")
Seen = Callable[[int], list[Rows]]
"""What is known of the learner of each case after so many rows."""
Scores = Mapping[int, Floats]
"""Cut -> (n, V) scores of a method."""


@dataclass(frozen=True)
class Ranked:
    """A method after n rows.

    Attributes:
        method, n: which, and rows seen.
        means: measure -> mean over learners.
        spread: of AUC_hard, the standard deviation over seeds.
        gains: rival -> gain in AUC_hard over it, and its 95 % interval over learners.
    """

    method: str
    n: int
    means: Mapping[str, float]
    spread: float
    gains: Mapping[str, tuple[float, float, float]]

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def measured(scores: Floats, cases: Sequence[Case]) -> Floats:
    """(n, measures) of each case.

    Args:
        scores: (n, V); where one is NaN, there is no AUC_all.
        cases: whose they are.
    """
    found = []
    for line, case in zip(scores, cases, strict=True):
        opened, asked = case.opened, line[case.candidates]
        never = np.ones(line.size, dtype=bool)
        never[case.rows] = False
        against = np.concatenate([line[case.targets], line[never]])
        yes = np.repeat([1.0, 0.0], [case.targets.size, int(never.sum())])
        of_all = auc(against, yes) if not np.isnan(against).any() else np.nan
        found.append((auc(asked, opened), *first_places(asked, opened), of_all))
    return np.array(found)


def compared(
    methods: Mapping[str, Sequence[Scores]], cases: Sequence[Case], rivals: Sequence[str]
) -> Iterator[Ranked]:
    """Measure methods after each cut.

    Args:
        methods: by name, of each seed.
        cases: that are scored.
        rivals: methods whose difference to each is told.
    """
    for n in CUTS:
        of = {name: [measured(each[n], cases) for each in seeds] for name, seeds in methods.items()}
        by_learner = {name: np.mean(each, axis=0) for name, each in of.items()}
        for name, each in of.items():
            ours = by_learner[name]
            gains = {}
            for rival in rivals:
                if rival != name:
                    theirs = by_learner[rival][:, 0]
                    rng = np.random.default_rng(0)
                    low, high = paired_interval(ours[:, 0], theirs, rng)
                    gains[rival] = (float(np.mean(ours[:, 0] - theirs)), low, high)
            means = dict(zip(MEASURES, ours.mean(axis=0).tolist(), strict=True))
            spread = float(np.std([seed[:, 0].mean() for seed in each]))
            yield Ranked(name, n, means, spread, gains)


class Blend:
    """Boosted trees over what several methods say of the candidates.

    Args:
        methods: by name, scores of the cases to learn from.
        cases: those; of other learners than are scored.
        names: methods that are blended.
        seed: of what is drawn.
    """

    def __init__(
        self,
        methods: Mapping[str, Scores],
        cases: Sequence[Case],
        names: Sequence[str],
        seed: int = 0,
    ) -> None:
        self.names = tuple(names)
        rows, yes = [], []
        for n in CUTS:
            for k, case in enumerate(cases):
                rows.append(self._rows(methods, n, k, case))
                yes.append(case.opened > 0)
        self.trees: Trees = grown(np.concatenate(rows), np.concatenate(yes), 100, 0.1, seed)

    def scores(self, methods: Mapping[str, Scores], cases: Sequence[Case]) -> dict[int, Floats]:
        """Of the candidates of each case; NaN for every other item.

        Candidates are of all courses of the learner's, later ones too: to set the others below them
        would tell which courses come.
        """
        found: dict[int, Floats] = {}
        for n in CUTS:
            lines = np.full(np.shape(methods[self.names[0]][n]), np.nan)
            for k, case in enumerate(cases):
                lines[k, case.candidates] = self.trees.scores(self._rows(methods, n, k, case))
            found[n] = lines
        return found

    def _rows(self, methods: Mapping[str, Scores], n: int, k: int, case: Case) -> Floats:
        columns = [np.full(case.candidates.size, float(n))]
        for name in self.names:
            line = methods[name][n][k][case.candidates]
            most = line.max()
            columns += [line / most if most > 0 else line, rankdata(line) / line.size]
        return np.stack(columns, axis=1)
