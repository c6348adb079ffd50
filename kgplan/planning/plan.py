"""What is a plan? What a caller may choose, and the answer's types."""

from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

from kgplan.errors import ConfigError
from kgplan.planning.texts import Language

Role = Literal["start", "prerequisite"]
Doubt = Literal["no_evidence", "not_told_apart", "weak_evidence"]
PlannerName = Literal["kg-plppm", "trans-cf", "popularity"]
MASTERED = 0.95  # mastery from which a whole course is called mastered

CHOICES = {"planner": get_args(PlannerName), "language": get_args(Language)}
RANGES = {
    "length": (1, 50),
    "max_prerequisites": (0, 50),
    "neighbours": (1, 100),
    "skip_mastered": (0, 1),
    "minutes": (1, 100_000),
}


@dataclass(frozen=True)
class PlanOptions:
    """What the caller may choose.

    Attributes:
        length: concepts to plan, 1 to 50.
        max_prerequisites: prerequisites walked per start, 0 to 50.
        neighbours: n of eq. (12), the similar concepts that a preference looks at, 1 to 100.
        planner: "kg-plppm" is Algorithm 1. The others rank what the learner has not learned, and
            walk nothing: "trans-cf" by the preference of eq. (12), TransR neighbours fused with
            item CF; "popularity" by the share of all learners who learned the concept.
        exclude: concepts that are not planned, and not walked through.
        pin: concepts that are planned in any case, before other starts, `length` at most.
        skip_mastered: mastery from which a concept is neither planned nor walked through.
        minutes: time that the steps' videos may take, 1 to 100,000.
        language: of the sentences.

    Raises:
        ConfigError: an option is outside its range, or two contradict each other.
    """

    length: int = 4
    max_prerequisites: int = 10
    neighbours: int = 10
    planner: PlannerName = "kg-plppm"
    exclude: tuple[str, ...] = ()
    pin: tuple[str, ...] = ()
    skip_mastered: float | None = None
    minutes: float | None = None
    language: Language = "en"

    def __post_init__(self) -> None:
        for name, (low, high) in RANGES.items():
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                raise ConfigError(f"{name} is {value}; it goes from {low} to {high}")
        for name, known in CHOICES.items():
            if getattr(self, name) not in known:
                raise ConfigError(
                    f"{name} is {getattr(self, name)!r}; it is one of {', '.join(known)}"
                )
        for name in ("exclude", "pin"):  # their order means nothing
            object.__setattr__(self, name, tuple(sorted(set(getattr(self, name)))))
        both = sorted(set(self.pin) & set(self.exclude))
        if both:
            raise ConfigError(f"{both[0]!r} is both pinned and excluded; leave one of them out")
        if len(self.pin) > self.length:
            raise ConfigError(
                f"{len(self.pin)} concepts are pinned, but the length is {self.length};"
                " pin fewer or plan more"
            )


@dataclass(frozen=True)
class Terms:
    """The numbers that chose a step; those that did not take part are None.

    Attributes:
        preference: S_P of eq. (12), for a start.
        mastery: probability that the learner holds the concept.
        value: what starts are ranked by: preference - mastery; under "trans-cf" the preference,
            under "popularity" the share of learners who learned the concept.
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
    """A course that has the concept, and a video of it where one is known.

    Attributes:
        course_id: the course.
        video_id: its first video on the concept; None where none is known.
        minutes: the video's length; None where unknown.
    """

    course_id: str
    video_id: str | None
    minutes: float | None = None


@dataclass(frozen=True)
class Step:
    """One concept of a plan.

    Attributes:
        concept_id, name, name_en: the concept; name_en is "" where unknown.
        role: "start" where the course or the caller asks for it, "prerequisite" where a later
            step builds on it.
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
    """What a learner should learn next in a course, or towards a concept, foundation first.

    Attributes:
        learner_id: who.
        course_id: the course asked for; None for a path towards a concept.
        graph_version, model_version: what it was computed from.
        steps: in the order of learning.
        notes: plain sentences on what is unusual about this plan.
        towards: the concept that the path leads to; None for a course.
        minutes: what the videos named first take together, each once, one of unknown length as long
            as the mean; None where the records hold no lengths.
        options: what the caller chose.
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

    def to_dict(self) -> dict[str, Any]:
        """The plan as JSON values."""
        return asdict(self)
