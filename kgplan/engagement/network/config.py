"""Which modalities, how are they joined, is there a memory, and how is it all trained?"""

from dataclasses import dataclass

from kgplan.configured import check_above_zero, check_some_of
from kgplan.engagement.generator import MODALITIES
from kgplan.errors import ConfigError

FUSIONS = ("weighted", "equal", "concatenation", "gate")


@dataclass(frozen=True)
class NetworkConfig:
    """Settings; to leave a part out is a setting too.

    Attributes:
        modalities: those that are taken, of `MODALITIES`.
        fusion: eq. (12) with learned weights, with equal ones, with all features side by side, or
            with weights of each window by a gate.
        recurrent: whether an LSTM carries a state from window to window, eq. (13) to (18).
        dropout: chance that a modality is left out of a session in training, never all of them.
        width: d.
        hidden: h.
        encoder_epochs: of each encoder on single windows.
        windows: of a step of that.
        epochs, patience: of fusion, LSTM and heads; it stops when macro-F1 on validation learners
            has not risen for so many.
        sessions: of a step of that.
        rate, decay, clip: of Adam; the largest norm of a gradient.
        seed: of all that is drawn.

    Raises:
        ConfigError: a setting cannot be.
    """

    modalities: tuple[str, ...] = MODALITIES
    fusion: str = "weighted"
    recurrent: bool = True
    dropout: float = 0.3
    width: int = 64
    hidden: int = 64
    encoder_epochs: int = 12
    windows: int = 128
    epochs: int = 60
    patience: int = 5
    sessions: int = 8
    rate: float = 1e-3
    decay: float = 1e-4
    clip: float = 5.0
    seed: int = 0

    def __post_init__(self) -> None:
        check_some_of("modalities", self.modalities, MODALITIES)
        if self.fusion not in FUSIONS:
            raise ConfigError(f"fusion is {self.fusion!r}; it is one of {', '.join(FUSIONS)}")
        if not 0 <= self.dropout < 1:
            raise ConfigError(f"dropout is {self.dropout}; give a share from 0, below 1")
        numbers = ("width", "hidden", "encoder_epochs", "windows", "epochs", "patience", "sessions")
        check_above_zero(self, *numbers, "rate", "clip")
        if self.decay < 0:
            raise ConfigError(f"decay is {self.decay}; give 0 or more")
