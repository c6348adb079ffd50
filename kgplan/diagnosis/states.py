"""In which of all 2^K states is each learner, where any state may be as common as it likes?

The *saturated* class prior: one free probability for every state (a set of held concepts), summing
to 1, as in the classical DINA (de la Torre, J. Educ. Behav. Stat. 2009, eq. 12-17). All sums over
states are exact, so only few concepts are possible. State s holds covered concept k if bit k of s
is set; the first concept varies fastest.

Conjunctive link: an item's likelihood ratio counts in all states above the set of its concepts. The
likelihoods of 2^k states on k concepts are copied, for one concept more, to the states that hold
it, and multiplied there by the ratios of the items whose last concept it is; the posterior is
folded back the same way. That is a few products a state, whatever the number of items, and one
exponential an answer.
Compensatory link: a matrix product over states.
Sizes: U learners, V videos, K concepts, S = 2^K states, R cases, T table entries.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numba import njit
from scipy import sparse
from scipy.special import logsumexp

from kgplan.arrays import Array, Floats, Ints
from kgplan.diagnosis.config import STATE_LIMIT, DiagnosisConfig
from kgplan.diagnosis.evidence import Videos, check_observations, distinct_rows, read_videos
from kgplan.diagnosis.mstep import fit_lines, log_prior_density
from kgplan.diagnosis.response import EtaTable, from_line, log_right, log_wrong
from kgplan.errors import InputError

_RUN = 8  # states in a row from which a loop over them pays
_BLOCKS = 16
_SPREAD_LIMIT = 650.0  # nats: a product of likelihood ratios within it stays in a double
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
        share: (S,) probability of each state, summing to 1.
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
        return StateLine(-np.exp(lines[:n]) - contrast, contrast, _shares(free[2 * n :] ** 2))

    def towards(self, other: "StateLine", share: float) -> "StateLine":
        """The point at this share of the way to another."""
        return StateLine(
            self.intercept + share * (other.intercept - self.intercept),
            self.contrast + share * (other.contrast - self.contrast),
            self.share + share * (other.share - self.share),
        )


def _shares(counts: Floats) -> Floats:
    """Counts as probabilities, none 0: a state once out would never come back."""
    kept = np.maximum(counts / counts.sum(), _LEAST_ROOT**2)
    return kept / kept.sum()


@dataclass(frozen=True)
class StateExpectations:
    """What one E-step over states found.

    Attributes:
        log_evidence: (R,) log P(observations) of each case, in nats.
        mastery: (R, K) P(held | observations).
        count: (S,) expected learners in each state.
        wrong: (T,) expected weight of 1 - r at each number of held concepts.
        right_eta: (V,) expected sum of r * eta.
    """

    log_evidence: Floats
    mastery: Floats
    count: Floats
    wrong: Floats
    right_eta: Floats


def expect_states(
    problem: StateProblem, line: StateLine, threads: int | None = None
) -> StateExpectations:
    """Infer every case exactly: sum over all states.

    Args:
        problem: the observations.
        line: the parameters, held fixed.
        threads: at most so many; None: one per core. The result does not depend on it.
    """
    if problem.link == "conjunctive":
        return _expect_conjunctive(problem, line, threads)
    return _expect_by_product(problem, line)


class Levels(NamedTuple):
    """Items by the level, a concept's bit, at which the last of their concepts comes in.

    Attributes:
        order: (K,) the covered concept at each bit. Half of all states belong to the last bit, so
            the concept that the fewest items need stands there; the next three stand at the first
            bits, so that most items leave those free and run over eight states in a row.
        masks: (V,) the bits of a video's concepts; 0 where it has none.
        start: (K + 1,) where each level's videos begin in `videos`.
        videos: those with several concepts, by level.
        single_start: (K + 1,) where each level's videos begin in `singles`.
        singles: those with one concept, by level.
    """

    order: Ints
    masks: Ints
    start: Ints
    videos: Ints
    single_start: Ints
    singles: Ints


def arrange_levels(problem: StateProblem) -> Levels:
    """Choose which concept is which bit, and sort the videos by their last bit."""
    n_concepts = problem.covered.size
    masks, sizes = problem.masks(), problem.videos.sizes()
    needs = ((masks[:, None] >> np.arange(n_concepts)) & 1).astype(bool)
    # A video multiplies the states that hold all its other concepts: 2^(1 - n) of a level's.
    work = np.where(sizes > 1, 0.5 ** (np.maximum(sizes, 1) - 1.0), 0.0)
    left, order = list(range(n_concepts)), np.empty(n_concepts, np.int64)
    top = list(range(n_concepts - 1, -1, -1))
    bits = top[:1] + top[-3:][::-1] + top[1:-3] if n_concepts > 4 else top
    for bit in bits:
        cost = [float(work[needs[:, k]].sum()) for k in left]
        order[bit] = left.pop(int(np.argmin(cost)))
        if bit > 2:
            work[needs[:, order[bit]]] = 0.0  # these videos come in here, and cost no more below
    moved = (needs[:, order] << np.arange(n_concepts)).sum(axis=1).astype(np.int64)
    level = np.array([int(mask).bit_length() - 1 for mask in moved], np.int64)
    parts = []
    for several in (True, False):
        chosen = np.flatnonzero((sizes > 1) if several else (sizes == 1))
        chosen = chosen[np.argsort(level[chosen], kind="stable")].astype(np.int64)
        start = np.searchsorted(level[chosen], np.arange(n_concepts + 1)).astype(np.int64)
        parts += [start, chosen]
    return Levels(order, moved, *parts)


def _expect_conjunctive(
    problem: StateProblem, line: StateLine, threads: int | None
) -> StateExpectations:
    n_cases, n_videos = problem.cases.shape
    n_concepts = problem.covered.size
    levels = arrange_levels(problem)
    states = np.arange(problem.n_states)
    place = np.zeros(problem.n_states, np.int64)  # of each state, in the order of the bits
    for bit, concept in enumerate(levels.order):
        place |= ((states >> concept) & 1) << bit
    share = np.empty(problem.n_states)
    share[place] = line.share
    log_guess, log_hit = line.intercept, line.intercept + line.contrast
    log_miss, log_slip = log_wrong(log_guess), log_wrong(log_hit)
    ratio_right, ratio_wrong = log_hit - log_guess, log_slip - log_miss
    mastery, log_evidence = np.empty((n_cases, n_concepts)), np.empty(n_cases)
    # as many blocks on any machine, so that sums do not depend on the number of threads
    ends = sorted({int(cut) for cut in np.linspace(0, n_cases, _BLOCKS + 1)})

    def run(block: int) -> tuple[Floats, Floats, Floats]:
        count, full = np.zeros(problem.n_states), np.zeros((2, n_videos))
        none = np.zeros(n_videos)
        _sum_states(
            problem.cases.indptr, problem.cases.indices, problem.right, problem.wrong,
            problem.multiplicity, levels, log_guess, log_miss, ratio_right, ratio_wrong,
            np.exp(ratio_right), np.exp(ratio_wrong), share, ends[block], ends[block + 1],
            count, full, none, mastery, log_evidence,
        )  # fmt: skip
        return count, full, none

    blocks = range(len(ends) - 1)
    wanted = min(threads or len(os.sched_getaffinity(0)), len(blocks))
    if wanted > 1:
        with ThreadPoolExecutor(wanted) as pool:
            parts = list(pool.map(run, blocks))
    else:
        parts = [run(block) for block in blocks]
    count, full, none = (np.sum([part[i] for part in parts], axis=0) for i in range(3))
    by_concept = np.empty_like(mastery)
    by_concept[:, levels.order] = mastery
    # eta is 0 below a full set of concepts: which entry below counts makes no difference
    wrong = np.zeros(problem.videos.eta.size)
    informed = problem.videos.sizes() > 0
    wrong[problem.videos.table_start[:-1]] = none
    wrong[problem.videos.table_start[1:][informed] - 1] += full[1][informed]
    return StateExpectations(log_evidence, by_concept, count[place], wrong, full[0])


# Sums in any order: without it, they would not be done several states at a time.
@njit(cache=True, nogil=True, fastmath={"reassoc", "nsz", "contract"})
def _sum_states(
    start: Array,
    video: Array,
    right: Array,
    wrong: Array,
    multiplicity: Array,
    levels: Levels,
    log_guess: Array,
    log_miss: Array,
    log_ratio_right: Array,
    log_ratio_wrong: Array,
    ratio_right: Array,
    ratio_wrong: Array,
    share: Array,
    first: int,
    last: int,
    count: Array,
    full: Array,
    none: Array,
    mastery: Array,
    log_evidence: Array,
) -> None:
    """Cases first .. last - 1.

    `full` (2, V): expected r and 1 - r of learners who hold all of a video's concepts; `none`:
    expected 1 - r of the others.
    """
    n_states, n_concepts = share.size, levels.order.size
    a = np.empty(n_states)
    ratio, p_full = np.empty(log_guess.size), np.zeros(log_guess.size)
    for case in range(first, last):
        ratio[:] = 1.0
        base, reach = 0.0, 0.0
        for i in range(start[case], start[case + 1]):
            v, r, w = video[i], right[i], wrong[i]
            base += r * log_guess[v] + w * log_miss[v]
            reach += abs(r * log_ratio_right[v] + w * log_ratio_wrong[v])
            if r == 1.0 and w == 0.0:
                ratio[v] = ratio_right[v]
            elif r == 0.0 and w == 1.0:
                ratio[v] = ratio_wrong[v]
            elif reach < _SPREAD_LIMIT:
                ratio[v] = np.exp(r * log_ratio_right[v] + w * log_ratio_wrong[v])
        if reach < _SPREAD_LIMIT:
            _grow(a, ratio, levels)
        else:
            ratio[:] = 0.0
            for i in range(start[case], start[case + 1]):
                v = video[i]
                ratio[v] = right[i] * log_ratio_right[v] + wrong[i] * log_ratio_wrong[v]
            base += _grow_logs(a, ratio, levels)
        total = 0.0
        for s in range(n_states):
            a[s] *= share[s]
            total += a[s]
        log_evidence[case] = base + np.log(total)
        one = 1.0 / total
        heavy = multiplicity[case]
        scaled = heavy * one
        for s in range(n_states):
            count[s] += scaled * a[s]
        for k in range(n_concepts - 1, -1, -1):
            bit = 1 << k
            low, high = a[:bit], a[bit : 2 * bit]
            for j in range(levels.start[k], levels.start[k + 1]):
                v = levels.videos[j]
                others = levels.masks[v] ^ bit
                run = others & -others  # states in a row that hold the others
                held = 0.0
                s = others
                if run >= _RUN:
                    while s < bit:
                        for i in range(s, s + run):
                            held += high[i]
                        s = (s + run) | others
                else:
                    while s < bit:
                        held += high[s]
                        s = (s + 1) | others
                p_full[v] = held
            held = 0.0
            for s in range(bit):
                held += high[s]
                low[s] += high[s]
            mastery[case, k] = min(held * one, 1.0)
            for j in range(levels.single_start[k], levels.single_start[k + 1]):
                p_full[levels.singles[j]] = held
        for i in range(start[case], start[case + 1]):
            v = video[i]
            p = min(p_full[v] * one, 1.0)
            full[0, v] += heavy * right[i] * p
            full[1, v] += heavy * wrong[i] * p
            none[v] += heavy * wrong[i] * (1.0 - p)


@njit(cache=True, nogil=True)
def _grow(a: Array, ratio: Array, levels: Levels) -> None:
    """Fill `a` (S,) with every state's likelihood over that of "nothing held"."""
    a[0] = 1.0
    for k in range(levels.order.size):
        bit = 1 << k
        low, high = a[:bit], a[bit : 2 * bit]
        alone = 1.0
        for j in range(levels.single_start[k], levels.single_start[k + 1]):
            alone *= ratio[levels.singles[j]]
        for s in range(bit):
            high[s] = low[s] * alone
        for j in range(levels.start[k], levels.start[k + 1]):
            v = levels.videos[j]
            others, r = levels.masks[v] ^ bit, ratio[v]
            run = others & -others
            s = others
            if run >= _RUN:
                while s < bit:
                    for i in range(s, s + run):
                        high[i] *= r
                    s = (s + run) | others
            else:
                while s < bit:
                    high[s] *= r
                    s = (s + 1) | others


@njit(cache=True, nogil=True)
def _grow_logs(a: Array, log_ratio: Array, levels: Levels) -> float:
    """`_grow` where products would leave a double: by sums of logs; returns the peak taken out."""
    a[0] = 0.0
    for k in range(levels.order.size):
        bit = 1 << k
        a[bit : 2 * bit] = a[:bit]
        for v in range(levels.masks.size):
            mask = levels.masks[v]
            if bit <= mask < 2 * bit:
                s = mask
                while s < 2 * bit:
                    a[s] += log_ratio[v]
                    s = (s + 1) | mask
    top = a.max()
    for s in range(a.size):
        a[s] = np.exp(a[s] - top)
    return top


def held_by_state(problem: StateProblem) -> Ints:
    """(S, V) how many of a video's concepts each state holds."""
    states = np.arange(problem.n_states)
    return np.bitwise_count(states[:, None] & problem.masks()[None, :]).astype(np.int64)


def p_right_by_state(problem: StateProblem, line: StateLine) -> Floats:
    """(S, V) P(r = 1 | state)."""
    table = EtaTable(problem.videos.table_start, problem.videos.eta)
    at = problem.videos.table_start[:-1] + held_by_state(problem)
    return np.exp(log_right(table, line.intercept, line.contrast))[at]


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
    log_share = np.log(line.share)
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
        return StateLine(intercept, contrast, _shares(found.count) if learns else point.share)

    def score(
        self, point: StateLine, before: StateExpectations | None
    ) -> tuple[StateExpectations, float]:
        """The E-step at these parameters, and the objective there in nats."""
        del before  # exact sums start from nothing
        found = expect_states(self.problem, point, self.threads)
        slip, guess = from_line(point.intercept, point.contrast)
        value = log_prior_density(slip, guess, self.config.slip_beta, self.config.guess_beta)
        return found, value + float(found.log_evidence @ self.problem.multiplicity)
