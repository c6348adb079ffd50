"""What does one learner hold now, a moment after watching something?

The Q-matrix is read and the parameters are tabulated once; each update then infers one learner,
on the calling thread, from all of that learner's observations. An object may serve many threads.
Sizes: V videos, K concepts.
"""

import numpy as np
from scipy import sparse

from kgplan.arrays import Floats, Ints, check_axis
from kgplan.diagnosis.config import DiagnosisConfig
from kgplan.diagnosis.estep import expect, parameters
from kgplan.diagnosis.evidence import check_observations, gather, read_videos
from kgplan.diagnosis.vdina import check_line


class LiveDiagnosis:
    """Re-infers single learners at fixed slip, guess and prior.

    >>> one = sparse.csr_matrix(np.array([[1.0]]))
    >>> live = LiveDiagnosis(one, np.array([0.1]), np.array([0.2]), np.array([0.5]))
    >>> concepts, mastery = live.update(np.array([0]), np.array([1.0]))
    >>> concepts, mastery.round(3)
    (array([0]), array([0.818]))
    """

    def __init__(
        self,
        q_matrix: sparse.csr_matrix,
        slip: Floats,
        guess: Floats,
        prior: Floats,
        config: DiagnosisConfig | None = None,
    ) -> None:
        """Prepare for updates; arguments and errors as for `vdina.infer`."""
        self._config = config or DiagnosisConfig()
        line = check_line(q_matrix, slip, guess, prior)
        self._q_matrix = q_matrix
        self._videos = read_videos(q_matrix, self._config.link)
        self._parameters = parameters(self._videos, line)

    def update(self, videos: Ints, shares: Floats) -> tuple[Ints, Floats]:
        """Infer one learner from all observed videos.

        Args:
            videos: (n,) observed videos, in any order, none twice.
            shares: (n,) share of each that was watched; 0 for one not opened.

        Returns:
            Concepts that the observations reach, ascending, and their mastery; all other concepts
            keep their prior.

        Raises:
            AxisMismatch: not one share per video.
            InputError: a share outside [0, 1], or a video twice.
        """
        check_axis("observed videos", videos=videos.size, shares=shares.size)
        row = sparse.csr_matrix(
            (shares, videos, [0, videos.size]), shape=(1, self._q_matrix.shape[0])
        )
        watched, weights = check_observations(row, self._q_matrix)
        evidence = gather(
            watched,
            weights,
            np.ones(1),
            self._videos,
            self._parameters.prior_log_odds.size,
            self._config.link == "compensatory",
            self._config.enumeration_limit,
        )
        found = expect(evidence, self._videos, self._parameters, self._config, threads=1)
        order = np.argsort(evidence.support)
        return evidence.support[order], found.mastery[order]
