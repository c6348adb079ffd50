"""What does one learner hold now, a moment after watching something?

`LiveDiagnosis` reads the Q-matrix and tabulates the parameters once; it is never changed, and
serves any number of learners and threads. A `Posterior` is what is observed of one learner, and the
mastery that follows. It is moved to other observations: the components that the change touches are
inferred again, from their first message on, as going on from old messages is hardly faster and can
end at another fixed point of propagation (docs/research/diagnosis.md, "Live").
Sizes: V videos, K concepts.
"""

from copy import copy
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from kgplan.arrays import Array, Floats, Ints, check_axis
from kgplan.diagnosis.config import DiagnosisConfig
from kgplan.diagnosis.estep import expect, parameters
from kgplan.diagnosis.evidence import check_observations, gather, read_videos
from kgplan.diagnosis.vdina import check_line, check_prior
from kgplan.errors import InputError
from kgplan.native.excerpt import covering, cut, touched_by
from kgplan.native.partition import split


@dataclass(frozen=True)
class Posterior:
    """What is observed of one learner, and the mastery that follows at fixed parameters.

    Attributes:
        videos: (n,) observed videos, ascending.
        shares: (n,) share of each that was watched; 0 for one that is due and was not opened.
        weights: (n,) of each observation's log-likelihood.
        concepts: (m,) concepts that these reach, ascending; all others keep their prior.
        mastery: (m,) of these concepts.
    """

    videos: Ints
    shares: Floats
    weights: Floats
    concepts: Ints
    mastery: Floats


NOTHING_OBSERVED = Posterior(
    np.zeros(0, np.int64), np.zeros(0), np.zeros(0), np.zeros(0, np.int64), np.zeros(0)
)


class LargeUpdate(Exception):
    """More concepts would have to be inferred again than was asked for."""


class LiveDiagnosis:
    """Infers single learners at fixed slip, guess and prior.

    >>> one = sparse.csr_matrix(np.array([[1.0]]))
    >>> live = LiveDiagnosis(one, np.array([0.1]), np.array([0.2]), np.array([0.5]))
    >>> watched = live.infer(np.array([0]), np.array([1.0]))
    >>> watched.concepts, watched.mastery.round(3)
    (array([0]), array([0.818]))
    >>> live.update(watched, np.array([0]), np.array([0.0])).mastery.round(3)
    array([0.111])
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
        self.q_matrix = sparse.csr_matrix(q_matrix)
        self.prior = line.prior
        self._videos = read_videos(q_matrix, self._config.link)
        self._parameters = parameters(self._videos, line)
        self._pulls = self._config.link == "compensatory"

    def with_prior(self, prior: Floats) -> "LiveDiagnosis":
        """The same model for a learner of another prior; the Q-matrix is not read again.

        Args:
            prior: (K,) in (0, 1).

        Raises:
            AxisMismatch, InputError: as for `vdina.infer`.
        """
        if prior is self.prior:
            return self
        other = copy(self)
        other.prior = check_prior(prior, self.prior.size)
        other._parameters = self._parameters._replace(
            prior_log_odds=np.log(prior) - np.log1p(-prior),
            prior_odds=prior / (1 - prior),
            log_not_prior=np.log1p(-prior),
        )
        return other

    def infer(self, videos: Ints, shares: Floats, weights: Floats | None = None) -> Posterior:
        """Infer one learner from all observed videos.

        Args:
            videos: (n,) observed videos, in any order, none twice.
            shares: (n,) share of each that was watched; 0 for one not opened.
            weights: (n,) of each observation's log-likelihood; all weigh 1 where None.

        Raises:
            AxisMismatch: not one share or weight per video.
            InputError: a share outside [0, 1], a weight below 0, a video twice, or no such video.
        """
        seen = self._checked(videos, shares, weights)
        return Posterior(*seen, *self._infer(*seen))

    def update(
        self,
        before: Posterior,
        videos: Ints,
        shares: Floats,
        weights: Floats | None = None,
        most: int | None = None,
    ) -> Posterior:
        """The learner under other observations: to the last bit what `infer` gives of them.

        Args:
            before: under this model.
            videos, shares, weights: all that is observed now, as for `infer`.
            most: concepts that may be inferred again; any number where None.

        Raises:
            AxisMismatch, InputError: as for `infer`.
            LargeUpdate: more concepts are touched.
        """
        videos, shares, weights = self._checked(videos, shares, weights)
        changed = _changed(before, videos, shares, weights)
        if not changed.size:
            return before
        tying = videos[shares < 1] if self._pulls else videos
        touched = touched_by(changed, tying, self._videos, self.prior.size)
        if most is not None and np.count_nonzero(touched) > most:
            raise LargeUpdate
        kept = covering(videos, touched, self._videos)
        concepts, mastery = self._infer(videos[kept], shares[kept], weights[kept])
        inside = touched[concepts]  # a full watch reaches into other components, without its own
        stay = ~touched[before.concepts]
        concepts = np.concatenate([before.concepts[stay], concepts[inside]])
        mastery = np.concatenate([before.mastery[stay], mastery[inside]])
        order = np.argsort(concepts)
        return Posterior(videos, shares, weights, concepts[order], mastery[order])

    def not_told_apart(self, known: Posterior) -> Array:
        """True, along its concepts, where the observed videos leave open which of several is held.

        That is where exactly the same of them cover another concept too
        (`identify.not_told_apart`, for one learner).
        """
        model = self._videos
        classes = split(
            model.scope_of[known.videos], model.scope_start, model.scope_concept, self.prior.size
        )[known.concepts]
        return np.bincount(classes)[classes] > 1

    def distances(self, known: Posterior, concept: int) -> Ints:
        """(n,) over how many other items each observation is joined to a concept.

        0 where the observed item covers the concept; -1 where the observation cannot move it.
        """
        found = np.full(known.videos.size, -1)
        tying = known.shares < 1 if self._pulls else np.ones(known.videos.size, bool)
        front, met, nothing = *np.zeros((2, self.prior.size), bool), known.videos[:0]
        front[concept] = True
        far = 0
        while front.any():
            met |= front
            fresh = covering(known.videos, front, self._videos) & (found < 0)
            found[fresh] = far
            joined = known.videos[fresh & tying]
            front = touched_by(joined, nothing, self._videos, self.prior.size) & ~met
            far += 1
        return found

    def _checked(
        self, videos: Ints, shares: Floats, weights: Floats | None
    ) -> tuple[Ints, Floats, Floats]:
        """The observations in the order of the videos; errors as for `infer`."""
        weights = np.ones(shares.size) if weights is None else weights
        check_axis("observed videos", videos=videos.size, shares=shares.size, weights=weights.size)
        n_videos = self.q_matrix.shape[0]
        for video in videos[(videos < 0) | (videos >= n_videos)].tolist():
            raise InputError(f"there is no video {video}; the model has videos 0 to {n_videos - 1}")
        usual = (shares >= 0) & (shares <= 1) & (weights >= 0) & (weights < np.inf)
        if (np.diff(videos) > 0).all() and usual.all():
            return videos, shares, weights
        row, heavy = (
            sparse.csr_matrix((values, videos, [0, videos.size]), shape=(1, n_videos))
            for values in (shares, weights)
        )
        checked, weights = check_observations(row, self.q_matrix, heavy)
        return checked.indices.astype(np.int64), checked.data, weights

    def _infer(self, videos: Ints, shares: Floats, weights: Floats) -> tuple[Ints, Floats]:
        concepts, near, near_parameters = cut(videos, self._videos, self._parameters)
        at = np.arange(videos.size)
        evidence = gather(
            sparse.csr_matrix((shares, at, [0, at.size]), shape=(1, at.size)),
            weights,
            np.ones(1),
            near,
            concepts.size,
            self._pulls,
            self._config.enumeration_limit,
        )
        found = expect(evidence, near, near_parameters, self._config, threads=1, to_read=True)
        order = np.argsort(evidence.support)
        return concepts[evidence.support[order]], found.mastery[order]


def _changed(before: Posterior, videos: Ints, shares: Floats, weights: Floats) -> Ints:
    """Videos whose observation differs from the one before, or came or went."""
    both = np.concatenate([before.videos, videos])
    order = np.argsort(both, kind="stable")
    both = both[order]
    share = np.concatenate([before.shares, shares])[order]
    weight = np.concatenate([before.weights, weights])[order]
    same = both[1:] == both[:-1]
    same &= (share[1:] == share[:-1]) & (weight[1:] == weight[:-1])
    stayed = np.zeros(both.size, bool)
    stayed[1:] |= same
    stayed[:-1] |= same
    return np.unique(both[~stayed])
