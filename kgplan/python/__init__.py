"""kgplan in Python: the model in use, opened once."""

from kgplan.python.model import Model, open_model

__all__ = ["Model", "open_model"]
