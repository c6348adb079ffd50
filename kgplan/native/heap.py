"""How is the best n of a long stream kept? One row of costs and ids per stream, worst at the root.

A candidate is better the lower its cost; equal costs go by the lower id. All rows start full of
infinite costs, so that whatever comes first is better.
"""

import numpy as np

from kgplan.arrays import Floats, Ints
from kgplan.native.compiled import njit

LAST = 2**31 - 1  # an id that every other stands before


def empty_rows(n_rows: int, n: int) -> tuple[Floats, Ints]:
    """Costs and ids of rows that nothing was offered to yet."""
    costs = np.full((n_rows, n), np.inf)
    return costs, np.full((n_rows, n), LAST, dtype=np.int32)


@njit(cache=True)
def is_worse(cost: float, id: int, than_cost: float, than_id: int) -> bool:
    """Whether the first candidate stands behind the second."""
    return cost > than_cost or (cost == than_cost and id > than_id)


@njit(cache=True)
def replace_worst(costs: Floats, ids: Ints, size: int, cost: float, id: int) -> None:
    """Put a candidate in the root's place and let it sink among the first `size` members."""
    place = 0
    while True:
        child = 2 * place + 1
        if child >= size:
            break
        if child + 1 < size and is_worse(
            costs[child + 1], ids[child + 1], costs[child], ids[child]
        ):
            child += 1
        if not is_worse(costs[child], ids[child], cost, id):
            break
        costs[place], ids[place] = costs[child], ids[child]
        place = child
    costs[place], ids[place] = cost, id


@njit(cache=True)
def sort_row(costs: Floats, ids: Ints) -> None:
    """Turn a heap into a list, best first."""
    for size in range(costs.size - 1, 0, -1):
        cost, id = costs[size], ids[size]
        costs[size], ids[size] = costs[0], ids[0]
        replace_worst(costs, ids, size, cost, id)
