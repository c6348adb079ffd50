"""How alike are two concepts, and which are most alike? Eqs. (1), (2), (5) and (8)."""

from kgplan.similarity.fused import Bounds, FusedSimilarity, fuse
from kgplan.similarity.learners import LearnerSets, learner_sets
from kgplan.similarity.top import TopSimilar, top_similar

__all__ = [
    "Bounds",
    "FusedSimilarity",
    "LearnerSets",
    "TopSimilar",
    "fuse",
    "learner_sets",
    "top_similar",
]
