"""What is a plan? The answer's types."""

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from kgplan.planning.experiment import Assignment
from kgplan.planning.options import PlanOptions
from kgplan.planning.resources import Resource

Role = Literal["start", "prerequisite"]
Doubt = Literal["no_evidence", "not_told_apart", "weak_evidence"]
Basis = Literal["own", "lent", "prior"]
"""Whose a mastery is: the learner's own, where evidence reaches it; that of learners who are alike
(none is lent yet); or what is assumed of everyone."""
Stopped = Literal["length", "minutes", "gain", "end"]
"""Why a plan ends: as long as asked for; the time is filled; what is left gains too little a
minute; or there is nothing left."""
MASTERED = 0.95  # mastery from which a whole course is called mastered


@dataclass(frozen=True)
class Terms:
    """The numbers that chose a step; None where a number took no part.

    Attributes:
        preference: S_P of eq. (12), for a start: how much of what is alike was learned.
        mastery: probability that the learner holds the concept.
        value: what the planner ranks starts by (`NamedPlanner.rank`): under "kg-plppm"
            preference - mastery, under "gain" the expected gain of mastery a minute of the step
            and what it needs, weighed by its place in the course.
        similarity: eq. (8) with the step that it leads to, for a prerequisite.
        score: similarity + 1 - mastery, for a prerequisite.
    """

    preference: float | None
    mastery: float
    value: float | None
    similarity: float | None
    score: float | None


@dataclass(frozen=True)
class Step:
    """One concept of a path.

    Attributes:
        concept_id, name: the concept.
        name_en: empty where unknown.
        role: "start" where the course or the caller asks for it, "prerequisite" where a later
            step builds on it.
        start_concept_id: the start whose walk found it; itself for a start.
        leads_to: the concept that it is a direct prerequisite of; None for a start.
        terms: the numbers that chose it.
        sd: standard deviation of the concept's state, sqrt(m (1 - m)) of the mastery m:
            .5 wholly open.
        basis: whose the mastery is.
        evidence: what the learner's views and answers said about the concept: bits of the
            mastery's divergence from the prior.
        identified: whether the mastery is the learner's own: nothing is in doubt.
        doubt: why it is not identified, else None. "no_evidence": no observed item covers the
            concept, and the mastery is the prior; "not_told_apart": exactly the same observed
            items cover another concept; "weak_evidence": views and answers hardly moved it from
            the prior (`diagnosis.uncertainty.WEAK_EVIDENCE`).
        resources: what to open, in this order; under "gain" all of it, and never empty, an exercise
            behind what teaches; under other planners one item for each of several courses to choose
            from, the one asked for first.
        because: one plain sentence made from the terms.
        runners_up: further resources on the concept by rank, the best first; empty where none are
            ranked.
    """

    concept_id: str
    name: str
    name_en: str
    role: Role
    start_concept_id: str
    leads_to: str | None
    terms: Terms
    sd: float
    basis: Basis
    evidence: float
    identified: bool
    doubt: Doubt | None
    resources: tuple[Resource, ...]
    because: str
    runners_up: tuple[Resource, ...] = ()


@dataclass(frozen=True)
class Gap:
    """A concept that is needed or asked for, and that nothing teaches.

    Attributes:
        concept_id, name: the concept.
        name_en: empty where unknown.
        needed_by: concepts of the plan that build on it.
    """

    concept_id: str
    name: str
    name_en: str
    needed_by: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """What a learner should learn next in a course, or towards a concept, foundation first.

    Attributes:
        learner_id: who.
        course_id: the course asked for; None for a path towards a concept.
        graph_version, model_version: what it was computed from.
        steps: in the order of learning.
        notes: plain sentences on what is unusual about this path.
        towards: the concept that the path leads to; None for a course.
        minutes: what is to be opened takes, each item once, one of unknown length as long as the
            mean of its kind, or of all; of several places to choose from the first. None where the
            records hold no lengths.
        options: what the caller chose.
        gaps: what the steps build on, or the caller asks for, and nothing teaches.
        new: whether nothing is known of the learner.
        theta: mastery from which concepts are left out; None where none is.
        stopped: why there are no more steps; None where the planner does not say.
        gain: mastery that the plan is expected to add over the goal's concepts; None where the
            planner does not say.
        bound: what no plan of as many minutes can gain more than; None where not asked for.
        experiment: the arm that the learner has in the experiment that the service runs, whoever
            planned (`options`); None where none runs, or the plan leads towards a concept.
    """

    learner_id: str
    course_id: str | None
    graph_version: str
    model_version: str
    steps: tuple[Step, ...]
    notes: tuple[str, ...] = ()
    towards: str | None = None
    minutes: float | None = None
    options: PlanOptions = field(default_factory=PlanOptions)
    gaps: tuple[Gap, ...] = ()
    new: bool = False
    theta: float | None = None
    stopped: Stopped | None = None
    gain: float | None = None
    bound: float | None = None
    experiment: Assignment | None = None

    def to_dict(self) -> dict[str, Any]:
        """The plan as JSON values."""
        return asdict(self)
