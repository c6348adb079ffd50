"""How is the tower made, and how is it trained?"""

from dataclasses import asdict, dataclass
from typing import Any

from kgplan.configured import check_above_zero
from kgplan.errors import ConfigError

CUTS = (0, 1, 3, 5, 10)
"""Rows that are seen of a learner whom nobody knows yet."""
AHEAD = 20
"""Rows behind a cut that say whom the learner turns out to be like."""


@dataclass(frozen=True)
class TowerConfig:
    """Settings; to leave a part out is a setting too.

    Attributes:
        attends: whether groups are weighed by attention, eq. (5); else all present count alike.
        cuts: whether the learner asked about is cut in training, as in use; else all rows but the
            last `AHEAD` are seen.
        hidden, attention, width: of the groups' vectors, of what weighs them, of the result.
        dropout: share of a group's vector that is left out in training.
        margin: m, the distance from which learners that are not alike cost nothing.
        alike: learners that count as alike, of each cut learner.
        neighbours: k.
        epochs, rate, batch: of Adam; the batch in learners, each with all its pairs.
        patience: epochs without a gain on the learners kept apart, after which training ends.
        seed: of all that is drawn.

    Raises:
        ConfigError: a setting cannot be.
    """

    attends: bool = True
    cuts: bool = True
    hidden: int = 64
    attention: int = 32
    width: int = 128
    dropout: float = 0.3
    margin: float = 1.0
    alike: int = 20
    neighbours: int = 100
    epochs: int = 100
    rate: float = 1e-3
    batch: int = 32
    patience: int = 15
    seed: int = 0

    def __post_init__(self) -> None:
        above = "hidden attention width margin alike neighbours epochs rate batch patience"
        check_above_zero(self, *above.split())
        if not 0 <= self.dropout < 1:
            raise ConfigError(f"dropout is {self.dropout}; give a share from 0 to below 1")

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)
