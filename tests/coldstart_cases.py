"""A few learners of two kinds, whose rows tell them apart."""

import numpy as np
from scipy import sparse

from kgplan.coldstart.features import Histories
from kgplan.data.records import LearnerRecords

N_ITEMS = 24  # four courses of six items; two courses for each kind of learner
N_CONCEPTS = 6


def records(rng: np.random.Generator, n: int = 40, longest: int = 11) -> LearnerRecords:
    """Learners of even numbers watch courses 0 and 1, of odd numbers courses 2 and 3."""
    order = np.zeros((n, N_ITEMS), dtype=np.int32)
    shares = np.zeros((n, N_ITEMS))
    for u in range(n):
        own = rng.permutation(12)[: rng.integers(4, longest + 1)] + 12 * (u % 2)
        order[u, own] = np.arange(1, own.size + 1)
        shares[u, own] = rng.uniform(0.3, 1, own.size)
    places = np.zeros((4, N_ITEMS), dtype=np.int32)
    for c in range(4):
        places[c, 6 * c : 6 * c + 6] = np.arange(1, 7)
    q = np.zeros((N_ITEMS, N_CONCEPTS), dtype=np.int8)
    q[np.arange(N_ITEMS), np.arange(N_ITEMS) // 4] = 1
    viewed = sparse.csr_array(order)
    return LearnerRecords(
        learner_ids=np.array([f"U_{u:03}" for u in range(n)]),
        item_ids=np.array([f"V_{v:02}" for v in range(N_ITEMS)]),
        concept_ids=np.array([f"K_{k}" for k in range(N_CONCEPTS)]),
        course_ids=np.array([f"C_{c}" for c in range(4)]),
        enrolled=sparse.csr_array((n, 4), dtype=np.int8),
        viewed=sparse.csr_array((shares[order > 0], viewed.indices, viewed.indptr), order.shape),
        course_concepts=sparse.csr_array((4, N_CONCEPTS), dtype=np.int8),
        course_items=sparse.csr_array(places),
        q_matrix=sparse.csr_array(q),
        viewed_order=viewed.data,
    )


def moments(of: LearnerRecords, begin: float = 1.5e9) -> np.ndarray:
    """A row a day, along the stored entries of `viewed`."""
    return begin + 86_400.0 * of.places_of_views


def histories(of: LearnerRecords, dated: sparse.csr_array | None = None) -> Histories:
    return Histories.of(of, moments(of), dated)


def facts() -> sparse.csr_array:
    """Two schools, the first two courses of one, the others of the other."""
    return sparse.csr_array(np.array([[1.0, 0], [1, 0], [0, 1], [0, 1]]))
