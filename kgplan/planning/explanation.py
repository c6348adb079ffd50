"""Why each step, what was rejected, and what would change the choice?

Everything follows from the terms that chose the plan. K concepts.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Annotated, Any, Literal

from kgplan.planning.options import PlanOptions
from kgplan.planning.plan import Terms
from kgplan.planning.planners import Among, NamedPlanner, rules
from kgplan.planning.texts import Manner, apart, fill, say

ALTERNATIVES = 5  # that an explanation lists for a step
ROUNDING = 1e-9  # a mastery nearer than this to 0 or 1 is neither passed nor undercut
Verdict = Literal[
    "lower", "tie", "not_pinned", "not_retried", "not_next", "not_sooner", "excluded", "mastered",
    "learned", "too_long", "no_room", "ended",
]  # fmt: skip


@dataclass(frozen=True)
class Candidate:
    """A concept that could have been chosen, in positions.

    Attributes:
        concept: which one.
        terms: its numbers.
        figure: the one that candidates are ranked by, largest first.
        verdict: why it may not be chosen whatever its figure; None where it may.
        minutes, left: what it takes and what was left, under "too_long".
    """

    concept: int
    terms: Terms
    figure: float
    verdict: Verdict | None
    minutes: float = 0.0
    left: float = 0.0


@dataclass(frozen=True)
class Decision:
    """One choice of the planner: among which concepts, and which one.

    Attributes:
        concept: the one chosen, in positions; None where a walk ended.
        rule: what the figures are, or what overrules them.
        candidates: all that could have been chosen then, the one chosen among them.
        weighs_mastery: whether the figures fall by as much as mastery rises.
    """

    concept: int | None
    rule: str
    candidates: Sequence[Candidate]
    weighs_mastery: bool = False


@dataclass(frozen=True)
class Alternative:
    """A concept that was rejected.

    Attributes:
        concept_id, name, name_en: the concept.
        terms: its numbers.
        figure: what it was ranked by.
        verdict: "lower" or "tie" against the one chosen; or what kept it out, whatever its figure.
        because: the same in words, as in: skip: mastery 0.91 >= 0.90.
    """

    concept_id: str
    name: str
    name_en: str
    terms: Terms
    figure: float
    verdict: Verdict
    because: str


@dataclass(frozen=True)
class Change:
    """What would have changed a choice, all else the same.

    Attributes:
        concept_id: the concept whose mastery, or exclusion, decides.
        mastery: as it is.
        above: the mastery beyond which the choice is another; None where there is none.
        below: the mastery under which the choice is another; None where there is none.
        then: the concept that would be chosen; None where the step's concept is only left out.
        because: the same in words.
    """

    concept_id: str
    mastery: float
    above: float | None
    below: float | None
    then: str | None
    because: str


@dataclass(frozen=True)
class StepExplanation:
    """Why one step was chosen.

    Attributes:
        concept_id: of the step.
        rule: what decided: the largest figure of the planner's `rule`, or of a prerequisite's
            "score"; or the concept was "pinned", or the "target"; or it is a "retry" of what was
            just not answered right; or in a course that is practised a "practice" that takes the
            fewest right answers in a row.
        because: the same in words.
        terms: the step's numbers.
        alternatives: the best that were rejected, largest figure first.
        rejected: how many there were.
        changes: what would change the choice.
        ended: prerequisites of the step where the walk back ended, and why each was not taken.
    """

    concept_id: str
    rule: Annotated[str, Among(rules)]
    because: str
    terms: Terms
    alternatives: tuple[Alternative, ...]
    rejected: int
    changes: tuple[Change, ...]
    ended: tuple[Alternative, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The explanation as JSON values."""
        return asdict(self)


@dataclass(frozen=True)
class Explainer:
    """Turns decisions into explanations.

    Attributes:
        ids, names, english: of all K concepts, by position.
        options: of the plan.
        planner: that made it.
    """

    ids: Sequence[str]
    names: Sequence[str]
    english: Sequence[str]
    options: PlanOptions
    planner: NamedPlanner

    def explain(self, decision: Decision, end: Decision | None) -> StepExplanation:
        """Explain one choice.

        Args:
            decision: which concept was chosen, and among which.
            end: what could have come next where the walk ended with this concept; else None.
        """
        chosen, others = split(decision)
        listed = [self.alternative(other, chosen, decision.rule) for other in others]
        ended: tuple[Alternative, ...] = ()
        if end is not None:
            ranked = sorted(end.candidates, key=rank)[:ALTERNATIVES]
            ended = tuple(self.alternative(other, None, "score") for other in ranked)
        return StepExplanation(
            concept_id=self.ids[chosen.concept],
            rule=decision.rule,
            because=self.why(decision.rule, chosen.figure),
            terms=chosen.terms,
            alternatives=tuple(listed[:ALTERNATIVES]),
            rejected=len(listed),
            changes=tuple(self.changes(chosen, others, decision)),
            ended=ended,
        )

    def why(self, rule: str, figure: float) -> str:
        """Say what decided."""
        options = self.options
        if rule == self.planner.rule:
            return fill(self.planner.why[options.language], options.detail, figure=figure)
        return say(options, f"why.{rule}", figure=figure)

    def alternative(self, other: Candidate, chosen: Candidate | None, rule: str) -> Alternative:
        """Say why a candidate was not chosen."""
        best = chosen.figure if chosen is not None else other.figure
        verdict = other.verdict
        if verdict is None and chosen is None:
            verdict = "ended"
        if verdict is None and rule in ("pinned", "target"):
            verdict = "not_pinned"
        if verdict is None:
            verdict = "lower" if other.figure < best else "tie"
        k = other.concept
        if verdict in ("lower", "tie"):
            because = compared(self.options, verdict, other.figure, best)
        else:
            mastery, theta = apart(other.terms.mastery, self.options.theta or 0.0)
            minutes, left = apart(other.minutes, other.left, 1)
            because = say(
                self.options,
                f"not.{verdict}",
                mastery=mastery,
                threshold=theta,
                minutes=minutes,
                left=left,
            )
        names = self.ids[k], self.names[k], self.english[k]
        return Alternative(*names, other.terms, other.figure, verdict, because)

    def changes(
        self, chosen: Candidate, others: Sequence[Candidate], decision: Decision
    ) -> Iterator[Change]:
        """What would change the choice; what is pinned or a target changes by nothing."""
        if decision.rule in ("pinned", "target"):
            return
        skip, counts = self.options.theta, decision.weighs_mastery
        mastery = chosen.terms.mastery
        runner = next((other for other in others if other.verdict is None), None)
        margin = None if runner is None else chosen.figure - runner.figure
        above = mastery + margin if margin is not None and counts else 2.0
        if skip is not None and skip <= min(above, 1):
            yield self.change("skip", chosen, None, above=skip)
        elif above < 1 - ROUNDING:
            yield self.change("raise", chosen, runner, above=above)
        for other in others:
            below = other.terms.mastery - (chosen.figure - other.figure) if counts else -1.0
            if other.verdict == "mastered" and skip is not None:
                wins = counts or other.figure > chosen.figure
                below = min(below, skip) if counts else skip
                if wins and below > ROUNDING:
                    yield self.change("lower", other, other, below=below)
            elif other is runner and below > ROUNDING:
                yield self.change("lower", other, other, below=below)
            elif other.verdict == "excluded" and rank(other) < rank(chosen):
                yield self.change("include", other, other)

    def change(
        self,
        sentence: str,
        of: Candidate,
        then: Candidate | None,
        above: float | None = None,
        below: float | None = None,
    ) -> Change:
        """Say what would change a choice."""
        limit = above if above is not None else below
        mastery, threshold = apart(of.terms.mastery, 0.0 if limit is None else limit)
        # where it is just what decides, figures would say nothing
        manner = self.options if mastery != threshold else replace(self.options, detail="words")
        because = say(
            manner,
            f"change.{sentence}",
            name=self.names[of.concept],
            other=self.names[then.concept] if then is not None else None,
            mastery=mastery,
            threshold=threshold,
        )
        chosen = None if then is None else self.ids[then.concept]
        return Change(self.ids[of.concept], of.terms.mastery, above, below, chosen, because)


def compared(manner: Manner, verdict: Verdict, figure: float, best: float) -> str:
    """Say how a figure stands to the best: as less, by figures that differ, or as a tie."""
    less, most = apart(figure, best)
    return say(manner, f"not.{verdict if less != most else 'tie'}", figure=less, best=most)


def split(decision: Decision) -> tuple[Candidate, list[Candidate]]:
    """The candidate chosen, and the others, largest figure first."""
    chosen = next(c for c in decision.candidates if c.concept == decision.concept)
    others = [c for c in decision.candidates if c.concept != decision.concept]
    return chosen, sorted(others, key=rank)


def rank(candidate: Candidate) -> tuple[float, int]:
    """Larger figures first; ties by position, which follows the id."""
    return -candidate.figure, candidate.concept
