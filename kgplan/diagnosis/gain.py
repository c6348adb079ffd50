"""How much would watching a video raise the mastery of its concepts, by the fitted model?

Under the compensatory link a full watch multiplies the odds of each concept that the video covers
by exp(contrast / n): log P(r=1 | m of n held) is a line in m, eq. (9) and (10) of kg-plppm, so
concepts that were independent before stay so. What was watched in part, or counted as due and never
opened, said P(r=0) to the rest of its share; that goes once it is watched. It is not independent
between concepts, and is taken at the mean of the other concepts.
Sizes: V videos, K concepts, N entries (a video and a concept that it covers), in order of videos.
"""

from typing import NamedTuple

import numpy as np

from kgplan.arrays import Floats, Ints

CERTAIN = 1e-9  # a mastery nearer than this to 0 or 1 is taken for so far
USUAL = 0.2
"""Slip and guess of a video that nothing was fitted to; where EM starts (de la Torre 2009)."""


class Lines(NamedTuple):
    """How videos respond to mastery.

    Attributes:
        guess: (V,) log of the guess parameter.
        pull: (V,) what a full watch adds to the log-odds of each of its concepts.
    """

    guess: Floats
    pull: Floats


def lines(slip: Floats, guess: Floats, n_concepts: Ints) -> Lines:
    """The lines of videos.

    Args:
        slip, guess: (V,) parameters; NaN where nothing was fitted.
        n_concepts: (V,) how many each covers.
    """
    slip, guess = (np.where(np.isnan(each), USUAL, each) for each in (slip, guess))
    contrast = np.log1p(-slip) - np.log(guess)
    return Lines(np.log(guess), contrast / np.maximum(n_concepts, 1))


def log_odds(mastery: Floats) -> Floats:
    """log(m / (1 - m)) of masteries, of which none is certain."""
    held = np.clip(mastery, CERTAIN, 1 - CERTAIN)
    return np.log(held) - np.log1p(-held)


def gains(
    start: Ints, concepts: Ints, line: Lines, shares: Floats, weights: Floats, mastery: Floats
) -> Floats:
    """What watching the rest of each video adds to the log-odds of each concept that it covers.

    Args:
        start: (V + 1,) where the entries of each video begin.
        concepts: (N,) positions of concepts.
        line: of the V videos.
        shares: (V,) what was watched; 0 for one that counts as never opened.
        weights: (V,) of what was observed; 0 where nothing is.
        mastery: (K,).

    Returns:
        (N,) at least 0.
    """
    sizes = np.diff(start)
    video = np.repeat(np.arange(sizes.size), sizes)
    pull = line.pull[video]
    held = np.clip(mastery[concepts], CERTAIN, 1 - CERTAIN)
    mean = np.log1p(held * np.expm1(pull))  # of what the concept multiplies P by, in logs
    whole = np.bincount(video, mean, minlength=sizes.size)
    without = line.guess[video] + whole[video] - mean  # log P where the concept is not held
    unopened = _log_wrong(without + pull) - _log_wrong(without)
    right, wrong = (weights * shares)[video], (weights * (1 - shares))[video]
    return (1 - right) * pull - wrong * unopened


def _log_wrong(log_right: Floats) -> Floats:
    return np.log(-np.expm1(np.minimum(log_right, -CERTAIN)))
