"""A learner's path in Python: its steps as rows, and as a picture."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from kgplan.planning import CurrentLearner, Plan, StepExplanation
from kgplan.planning.plan import Step, Terms
from kgplan.planning.resources import Resource
from kgplan.python.rows import Columns, Rows, columns_of
from kgplan.report.plan_picture import picture


@dataclass(frozen=True)
class Picture:
    """A drawing; a notebook shows it, `str()` of it is the SVG document."""

    svg: str = field(repr=False)

    def __str__(self) -> str:
        return self.svg

    def _repr_svg_(self) -> str:
        return self.svg


def _taught(name: str) -> Callable[[Step], Any]:
    return lambda step: getattr(step.resources[0], name) if step.resources else None


STEPS: Columns = {
    **columns_of(Step, but=("terms", "resources")),
    **columns_of(Terms, within="terms"),
    **{name: _taught(name) for name in Resource.__dataclass_fields__},
}
SHOWN = ("name", "role", "mastery", "sd", "because", "course_id", "item_id")


class Path(Rows[Step]):
    """What a learner should learn next, a row a step, foundation first.

    Args:
        plan: that the steps are of.
        goal: name of the course or concept that it leads to.
        edges: (prerequisite, concept) ids among the steps.
        current: what was known of the learner from events; None where nothing was.

    Attributes:
        plan: the whole answer, with the versions that it was computed from.
    """

    def __init__(
        self,
        plan: Plan,
        goal: str,
        edges: Sequence[tuple[str, str]],
        current: CurrentLearner | None,
    ) -> None:
        way = "in" if plan.course_id is not None else "towards"
        super().__init__(f"{plan.learner_id} {way} {goal}", plan.steps, STEPS, SHOWN, plan.notes)
        self.plan, self.current, self._goal, self._edges = plan, current, goal, edges

    def picture(self) -> Picture:
        """The path as a picture."""
        return Picture(picture(self.plan, self._goal, self._edges))

    def to_dict(self) -> dict[str, Any]:
        """The plan as JSON values, as the service and `kgplan plan --json` give it."""
        return self.plan.to_dict()


def explained(path: Path, explanations: Sequence[StepExplanation]) -> Rows[StepExplanation]:
    """Why each step of a path."""
    names = {step.concept_id: step.name for step in path}
    columns: Columns = {
        "name": lambda each: names[each.concept_id],
        "because": lambda each: each.because,
        "rejected": lambda each: [
            f"{other.name}: {other.because}" for other in (*each.alternatives, *each.ended)
        ],
        "changes": lambda each: [change.because for change in each.changes],
    }
    return Rows(f"why: {path.title}", explanations, columns)
