"""How does mastery move through one learner's answers in order? Forward, and back, in loops.

A concept is a chain of two states, held and not held, in odds of held to not held; a pair of them
is a product of two chains only until an item asks for both: the chains are then taken as
independent again (Boyen & Koller, UAI 1998). With one concept an item all is exact.
Sizes: U learners, N answers, V items, K concepts, A ability classes.
"""

import numpy as np

from kgplan.arrays import Floats, Ints
from kgplan.native.compiled import njit

MOST_ODDS = 1e100
"""Odds that no evidence exceeds, nor falls below one over it."""


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
    item: Ints,
    right: Floats,
    day: Floats,
    indptr: Ints,
    indices: Ints,
    low: Floats,
    high: Floats,
    prior: Floats,
    learn: Floats,
    forget: float,
    odds: Floats,
    last: Floats,
    before: Floats,
    ratio: Floats,
    p_right: Floats,
) -> float:
    """Move the odds of one learner of one class through their answers.

    Args:
        item: (n,) which item, in order.
        right: (n,) share right, in [0, 1].
        day: (n,) when, in days, not falling.
        indptr, indices: concepts of each item.
        low, high: (V,) P(right) without, and with, all concepts held.
        prior: (K,) P(held) before any answer, and of a state drawn anew.
        learn: (K,) P(not held turns held) at an answer.
        forget: how often a day a state is drawn anew.
        odds: (K,) of held to not held, moved in place; what it holds of a concept counts where
            `last` is a number.
        last: (K,) the day of the concept's last answer, NaN before; moved in place.
        before: (m,) odds before each answer, a place for each of its concepts; written.
        ratio: (m,) P(answer | held) / P(answer | not held), likewise; written.
        p_right: (n,) P(right) before each answer; written.

    Returns:
        Log-evidence of the answers, in nats.
    """
    evidence = 0.0
    at = 0
    for t in range(item.size):
        v = item[t]
        n = indptr[v + 1] - indptr[v]
        for j in range(n):
            k = indices[indptr[v] + j]
            if np.isnan(last[k]):
                odds[k] = prior[k] / (1 - prior[k])
            elif forget > 0 and day[t] > last[k]:
                odds[k] = aged(odds[k], prior[k], np.exp(-forget * (day[t] - last[k])))
            last[k] = day[t]
            before[at + j] = odds[k]
        p1, p0 = high[v], low[v]
        seen1, seen0 = seen(p1, right[t]), seen(p0, right[t])
        held = 1.0
        for j in range(n):
            others = 1.0
            for i in range(n):
                if i != j:
                    others *= before[at + i] / (1 + before[at + i])
            held *= before[at + j] / (1 + before[at + j])
            ratio[at + j] = 1 + others * (seen1 / seen0 - 1)
            k = indices[indptr[v] + j]
            turned = (before[at + j] * ratio[at + j] + learn[k]) / (1 - learn[k])
            odds[k] = min(max(turned, 1 / MOST_ODDS), MOST_ODDS)
        p_right[t] = held * p1 + (1 - held) * p0
        evidence += np.log(held * seen1 + (1 - held) * seen0)
        at += n
    return evidence


@njit(cache=True, nogil=True)
def expect(
    begin: int,
    end: int,
    starts: Ints,
    item: Ints,
    right: Floats,
    day: Floats,
    indptr: Ints,
    indices: Ints,
    low: Floats,
    high: Floats,
    log_weight: Floats,
    prior: Floats,
    learn: Floats,
    forget: float,
    responsible: Floats,
    evidence: Floats,
    all_held: Floats,
    drawn: Floats,
    turned: Floats,
) -> tuple[float, float]:
    """The E-step of learners `begin` to `end`: what their answers say of every hidden thing.

    Args:
        begin, end: which learners.
        starts: (U + 1,) where each learner's answers begin.
        item, right, day: (N,) as for `forward`.
        indptr, indices, learn, forget: as for `forward`.
        low, high: (A, V) P(right) of each class without, and with, all concepts held.
        log_weight: (A,) log share of each class.
        prior: (A, K).
        responsible: (U, A) P(class | answers); written.
        evidence: (U,) log-evidence in nats; written.
        all_held: (N, A) P(class, all concepts of the item held | answers); written.
        drawn: (A, K, 2) states drawn from the prior, not held and held; added to.
        turned: (K, 2) answers at which a concept was not held, and turned held; added to.

    Returns:
        How often states were drawn anew after the first, and in how many days.
    """
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
            responsible[u, c] = log_weight[c] + forward(
                item[first:after], right[first:after], day[first:after], indptr, indices,
                low[c], high[c], prior[c], learn, forget,
                odds, last, before[c], ratio[c], p_right,
            )  # fmt: skip
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
