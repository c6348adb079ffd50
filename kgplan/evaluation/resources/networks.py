"""What are networks of resources trained on, and which of them are measured?

Sizes: V resources, K concepts, d dimensions.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from kgplan.arrays import Floats, Ints
from kgplan.data.records import LearnerRecords
from kgplan.evaluation.resources.protocol import Context, Method
from kgplan.evaluation.resources.report import Fit
from kgplan.resources.network.config import NetworkConfig
from kgplan.resources.network.features import Modalities

USUAL = NetworkConfig(epochs=15, negatives=20, rate=0.01, width=32, longest=20, near=0.8)
NETWORKS = {
    "network": USUAL,
    "text only": replace(USUAL, modalities=("text",)),
    "knowledge only": replace(USUAL, modalities=("knowledge",)),
    "place only": replace(USUAL, modalities=("place",)),
    "no gate": replace(USUAL, gated=False),
    "no sequence": replace(USUAL, sequence=False),
    "no prerequisites": replace(USUAL, prerequisites=False),
    "no attention": replace(USUAL, attention=False),
    "no graphs": replace(USUAL, layers=0),
    "no knowledge graph": replace(USUAL, knowledge=0.0),
    "no offsets": replace(USUAL, offsets=False),
    "negatives of all": replace(USUAL, near=0.0),
}
"""Those that may be measured: the whole one, and with a part left out each."""


@dataclass(frozen=True)
class Content:
    """What resources are about, as networks are trained on it.

    Attributes:
        modalities: of the V resources.
        vectors: (K, d) of the graph's embedding; NaN for a concept without one.
        before: (K, K) where the column's concept is a prerequisite of the row's.
    """

    modalities: Modalities
    vectors: Floats
    before: sparse.csr_array

    @property
    def alike(self) -> Floats:
        """(V, d) text and knowledge of each resource, both alike in length."""
        knowledge = self.modalities.knowledge
        size = np.linalg.norm(knowledge, axis=1, keepdims=True)
        parts = [self.modalities.text, knowledge / np.where(size > 0, size, 1)]
        return np.concatenate(parts, axis=1)

    def fit(self, config: NetworkConfig) -> Fit:
        """How a network is fitted; it needs PyTorch."""

        def fitted(records: LearnerRecords, seed: int) -> Method:
            from kgplan.resources.network.training import train

            chosen = replace(config, seed=seed)
            network, _ = train(records, self.modalities, self.vectors, self.before, chosen)

            def scores(context: Context, asked: Ints) -> Floats:
                return network.scores(context.history, context.learner, asked)

            return scores

        return fitted
