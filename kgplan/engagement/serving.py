"""What does the trained network say of a session? NumPy alone.

Sizes: S sessions, T windows, M modalities, d width of a feature.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from kgplan.arrays import Array, Floats
from kgplan.data.stored import Stored, arrays_below, named_below
from kgplan.engagement.network.config import NetworkConfig
from kgplan.engagement.network.encoders import encoded
from kgplan.engagement.network.heads import softmax
from kgplan.engagement.network.model import forward


@dataclass(frozen=True)
class Seen:
    """What is told of windows.

    Attributes:
        posterior: (S, T, 5) of the states; NaN where nothing was there to be seen.
        engagement: (S, T) in (0, 1); NaN likewise.
        spread: its standard error, of validation learners with all modalities.
    """

    posterior: Floats
    engagement: Floats
    spread: float


@dataclass(frozen=True)
class Network(Stored):
    """What is served.

    Attributes:
        config: which parts are in.
        weights: of fusion, memory and heads, by name, float32.
        encoders: modality -> weights of its encoder, with `mean` and `sd` that its windows are
            scaled by.
        temperature: of the posterior.
        spread: root of the mean square of what engagement is off by on validation learners.
    """

    config: NetworkConfig
    weights: Mapping[str, Array]
    encoders: Mapping[str, Mapping[str, Array]]
    temperature: float
    spread: float

    def to_arrays(self) -> dict[str, Array]:
        """As `Stored`; settings and weights by their names."""
        config = {name: np.asarray(value) for name, value in asdict(self.config).items()}
        found = super().to_arrays() | named_below("config", config)
        found |= named_below("weights", dict(self.weights))
        for modality, weights in self.encoders.items():
            found |= named_below(f"encoders.{modality}", dict(weights))
        return found

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Array], **given: Any) -> "Network":
        """As `Stored`."""
        settings = {name: a.tolist() for name, a in arrays_below("config", arrays).items()}
        settings["modalities"] = tuple(settings["modalities"])
        config = NetworkConfig(**settings)
        given |= {
            "config": config,
            "weights": arrays_below("weights", arrays),
            "encoders": {m: arrays_below(f"encoders.{m}", arrays) for m in config.modalities},
        }
        return super().from_arrays(arrays, **given)

    def features(self, inputs: Mapping[str, Floats]) -> tuple[Floats, Floats]:
        """What the encoders make of windows.

        Args:
            inputs: modality -> (S, T, ...), those that there are, one at least; a window of NaN is
                one that is not there.

        Returns:
            (S, T, M, d) and (S, T, M) 1.0 where a modality is there.
        """
        size = next(iter(inputs.values())).shape[:2]
        names = self.config.modalities
        found = np.zeros((*size, len(names), self.config.width), dtype=np.float32)
        present = np.zeros((*size, len(names)), dtype=np.float32)
        for m, name in enumerate(names):
            if name in inputs:
                x = inputs[name]
                here = ~np.isnan(x).any(axis=tuple(range(2, x.ndim)))
                weights = self.encoders[name]
                scaled = (x[here] - weights["mean"]) / weights["sd"]
                if here.any():
                    found[here, m] = encoded(np, name, scaled.astype(np.float32), weights)
                present[..., m] = here
        return found, present

    def seen(self, features: Floats, present: Floats) -> Seen:
        """What is told of windows whose features are known.

        Args:
            features, present: as `features` gives them.
        """
        logits, engaged = forward(np, self.config, self.weights, features, present)
        nothing = present.sum(axis=-1) == 0
        posterior = softmax(np, logits, self.temperature)
        posterior[nothing], engaged[nothing] = np.nan, np.nan
        return Seen(posterior, engaged, self.spread)
