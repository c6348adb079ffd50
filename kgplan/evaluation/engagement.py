"""Who says best whether the next view is completed, on learners nobody was fitted to?

Real records, folds by learner. No real set has labels of affect: this is completion and nothing
else. Sizes: n views to come, U learners, R resamples.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from kgplan.arrays import Array, Floats
from kgplan.engagement.clusters import Choice, choose, k_means
from kgplan.engagement.completion import COLUMNS, NextViews, Watched, folds, with_others
from kgplan.engagement.neighbours import Ratings, by_items, by_learners
from kgplan.evaluation.papers.intervals import draws, estimate, mean_of
from kgplan.progress import Progress, silent
from kgplan.resources.blend.trees import grown

FOLDS, RESAMPLES = 5, 500
BASE = "logistic"
MEAN, OURS = "mean completion", "boosting"
OTHERS = ("completed by others", "others' views")
SEQUENCED = tuple(
    name for name in COLUMNS if not name.startswith("share") and " before" not in name
)


@dataclass(frozen=True)
class Row:
    """What a method comes to.

    Attributes:
        method: by name.
        auc, low, high: area under the ROC curve and its 95 % interval over learners.
        accuracy: share right at a chance of one half; NaN for what says no chance.
        brier: mean square of what the chance is off by; NaN likewise.
        gain, gain_low, gain_high: of the area over `BASE`, on the same resamples; None for it.
    """

    method: str
    auc: float
    low: float
    high: float
    accuracy: float
    brier: float
    gain: float | None = None
    gain_low: float | None = None
    gain_high: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            name: None if isinstance(value, float) and np.isnan(value) else value
            for name, value in asdict(self).items()
        }


Method = Callable[[NextViews, NextViews, int], Floats]
"""Chances for the second views, fitted to the first, with a seed."""


def columns(views: NextViews, names: Sequence[str]) -> Floats:
    """(n, .) some of `COLUMNS`."""
    return views.rows[:, [COLUMNS.index(name) for name in names]]


def _majority(known: NextViews, asked: NextViews, seed: int) -> Floats:
    return np.full(asked.completed.size, known.completed.mean())


def _mean(known: NextViews, asked: NextViews, seed: int) -> Floats:
    return columns(asked, ("completed of all",))[:, 0]


def _logistic(known: NextViews, asked: NextViews, seed: int) -> Floats:
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(
        SimpleImputer(), StandardScaler(), LogisticRegression(C=0.1, max_iter=500)
    )
    return np.asarray(model.fit(known.rows, known.completed).predict_proba(asked.rows)[:, 1])


def _boosting(without: Sequence[str] = ()) -> Method:
    names = [name for name in COLUMNS if name not in without]

    def chances(known: NextViews, asked: NextViews, seed: int) -> Floats:
        trees = grown(columns(known, names), known.completed, 300, 0.03, seed, 8, 0.5)
        return np.asarray(1 / (1 + np.exp(-trees.scores(columns(asked, names)))))

    return chances


def _lstm(known: NextViews, asked: NextViews, seed: int) -> Floats:
    from kgplan.engagement.network.completing import train_completing

    coming = columns(known, SEQUENCED)
    trained = train_completing(known.sequence, coming, known.completed, seed=seed)
    return trained.chances(asked.sequence, columns(asked, SEQUENCED))


METHODS: Mapping[str, Method] = {
    "majority": _majority,
    MEAN: _mean,
    BASE: _logistic,
    "LSTM": _lstm,
    "boosting without others": _boosting(OTHERS),
    OURS: _boosting(),
}


def auc(yes: Array, score: Floats, weight: Floats | None = None) -> float:
    """Chance that one of these who did is above one who did not, ties half.

    Args:
        yes: (n,).
        score: (n,).
        weight: (n,) how often each counts; once where None.

    >>> auc(np.array([True, False, True]), np.array([0.9, 0.5, 0.5]))
    0.75
    """
    weight = np.ones(yes.size) if weight is None else weight
    _, at = np.unique(score, return_inverse=True)
    above, below = np.bincount(at, weight * yes), np.bincount(at, weight * ~yes)
    wins = (above * (below.cumsum() - below / 2)).sum()
    return float(wins / (above.sum() * below.sum()))


def evaluate(
    views: NextViews,
    methods: Sequence[str] = tuple(METHODS),
    seed: int = 0,
    progress: Progress = silent,
) -> Iterator[Row]:
    """Fit each method to four folds of learners and ask it about the fifth, five times.

    Args:
        views: all views to come.
        methods: of `METHODS`; `BASE` is measured, too.
        seed: of folds, fits and resamples.
        progress: told of methods.

    Raises:
        InputError: there are fewer learners than folds.
    """
    parts = folds(views.learner, FOLDS, seed)
    told = []
    for part in parts:
        known = views.of(~part)
        told.append((with_others(known, known), with_others(views.of(part), known)))
    drawn = draws(views.learner, RESAMPLES, seed)
    weights = drawn.weights[:, drawn.learner]
    base: Floats | None = None
    for k, name in enumerate(dict.fromkeys((BASE, *methods))):
        chance = np.empty(views.completed.size)
        for part, (known, asked) in zip(parts, told, strict=True):
            chance[part] = METHODS[name](known, asked, seed)
        areas = np.array([auc(views.completed, chance, weight) for weight in weights])
        low, high = np.quantile(areas[1:], [0.025, 0.975])
        off = np.mean((chance - views.completed) ** 2)
        right = np.mean((chance > 0.5) == views.completed)
        row = Row(name, areas[0], float(low), float(high), float(right), float(off))
        if base is None:
            base = areas
        else:
            gain = areas - base
            least, most = np.quantile(gain[1:], [0.025, 0.975])
            row = replace(row, gain=float(gain[0]), gain_low=float(least), gain_high=float(most))
        yield row
        progress("methods", k + 1, len(methods))


def markdown(rows: Sequence[Row]) -> str:
    """A table."""
    lines = [
        "| method | AUC | accuracy | Brier | AUC over logistic |",
        "|---|---:|---:|---:|---:|",
    ]
    for row in rows:
        gain = (
            ""
            if row.gain is None
            else f"{row.gain:+.4f} [{row.gain_low:+.4f}, {row.gain_high:+.4f}]"
        )
        lines.append(
            f"| {row.method} | {row.auc:.4f} [{row.low:.4f}, {row.high:.4f}] | {row.accuracy:.4f}"
            f" | {row.brier:.4f} | {gain} |"
        )
    return "\n".join(lines)


# ---------------------------------------------------------------- do clusters help?

HELD_BACK = 0.2  # of each learner's views, the last ones
EDGES = (0.1, 0.5, 0.9)  # of shares, for what learners are clustered by
FEWEST_VIEWS = 10  # of a learner who gets a cluster


@dataclass(frozen=True)
class Foretold:
    """How well a method foretells the share that is watched.

    Attributes:
        method: by name.
        rmse: root of the mean square of what it is off by.
        covered: share of pairs in which neighbours had a say.
        gain, low, high: how much lower its mean square is than that of item means, and the 95 %
            interval over learners.
    """

    method: str
    rmse: float
    covered: float
    gain: float
    low: float
    high: float


def foretell(watched: Watched, seed: int = 0) -> tuple[Choice, Sequence[Foretold], Foretold]:
    """Hold back each learner's last views, and foretell their shares by learners alike.

    Learners are clustered by roots of how often their share fell into each of four ranges, as no
    state of anybody is known.

    Args:
        watched: views with their shares.
        seed: of clusters and resamples.

    Returns:
        How many clusters there are, every method, and neighbours of the cluster against neighbours
        of all, in place of item means.
    """
    items, item = np.unique(watched.item, return_inverse=True)
    learners, learner = np.unique(watched.learner, return_inverse=True)
    size = np.bincount(learner)
    place = np.arange(learner.size) - np.repeat(size.cumsum() - size, size)
    held = place >= np.ceil((1 - HELD_BACK) * size)[learner]
    share, known = (
        np.zeros((learners.size, items.size)),
        np.zeros((learners.size, items.size), bool),
    )
    share[learner[~held], item[~held]] = watched.share[~held]
    known[learner[~held], item[~held]] = True
    ratings = Ratings(share, known)
    ranges = np.digitize(watched.share[~held], EDGES)
    often = np.zeros((learners.size, len(EDGES) + 1))
    np.add.at(often, (learner[~held], ranges), 1)
    enough = often.sum(axis=1) >= FEWEST_VIEWS
    roots = np.sqrt(often[enough] / often[enough].sum(axis=1, keepdims=True))
    choice = choose(roots, seed, resamples=5, starts=10)
    cluster = np.full(learners.size, -1)
    cluster[enough] = k_means(roots, choice.k, seed).cluster
    who, what, truth = learner[held], item[held], watched.share[held]
    nobody = np.zeros(who.size, dtype=bool)
    said = {
        "item mean": (ratings.of_items[what], nobody),
        "learner mean": (ratings.of_learners[who], nobody),
        "item-based (20)": by_items(ratings, who, what),
        "user-based (8), all learners": by_learners(ratings, who, what),
        "user-based (8), of the cluster": by_learners(ratings, who, what, cluster),
    }
    squares = {name: (found - truth) ** 2 for name, (found, _) in said.items()}
    drawn = draws(who, RESAMPLES, seed)

    def against(name: str, other: str) -> Foretold:
        found = estimate(mean_of(squares[other] - squares[name]), drawn)
        rmse, covered = float(np.sqrt(squares[name].mean())), float(said[name][1].mean())
        return Foretold(name, rmse, covered, found.value, found.low, found.high)

    rows = [against(name, "item mean") for name in said]
    return choice, rows, against(list(said)[-1], list(said)[-2])


def foretold_markdown(rows: Sequence[Foretold], narrowed: Foretold) -> str:
    """A table; the last line sets neighbours of the cluster against those of all learners."""
    lines = [
        "| method | RMSE | told by neighbours | mean square below item means |",
        "|---|---:|---:|---:|",
    ]
    lines += [
        f"| {row.method} | {row.rmse:.4f} | {row.covered:.1%} | {row.gain:+.4f}"
        f" [{row.low:+.4f}, {row.high:+.4f}] |"
        for row in rows
    ]
    told = f"{narrowed.gain:+.4f} [{narrowed.low:+.4f}, {narrowed.high:+.4f}]"
    return "\n".join([*lines, "", f"Of the cluster, below all learners: {told}."])
