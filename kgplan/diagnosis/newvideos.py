"""What slip and guess has a new video, before many have watched it?

Those of similar videos: an empirical-Bayes prior, which then moves with evidence by the M-step of
the fit. Similar videos are found in levels, from coarse to fine: all, those with as many concepts,
those of the course, those of the course with as many concepts, those with the same concepts. A
level's mean is drawn towards the mean of the level above by Bühlmann's credibility,
n / (n + k) with k the ratio of the variance within groups to that between them (Bühlmann & Straub
1970), so that a level that says little, or a group of few, falls back by itself.
Sizes: V known videos, M new ones, K concepts, C courses, L levels.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from kgplan.arrays import Array, Floats, Ints, check_axis
from kgplan.diagnosis.config import DiagnosisConfig
from kgplan.diagnosis.em import climb
from kgplan.diagnosis.entries import rows_of
from kgplan.diagnosis.estep import Expectations, Line, expect, parameters
from kgplan.diagnosis.evidence import Problem, pose
from kgplan.diagnosis.mstep import fit_lines, log_prior_density
from kgplan.diagnosis.response import eta_table, from_line, to_line
from kgplan.diagnosis.vdina import Diagnosis, check_line, infer
from kgplan.errors import InputError
from kgplan.progress import Progress, silent

MOST_CONCEPTS = 8
"""Videos with so many concepts, or more, count as having equally many."""
FEW = 10
"""Observations below which a video counts as new: similar ones then say more than its own."""
_LEAST, _MOST = 0.1, 1000.0  # responses that a pooled prior weighs


@dataclass(frozen=True)
class Pooled:
    """Slip and guess of new videos, as similar ones suggest them.

    Attributes:
        slip, guess: (M,) what is expected; 0 < guess < 1 - slip < 1.
        slip_beta, guess_beta: (M,) a and (M,) b of Beta priors that peak there and weigh as many
            responses as the videos are alike.
        weight: the responses that a slip and a guess weigh: how far similar videos agree.
    """

    slip: Floats
    guess: Floats
    slip_beta: tuple[Floats, Floats]
    guess_beta: tuple[Floats, Floats]
    weight: tuple[float, float]


@dataclass(frozen=True)
class NewVideos:
    """Slip and guess of new videos, after some evidence.

    Attributes:
        slip, guess: (M,) 0 < guess < 1 - slip < 1.
        responses: (M,) observations that spoke about each.
        objective: (iterations + 1,) log-evidence plus log density of the priors, never falling.
        converged: the last whole EM step gained less than the tolerance.
    """

    slip: Floats
    guess: Floats
    responses: Ints
    objective: Floats
    converged: bool


def with_new_videos(
    diagnosis: Diagnosis,
    watched: sparse.csr_matrix,
    q_matrix: sparse.csr_matrix,
    course_items: sparse.csr_matrix,
    *,
    weights: sparse.csr_matrix | None = None,
    threads: int | None = None,
) -> Diagnosis:
    """The fit with slip and guess of new videos moved to those of similar ones.

    Args:
        diagnosis: of these observations, with concepts held independently.
        watched, q_matrix, weights: as for `vdina.fit`.
        course_items: as for `similar_videos`.
        threads: at most so many.

    Returns:
        The same where no video has fewer than `FEW` observations, or fewer than two have more.
        Else mastery and log-evidence are inferred again; prior, objective and the other videos
        stand.

    Raises:
        AxisMismatch: arguments disagree on U, V or K.
    """
    covers = np.diff(q_matrix.indptr) > 0
    few = np.bincount(watched.indices, minlength=covers.size) < FEW
    new, known = np.flatnonzero(few & covers), np.flatnonzero(~few & covers)
    if not new.size or known.size < 2:
        return diagnosis
    groups = similar_videos(q_matrix, course_items)
    slip, guess = diagnosis.slip.copy(), diagnosis.guess.copy()
    pooled = pooled_parameters(slip[known], guess[known], groups[known], groups[new])
    config, prior = diagnosis.config, diagnosis.prior
    found = fit_new_videos(
        watched, q_matrix, slip, guess, prior, new, pooled, config, weights=weights,
        threads=threads,
    )  # fmt: skip
    slip[new], guess[new] = found.slip, found.guess
    read = infer(watched, q_matrix, slip, guess, prior, config, weights=weights, threads=threads)
    return replace(
        diagnosis, slip=slip, guess=guess, mastery=read.mastery, log_evidence=read.log_evidence
    )


def similar_videos(q_matrix: sparse.csr_matrix, course_items: sparse.csr_matrix) -> Ints:
    """Group videos by what makes them similar, from coarse to fine.

    Args:
        q_matrix: (V, K) not 0 where the video covers the concept; new videos are rows too.
        course_items: (C, V) not 0 where the course has the video; of several, the first counts.

    Returns:
        (V, L) the video's group at each level; -1 where the level says nothing of it, as of a
        video of no course.

    Raises:
        AxisMismatch: the two disagree on V.

    >>> q_matrix = sparse.csr_matrix(np.array([[1, 0], [0, 1], [1, 1]]))
    >>> similar_videos(q_matrix, sparse.csr_matrix(np.array([[1, 1, 0]])))
    array([[ 1,  0,  1,  0],
           [ 1,  0,  1,  1],
           [ 2, -1, -1,  2]])
    """
    check_axis("V", q_matrix=q_matrix.shape[0], course_items=course_items.shape[1])
    covers = sparse.csr_matrix(q_matrix != 0)
    covers.sort_indices()
    n_concepts = np.minimum(np.diff(covers.indptr), MOST_CONCEPTS)
    of_video = sparse.csc_matrix(course_items != 0)
    of_video.sort_indices()
    in_course = np.diff(of_video.indptr) > 0
    course = np.full(n_concepts.size, -1)
    course[in_course] = of_video.indices[of_video.indptr[:-1][in_course]]
    both = np.where(in_course, course * (MOST_CONCEPTS + 1) + n_concepts, -1)
    numbers: dict[bytes, int] = {}
    rows = zip(covers.indptr[:-1], covers.indptr[1:], strict=True)
    keys = (covers.indices[begin:end].tobytes() for begin, end in rows)
    same = np.array([numbers.setdefault(key, len(numbers)) for key in keys], np.int64)
    return np.column_stack([n_concepts, course, both, same])


def pooled_parameters(slip: Floats, guess: Floats, groups: Ints, new_groups: Ints) -> Pooled:
    """Expect slip and guess of new videos from those of similar ones.

    Args:
        slip, guess: (V,) of a fit; leave out videos that nobody was observed on.
        groups: (V, L) groups of the known videos, from coarse to fine (`similar_videos`).
        new_groups: (M, L) groups of the new ones, numbered alike.

    Raises:
        AxisMismatch: arguments disagree on V or L.
        InputError: fewer than two known videos.

    >>> known = np.array([[1], [1], [1], [2], [2], [2]])
    >>> slip = np.array([0.1, 0.12, 0.11, 0.5, 0.52, 0.51])
    >>> pooled = pooled_parameters(slip, slip / 10, known, np.array([[1], [2], [3]]))
    >>> pooled.slip.round(2)  # like the first three, like the others, like none: as all
    array([0.11, 0.51, 0.31])
    """
    check_axis("V", slip=slip.size, guess=guess.size, groups=groups.shape[0])
    check_axis("L", groups=groups.shape[1], new_groups=new_groups.shape[1])
    if slip.size < 2:
        raise InputError(f"{slip.size} known videos are too few to pool; give at least 2")
    new_slip, slip_weight = _pool(slip, groups, new_groups)
    new_guess, guess_weight = _pool(guess, groups, new_groups)
    new_guess = np.minimum(new_guess, 0.99 * (1 - new_slip))
    return Pooled(
        slip=new_slip,
        guess=new_guess,
        slip_beta=_beta(new_slip, slip_weight),
        guess_beta=_beta(new_guess, guess_weight),
        weight=(slip_weight, guess_weight),
    )


def _pool(value: Floats, groups: Ints, new_groups: Ints) -> tuple[Floats, float]:
    """(M,) means of the finest groups that say something, and how many responses they weigh.

    Each known video is expected from the others only; how well that works, against the spread
    m (1 - m) of single responses, gives the weight: the moments of a Beta distribution.
    """
    n = value.size
    known = (value.sum() - value) / (n - 1)  # of each, what the others say
    new = np.full(new_groups.shape[0], value.mean())
    for level in range(groups.shape[1]):
        _, at = np.unique(
            np.concatenate([groups[:, level], new_groups[:, level]]), return_inverse=True
        )
        told = np.concatenate([groups[:, level], new_groups[:, level]]) >= 0
        mine, told_mine = at[:n], told[:n]
        count = np.bincount(mine, told_mine, at.max() + 1)
        total = np.bincount(mine, told_mine * value, at.max() + 1)
        others, rest = count[mine] - 1, total[mine] - value
        k = _credibility(value[told_mine], known[told_mine], mine[told_mine])
        known = np.where(told_mine, (rest + k * known) / (np.maximum(others, 0) + k), known)
        theirs = at[n:]
        new = np.where(told[n:], (total[theirs] + k * new) / (count[theirs] + k), new)
    missed = np.mean((value - known) ** 2)
    weight = np.mean(known * (1 - known)) / max(float(missed), 1e-12) - 1
    return new, float(np.clip(weight, _LEAST, _MOST))


def _credibility(value: Floats, parent: Floats, group: Ints) -> float:
    """k: a group of k members counts as much as the level above; large where groups are alike."""
    _, group, size = np.unique(group, return_inverse=True, return_counts=True)
    away = np.bincount(group, value - parent) / np.maximum(size, 1)
    spare = value.size - size.size
    if spare < 1:
        return _MOST
    within = float(np.sum((value - parent - away[group]) ** 2)) / spare
    between = float(np.average(away**2 - within / size, weights=size))
    return min(within / between, _MOST) if between > 0 else _MOST


def _beta(peak: Floats, weight: float) -> tuple[Floats, Floats]:
    return 1 + weight * peak, 1 + weight * (1 - peak)


@dataclass(frozen=True)
class _Moving:
    """What EM climbs: slip and guess of the new videos; all else stands (em.Model)."""

    problem: Problem
    line: Line
    new: Ints
    pooled: Pooled
    config: DiagnosisConfig
    threads: int | None

    @property
    def scale(self) -> Floats:
        return np.sqrt(np.tile(0.1 * (self.problem.right[self.new] + 1), 2))

    def propose(self, point: Line, found: Expectations) -> Line:
        start = self.problem.videos.table_start
        sizes = self.problem.videos.sizes()[self.new]
        table = eta_table(sizes, self.config.link)
        at = np.repeat(start[self.new] - table.start[:-1], sizes + 1) + np.arange(table.eta.size)
        intercept, contrast = fit_lines(
            table.start, table.eta, self.problem.right[self.new],
            found.tally.right_eta[self.new], found.tally.wrong[at],
            self.pooled.slip_beta, self.pooled.guess_beta, self.config.least_contrast,
            (point.intercept, point.contrast),
        )  # fmt: skip
        return Line(intercept, contrast, point.prior)

    def score(self, point: Line, before: Expectations | None) -> tuple[Expectations, float]:
        intercept, contrast = self.line.intercept.copy(), self.line.contrast.copy()
        intercept[self.new], contrast[self.new] = point.intercept, point.contrast
        problem = self.problem
        par = parameters(problem.videos, Line(intercept, contrast, self.line.prior))
        messages = None if before is None else before.messages
        found = expect(problem.evidence, problem.videos, par, self.config, messages, self.threads)
        slip, guess = from_line(point.intercept, point.contrast)
        density = log_prior_density(slip, guess, self.pooled.slip_beta, self.pooled.guess_beta)
        return found, density + float(np.sum(found.log_evidence * problem.evidence.weight))


def fit_new_videos(
    watched: sparse.csr_matrix,
    q_matrix: sparse.csr_matrix,
    slip: Floats,
    guess: Floats,
    prior: Floats,
    new: Ints,
    pooled: Pooled,
    config: DiagnosisConfig | None = None,
    progress: Progress = silent,
    *,
    weights: sparse.csr_matrix | None = None,
    threads: int | None = None,
) -> NewVideos:
    """Move slip and guess of new videos with evidence; other videos and priors stand.

    Args:
        watched: (U, V + M) as for `vdina.fit`; only learners observed on a new video are used.
        q_matrix: (V + M, K).
        slip, guess: (V + M,) of the model; what they hold for new videos is not looked at.
        prior: (K,) of the model.
        new: (M,) places of the new videos.
        pooled: their start and their prior, from `pooled_parameters`.
        config: all settings; its Beta priors are not looked at.
        progress: told the objective after each iteration, in nats.
        weights: (U, V + M) as for `vdina.fit`.
        threads: at most so many.

    Raises:
        AxisMismatch: arguments disagree on the learners, videos, concepts or M.
        InputError: as `vdina.infer`, or a new video without concepts.
    """
    config = config or DiagnosisConfig()
    check_axis("M", new=new.size, pooled=pooled.slip.size)
    slip, guess = slip.copy(), guess.copy()
    slip[new], guess[new] = pooled.slip, pooled.guess
    line = check_line(q_matrix, slip, guess, prior)
    is_new: Array = np.zeros(q_matrix.shape[0], bool)
    is_new[new] = True
    rows = rows_of(watched)
    heard = np.unique(rows[is_new[watched.indices]])
    if not heard.size:
        at_start = log_prior_density(pooled.slip, pooled.guess, pooled.slip_beta, pooled.guess_beta)
        nobody = np.zeros(new.size, np.int64)
        return NewVideos(pooled.slip, pooled.guess, nobody, np.array([at_start]), True)
    heavy = None if weights is None else weights[heard]
    problem = pose(watched[heard], q_matrix, heavy, config.link, config.enumeration_limit)
    for video in new[problem.videos.sizes()[new] == 0].tolist():
        raise InputError(f"new video {video} covers no concept; leave it out of the new ones")
    start = Line(*to_line(pooled.slip, pooled.guess), np.zeros(0))
    # the priors of concepts stand, so a point holds none
    moving = _Moving(problem, line, new, pooled, config, threads)
    top = climb(moving, start, config, progress)
    found = from_line(top.point.intercept, top.point.contrast)
    responses = np.bincount(watched.indices, minlength=q_matrix.shape[0])[new]
    return NewVideos(*found, responses, top.objective, top.converged)
