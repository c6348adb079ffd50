"""What is known of a resource that may be opened next, as numbers?

Sizes: V resources, C courses, K concepts, n views of one learner, j resources asked about, F signals.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse

from kgplan.arrays import Array, Floats, Ints
from kgplan.data.records import LearnerRecords
from kgplan.data.stored import Stored
from kgplan.resources.simple import Counts, counts_of, time_lines

AHEAD = 5  # views that count as soon
LATEST = 20  # views of a learner that say what is near them
OTHERS = 2  # courses beside the one of the last view
FADES = 0.8


@dataclass(frozen=True)
class Known(Stored):
    """What all learners did, and what resources are about.

    Attributes:
        counts: of views, pairs and steps.
        soon: (V, V) how often the column's resource was among the `AHEAD` views behind the row's.
        q_matrix: (V, K) 1 where the resource covers the concept.
    """

    counts: Counts
    soon: sparse.csr_array
    q_matrix: sparse.csr_array

    @cached_property
    def orders(self) -> list[Ints]:
        """Of each course its resources, in its order."""
        shown = self.counts.course_items
        by_place = [np.argsort(part, kind="stable") for part in np.split(shown.data, shown.indptr[1:-1])]
        parts = np.split(shown.indices, shown.indptr[1:-1])
        return [part[order] for part, order in zip(parts, by_place, strict=True)]

    @cached_property
    def follows(self) -> Ints:
        """(V,) steps that were counted from each."""
        return np.asarray(self.counts.followed.sum(axis=1)).ravel()

    @cached_property
    def unit_concepts(self) -> sparse.csr_array:
        """(V, K) rows of length 1, or of none."""
        size = np.sqrt(np.maximum(np.diff(self.q_matrix.indptr), 1))
        return sparse.csr_array(sparse.diags_array(1 / size) @ self.q_matrix.astype(np.float64))


def known_of(records: LearnerRecords) -> Known:
    """Count what signals are made of."""
    items, starts = time_lines(records)
    learner = np.repeat(np.arange(starts.size - 1), np.diff(starts))
    n = records.item_ids.size
    parts = []
    for gap in range(1, AHEAD + 1):
        same = learner[gap:] == learner[:-gap]
        parts.append((items[:-gap][same], items[gap:][same]))
    row, col = (np.concatenate(each) for each in zip(*parts, strict=True))
    soon = sparse.coo_array((np.ones(row.size, dtype=np.int32), (row, col)), shape=(n, n)).tocsr()
    return Known(counts_of(records), soon, records.q_matrix)


def _at(matrix: sparse.csr_array, row: int, columns: Ints) -> Floats:
    begin, end = matrix.indptr[row : row + 2]
    indices = matrix.indices[begin:end]
    if not indices.size:
        return np.zeros(columns.size)
    at = np.minimum(np.searchsorted(indices, columns), indices.size - 1)
    return np.where(indices[at] == columns, matrix.data[begin:end][at], 0.0)


def _courses(known: Known, history: Ints) -> list[tuple[int, int, int]]:
    """Courses of a learner, latest first: (course, where its last view stands in it, its age)."""
    found: list[tuple[int, int, int]] = []
    columns = known.counts.by_item
    for age, item in enumerate(history[::-1][:60].tolist()):
        courses = columns.indices[columns.indptr[item] : columns.indptr[item + 1]]
        courses = [c for c in courses.tolist() if c not in {each[0] for each in found}]
        if courses:
            own = [np.isin(known.orders[c], history).sum() for c in courses]
            for k in np.argsort(-np.array(own), kind="stable").tolist():
                c = courses[k]
                at = int(np.flatnonzero(known.orders[c] == item)[0])
                found.append((c, at, age))
        if len(found) >= OTHERS + 1:
            break
    return found[: OTHERS + 1]


def nominated(known: Known, history: Ints, most: int = 30) -> Ints:
    """Resources worth scoring, ascending."""
    found = [np.argsort(-known.counts.viewers, kind="stable")[:most]]
    for course, at, _ in _courses(known, history):
        order = known.orders[course]
        order = order[~np.isin(order, history)] if False else order
        found += [order[at + 1 : at + 1 + 2 * most], order[max(at - most, 0) : at], order[:5]]
    score = np.zeros(known.counts.viewers.size)
    for age, item in enumerate(history[::-1][:5].tolist()):
        part = slice(*known.soon.indptr[item : item + 2].tolist())
        score[known.soon.indices[part]] += FADES**age * known.soon.data[part]
    score[history] = 0
    top = np.argsort(-score, kind="stable")[:most]
    found.append(top[score[top] > 0])
    return np.setdiff1d(np.concatenate(found), history)


def signals(known: Known, history: Ints, asked: Ints) -> Floats:
    counts, j = known.counts, asked.size
    v = counts.viewers
    out = []
    latest = history[::-1][:LATEST].tolist()
    for k in range(3):
        if k < len(latest):
            s = _at(counts.followed, latest[k], asked)
            out += [s / max(known.follows[latest[k]], 1)] + ([s] if k==0 else [])
        else:
            out += [np.full(j, np.nan)] + ([np.full(j, np.nan)] if k==0 else [])
    soon = np.zeros(j); aged = np.zeros(j); last_soon=None
    root = np.sqrt(np.maximum(v, 1))
    for age, item in enumerate(latest):
        w = FADES**age
        s = _at(known.soon, item, asked) / max(v[item], 1)
        if age == 0: last_soon = s
        soon += w * s
        aged += w * _at(counts.together, item, asked) / (root[item] * root[asked])
    plain = np.zeros(v.size)
    if history.size: plain = (1/root[history]) @ counts.together[history] / root
    cf = plain[asked] / max(history.size, 1)
    out += [last_soon if last_soon is not None else np.full(j,np.nan), soon, aged, cf, np.log1p(v[asked])]
    # courses
    where = _courses(known, history)
    rank_of = np.full(v.size, np.nan); diff_of = np.full(v.size, np.nan)
    opened = np.zeros(v.size, bool); opened[history] = True
    for k in range(OTHERS + 1):
        rank_of[:] = np.nan; diff_of[:] = np.nan
        age=np.nan; share=np.nan
        if k < len(where):
            c, at, age = where[k]
            order = known.orders[c]
            left = ~opened[order]
            ahead = order[at+1:][left[at+1:]]; behind = order[:at][left[:at]][::-1]
            rank_of[ahead] = np.arange(1, ahead.size+1); rank_of[behind] = -np.arange(1, behind.size+1)
            diff_of[order] = np.arange(order.size) - at
            share = 1 - left.mean()
            if k == 0: remaining = ahead.size
        out += [rank_of[asked], np.clip(diff_of[asked],-50,50), np.where(np.isnan(rank_of[asked]), np.nan, age), np.where(np.isnan(rank_of[asked]), np.nan, share)]
    # streak
    steps = []
    if where:
        c, at, _ = where[0]
        place = {x: i for i, x in enumerate(known.orders[c].tolist())}
        near = [place.get(x) for x in history[-7:].tolist()]
        steps = [b - a if a is not None and b is not None else None for a, b in zip(near, near[1:], strict=False)]
    ones = float(np.mean([s == 1 for s in steps])) if steps else np.nan
    laststep = steps[-1] if steps and steps[-1] is not None else np.nan
    out += [np.full(j, ones), np.full(j, float(np.clip(laststep,-20,20))), np.full(j, np.log1p(history.size)), np.full(j, float(remaining if where else np.nan))]
    recent = known.unit_concepts[history[-5:]].sum(axis=0)
    out += [known.unit_concepts[asked] @ recent]
    # of the resource
    by = counts.by_item
    first = by.indptr[asked]; has = np.diff(by.indptr)[asked] > 0
    place = np.where(has, by.data[np.minimum(first, by.data.size-1)], np.nan)
    size = np.array([o.size for o in known.orders]); top = np.array([v[o].max(initial=1) for o in known.orders])
    crs = by.indices[np.minimum(first, by.data.size-1)]
    out += [place, np.where(has, place / np.maximum(size[crs],1), np.nan), np.where(has, v[asked]/np.maximum(top[crs],1), np.nan)]
    return np.stack(out, axis=1).astype(np.float32)
