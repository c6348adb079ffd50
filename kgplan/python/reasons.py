"""What a mastery rests on, in Python: a row for each thing that moved it."""

from typing import Any

from kgplan.planning.because import MasteryReasons, Reason
from kgplan.python.rows import Rows, columns_of

SHOWN = ("title", "did", "covers", "moved")


class Reasoned(Rows[Reason]):
    """What a learner's mastery of a concept rests on, a row a reason, the strongest first.

    Attributes:
        mastery: the whole answer.
    """

    def __init__(self, mastery: MasteryReasons) -> None:
        title = f"{mastery.learner_id} on {mastery.name}"
        super().__init__(
            title, mastery.reasons or (), columns_of(Reason), SHOWN, (mastery.because,)
        )
        self.mastery = mastery

    def to_dict(self) -> dict[str, Any]:
        """The answer as JSON values, as `kgplan mastery --json` gives it."""
        return self.mastery.to_dict()
