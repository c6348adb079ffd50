"""Will a learner open a video? What methods say that know no concepts.

All take the same observations and the same pairs (calibration.HeldBack) and give P(opened).
Sizes: U learners, V videos, C courses, P pairs.
"""

from typing import NamedTuple

import numpy as np
from scipy import sparse
from scipy.special import logit

from kgplan.arrays import Array, Floats, Ints
from kgplan.diagnosis.entries import rows_of
from kgplan.diagnosis.predicting import Pairs
from kgplan.evaluation.calibration import look_up

_PULL = 5.0  # observations at the overall mean that a share starts from


def popularity(watched: sparse.csr_array, pairs: Pairs) -> Floats:
    """Share of all learners with any view who opened the video.

    >>> watched = sparse.csr_array(np.array([[1.0, 1.0], [1.0, 0.0]]))
    >>> popularity(watched, (np.array([0, 1]), np.array([0, 1])))
    array([1. , 0.5])
    """
    opened = watched.data > 0
    views = np.bincount(watched.indices[opened], minlength=watched.shape[1])
    learner = rows_of(watched)
    return views[pairs[1]] / max(np.unique(learner[opened]).size, 1)


def item_mean(watched: sparse.csr_array, pairs: Pairs, pull: float = _PULL) -> Floats:
    """Share of the video's observations that are views, pulled to the overall share.

    Args:
        watched: (U, V) observations.
        pairs: what to predict.
        pull: observations at the overall share that every video starts with.
    """
    return _shares(watched.indices, watched.data > 0, watched.shape[1], pull)[pairs[1]]


def learner_mean(watched: sparse.csr_array, pairs: Pairs, pull: float = _PULL) -> Floats:
    """Share of the learner's observations that are views, pulled to the overall share."""
    learner = rows_of(watched)
    return _shares(learner, watched.data > 0, watched.shape[0], pull)[pairs[0]]


def _shares(of: Ints, opened: Array, size: int, pull: float) -> Floats:
    overall = opened.mean() if opened.size else 0.5
    views = np.bincount(of, opened, size)
    return (views + pull * overall) / (np.bincount(of, minlength=size) + pull)


def item_cf(watched: sparse.csr_array, pairs: Pairs, pull: float = 1.0) -> Floats:
    """Item-based collaborative filtering (Sarwar et al., WWW 2001).

    The mean of the learner's observations (1 opened, 0 not), weighted by the cosine of each
    video's column of views with the asked one's, and pulled to the video's own mean.

    Args:
        watched: (U, V) observations.
        pairs: what to predict.
        pull: summed cosine at which the video's mean and the learner's observations weigh alike.
    """
    views = sparse.csr_array(
        ((watched.data > 0).astype(np.float64), watched.indices, watched.indptr),
        shape=watched.shape,
    )
    both = (views.T @ views).toarray()
    norm = np.sqrt(np.maximum(np.diag(both), 1))
    cosine = both / norm / norm[:, None]
    np.fill_diagonal(cosine, 0)  # a pair asked for is not observed; this is for safety
    asked, row = np.unique(pairs[0], return_inverse=True)
    seen = sparse.csr_array(
        (np.ones(watched.nnz), watched.indices, watched.indptr), shape=watched.shape
    )
    top, bottom = views[asked] @ cosine, seen[asked] @ cosine
    mean = item_mean(watched, pairs)
    return (top[row, pairs[1]] + pull * mean) / (bottom[row, pairs[1]] + pull)


class Course(NamedTuple):
    """What a pair's course says at the time of the split; 0 where no course of the learner has it.

    Attributes:
        begun: (P,) 1 where the learner opened a video of the course.
        opened: (P,) share of the observed videos of the course that were opened, pulled.
        ahead: (P,) places after the last one watched, 0 if before it or not begun.
        behind: (P,) places before it.
    """

    begun: Floats
    opened: Floats
    ahead: Floats
    behind: Floats


def place_in_course(
    watched: sparse.csr_array,
    order: sparse.csr_array,
    enrolled: sparse.csr_array,
    course_items: sparse.csr_array,
    pairs: Pairs,
) -> Course:
    """Where a video stands to what the learner watched last in its course.

    Of several courses of the learner with the video, the one begun with most views counts.

    Args:
        watched: (U, V) observations, what was held back apart.
        order: (U, V) places of views on the learner's time line.
        enrolled: (U, C) not 0 where enrolled.
        course_items: (C, V) place of the video in the course, from 1.
        pairs: what to describe.
    """
    learner, video = pairs
    best = np.full(learner.size, -1.0)
    found = Course(*(np.zeros(learner.size) for _ in Course._fields))
    n_views, overall = watched.data > 0, float(np.mean(watched.data > 0))
    row = rows_of(watched)
    when = look_up(order, row, np.asarray(watched.indices))
    by_video = np.argsort(video, kind="stable")
    cuts = np.searchsorted(video[by_video], np.arange(watched.shape[1] + 1))
    is_in = enrolled.tocsc()
    for c in np.flatnonzero(np.diff(course_items.indptr)):
        part = slice(course_items.indptr[c], course_items.indptr[c + 1])
        place = np.zeros(watched.shape[1])
        place[course_items.indices[part]] = course_items.data[part]
        inside = place[watched.indices] > 0
        seen = np.bincount(row[inside], minlength=watched.shape[0])
        views = np.bincount(row[inside & n_views], minlength=watched.shape[0])
        last = np.zeros(watched.shape[0])
        at = np.flatnonzero(inside & n_views)
        at = at[np.lexsort((when[at], row[at]))]
        last[row[at]] = place[watched.indices[at]]  # the latest of a learner is written last
        member = np.zeros(watched.shape[0], bool)
        member[is_in.indices[is_in.indptr[c] : is_in.indptr[c + 1]]] = True
        asked = np.concatenate(
            [by_video[cuts[v] : cuts[v + 1]] for v in course_items.indices[part]]
        )
        u = learner[asked]
        better = (member[u] | (views[u] > 0)) & (views[u] > best[asked])
        asked, u = asked[better], u[better]
        best[asked] = views[u]
        begun = views[u] > 0
        distance = np.where(begun, place[video[asked]] - last[u], 0)
        found.begun[asked] = begun
        found.opened[asked] = (views[u] + overall) / (seen[u] + 1)
        found.ahead[asked] = np.maximum(distance, 0)
        found.behind[asked] = np.maximum(-distance, 0)
    return found


def simple_features(watched: sparse.csr_array, pairs: Pairs, course: Course) -> Floats:
    """(P, 6) what is known of learner, video and course at the split, in log odds or logs."""
    learner = rows_of(watched)
    opened = watched.data > 0
    of_learner = np.bincount(learner[opened], minlength=watched.shape[0])[pairs[0]]
    of_video = np.bincount(watched.indices[opened], minlength=watched.shape[1])[pairs[1]]
    return np.column_stack(
        [
            logit(item_mean(watched, pairs)),
            logit(learner_mean(watched, pairs)),
            np.log1p(of_learner),
            np.log1p(of_video),
            logit(np.clip(course.opened, 0.01, 0.99)),
            course.begun,
        ]
    )


def place_features(course: Course) -> Floats:
    """(P, 4) how far ahead of, or behind, what was watched last, and whether it is the next."""
    return np.column_stack(
        [
            np.log1p(course.ahead),
            np.log1p(course.behind),
            course.ahead == 1,
            (course.ahead > 0) & (course.ahead <= 5),
        ]
    )
