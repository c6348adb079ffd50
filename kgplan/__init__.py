"""kgplan: what should this learner learn next in this course, in what order, and why."""

__version__ = "0.1.0"
