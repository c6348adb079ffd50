"""kgplan: what should this learner learn next in this course, in what order, and why."""

from importlib.metadata import version

__version__ = version("kgplan")
