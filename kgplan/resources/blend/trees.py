"""What do boosted trees say, without the library that grew them?

Sizes: j rows, F columns, T trees, N nodes of all trees.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from kgplan.arrays import Array, Floats, Ints, check_axis
from kgplan.data.stored import Stored
from kgplan.native.trees import Nodes, moves, sums


@dataclass(frozen=True)
class Trees(Stored):
    """Trees whose values are added up.

    Attributes:
        base: what is added to.
        roots: (T,) nodes that each begins at.
        column: (N,) that is looked at; -1 for a leaf.
        threshold: (N,) values up to it go left.
        missing_left: (N,) whether NaN goes left.
        left, right: (N,) nodes.
        value: (N,) of leaves; of others the mean of the leaves below, by the rows that the tree
            was grown from.
        n_columns: F.
    """

    base: float
    roots: Ints
    column: Ints
    threshold: Floats
    missing_left: Array
    left: Ints
    right: Ints
    value: Floats
    n_columns: int

    def scores(self, rows: Floats) -> Floats:
        """(j,) of each row: higher is likelier, in log odds.

        Args:
            rows: (j, F).

        Raises:
            AxisMismatch: another number of columns.
        """
        check_axis("F", rows=rows.shape[1], trees=self.n_columns)
        found: Floats = sums(self._nodes, self.base, rows)
        return found

    @property
    def mean(self) -> float:
        """The mean score of the rows that the trees were grown from."""
        return self.base + float(self.value[self.roots].sum())

    def moves(self, rows: Floats, group: Ints) -> Floats:
        """(j, G) what brought each row from `mean` to its score, by groups of columns.

        On its way through a tree a row's expected value changes at every node; the change is the
        node's column's. All changes of a row and the mean add up to its score.
        Source: A. Saabas, Interpreting random forests, 2014.

        Args:
            rows: (j, F).
            group: (F,) of each column, from 0.
        """
        check_axis("F", rows=rows.shape[1], trees=self.n_columns)
        n_groups = int(group.max(initial=-1)) + 1
        found: Floats = moves(self._nodes, group, n_groups, rows)
        return found

    @cached_property
    def _nodes(self) -> Nodes:
        whole = (self.roots, self.column, self.left, self.right)
        roots, column, left, right = (np.asarray(each, dtype=np.int64) for each in whole)
        threshold, value = (np.asarray(each, float) for each in (self.threshold, self.value))
        missing = np.asarray(self.missing_left, dtype=bool)
        return Nodes(roots, column, threshold, missing, left, right, value)


def grown(
    rows: Floats,
    yes: Array,
    rounds: int,
    rate: float,
    seed: int,
    leaves: int = 31,
    columns: float = 1.0,
) -> Trees:
    """Grow trees that tell rows apart, by gradient boosting of log loss (scikit-learn).

    Args:
        rows: (j, F), NaN where unknown.
        yes: (j,) True for what is to score high.
        rounds: trees.
        rate: by which each one's say is shortened.
        seed: of what is drawn.
        leaves: of a tree, at most.
        columns: share of them that each split looks at.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier
    from threadpoolctl import threadpool_limits

    empty = np.isnan(rows).all(axis=0)  # no column without values is taken
    model = HistGradientBoostingClassifier(
        max_iter=rounds,
        learning_rate=rate,
        max_leaf_nodes=leaves,
        min_samples_leaf=50,
        l2_regularization=5.0,
        max_features=columns,
        early_stopping=False,
        random_state=seed,
    )
    with threadpool_limits(1, "openmp"):  # trees are small: threads would wait for one another
        model.fit(np.where(empty, 0, rows), yes)
    return _taken_over(model, rows.shape[1])


def _taken_over(model: Any, n_columns: int) -> Trees:
    grown = [each[0].nodes for each in model._predictors]  # no public name gives them
    sizes = np.array([nodes.size for nodes in grown])
    roots = np.cumsum(sizes) - sizes
    nodes, start = np.concatenate(grown), np.repeat(roots, sizes)
    leaf = nodes["is_leaf"].astype(bool)
    left, right = nodes["left"].astype(np.int64) + start, nodes["right"].astype(np.int64) + start
    value, rows = nodes["value"].copy(), nodes["count"].astype(np.float64)
    for node in np.flatnonzero(~leaf)[::-1].tolist():  # what is below stands behind
        below = [left[node], right[node]]
        value[node] = np.average(value[below], weights=rows[below])
    return Trees(
        base=float(np.ravel(model._baseline_prediction)[0]),
        roots=roots,
        column=np.where(leaf, -1, nodes["feature_idx"].astype(np.int64)),
        threshold=nodes["num_threshold"],
        missing_left=nodes["missing_go_to_left"].astype(bool),
        left=left,
        right=right,
        value=value,
        n_columns=n_columns,
    )
