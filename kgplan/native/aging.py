"""How does mastery move through one learner's answers in order? Forward, and back, in loops.

A concept is a chain of two states, held and not held, in odds of held to not held; a pair of them
is a product of two chains only until an item asks for both: the chains are then taken as
independent again (Boyen & Koller, UAI 1998). With one concept an item all is exact.
Sizes: U learners, N answers, V items, K concepts, A ability classes.
"""

from typing import NamedTuple

import numpy as np

from kgplan.arrays import Floats, Ints
from kgplan.native.compiled import njit

MOST_ODDS = 1e100
"""Odds that no evidence exceeds, nor falls below one over it."""


class Needs(NamedTuple):
    """The concepts that each item asks for.

    Attributes:
        indptr: (V + 1,) where those of each item begin.
        indices: they themselves, rising within an item.
    """

    indptr: Ints
    indices: Ints


class Answers(NamedTuple):
    """Answers, one learner's after the other's, each learner's in order.

    Attributes:
        item: (N,) which item.
        right: (N,) share right, in [0, 1].
        day: (N,) when, in days, not falling within a learner.
    """

    item: Ints
    right: Floats
    day: Floats


class Chances(NamedTuple):
    """What moves a chain and what an answer says of it.

    Attributes:
        low, high: (A, V) P(right) of each class without, and with, all concepts held.
        prior: (A, K) P(held) before any answer, and of a state drawn anew.
        learn: (K,) P(not held turns held) at an answer.
        forget: how often a day a state is drawn anew.
    """

    low: Floats
    high: Floats
    prior: Floats
    learn: Floats
    forget: float


class Followed(NamedTuple):
    """Where one learner of one class stands, and what was there on the way.

    Attributes:
        odds: (K,) of held to not held, moved in place; what it holds of a concept counts where
            `last` is a number.
        last: (K,) the day of the concept's last answer, NaN before; moved in place.
        before: (m,) odds before each answer, a place for each of its concepts; written.
        ratio: (m,) P(answer | held) / P(answer | not held), likewise; written.
        p_right: (n,) P(right) before each answer; written.
    """

    odds: Floats
    last: Floats
    before: Floats
    ratio: Floats
    p_right: Floats


class Expected(NamedTuple):
    """What answers say of every hidden thing.

    Attributes:
        responsible: (U, A) P(class | answers); written.
        evidence: (U,) log-evidence in nats; written.
        all_held: (N, A) P(class, all concepts of the item held | answers); written.
        drawn: (A, K, 2) states drawn from the prior, not held and held; added to.
        turned: (K, 2) answers at which a concept was not held, and turned held; added to.
    """

    responsible: Floats
    evidence: Floats
    all_held: Floats
    drawn: Floats
    turned: Floats


@njit(cache=True, nogil=True)
def aged(odds: float, prior: float, kept: float) -> float:
    """Odds after a time in which the state stood with probability `kept`, else was drawn anew.

    Args:
        odds: of held to not held, before.
        prior: P(held) of a state drawn anew.
        kept: probability in [0, 1].
    """
    drawn = (1 - kept) * (1 + odds)
    return (prior * drawn + kept * odds) / ((1 - prior) * drawn + kept)


@njit(cache=True, nogil=True)
def seen(p: float, right: float) -> float:
    """Likelihood of an answer, of a share `right` of it if it is neither right nor wrong."""
    if right == 1:
        return p
    if right == 0:
        return 1 - p
    return p**right * (1 - p) ** (1 - right)


@njit(cache=True, nogil=True)
def forward(
    begin: int, end: int, c: int, answers: Answers, needs: Needs, by: Chances, to: Followed
) -> float:
    """Move the odds of one learner, as one of class `c`, through their answers.

    Args:
        begin, end: which answers.
        c: which class.
        answers, needs, by: all of them.
        to: where the learner stands.

    Returns:
        Log-evidence of the answers, in nats.
    """
    learn, forget, low, high, prior = by.learn, by.forget, by.low[c], by.high[c], by.prior[c]
    odds, last, before, ratio = to.odds, to.last, to.before, to.ratio
    evidence = 0.0
    at = 0
    for t in range(begin, end):
        v, right, day = answers.item[t], answers.right[t], answers.day[t]
        own = needs.indices[needs.indptr[v] : needs.indptr[v + 1]]
        n = own.size
        for j in range(n):
            k = own[j]
            if np.isnan(last[k]):
                odds[k] = prior[k] / (1 - prior[k])
            elif forget > 0 and day > last[k]:
                odds[k] = aged(odds[k], prior[k], np.exp(-forget * (day - last[k])))
            last[k] = day
            before[at + j] = odds[k]
        p1, p0 = high[v], low[v]
        seen1, seen0 = seen(p1, right), seen(p0, right)
        held = 1.0
        for j in range(n):
            others = 1.0
            for i in range(n):
                if i != j:
                    others *= before[at + i] / (1 + before[at + i])
            held *= before[at + j] / (1 + before[at + j])
            ratio[at + j] = 1 + others * (seen1 / seen0 - 1)
            k = own[j]
            turned = (before[at + j] * ratio[at + j] + learn[k]) / (1 - learn[k])
            odds[k] = min(max(turned, 1 / MOST_ODDS), MOST_ODDS)
        to.p_right[t - begin] = held * p1 + (1 - held) * p0
        evidence += np.log(held * seen1 + (1 - held) * seen0)
        at += n
    return evidence


@njit(cache=True, nogil=True)
def expect(
    begin: int,
    end: int,
    starts: Ints,
    answers: Answers,
    needs: Needs,
    by: Chances,
    log_weight: Floats,
    found: Expected,
) -> tuple[float, float]:
    """The E-step of learners `begin` to `end`.

    Args:
        begin, end: which learners.
        starts: (U + 1,) where each learner's answers begin.
        answers, needs, by: all of them.
        log_weight: (A,) log share of each class.
        found: of all learners; theirs is written, and added to.

    Returns:
        How often states were drawn anew after the first, and in how many days.
    """
    item, right, day = answers
    indptr, indices = needs
    low, high, prior, learn, forget = by
    responsible, evidence, all_held, drawn, turned = found
    n_classes, n_concepts = prior.shape
    longest, widest = 0, 0
    for u in range(begin, end):
        size = 0
        for t in range(starts[u], starts[u + 1]):
            size += indptr[item[t] + 1] - indptr[item[t]]
        longest, widest = max(longest, starts[u + 1] - starts[u]), max(widest, size)
    before, ratio = np.empty((n_classes, widest)), np.empty((n_classes, widest))
    previous, p_right = np.empty(widest, np.int64), np.empty(longest)
    days = np.empty(widest)
    odds, last = np.empty(n_concepts), np.full(n_concepts, np.nan)
    ahead, entry = np.empty(n_concepts), np.full(n_concepts, -1)
    resets, total_days = 0.0, 0.0
    for u in range(begin, end):
        first, after = starts[u], starts[u + 1]
        size = 0
        for t in range(first, after):  # the entry before, of the same concept
            v = item[t]
            for j in range(indptr[v], indptr[v + 1]):
                previous[size] = entry[indices[j]]
                entry[indices[j]] = size
                days[size] = day[t]
                size += 1
        for c in range(n_classes):
            to = Followed(odds, last, before[c], ratio[c], p_right)
            responsible[u, c] = log_weight[c] + forward(first, after, c, answers, needs, by, to)
            for t in range(first, after):
                for j in range(indptr[item[t]], indptr[item[t] + 1]):
                    last[indices[j]] = np.nan
        top = responsible[u].max()
        evidence[u] = top + np.log(np.exp(responsible[u] - top).sum())
        responsible[u] = np.exp(responsible[u] - evidence[u])
        for c in range(n_classes):
            weight = responsible[u, c]
            at = size
            for t in range(after - 1, first - 1, -1):
                v = item[t]
                n = indptr[v + 1] - indptr[v]
                at -= n
                seen1, seen0 = seen(high[c, v], right[t]), seen(low[c, v], right[t])
                held = 1.0
                for j in range(n):
                    k = indices[indptr[v] + j]
                    i = at + j
                    # ahead: P(later answers | held) / P(... | not held), after this answer
                    later = ahead[k] if entry[k] != i else 1.0
                    chance = learn[k]
                    moved = chance * later + 1 - chance
                    lost = 1 / (1 + before[c, i] * ratio[c, i])
                    total = (1 - lost) * later + lost * moved
                    turned[k, 0] += weight * lost * moved / total
                    turned[k, 1] += weight * lost * chance * later / total
                    later = later / moved
                    smooth = before[c, i] * later
                    held *= smooth / (1 + smooth)
                    later *= ratio[c, i]
                    pi = prior[c, k]
                    p = previous[i]
                    if p < 0:
                        share = pi * later / (pi * later + 1 - pi)
                        drawn[c, k, 1] += weight * share
                        drawn[c, k, 0] += weight * (1 - share)
                    else:
                        gap = days[i] - days[p]
                        if forget > 0 and gap > 0:
                            kept = np.exp(-forget * gap)
                            now = (before[c, p] * ratio[c, p] + chance) / (1 - chance)
                            now = min(max(now, 1 / MOST_ODDS), MOST_ODDS)
                            anew = (1 - kept) * (pi * later + 1 - pi)
                            with_held = kept * later + anew
                            without = kept + anew
                            total = (now * with_held + without) / (1 + now)
                            again = anew / total
                            share = pi * later / (pi * later + 1 - pi)
                            drawn[c, k, 1] += weight * again * share
                            drawn[c, k, 0] += weight * again * (1 - share)
                            resets += weight * again * forget * gap / (1 - kept)
                            later = with_held / without
                        total_days += weight * gap
                    ahead[k] = min(max(later, 1 / MOST_ODDS), MOST_ODDS)
                all_held[t, c] = weight * held * seen1 / (held * seen1 + (1 - held) * seen0)
        for t in range(first, after):
            for j in range(indptr[item[t]], indptr[item[t] + 1]):
                entry[indices[j]] = -1
    return resets, total_days
