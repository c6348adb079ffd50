"""How likely is a full watch of a video, given how many of its concepts a learner holds?

log P(r=1 | m held of n) = intercept + contrast * eta(m): intercept = log guess and
contrast = log((1 - slip) / guess), eq. (10) of kg-plppm. Both links of eta share the rest.
Tables are ragged: video v owns the entries table_start[v] .. table_start[v + 1], m = 0 .. n_v.
Sizes: V videos, T = sum of (n_v + 1).
"""

from typing import NamedTuple

import numpy as np

from kgplan.arrays import Array, Floats, Ints


class EtaTable(NamedTuple):
    """eta for every number of held concepts of every video.

    Attributes:
        start: (V + 1,) where each video's entries begin.
        eta: (T,) in [0, 1], rising with m.
    """

    start: Ints
    eta: Floats


def eta_table(n_concepts: Ints, link: str) -> EtaTable:
    """Tabulate eta: the share m / n_v (eq. 9), or all-or-nothing for the conjunctive link.

    Args:
        n_concepts: (V,) concepts of each video; a video without concepts gets eta = 0.
        link: "compensatory" or "conjunctive".

    >>> eta_table(np.array([2]), "compensatory").eta
    array([0. , 0.5, 1. ])
    >>> eta_table(np.array([2]), "conjunctive").eta
    array([0., 0., 1.])
    """
    start = np.concatenate([[0], np.cumsum(n_concepts + 1)])
    held = np.arange(start[-1]) - np.repeat(start[:-1], n_concepts + 1)
    of = np.maximum(np.repeat(n_concepts, n_concepts + 1), 1)
    share = held / of
    return EtaTable(start, share if link == "compensatory" else np.floor(share))


def log_right(table: EtaTable, intercept: Floats, contrast: Floats) -> Floats:
    """(T,) log P(r=1 | m)."""
    sizes = np.diff(table.start)
    return np.repeat(intercept, sizes) + np.repeat(contrast, sizes) * table.eta


def log_wrong(log_p: Floats) -> Floats:
    """log(1 - P) from log P < 0, without loss where P is near 1.

    >>> log_wrong(np.array([np.log(0.5), -1e-20]))
    array([ -0.69314718, -46.05170186])
    """
    return np.log(-np.expm1(np.minimum(log_p, -1e-300)))


def to_line(slip: Floats, guess: Floats) -> tuple[Floats, Floats]:
    """Slip and guess as (intercept, contrast) of log P in eta."""
    return np.log(guess), np.log1p(-slip) - np.log(guess)


def from_line(intercept: Array, contrast: Array) -> tuple[Floats, Floats]:
    """(intercept, contrast) as slip and guess.

    >>> slip, guess = from_line(*to_line(np.array([0.1]), np.array([0.2])))
    >>> slip.round(12), guess.round(12)
    (array([0.1]), array([0.2]))
    """
    return -np.expm1(intercept + contrast), np.exp(intercept)
