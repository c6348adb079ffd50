"""What is a plan? The answer's types, and the sentences that explain it."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

from kgplan.errors import ConfigError

Role = Literal["start", "prerequisite"]
Doubt = Literal["no_evidence", "not_told_apart", "weak_evidence"]
MASTERED = 0.95  # mastery from which a whole course is called mastered


@dataclass(frozen=True)
class PlanOptions:
    """What the caller may choose.

    Attributes:
        length: concepts to plan, 1 to 50.
        max_prerequisites: prerequisites walked per start, 0 to 50.
        neighbours: n of eq. (12), the similar concepts that a preference looks at, 1 to 100.
    """

    length: int = 4
    max_prerequisites: int = 10
    neighbours: int = 10

    def __post_init__(self) -> None:
        ranges = {"length": (1, 50), "max_prerequisites": (0, 50), "neighbours": (1, 100)}
        for name, (low, high) in ranges.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise ConfigError(f"{name} is {value}; it goes from {low} to {high}")


@dataclass(frozen=True)
class Terms:
    """The numbers that chose a step; those that did not take part are None.

    Attributes:
        preference: S_P of eq. (12), for a start.
        mastery: probability that the learner holds the concept.
        value: preference - mastery, for a start.
        similarity: eq. (8) with the step that it leads to, for a prerequisite.
        score: similarity + (1 - mastery), for a prerequisite.
    """

    preference: float | None
    mastery: float
    value: float | None
    similarity: float | None
    score: float | None


@dataclass(frozen=True)
class Teaching:
    """A course that has the concept, and a video of it where one is known."""

    course_id: str
    video_id: str | None


@dataclass(frozen=True)
class Step:
    """One concept of a plan.

    Attributes:
        concept_id, name, name_en: the concept; name_en is "" where unknown.
        role: "start" where the course asks for it, "prerequisite" where a later step builds on it.
        start_concept_id: the start whose walk found it; itself for a start.
        leads_to: the concept that it is a direct prerequisite of; None for a start.
        terms: the numbers that chose it.
        sd: standard deviation of the concept's state, sqrt(m (1 - m)) of the mastery m.
        evidence: what the learner's views said about the concept: bits of the mastery's divergence
            from the prior.
        identified: whether the mastery is the learner's own: nothing is in doubt.
        doubt: why it is not identified, else None. "no_evidence": no observed video covers the
            concept, and the mastery is the prior; "not_told_apart": exactly the same observed
            videos cover another concept; "weak_evidence": less than
            `diagnosis.uncertainty.WEAK_EVIDENCE` bits.
        teaches: where to learn it, the course asked for first.
        because: one plain sentence made from the terms.
    """

    concept_id: str
    name: str
    name_en: str
    role: Role
    start_concept_id: str
    leads_to: str | None
    terms: Terms
    sd: float
    evidence: float
    identified: bool
    doubt: Doubt | None
    teaches: tuple[Teaching, ...]
    because: str


@dataclass(frozen=True)
class Plan:
    """What a learner should learn next in a course, foundation first.

    Attributes:
        learner_id, course_id: who and where.
        graph_version, model_version: what it was computed from.
        steps: in the order of learning.
        notes: plain sentences on what is unusual about this plan.
    """

    learner_id: str
    course_id: str
    graph_version: str
    model_version: str
    steps: tuple[Step, ...]
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The plan as JSON values."""
        return asdict(self)


def because_start(terms: Terms, doubt: Doubt | None) -> str:
    """Say why a start was chosen.

    >>> because_start(Terms(0.8, 0.1, 0.7, None, None), doubt=None)
    'You learned much that is close to it (preference 0.80) and you probably do not know it yet
    (mastery 0.10).'
    """
    assert terms.preference is not None
    if terms.preference == 0:
        interest = "It is new ground for you"
    else:
        share = "much" if terms.preference >= 0.5 else "a little"
        interest = f"You learned {share} that is close to it (preference {terms.preference:.2f})"
    return f"{interest} and {knowledge(terms.mastery, doubt)}."


def because_prerequisite(name: str, later: str, terms: Terms, doubt: Doubt | None) -> str:
    """Say why a prerequisite was chosen.

    >>> because_prerequisite("stack", "recursion", Terms(None, 0.3, None, 0.7, 1.4), None)
    'stack comes before recursion (similarity 0.70) and you probably do not know it yet
    (mastery 0.30).'
    """
    return (
        f"{name} comes before {later} (similarity {terms.similarity:.2f})"
        f" and {knowledge(terms.mastery, doubt)}."
    )


def knowledge(mastery: float, doubt: Doubt | None) -> str:
    """Say what a mastery means.

    >>> knowledge(0.5, "weak_evidence")
    'what you watched hardly shows whether you know it (about 0.50)'
    """
    if doubt == "no_evidence":
        return f"nothing shows yet whether you know it (assumed {mastery:.2f})"
    if doubt == "not_told_apart":
        return f"your videos cover it only together with another concept (about {mastery:.2f})"
    if doubt == "weak_evidence":
        return f"what you watched hardly shows whether you know it (about {mastery:.2f})"
    if mastery >= 0.7:
        return f"you probably know it, so it is a quick review (mastery {mastery:.2f})"
    if mastery >= 0.4:
        return f"you may know part of it (mastery {mastery:.2f})"
    return f"you probably do not know it yet (mastery {mastery:.2f})"
