"""Steps 4 and 5 of Algorithm 1 by loops over lists and sets, as `native.walk` tells them.

Everything is looked up anew whenever it is asked for: nothing is kept but the steps.
"""

from dataclasses import dataclass

import numpy as np

from kgplan.native.walk import SLACK, Limits, Requires, Standing


@dataclass(frozen=True)
class Step:
    """A concept, the start it was walked from, what it leads to, and eq. (8) with that."""

    concept: int
    start: int
    leads: int = -1
    similarity: float = 0.0


@dataclass(frozen=True)
class Problem:
    """A learner and what is asked for; concepts are numbers."""

    starts: list[int]
    requires: Requires
    by: Standing
    limits: Limits

    def steps(self) -> list[list[Step]]:
        """Each start's steps, in the order in which they are chosen."""
        walks: list[list[Step]] = []
        for start in self.starts:
            done = [step for each in walks for step in each]
            if self.fits(start, done):
                walks.append(self.from_start(start, done))
        return walks

    def from_start(self, start: int, done: list[Step]) -> list[Step]:
        """The steps from one start on, behind those that are done."""
        steps = [Step(start, start)]
        while len(steps) <= self.limits.prerequisites:
            leads = steps[-1].leads
            first = leads if leads >= 0 and self.by.too_hard[leads] else steps[-1].concept
            earlier = [step.concept for step in steps] if self.limits.thorough else []
            for of in [first, *earlier]:
                found = self.best(of, done + steps)
                if found is not None:
                    steps.append(Step(found[0], start, of, found[1]))
                    break
            else:
                break
        return steps

    def best(self, of: int, done: list[Step]) -> tuple[int, float] | None:
        """Of what a concept requires and what fits, that of the largest eq. (8) + 1 - mastery."""
        edges = slice(*self.requires.start[of : of + 2])
        pairs = zip(self.requires.before[edges], self.requires.similarity[edges], strict=True)
        fitting = [(int(before), alike) for before, alike in pairs if self.fits(before, done)]
        return max(fitting, key=lambda pair: pair[1] + (1 - self.by.mastery[pair[0]]), default=None)

    def fits(self, concept: int, done: list[Step]) -> bool:
        """Whether a concept may be the next step."""
        taken = {step.concept for step in done}
        if len(done) == self.limits.length or concept in taken or self.by.passed_over[concept]:
            return False
        if self.by.pinned[concept]:
            return True
        kept = [each for each in self.starts if self.by.pinned[each] and each not in taken]
        if len(done) + len(kept) >= self.limits.length:
            return False
        spent, seen = 0.0, set()
        if self.by.minutes.size == 0:
            return True
        for each in [step.concept for step in done] + [concept]:
            if self.by.video[each] not in seen:
                spent += self.by.minutes[each]
            seen |= {self.by.video[each]} - {-1}
        return spent + self.by.minutes[kept].sum() <= self.limits.budget + SLACK


def drawn(seed: int) -> Problem:
    """Up to 12 concepts with prerequisites in circles; ties of similarity; shared videos."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 13))
    before, after = np.nonzero(rng.random((n, n)) < rng.uniform(0, 0.4))
    order = np.lexsort((before, after))
    before, after = before[order], after[order]
    requires = Requires(
        np.searchsorted(after, np.arange(n + 1)).astype(np.int32),
        before.astype(np.int32),
        rng.choice([0.25, 0.5, 0.75], before.size),
    )
    starts = rng.permutation(n)[: int(rng.integers(1, n + 1))]
    pinned = np.zeros(n, dtype=bool)
    pinned[starts[: int(rng.integers(0, 3))]] = True
    timed = rng.random() < 0.6
    by = Standing(
        mastery=rng.choice([0.0, 0.25, 0.5, 1.0], n),
        passed_over=(rng.random(n) < 0.2) & ~pinned,
        pinned=pinned,
        too_hard=rng.random(n) < 0.3,
        minutes=rng.integers(1, 9, n) / 2 if timed else np.empty(0),
        video=rng.integers(-1, max(1, n // 2), n) if timed else np.empty(0, dtype=np.int64),
    )
    limits = Limits(
        length=int(rng.integers(max(1, pinned.sum()), n + 3)),
        prerequisites=int(rng.integers(0, 5)),
        thorough=bool(rng.random() < 0.5),
        budget=float(rng.integers(1, 20)) if timed else np.inf,
    )
    return Problem(starts.tolist(), requires, by, limits)
