"""What a policy that learns from rewards is given of a learner, as numbers from 0 to 1.

Sizes: L learners, K concepts.
"""

import numpy as np

from kgplan.arrays import Array
from kgplan.evaluation.simulators.protocol import Seen

PER_CONCEPT = 5
MOST = 5  # tries, successes in a row, failures in a row from which more say nothing new
LONGEST = 20  # steps, likewise


def features(seen: Seen) -> Array:
    """(L, 5 K + 1) goals, tries, streaks, lapses, estimated mastery, and the steps left."""
    counts = [np.minimum(each, MOST) / MOST for each in (seen.tries, seen.streak, seen.lapses)]
    left = np.full((len(seen.goals), 1), min(seen.left, LONGEST) / LONGEST)
    parts = [seen.goals, *counts, seen.mastery, left]
    return np.concatenate(parts, axis=1).astype(np.float32)
