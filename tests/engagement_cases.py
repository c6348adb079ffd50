"""Learners of two habits, whose next views are completed with chances .9 and .1."""

import numpy as np
from scipy import sparse

from kgplan.data.records import LearnerRecords
from kgplan.engagement.completion import Watched, places_of
from kgplan.pipeline.engagement import fitted

DAY = 86_400.0
LEARNERS, VIEWS, VIDEOS = 12, 40, 80


def data():
    """Views, records and places: 12 learners of 40 views each, by turns keen and not.

    Courses A to D show 20 videos each; an exercise stands behind the fourth of A.
    """
    rng = np.random.default_rng(5)
    ids = np.array([f"v{k:02}" for k in range(VIDEOS)])
    item_ids = np.sort(np.append(ids, "exercise"))
    at = np.searchsorted(item_ids, ids)
    order = np.zeros((4, item_ids.size), dtype=np.int32)
    for course in range(4):
        order[course, at[20 * course : 20 * course + 20]] = np.arange(1, 21)
    order[0, at[4:20]] += 1
    order[0, np.searchsorted(item_ids, "exercise")] = 5
    learner = np.repeat(np.arange(LEARNERS), VIEWS)
    item = np.concatenate([rng.permutation(at)[:VIEWS] for _ in range(LEARNERS)])
    moment = np.tile(DAY + 500.0 * np.arange(VIEWS), LEARNERS)
    completes = rng.random(learner.size) < np.where(learner % 2 == 0, 0.9, 0.1)
    watched = Watched(learner, item, moment, np.where(completes, 1.0, 0.3))
    names = sorted(f"u{k}" for k in range(LEARNERS))
    viewed = np.zeros((LEARNERS, item_ids.size))
    viewed[learner, item] = watched.share
    records = LearnerRecords(
        learner_ids=np.array(names),
        item_ids=item_ids,
        concept_ids=np.array(["k"]),
        course_ids=np.array(["A", "B", "C", "D"]),
        enrolled=sparse.csr_array((LEARNERS, 4), dtype=np.int8),
        viewed=sparse.csr_array(viewed),
        course_concepts=sparse.csr_array(np.ones((4, 1), dtype=np.int8)),
        course_items=sparse.csr_array(order),
        q_matrix=sparse.csr_array(np.ones((item_ids.size, 1), dtype=np.int8)),
        item_seconds=np.full(item_ids.size, 600.0),
        item_kinds=np.where(item_ids == "exercise", "exercise", "video"),
    )
    return watched, records, places_of(records.course_items, records.minutes * 60)


def completion(zone="UTC"):
    """What is served of them."""
    watched, records, _ = data()
    return fitted(watched, records, zone, 0)[0]
