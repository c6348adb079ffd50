"""In which of all 2^K states is each learner, where any state may be as common as it likes?

The *saturated* class prior: one free probability for every state (a set of held concepts), summing
to 1, as in the classical DINA (de la Torre, J. Educ. Behav. Stat. 2009, eq. 12-17). All sums over
states are exact, so only few concepts are possible. State s holds covered concept k if bit k of s
is set; the first concept varies fastest.

Conjunctive link: one product a state, whatever the number of items (lattice.py).
Compensatory link: a matrix product over states.
Sizes: U learners, V videos, K concepts, S = 2^K states, R cases, T table entries.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from queue import SimpleQueue

import numpy as np
from scipy import sparse
from scipy.special import logsumexp

from kgplan.arrays import Array, Floats, Ints
from kgplan.diagnosis.config import STATE_LIMIT, DiagnosisConfig
from kgplan.diagnosis.evidence import check_observations, distinct_rows, read_videos
from kgplan.diagnosis.lattice import arrange
from kgplan.diagnosis.mstep import fit_lines, log_prior_density
from kgplan.diagnosis.response import EtaTable, from_line, log_right, log_wrong
from kgplan.errors import InputError
from kgplan.machine import cores
from kgplan.native.lanes import LANES, workspace
from kgplan.native.layout import Videos
from kgplan.native.states import Answers, Lattice, Ratios, Sums, sum_states

_BLOCKS = 16
_THREAD_ROWS = 1 << 20  # learners times rows, about 1 ms: from there a further thread pays
_CELLS = 1 << 22  # entries of a (cases, S) matrix held at once
_LEAST_ROOT = 1e-8  # a state's probability stays above its square


@dataclass(frozen=True)
class StateProblem:
    """All observations, equal rows together, on the concepts that some video covers.

    Attributes:
        videos: the Q-matrix, with concepts renumbered.
        cases: (R, V) distinct rows; stored entries speak.
        right, wrong: weight of r and of 1 - r along `cases`.
        multiplicity: (R,) learners that share each row; 0 for a row without an observation.
        case_of: (U,) the case of each learner.
        covered: concepts that some video covers, ascending; K counts these only.
        n_concepts: all concepts, covered or not.
        right_of: (V,) summed weight of r over all learners.
        observed: (V,) True where an observation speaks about the video.
        skipped: observations that say nothing: their video covers no concept, or they weigh 0.
        link: "compensatory" or "conjunctive".
    """

    videos: Videos
    cases: sparse.csr_matrix
    right: Floats
    wrong: Floats
    multiplicity: Floats
    case_of: Ints
    covered: Ints
    n_concepts: int
    right_of: Floats
    observed: Array
    skipped: int
    link: str

    @property
    def n_states(self) -> int:
        """S."""
        return 1 << self.covered.size

    def masks(self) -> Ints:
        """(V,) the state that holds a video's concepts and no others."""
        scopes = np.add.reduceat(
            np.append(1 << self.videos.scope_concept, 0), self.videos.scope_start[:-1]
        )
        return np.where(self.videos.sizes() > 0, scopes[self.videos.scope_of], 0)

    @cached_property
    def lattice(self) -> Lattice:
        """How sums over states are taken under the conjunctive link."""
        return arrange(self.masks(), self.covered.size)


def pose_states(
    watched: sparse.csr_matrix,
    q_matrix: sparse.csr_matrix,
    weights: sparse.csr_matrix | None,
    link: str,
) -> StateProblem:
    """Check the observations and join equal rows; arguments as for `vdina.fit`.

    Raises:
        AxisMismatch, InputError: as `evidence.check_observations`; too many concepts.
    """
    shares, heavy = check_observations(watched, q_matrix, weights)
    q = sparse.csr_matrix(q_matrix, copy=True)
    q.eliminate_zeros()
    covered = np.unique(q.indices)
    if covered.size > STATE_LIMIT:
        raise InputError(
            f"a saturated prior over {covered.size} concepts has 2^{covered.size} probabilities; "
            f"give at most {STATE_LIMIT} concepts, or use the independent prior"
        )
    videos = read_videos(q[:, covered], link)
    speaks = (videos.sizes()[shares.indices] > 0) & (heavy > 0)
    skipped = int(np.sum(~speaks))
    row = np.repeat(np.arange(shares.shape[0]), np.diff(shares.indptr))[speaks]
    indptr = np.searchsorted(row, np.arange(shares.shape[0] + 1))
    heard = sparse.csr_matrix(
        (shares.data[speaks], shares.indices[speaks], indptr), shape=shares.shape
    )
    heavy = heavy[speaks]
    first, case_of = distinct_rows(heard, heavy)
    size = np.diff(indptr)[first]
    at = np.repeat(indptr[first] - np.cumsum(size) + size, size) + np.arange(size.sum())
    cases = heard[first]
    learners = np.bincount(case_of, minlength=first.size).astype(np.float64)
    n_videos = int(q.shape[0])
    return StateProblem(
        videos=videos,
        cases=cases,
        right=heavy[at] * cases.data,
        wrong=heavy[at] * (1 - cases.data),
        multiplicity=np.where(size > 0, learners, 0.0),
        case_of=case_of,
        covered=covered.astype(np.int64),
        n_concepts=int(q.shape[1]),
        right_of=np.bincount(heard.indices, heavy * heard.data, n_videos).astype(np.float64),
        observed=np.bincount(heard.indices, minlength=n_videos) > 0,
        skipped=skipped,
        link=link,
    )


@dataclass(frozen=True)
class StateLine:
    """Parameters as EM moves them: any point between two valid ones is valid.

    Attributes:
        intercept, contrast: (V,) of log P(r=1 | m) in eta.
        share: (S,) probability of each state, summing to 1; one that is 0 stays 0.
    """

    intercept: Floats
    contrast: Floats
    share: Floats

    def free(self) -> Floats:
        """The parameters as (2V + S,) numbers; roots of shares, whose information is the same."""
        return np.concatenate(
            [
                np.log(-(self.intercept + self.contrast)),
                np.log(self.contrast),
                np.sqrt(self.share),
            ]
        )

    def at(self, free: Floats, config: DiagnosisConfig) -> "StateLine":
        """The parameters for which `free()` gives these numbers, kept off the borders."""
        n = self.intercept.size
        lines = np.clip(free[: 2 * n], -20.0, 3.4)  # exp(3.4) = 30 nats, as in estep.Line
        contrast = np.maximum(np.exp(lines[n:]), config.least_contrast)
        share = _shares(free[2 * n :] ** 2, self.share > 0)
        return StateLine(-np.exp(lines[:n]) - contrast, contrast, share)

    def towards(self, other: "StateLine", share: float) -> "StateLine":
        """The point at this share of the way to another."""
        return StateLine(
            self.intercept + share * (other.intercept - self.intercept),
            self.contrast + share * (other.contrast - self.contrast),
            self.share + share * (other.share - self.share),
        )


def _shares(counts: Floats, possible: Array) -> Floats:
    """Counts as probabilities, none 0 where possible: a state once out would never come back."""
    kept = np.where(possible, np.maximum(counts / counts.sum(), _LEAST_ROOT**2), 0.0)
    return kept / kept.sum()


@dataclass(frozen=True)
class StateExpectations:
    """What one E-step over states found.

    Attributes:
        log_evidence: (R,) log P(observations) of each case, in nats.
        mastery: (R, K) P(held | observations).
        count: (S,) expected learners in each state; (0,) where they were not wanted.
        wrong: (T,) expected weight of 1 - r at each number of held concepts.
        right_eta: (V,) expected sum of r * eta.
    """

    log_evidence: Floats
    mastery: Floats
    count: Floats
    wrong: Floats
    right_eta: Floats


def expect_states(
    problem: StateProblem,
    line: StateLine,
    threads: int | None = None,
    *,
    count_states: bool = True,
) -> StateExpectations:
    """Infer every case exactly: sum over all states.

    Args:
        problem: the observations.
        line: the parameters, held fixed.
        threads: at most so many; None: one per core. The result does not depend on it.
        count_states: whether `count` is wanted, for shares of states that move.
    """
    if problem.link == "conjunctive":
        return _expect_conjunctive(problem, line, threads, count_states)
    return _expect_by_product(problem, line)


def _expect_conjunctive(
    problem: StateProblem, line: StateLine, threads: int | None, count_states: bool
) -> StateExpectations:
    n_cases, n_videos = problem.cases.shape
    lattice = problem.lattice
    share = np.empty(problem.n_states)
    share[lattice.place] = line.share
    log_guess, log_hit = line.intercept, line.intercept + line.contrast
    log_miss, log_slip = log_wrong(log_guess), log_wrong(log_hit)
    right, wrong = log_hit - log_guess, log_slip - log_miss
    ratios = Ratios(log_guess, log_miss, right, wrong, np.exp(right), np.exp(wrong), share)
    answers = Answers(
        problem.cases.indptr, problem.cases.indices, problem.right, problem.wrong,
        problem.multiplicity,
    )  # fmt: skip
    mastery, log_evidence = np.empty((n_cases, problem.covered.size)), np.empty(n_cases)
    n_counted = problem.n_states if count_states else 0
    # as many blocks on any machine, so that sums do not depend on the number of threads
    n_groups = -(-n_cases // LANES)
    cuts = sorted({int(cut) * LANES for cut in np.linspace(0, n_groups, _BLOCKS + 1)})
    work = n_cases * lattice.n_rows
    wanted = min(threads or cores(), len(cuts) - 1, 1 + work // _THREAD_ROWS)
    spare: SimpleQueue[Floats] = SimpleQueue()
    for _ in range(wanted):
        spare.put(workspace(lattice.n_rows + 1))

    def run(first: int, end: int) -> tuple[Floats, Floats, Floats]:
        count, full = np.zeros(n_counted), np.zeros((2, n_videos))
        none, rows = np.zeros(n_videos), spare.get()
        sums = Sums(rows, count, full, none, mastery, log_evidence)
        sum_states(answers, lattice, ratios, first, min(end, n_cases), sums)
        spare.put(rows)
        return count, full, none

    if wanted > 1:
        with ThreadPoolExecutor(wanted) as pool:
            parts = list(pool.map(run, cuts[:-1], cuts[1:]))
    else:
        parts = list(map(run, cuts[:-1], cuts[1:]))
    parts = parts or [(np.zeros(n_counted), np.zeros((2, n_videos)), np.zeros(n_videos))]
    count, full, none = (np.sum([part[i] for part in parts], axis=0) for i in range(3))
    # eta is 0 below a full set of concepts: which entry below counts makes no difference
    wrong_of = np.zeros(problem.videos.eta.size)
    informed = problem.videos.sizes() > 0
    wrong_of[problem.videos.table_start[:-1]] = none
    wrong_of[problem.videos.table_start[1:][informed] - 1] += full[1][informed]
    if count_states:
        count = count[lattice.place]
    return StateExpectations(log_evidence, mastery, count, wrong_of, full[0])


def held_by_state(problem: StateProblem) -> Ints:
    """(S, V) how many of a video's concepts each state holds."""
    states = np.arange(problem.n_states)
    return np.bitwise_count(states[:, None] & problem.masks()[None, :]).astype(np.int64)


def p_right_by_state(problem: StateProblem, line: StateLine) -> Floats:
    """(S, V) P(r = 1 | state)."""
    table = EtaTable(problem.videos.table_start, problem.videos.eta)
    at = problem.videos.table_start[:-1] + held_by_state(problem)
    return np.exp(log_right(table, line.intercept, line.contrast))[at]


def eta_by_state(problem: StateProblem) -> Floats:
    """(S, V) eta of each video in each state."""
    return problem.videos.eta[problem.videos.table_start[:-1] + held_by_state(problem)]


@dataclass(frozen=True)
class StateCounts:
    """Expected answers by state.

    Attributes:
        right, wrong: (V, S) expected weight of r and of 1 - r of the learners in each state.
    """

    right: Floats
    wrong: Floats


def _expect_by_product(problem: StateProblem, line: StateLine) -> StateExpectations:
    found, counts = count_by_state(problem, line)
    videos = problem.videos
    at = videos.table_start[:-1] + held_by_state(problem)
    wrong = np.bincount(at.T.ravel(), counts.wrong.ravel(), videos.eta.size).astype(np.float64)
    right_eta = np.einsum("vs,sv->v", counts.right, videos.eta[at])
    return StateExpectations(found.log_evidence, found.mastery, found.count, wrong, right_eta)


def count_by_state(problem: StateProblem, line: StateLine) -> tuple[StateExpectations, StateCounts]:
    """Infer every case, for any link: log-likelihoods of all states as a matrix product.

    Args:
        problem: the observations.
        line: the parameters, held fixed.

    Returns:
        What was found, without its counts by number of held concepts; expected answers by state.
    """
    videos, n_states = problem.videos, problem.n_states
    n_cases, n_videos = problem.cases.shape
    table = EtaTable(videos.table_start, videos.eta)
    log_p = log_right(table, line.intercept, line.contrast)
    at = videos.table_start[:-1] + held_by_state(problem)
    of_right, of_wrong = log_p[at].T, log_wrong(log_p)[at].T
    indptr, indices = problem.cases.indptr, problem.cases.indices
    heavy_right = sparse.csr_matrix((problem.right, indices, indptr), shape=problem.cases.shape)
    heavy_wrong = sparse.csr_matrix((problem.wrong, indices, indptr), shape=problem.cases.shape)
    holds = (np.arange(n_states)[:, None] >> np.arange(problem.covered.size)) & 1
    log_share = np.log(line.share, out=np.full(n_states, -np.inf), where=line.share > 0)
    log_evidence, mastery = np.empty(n_cases), np.empty((n_cases, problem.covered.size))
    count = np.zeros(n_states)
    counts = StateCounts(np.zeros((n_videos, n_states)), np.zeros((n_videos, n_states)))
    step = max(1, _CELLS // n_states)
    for begin in range(0, n_cases, step):  # some cases at a time, to bound the memory
        part = slice(begin, begin + step)
        right, wrong = heavy_right[part].toarray(), heavy_wrong[part].toarray()
        joint = right @ of_right + wrong @ of_wrong + log_share
        log_evidence[part] = logsumexp(joint, axis=1)
        posterior = np.exp(joint - log_evidence[part][:, None])
        mastery[part] = np.minimum(posterior @ holds, 1.0)
        posterior *= problem.multiplicity[part][:, None]
        count += posterior.sum(axis=0)
        counts.right[:] += right.T @ posterior
        counts.wrong[:] += wrong.T @ posterior
    nothing = np.zeros(0)
    return StateExpectations(log_evidence, mastery, count, nothing, nothing), counts


@dataclass(frozen=True)
class States:
    """The model in which every state has its own probability; what `em.climb` climbs.

    Attributes:
        problem: the observations.
        config: all settings; learn_prior says whether the shares of the states move.
        threads: at most so many; None: one per core.
    """

    problem: StateProblem
    config: DiagnosisConfig
    threads: int | None = None

    @property
    def scale(self) -> Floats:
        """About the root of complete data's information on each coordinate of StateLine.free()."""
        lines = np.sqrt(np.concatenate([0.1 * (self.problem.right_of + 1)] * 2))
        root = 2 * np.sqrt(self.problem.multiplicity.sum() + 1)
        return np.concatenate([lines, np.full(self.problem.n_states, root)])

    def propose(self, point: StateLine, found: StateExpectations) -> StateLine:
        """The M-step: the parameters that explain the expected counts best."""
        videos, config = self.problem.videos, self.config
        intercept, contrast = fit_lines(
            videos.table_start, videos.eta, self.problem.right_of, found.right_eta, found.wrong,
            config.slip_beta, config.guess_beta, config.least_contrast,
            (point.intercept, point.contrast),
        )  # fmt: skip
        learns = config.learn_prior and found.count.sum() > 0
        share = _shares(found.count, point.share > 0) if learns else point.share
        return StateLine(intercept, contrast, share)

    def score(
        self, point: StateLine, before: StateExpectations | None
    ) -> tuple[StateExpectations, float]:
        """The E-step at these parameters, and the objective there in nats."""
        del before  # exact sums start from nothing
        found = expect_states(
            self.problem, point, self.threads, count_states=self.config.learn_prior
        )
        slip, guess = from_line(point.intercept, point.contrast)
        value = log_prior_density(slip, guess, self.config.slip_beta, self.config.guess_beta)
        return found, value + float(found.log_evidence @ self.problem.multiplicity)
