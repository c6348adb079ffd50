"""Which concepts are close in meaning? TransR vectors of the graph's entities, and their worth.

`config` and `result` need numpy only; `train` needs the extra `embed` (PyKEEN and torch).
"""

from kgplan.embedding.config import EmbeddingConfig
from kgplan.embedding.result import Embedding, TrainingProgress

__all__ = ["Embedding", "EmbeddingConfig", "TrainingProgress"]
