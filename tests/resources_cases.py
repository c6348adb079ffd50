"""Records of a few learners, from their views in order."""

import numpy as np
from scipy import sparse

from kgplan.data.records import LearnerRecords

COURSES = ((0, 1, 2, 3, 4), (4, 2, 5))  # resource 6 is in none
LINES = ((0, 1, 2), (0, 1, 3), (1, 4, 2, 5), (6, 0), ())


def records(lines=LINES, courses=COURSES, n_items=7) -> LearnerRecords:
    shape = (len(lines), n_items)
    order = np.zeros(shape, dtype=np.int32)
    for learner, line in enumerate(lines):
        for place, item in enumerate(line, start=1):
            order[learner, item] = place
    places = np.zeros((len(courses), n_items), dtype=np.int32)
    for course, items in enumerate(courses):
        for place, item in enumerate(items, start=1):
            places[course, item] = place
    viewed = sparse.csr_array(order)
    none = sparse.csr_array((n_items, 1), dtype=np.int8)
    return LearnerRecords(
        learner_ids=np.array([f"U_{k}" for k in range(len(lines))]),
        item_ids=np.array([f"V_{k}" for k in range(n_items)]),
        concept_ids=np.array(["K_0"]),
        course_ids=np.array([f"C_{k}" for k in range(len(courses))]),
        enrolled=sparse.csr_array((len(lines), len(courses)), dtype=np.int8),
        viewed=sparse.csr_array((np.ones(viewed.nnz), viewed.indices, viewed.indptr), shape),
        course_concepts=sparse.csr_array((len(courses), 1), dtype=np.int8),
        course_items=sparse.csr_array(places),
        q_matrix=none,
        viewed_order=viewed.data,
    )
