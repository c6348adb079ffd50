"""How are all cases inferred at given parameters, on all cores and always with the same result?

Cases are cut into a fixed number of blocks of like size; each block is one call of the compiled
kernel on its own arrays. The blocks' counts are added in block order, so the number of threads
and their timing leave no trace in the result.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from kgplan.arrays import Floats, Ints
from kgplan.diagnosis.config import DiagnosisConfig
from kgplan.diagnosis.response import EtaTable, log_right, log_wrong
from kgplan.machine import cores
from kgplan.native.cases import infer_cases
from kgplan.native.layout import LOOPY, Cases, Control, Found, Parameters, Tally, Videos

_BLOCKS = 16


@dataclass(frozen=True)
class Line:
    """Parameters as EM moves them: any point between two valid ones is valid.

    Attributes:
        intercept, contrast: (V,) of log P(r=1 | m) in eta.
        prior: (K,) P(concept held).
    """

    intercept: Floats
    contrast: Floats
    prior: Floats

    def free(self) -> Floats:
        """The parameters as (2V + K,) numbers of any size, for extrapolation."""
        return np.concatenate(
            [
                np.log(-(self.intercept + self.contrast)),
                np.log(self.contrast),
                np.log(self.prior) - np.log1p(-self.prior),
            ]
        )

    def at(self, free: Floats, config: DiagnosisConfig) -> "Line":
        """The parameters for which `free()` gives these numbers, kept off the borders."""
        n = self.intercept.size
        bounded = np.clip(free, -20.0, 20.0)
        # exp(3.4) = 30 nats: past every likelihood that data can tell from 0.
        bounded[: 2 * n] = np.minimum(bounded[: 2 * n], 3.4)
        contrast = np.maximum(np.exp(bounded[n : 2 * n]), config.least_contrast)
        prior = self.prior
        if config.learn_prior:
            prior = np.minimum(1 / (1 + np.exp(-bounded[2 * n :])), config.most_prior)
        return Line(-np.exp(bounded[:n]) - contrast, contrast, prior)

    def towards(self, other: "Line", share: float) -> "Line":
        """The point at this share of the way to another."""
        return Line(
            self.intercept + share * (other.intercept - self.intercept),
            self.contrast + share * (other.contrast - self.contrast),
            self.prior + share * (other.prior - self.prior),
        )


@dataclass(frozen=True)
class Expectations:
    """What one E-step found.

    Attributes:
        mastery: along `Cases.support`; by regions where LOOPY, if it is to be read.
        log_evidence: (R,) each case's, in nats; Bethe's approximation where a component is LOOPY.
        tally: expected counts over all learners.
        residual: (N,) largest move of a mastery in the last sweep of each component.
        sweeps: (N,) sweeps of each propagated component.
        messages: factor-to-concept odds ratios, where the next E-step goes on.
    """

    mastery: Floats
    log_evidence: Floats
    tally: Tally
    residual: Floats
    sweeps: Ints
    messages: Floats


def parameters(videos: Videos, line: Line) -> Parameters:
    """The tables that the kernels look up."""
    table = EtaTable(videos.table_start, videos.eta)
    not_right = log_wrong(log_right(table, line.intercept, line.contrast))
    at_none = np.repeat(not_right[table.start[:-1]], np.diff(table.start))
    return Parameters(
        np.log(line.prior) - np.log1p(-line.prior),
        line.prior / (1 - line.prior),
        np.log1p(-line.prior),
        line.intercept,
        line.contrast,
        not_right,
        np.exp(not_right - at_none),
    )


def expect(
    evidence: Cases,
    videos: Videos,
    par: Parameters,
    config: DiagnosisConfig,
    messages: Floats | None = None,
    threads: int | None = None,
    *,
    to_read: bool = False,
) -> Expectations:
    """Infer every case.

    Args:
        evidence, videos: what was observed.
        par: the parameters, held fixed.
        config: how to propagate.
        messages: those of an earlier E-step on the same evidence, to go on from; None: none sent.
        threads: at most so many; None: one per core that this process may use.
        to_read: the mastery is to be read, not to climb by: where LOOPY, sum over a region around
            each concept. The tally and the evidence are propagation's all the same.
    """
    control = Control(
        float(config.damping),
        float(config.sweep_tolerance),
        config.sweep_limit,
        config.region_limit,
        config.cutset_limit,
    )
    n_cases, n_components = evidence.weight.size, evidence.component_kind.size
    sent = np.ones(int(evidence.factor_edge_start[-1])) if messages is None else messages.copy()
    mastery, log_evidence = np.empty(evidence.support.size), np.empty(n_cases)
    reading = np.full(evidence.support.size if to_read and config.region_limit else 0, np.nan)
    residual, sweeps = np.zeros(n_components), np.zeros(n_components, np.int64)
    found = Found(sent, mastery, reading, log_evidence, residual, sweeps)
    ends = _block_ends(evidence)

    def run(block: int) -> Tally:
        tally = Tally(
            np.zeros(videos.eta.size),
            np.zeros(videos.scope_of.size),
            np.zeros(par.prior_log_odds.size),
        )
        infer_cases(evidence, videos, par, control, ends[block], ends[block + 1], tally, found)
        return tally

    blocks = range(len(ends) - 1)
    wanted = min(threads or cores(), len(blocks))
    if wanted > 1:
        with ThreadPoolExecutor(wanted) as pool:
            tallies = list(pool.map(run, blocks))
    else:
        tallies = [run(block) for block in blocks]
    total = tallies[0]
    for tally in tallies[1:]:
        for sums, part in zip(total, tally, strict=True):
            sums += part
    if reading.size:
        mastery = np.where(np.isnan(reading), mastery, reading)
    return Expectations(mastery, log_evidence, total, residual, sweeps, sent)


def _block_ends(evidence: Cases) -> list[int]:
    """Cut the cases where about equal numbers of messages and pulls lie on either side."""
    n_cases = evidence.weight.size
    factors = evidence.component_factor_start[evidence.component_start]
    work = evidence.factor_edge_start[factors] + evidence.pull_start + np.arange(n_cases + 1)
    cuts = np.searchsorted(work, np.linspace(0, work[-1], _BLOCKS + 1)[1:-1])
    return [0, *sorted({*(int(c) for c in cuts), n_cases} - {0})] if n_cases else [0, 0]


def loopy_cases(evidence: Cases) -> Ints:
    """(R,) the number of components of each case that were propagated around loops."""
    loops = np.concatenate([[0], np.cumsum(evidence.component_kind == LOOPY)])
    return loops[evidence.component_start[1:]] - loops[evidence.component_start[:-1]]
