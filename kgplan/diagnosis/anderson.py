"""Where is a fixed-point iteration heading? Anderson acceleration of EM.

EM creeps where much of the data is missing. Its last few steps span a small space in which the
fixed point is guessed by least squares (Anderson 1965; for EM: Henderson & Varadhan, J. Comput.
Graph. Stat. 2019). A guess is only ever a proposal: fit() keeps it when the objective gains.
"""

from collections.abc import Sequence

import numpy as np

from kgplan.arrays import Floats


def extrapolate(
    points: Sequence[Floats], images: Sequence[Floats], scale: Floats, ridge: float
) -> Floats:
    """Guess the fixed point of a map from the last points it was applied to.

    Args:
        points: at least two, oldest first, each (n,).
        images: the map's value at each point.
        scale: (n,) how much a residual in each coordinate counts, e.g. 1 / its standard error.
        ridge: share of the mean squared residual difference added to the normal equations; keeps
            nearly parallel steps from being blown up.

    Returns:
        (n,) the guess; the last image where the points do not differ.

    >>> halve = lambda x: 1 + 0.5 * x  # fixed point 2
    >>> points = [np.array([0.0]), np.array([1.0])]
    >>> extrapolate(points, [halve(x) for x in points], np.ones(1), 0.0)
    array([2.])
    """
    image = np.array(images)
    residual = (image - np.array(points)) * scale
    d_residual, d_image = np.diff(residual, axis=0), np.diff(image, axis=0)
    # einsum without BLAS: its order of summation does not depend on the number of threads.
    gram = np.einsum("in,jn->ij", d_residual, d_residual)
    size = float(np.trace(gram)) / gram.shape[0]
    if size == 0:
        return image[-1]
    gram[np.diag_indices_from(gram)] += ridge * size
    share = np.linalg.lstsq(gram, np.einsum("in,n->i", d_residual, residual[-1]), rcond=None)[0]
    return image[-1] - np.einsum("i,in->n", share, d_image)
