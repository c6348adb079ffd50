"""What is reached in a directed graph, in how many steps, and through which node?

A graph is (n + 1,) where each node's edges begin, and (N,) their ends in that order.
"""

import numpy as np

from kgplan.arrays import Array, Ints
from kgplan.native.compiled import njit


@njit(cache=True)
def other_ways(first: Ints, heads: Ints) -> Ints:
    """One search per concept that remembers, at each place, two ways with different first steps.

    A shortest way that leaves by another first step than the edge never uses the edge, as it does
    not come back to where it began; and of two first steps at most one is the edge.
    """
    n = first.size - 1
    steps = np.zeros(heads.size, dtype=np.int64)
    hop = np.empty((n, 2), dtype=np.int64)
    far = np.empty((n, 2), dtype=np.int64)
    seen = np.zeros(n, dtype=np.int64)
    queue = np.empty((2 * n, 2), dtype=np.int64)
    for a in range(n):
        seen[:] = 0
        read, written = 0, 0
        for k in range(first[a], first[a + 1]):
            b = heads[k]
            if b != a:
                hop[b, 0], far[b, 0], seen[b] = b, 1, 1
                queue[written, 0], queue[written, 1] = b, 0
                written += 1
        while read < written:
            v, which = queue[read]
            read += 1
            for k in range(first[v], first[v + 1]):
                w = heads[k]
                if w == a or seen[w] == 2 or (seen[w] == 1 and hop[w, 0] == hop[v, which]):
                    continue
                slot = seen[w]
                hop[w, slot], far[w, slot], seen[w] = hop[v, which], far[v, which] + 1, slot + 1
                queue[written, 0], queue[written, 1] = w, slot
                written += 1
        for k in range(first[a], first[a + 1]):
            b = heads[k]
            for slot in range(seen[b]):
                if hop[b, slot] != b:
                    steps[k] = far[b, slot]
                    break
    return steps


@njit(cache=True)
def removable(first: Ints, tails: Ints, heads: Ints, candidates: Ints) -> Array:
    """Whether each candidate went."""
    n = first.size - 1
    there = np.ones(heads.size, dtype=np.bool_)
    went = np.zeros(candidates.size, dtype=np.bool_)
    seen = np.full(n, -1, dtype=np.int64)
    stack = np.empty(n, dtype=np.int64)
    for c in range(candidates.size):
        edge = candidates[c]
        goal = heads[edge]
        there[edge] = False
        seen[tails[edge]] = c
        stack[0] = tails[edge]
        top = 1
        while top > 0 and not went[c]:
            top -= 1
            v = stack[top]
            for k in range(first[v], first[v + 1]):
                w = heads[k]
                if there[k] and seen[w] != c:
                    if w == goal:
                        went[c] = True
                        break
                    seen[w] = c
                    stack[top] = w
                    top += 1
        if not went[c]:
            there[edge] = True
    return went


@njit(cache=True)
def dominated(out_first: Ints, out: Ints, in_first: Ints, into: Ints) -> Ints:
    """Nodes below each node in the dominator tree from the last one, which reaches all."""
    n = out_first.size - 1
    root = n - 1
    # nodes by the end of a depth-first visit
    at = out_first[:-1].copy()
    post = np.full(n, -1, dtype=np.int64)
    by_post = np.empty(n, dtype=np.int64)
    seen = np.zeros(n, dtype=np.bool_)
    stack = np.empty(n, dtype=np.int64)
    stack[0], top, done = root, 1, 0
    seen[root] = True
    while top > 0:
        v = stack[top - 1]
        if at[v] < out_first[v + 1]:
            w = out[at[v]]
            at[v] += 1
            if not seen[w]:
                seen[w] = True
                stack[top] = w
                top += 1
        else:
            top -= 1
            post[v], by_post[done] = done, v
            done += 1
    parent = np.full(n, -1, dtype=np.int64)
    parent[root] = root
    changed = True
    while changed:
        changed = False
        for p in range(n - 2, -1, -1):
            v = by_post[p]
            found = -1
            for k in range(in_first[v], in_first[v + 1]):
                u = into[k]
                if parent[u] < 0:
                    continue
                if found < 0:
                    found = u
                    continue
                a, b = found, u
                while a != b:  # climb to where the two branches meet
                    while post[a] < post[b]:
                        a = parent[a]
                    while post[b] < post[a]:
                        b = parent[b]
                found = a
            if parent[v] != found:
                parent[v] = found
                changed = True
    below = np.zeros(n, dtype=np.int64)
    for p in range(n - 1):  # a parent's visit ends after its children's
        below[parent[by_post[p]]] += below[by_post[p]] + 1
    return below


@njit(cache=True)
def longest_chains(first: Ints, heads: Ints) -> Ints:
    """Longest chain before each node of a graph without cycles."""
    n = first.size - 1
    waits = np.zeros(n, dtype=np.int64)
    for head in heads:
        waits[head] += 1
    level = np.zeros(n, dtype=np.int64)
    queue = np.empty(n, dtype=np.int64)
    written = 0
    for v in range(n):
        if waits[v] == 0:
            queue[written] = v
            written += 1
    read = 0
    while read < written:
        v = queue[read]
        read += 1
        for k in range(first[v], first[v + 1]):
            w = heads[k]
            level[w] = max(level[w], level[v] + 1)
            waits[w] -= 1
            if waits[w] == 0:
                queue[written] = w
                written += 1
    return level


@njit(cache=True)
def shortest_way(first: Ints, heads: Ints, start: int, goal: int) -> Ints:
    """Places in `heads` of the edges on a shortest way; none where start is goal or no way is."""
    n = first.size - 1
    came = np.full(n, -1, dtype=np.int64)
    tail = np.empty(n, dtype=np.int64)
    queue = np.empty(n + 1, dtype=np.int64)
    queue[0] = start
    read, written = 0, 1
    while read < written and start != goal and came[goal] < 0:
        v = queue[read]
        read += 1
        for k in range(first[v], first[v + 1]):
            w = heads[k]
            if w != start and came[w] < 0:
                came[w], tail[w] = k, v
                queue[written] = w
                written += 1
    n_steps, v = 0, goal
    if came[goal] >= 0:
        while v != start:
            n_steps += 1
            v = tail[v]
    way = np.empty(n_steps, dtype=np.int64)
    v = goal
    for k in range(n_steps - 1, -1, -1):
        way[k] = came[v]
        v = tail[v]
    return way
