"""Which learners are alike in how they spend their time? Eq. (19).

Ids of clusters are numbers without a meaning. Sizes: n learners, p features, K clusters.
"""

from dataclasses import dataclass

import numpy as np

from kgplan.arrays import Array, Floats, Ints

STARTS = 20
FEWEST, MOST = 2, 8  # clusters that are tried
FEWEST_SESSIONS = 10
"""Of a learner who gets a cluster."""
ROUNDS = 100


@dataclass(frozen=True)
class Clusters:
    """A fit.

    Attributes:
        cluster: (n,) of each learner, 0 to K - 1.
        centres: (K, p).
        within: J of eq. (19).
    """

    cluster: Ints
    centres: Floats
    within: float

    def of(self, x: Floats) -> Ints:
        """(m,) the nearest cluster of others.

        Args:
            x: (m, p).
        """
        return _distances(x, self.centres).argmin(axis=1)


@dataclass(frozen=True)
class Choice:
    """How many clusters there are, and why.

    Attributes:
        k: chosen.
        silhouettes: K -> mean silhouette.
        agreements: K -> mean adjusted Rand index between fits to resamples and the fit to all.
    """

    k: int
    silhouettes: dict[int, float]
    agreements: dict[int, float]


def k_means(x: Floats, k: int, seed: int = 0, starts: int = STARTS) -> Clusters:
    """Lloyd's algorithm from k-means++ starts; the best of them.

    Args:
        x: (n, p) with n >= k.
        k: K.
        seed: draws the starts.
        starts: how many.
    """
    rng = np.random.default_rng(seed)
    return min((_descended(x, _spread(x, k, rng)) for _ in range(starts)), key=lambda c: c.within)


def _spread(x: Floats, k: int, rng: np.random.Generator) -> Floats:
    """(K, p) k-means++: each next one far from those that are there, by chance."""
    centres = [x[rng.integers(len(x))]]
    while len(centres) < k:
        far = _distances(x, np.array(centres)).min(axis=1)
        total = far.sum()
        chance = far / total if total > 0 else None
        centres.append(x[rng.choice(len(x), p=chance)])
    return np.array(centres)


def _descended(x: Floats, centres: Floats) -> Clusters:
    cluster = np.full(len(x), -1)
    for _ in range(ROUNDS):
        far = _distances(x, centres)
        now = far.argmin(axis=1)
        if np.array_equal(now, cluster):
            break
        cluster = now
        for each in range(len(centres)):  # a cluster that nobody is in stays where it is
            if (cluster == each).any():
                centres[each] = x[cluster == each].mean(axis=0)
    within = float(_distances(x, centres)[np.arange(len(x)), cluster].sum())
    return Clusters(cluster, centres, within)


def _distances(x: Floats, centres: Floats) -> Floats:
    """(n, K) squares."""
    return np.asarray(((x[:, None] - centres[None]) ** 2).sum(axis=-1))


def silhouette(x: Floats, cluster: Ints) -> float:
    """Mean over learners of (b - a) / max(a, b): a to their own cluster, b to the nearest other
    (Rousseeuw, 1987); 0 for one who is alone."""
    far = np.sqrt(_distances(x, x))
    names = np.unique(cluster)
    member = (cluster[:, None] == names).astype(np.float64)
    size = member.sum(axis=0)
    total = far @ member
    own = np.searchsorted(names, cluster)
    rows = np.arange(len(x))
    alone = size[own] == 1
    a = total[rows, own] / np.maximum(size[own] - 1, 1)
    others = total / size
    others[rows, own] = np.inf
    b = others.min(axis=1)
    larger = np.maximum(a, b)
    found = np.divide(b - a, larger, out=np.zeros(len(x)), where=(larger > 0) & ~alone)
    return float(found.mean())


def adjusted_rand(left: Array, right: Array) -> float:
    """Agreement of two partitions: 1 where they are equal, 0 expected by chance (Hubert and
    Arabie, 1985)."""
    _, a = np.unique(left, return_inverse=True)
    _, b = np.unique(right, return_inverse=True)
    table = np.zeros((a.max() + 1, b.max() + 1))
    np.add.at(table, (a, b), 1)

    def pairs(counts: Floats) -> float:
        return float((counts * (counts - 1) / 2).sum())

    both, rows, columns = pairs(table), pairs(table.sum(axis=1)), pairs(table.sum(axis=0))
    everything = pairs(np.array([float(a.size)]))
    by_chance = rows * columns / everything if everything else 0.0
    most = (rows + columns) / 2
    return 1.0 if most == by_chance else (both - by_chance) / (most - by_chance)


def choose(x: Floats, seed: int = 0, resamples: int = 10, starts: int = STARTS) -> Choice:
    """The number of clusters whose silhouette and agreement over resamples add to most.

    Args:
        x: (n, p) with more rows than `FEWEST`.
        seed: of starts and resamples.
        resamples: of learners, with replacement, behind each agreement.
        starts: of each fit.
    """
    silhouettes, agreements = {}, {}
    for k in range(FEWEST, min(MOST, len(x) - 1) + 1):
        whole = k_means(x, k, seed, starts)
        silhouettes[k] = silhouette(x, whole.cluster)
        found = []
        for each in range(resamples):
            rows = np.random.default_rng([seed, each]).integers(0, len(x), len(x))
            again = k_means(x[rows], k, seed + 1 + each, starts)
            found.append(adjusted_rand(whole.cluster, again.of(x)))
        agreements[k] = float(np.mean(found))
    best = max(silhouettes, key=lambda k: silhouettes[k] + agreements[k])
    return Choice(best, silhouettes, agreements)
