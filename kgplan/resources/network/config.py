"""Which parts are in, how wide, and how are they trained?"""

from dataclasses import dataclass

from kgplan.configured import check_above_zero, check_some_of
from kgplan.errors import ConfigError

MODALITIES = ("text", "knowledge", "place")


@dataclass(frozen=True)
class NetworkConfig:
    """Settings; to leave a part out is a setting too.

    Attributes:
        modalities: those that are looked at, of `MODALITIES`.
        gated: whether each learner weighs them by a gate, eq. (3); else all count alike.
        sequence: whether views in order are encoded, eq. (4).
        prerequisites: whether a step along a prerequisite carries the state over, D of eq. (4).
        attention: whether the states are weighed, eq. (5); else the last one counts.
        knowledge: lambda of eq. (6), the say of the knowledge graph; 0 is LightGCN.
        layers: L of eq. (6); 0 leaves the graphs out.
        offsets: whether the place in the course, from the last view, has a weight of its own.
        width: d.
        longest: views that are encoded, the latest ones.
        epochs, rate, l2: of Adam; the decay is of what is propagated.
        negatives: unopened resources that each opened one is set against.
        near: share of these that is drawn of what is nominated at the moment, so mostly of the
            learner's courses; the rest is drawn of all.
        ahead: views behind a moment of which one is the opened one.
        batch: learners.
        seed: of all that is drawn.

    Raises:
        ConfigError: a setting cannot be.
    """

    modalities: tuple[str, ...] = MODALITIES
    gated: bool = True
    sequence: bool = True
    prerequisites: bool = True
    attention: bool = True
    knowledge: float = 0.5
    layers: int = 3
    offsets: bool = True
    width: int = 64
    longest: int = 50
    epochs: int = 20
    rate: float = 1e-3
    l2: float = 1e-4
    negatives: int = 1
    near: float = 0.0
    ahead: int = 5
    batch: int = 128
    seed: int = 0

    def __post_init__(self) -> None:
        check_some_of("modalities", self.modalities, MODALITIES)
        numbers = ("width", "longest", "epochs", "rate", "negatives", "ahead", "batch")
        check_above_zero(self, *numbers)
        if not 0 <= self.near <= 1:
            raise ConfigError(f"near is {self.near}; give a share from 0 to 1")
        for name in ("knowledge", "layers", "l2"):
            if getattr(self, name) < 0:
                raise ConfigError(f"{name} is {getattr(self, name)}; give 0 or more")
