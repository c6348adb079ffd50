"""Where do concepts stand on a plane, so that near ones stay near?

Sizes: K concepts, d embedding dimension.
"""

from typing import NamedTuple

import numpy as np
from sklearn.manifold import TSNE, trustworthiness
from threadpoolctl import threadpool_limits

from kgplan.arrays import Floats

NEIGHBOURS = 10  # whose places are compared with those in the embedding
LEAST = 3 * NEIGHBOURS  # concepts; below, two principal axes do


class Plane(NamedTuple):
    """A picture of vectors.

    Attributes:
        places: (K, 2).
        trustworthiness: 1 where each concept's neighbours on the plane are its neighbours in the
            embedding, about 0.5 where they are anybody [venna2001]; NaN with too few concepts.
        method: how it was made, in words.
    """

    places: Floats
    trustworthiness: float
    method: str


def plane(vectors: Floats, seed: int = 0) -> Plane:
    """Lay vectors out on a plane, by t-SNE [maaten2008] from their two principal axes.

    Args:
        vectors: (K, d).
        seed: of t-SNE's random numbers.

    >>> line = np.arange(5.0)[:, None] * [[1.0, 2.0, 2.0]]
    >>> np.ptp(plane(line).places, axis=0).round(6)
    array([12.,  0.])
    """
    vectors = np.asarray(vectors, dtype=np.float64)
    centred = vectors - vectors.mean(axis=0) if len(vectors) else vectors
    if len(vectors) < LEAST:
        left, lengths, _ = np.linalg.svd(centred, full_matrices=False)
        axes = np.zeros((len(vectors), 2))
        some = left[:, :2] * lengths[:2]
        axes[:, : some.shape[1]] = some
        return Plane(axes, float("nan"), "two principal axes")
    # its threads meet so often that on a busy machine they do little but wait for one another
    with threadpool_limits(1, "openmp"):
        places = TSNE(
            perplexity=min(30.0, len(vectors) / 4), init="pca", random_state=seed
        ).fit_transform(centred)
    kept = float(trustworthiness(vectors, places, n_neighbors=NEIGHBOURS))
    return Plane(np.asarray(places, dtype=np.float64), kept, "t-SNE")
