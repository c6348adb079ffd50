"""Which concepts does each learner hold, judged from the videos watched? V-DINA, section 3.4.

The model is kg-plppm section 3: P(r_uv = 1 | alpha_u) = g_v^(1 - eta_uv) (1 - s_v)^eta_uv with
eta_uv the share of the video's concepts that the learner holds, each concept held with its own
prior, or each state (set of held concepts) with its own where concepts are few. Slip, guess and
prior are fitted by EM; docs/research/diagnosis.md tells how the E-step is made tractable and what
is approximate in it.
Sizes: U learners, V videos, K concepts, S = 2^K states.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from kgplan.arrays import Array, Floats, Ints, check_axis
from kgplan.diagnosis.config import DiagnosisConfig
from kgplan.diagnosis.em import Concepts, climb, start_line
from kgplan.diagnosis.estep import Expectations, Line, expect, loopy_cases, parameters
from kgplan.diagnosis.evidence import Problem, pose
from kgplan.diagnosis.hierarchy import possible_states
from kgplan.diagnosis.response import from_line, to_line
from kgplan.diagnosis.states import (
    StateExpectations,
    StateLine,
    StateProblem,
    States,
    expect_states,
    pose_states,
)
from kgplan.errors import ConfigError, InputError
from kgplan.progress import Progress, silent

NO_EVIDENCE, EXACT, PROPAGATED = 0, 1, 2


@dataclass(frozen=True)
class Inference:
    """Mastery at fixed slip, guess and prior.

    Attributes:
        mastery: (U, K) P(held | the learner's observations), stored where they reach the concept;
            with given shares of states they reach every concept that some video covers.
        log_evidence: (U,) log P(observations) in nats; Bethe's approximation where PROPAGATED.
        how: (U,) NO_EVIDENCE, EXACT (enumeration, trees, terms per concept) or PROPAGATED.
        residual: (U,) largest move of a mastery in the last sweep; 0 where EXACT.
        skipped: observations that say nothing about mastery: their video covers no concept, or
            their weight is 0.
    """

    mastery: sparse.csr_matrix
    log_evidence: Floats
    how: Ints
    residual: Floats
    skipped: int


@dataclass(frozen=True)
class Diagnosis:
    """A fitted V-DINA model and the mastery of every learner under it.

    Attributes:
        slip, guess: (V,) 0 < guess < 1 - slip < 1.
        prior: (K,) P(concept held) before any observation.
        share: (S,) probability of each state under the saturated prior, else None; 0 where a
            hierarchy rules the state out; bit k of a
            state is the k-th of the concepts that some video covers.
        observed: (V,) False where no observation speaks about the video: slip and guess are then
            their Beta priors' peak, or those of similar videos (`newvideos.with_new_videos`).
        mastery: (U, K) stored where the learner's observations reach the concept: *identified*.
        log_evidence: (U,) log P(observations) in nats; Bethe's approximation where propagated.
        objective: (iterations + 1,) log-evidence plus log density of the Beta priors, in nats;
            never falls.
        converged: the last whole EM step gained less than the tolerance.
        residual: largest move of a mastery in the last sweep of any propagated component.
        unsettled: learners whose propagation was stopped by the sweep limit.
        learners: counts of learners by how they were inferred.
        skipped: observations that say nothing (Inference.skipped).
        config: the settings it was made with.
    """

    slip: Floats
    guess: Floats
    prior: Floats
    share: Floats | None
    observed: Array
    mastery: sparse.csr_matrix
    log_evidence: Floats
    objective: Floats
    converged: bool
    residual: float
    unsettled: int
    learners: dict[str, int]
    skipped: int
    config: DiagnosisConfig

    def mastery_of(self, row: int) -> Floats:
        """(K,) the learner's mastery of every concept; the prior where nothing is identified."""
        dense = self.prior.copy()
        begin, end = self.mastery.indptr[row], self.mastery.indptr[row + 1]
        dense[self.mastery.indices[begin:end]] = self.mastery.data[begin:end]
        return dense

    def identified_of(self, row: int) -> Array:
        """(K,) True where some observation of the learner reaches the concept."""
        reached = np.zeros(self.prior.size, bool)
        begin, end = self.mastery.indptr[row], self.mastery.indptr[row + 1]
        reached[self.mastery.indices[begin:end]] = True
        return reached


def fit(
    watched: sparse.csr_matrix,
    q_matrix: sparse.csr_matrix,
    config: DiagnosisConfig | None = None,
    progress: Progress = silent,
    *,
    weights: sparse.csr_matrix | None = None,
    prior: Floats | None = None,
    start: tuple[Floats, Floats] | None = None,
    hierarchy: Ints | None = None,
    threads: int | None = None,
) -> Diagnosis:
    """Fit slip, guess and prior by EM and infer every learner's mastery.

    Args:
        watched: (U, V) share of each video that a learner watched, in [0, 1]; every stored entry
            is an observation, a stored 0 too. What is not stored was not observed.
        q_matrix: (V, K) not 0 where the video covers the concept.
        config: all settings; None: the defaults.
        progress: told the objective after each iteration, in nats.
        weights: (U, V) weight of each observation's log-likelihood, stored where `watched` is.
        prior: (K,) prior of each concept to start from, in place of config.prior_start.
        start: (V,) slip and (V,) guess to start from, in place of config's.
        hierarchy: (H, 2) prerequisite and concept, for a saturated prior: states that hold a
            concept without its prerequisite have probability 0 (`hierarchy.possible_states`).
        threads: at most so many; the result does not depend on it.

    Raises:
        AxisMismatch: arguments disagree on U, V or K.
        InputError: a share outside [0, 1], a repeated entry, a weight, prior, slip or guess out of
            range, too many concepts for a saturated prior, or a hierarchy that goes in a circle.
        ConfigError: a hierarchy is given and the prior is not saturated.

    >>> watched = sparse.csr_matrix(np.array([[1.0, 1.0], [1.0, 1.0]]))
    >>> q_matrix = sparse.csr_matrix(np.array([[1, 0, 0], [1, 1, 0]]))
    >>> diagnosis = fit(watched, q_matrix)
    >>> diagnosis.identified_of(0), diagnosis.learners["exact"]
    (array([ True,  True, False]), 2)
    """
    config = config or DiagnosisConfig()
    if hierarchy is not None and config.class_prior != "saturated":
        raise ConfigError(
            f"a hierarchy rules out states, and class_prior is {config.class_prior!r}; "
            "give class_prior='saturated', or no hierarchy"
        )
    prior = _check_prior(prior, config.prior_start, q_matrix.shape[1])
    n_videos = q_matrix.shape[0]
    if start is None:
        start = np.full(n_videos, config.slip_start), np.full(n_videos, config.guess_start)
    else:
        check_line(q_matrix, *start, prior)
    if config.class_prior == "saturated":
        states = pose_states(watched, q_matrix, weights, config.link)
        line = start_line(states.videos.sizes(), *start, config)
        share = product_share(prior[states.covered])
        if hierarchy is not None:
            share *= possible_states(hierarchy, states.covered, q_matrix.shape[1])
        first = StateLine(line.intercept, line.contrast, share / share.sum())
        peak = climb(States(states, config, threads), first, config, progress)
        learned = prior.copy()
        learned[states.covered] = concept_prior(peak.point.share)
        return _diagnosis(
            (peak.point.intercept, peak.point.contrast), learned, peak.point.share,
            _spread_states(states, peak.found), states.observed, peak.objective, peak.converged,
            config,
        )  # fmt: skip
    problem = pose(watched, q_matrix, weights, config.link, config.enumeration_limit)
    line = start_line(problem.videos.sizes(), *start, config)
    top = climb(
        Concepts(problem, config, threads),
        Line(line.intercept, line.contrast, prior),
        config,
        progress,
    )
    # From the first message on, as `infer` and `Posterior` read: the last messages of EM can stand
    # at another fixed point.
    read = expect(
        problem.evidence, problem.videos, parameters(problem.videos, top.point), config,
        None, threads, to_read=True,
    )  # fmt: skip
    found = replace(top.found, mastery=read.mastery, residual=read.residual)
    return _diagnosis(
        (top.point.intercept, top.point.contrast), top.point.prior, None,
        _spread(problem, found), problem.observed, top.objective, top.converged, config,
    )  # fmt: skip


def fit_best(
    watched: sparse.csr_matrix,
    q_matrix: sparse.csr_matrix,
    config: DiagnosisConfig | None = None,
    progress: Progress = silent,
    *,
    n_starts: int,
    rng: np.random.Generator,
    weights: sparse.csr_matrix | None = None,
    hierarchy: Ints | None = None,
    threads: int | None = None,
) -> Diagnosis:
    """Fit from several starting values and keep the fit with the highest objective.

    The likelihood of V-DINA and DINA may have more than one top. The first start is config's; the
    others draw slip and guess of every video from U(.05, .45) and priors from U(.2, .8).

    Args:
        watched, q_matrix, config, progress, weights, hierarchy, threads: as for `fit`.
        n_starts: fits to make, at least 1.
        rng: draws the starting values.

    Raises:
        AxisMismatch, InputError: as `fit`; fewer than one start.
    """
    if n_starts < 1:
        raise InputError(f"n_starts is {n_starts}; give at least 1")
    best = fit(
        watched, q_matrix, config, progress, weights=weights, hierarchy=hierarchy, threads=threads
    )
    n_videos, n_concepts = q_matrix.shape
    for _ in range(n_starts - 1):
        slip, guess = rng.uniform(0.05, 0.45, (2, n_videos))
        prior = rng.uniform(0.2, 0.8, n_concepts) if best.config.learn_prior else None
        found = fit(
            watched, q_matrix, config, progress,
            weights=weights, prior=prior, start=(slip, guess), hierarchy=hierarchy,
            threads=threads,
        )  # fmt: skip
        if found.objective[-1] > best.objective[-1]:
            best = found
    return best


def _diagnosis(
    line: tuple[Floats, Floats],
    prior: Floats,
    share: Floats | None,
    inference: Inference,
    observed: Array,
    objective: Floats,
    converged: bool,
    config: DiagnosisConfig,
) -> Diagnosis:
    slip, guess = from_line(*line)
    counts = np.bincount(inference.how, minlength=3)
    return Diagnosis(
        slip=slip,
        guess=guess,
        prior=prior,
        share=share,
        observed=observed,
        mastery=inference.mastery,
        log_evidence=inference.log_evidence,
        objective=objective,
        converged=converged,
        residual=float(inference.residual.max(initial=0.0)),
        unsettled=int(np.sum(inference.residual > config.sweep_tolerance)),
        learners={
            "without evidence": int(counts[NO_EVIDENCE]),
            "exact": int(counts[EXACT]),
            "propagated": int(counts[PROPAGATED]),
        },
        skipped=inference.skipped,
        config=config,
    )


def product_share(prior: Floats) -> Floats:
    """(S,) probabilities of all states where concepts are held independently.

    >>> product_share(np.array([0.5, 0.9])).round(2)  # none, the first, the second, both
    array([0.05, 0.05, 0.45, 0.45])
    """
    share = np.ones(1)
    for p in prior:
        share = np.concatenate([share * (1 - p), share * p])
    return share


def concept_prior(share: Floats) -> Floats:
    """(K,) P(concept held) from the (S,) probabilities of all states.

    >>> concept_prior(np.array([0.1, 0.2, 0.3, 0.4])).round(2)
    array([0.6, 0.7])
    """
    states = np.arange(share.size)
    n_concepts = int(share.size).bit_length() - 1
    return np.array([share[(states >> k) & 1 == 1].sum() for k in range(n_concepts)])


def infer(
    watched: sparse.csr_matrix,
    q_matrix: sparse.csr_matrix,
    slip: Floats,
    guess: Floats,
    prior: Floats,
    config: DiagnosisConfig | None = None,
    *,
    weights: sparse.csr_matrix | None = None,
    share: Floats | None = None,
    threads: int | None = None,
) -> Inference:
    """Infer mastery at fixed slip, guess and prior: the E-step alone, eq. (11).

    Args:
        watched: (U, V) as for `fit`.
        q_matrix: (V, K).
        slip, guess: (V,) 0 < guess < 1 - slip < 1.
        prior: (K,) in (0, 1).
        config: how to enumerate and propagate; None: the defaults.
        weights: (U, V) as for `fit`.
        share: (S,) probability of each state, as in `Diagnosis`; takes the place of `prior`, which
            still holds for concepts that no video covers.
        threads: at most so many; the result does not depend on it.

    Raises:
        AxisMismatch: arguments disagree on U, V, K or S.
        InputError: a value out of its range.

    >>> one = sparse.csr_matrix(np.array([[1.0]]))  # watched in full: .5 * .9 against .5 * .2
    >>> found = infer(one, one, np.array([0.1]), np.array([0.2]), np.array([0.5]))
    >>> found.mastery.toarray().round(3)
    array([[0.818]])
    """
    config = config or DiagnosisConfig()
    line = check_line(q_matrix, slip, guess, prior)
    if share is not None:
        states = pose_states(watched, q_matrix, weights, config.link)
        check_axis("S", share=share.size, q_matrix=states.n_states)
        if not (np.all(share >= 0) and abs(share.sum() - 1) < 1e-6):
            raise InputError(
                f"shares of states go from {share.min()} and sum to {share.sum()}; "
                "give numbers of 0 or more that sum to 1"
            )
        at = StateLine(line.intercept, line.contrast, share)
        return _spread_states(states, expect_states(states, at, threads))
    problem = pose(watched, q_matrix, weights, config.link, config.enumeration_limit)
    par = parameters(problem.videos, line)
    found = expect(problem.evidence, problem.videos, par, config, None, threads, to_read=True)
    return _spread(problem, found)


def check_line(q_matrix: sparse.csr_matrix, slip: Floats, guess: Floats, prior: Floats) -> Line:
    """Refuse parameters that do not fit the Q-matrix or the model's order.

    Raises:
        AxisMismatch: they disagree with the Q-matrix on V or K.
        InputError: not 0 < guess < 1 - slip < 1, or a prior outside (0, 1).
    """
    check_axis("V", q_matrix=q_matrix.shape[0], slip=slip.size, guess=guess.size)
    bad = np.flatnonzero(~((guess > 0) & (guess < 1 - slip) & (slip > 0)))
    if bad.size:
        raise InputError(
            f"video {bad[0]} has guess {guess[bad[0]]} and slip {slip[bad[0]]}; "
            "give 0 < guess < 1 - slip < 1"
        )
    return Line(*to_line(slip, guess), _check_prior(prior, 0.5, q_matrix.shape[1]))


def _check_prior(prior: Floats | None, start: float, n_concepts: int) -> Floats:
    return np.full(n_concepts, start) if prior is None else check_prior(prior, n_concepts)


def check_prior(prior: Floats, n_concepts: int) -> Floats:
    """Refuse a prior that is none.

    Raises:
        AxisMismatch: it disagrees on K.
        InputError: a value outside (0, 1).
    """
    check_axis("K", q_matrix=n_concepts, prior=prior.size)
    bad = np.flatnonzero(~((prior > 0) & (prior < 1)))
    if bad.size:
        raise InputError(f"concept {bad[0]} has prior {prior[bad[0]]}; give a number in (0, 1)")
    return np.asarray(prior, np.float64)


def _spread(problem: Problem, found: Expectations) -> Inference:
    """Give every learner the result of its case."""
    ev = problem.evidence
    n_cases = ev.weight.size
    of_cases = sparse.csr_matrix(
        (found.mastery, ev.support.copy(), ev.support_start.copy()),
        shape=(n_cases, problem.n_concepts),
    )
    of_cases.sort_indices()
    residual = np.zeros(n_cases)
    owner = np.repeat(np.arange(n_cases), np.diff(ev.component_start))
    np.maximum.at(residual, owner, found.residual)
    loops = loopy_cases(ev)
    how = np.where(loops > 0, PROPAGATED, EXACT)
    how[np.diff(ev.support_start) == 0] = NO_EVIDENCE
    return Inference(
        mastery=of_cases[problem.case_of],
        log_evidence=found.log_evidence[problem.case_of],
        how=how[problem.case_of],
        residual=np.where(loops > 0, residual, 0.0)[problem.case_of],
        skipped=problem.skipped,
    )


def _spread_states(states: StateProblem, found: StateExpectations) -> Inference:
    """Give every learner the result of its case; a learner without observations, nothing."""
    heard = (states.multiplicity > 0)[states.case_of]
    n_learners, width = heard.size, states.covered.size
    mastery = sparse.csr_matrix(
        (
            found.mastery[states.case_of[heard]].ravel(),
            np.tile(states.covered, int(heard.sum())),
            np.concatenate([[0], np.cumsum(np.where(heard, width, 0))]),
        ),
        shape=(n_learners, states.n_concepts),
    )
    return Inference(
        mastery=mastery,
        log_evidence=np.where(heard, found.log_evidence[states.case_of], 0.0),
        how=np.where(heard, EXACT, NO_EVIDENCE),
        residual=np.zeros(n_learners),
        skipped=states.skipped,
    )
