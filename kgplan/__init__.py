"""kgplan: what should this learner learn next in this course, in what order, and why."""

TYPE_CHECKING = False  # typing.TYPE_CHECKING, whose import takes longer than this file
if TYPE_CHECKING:
    from kgplan.python import Model
    from kgplan.python import open_model as open

__version__ = "0.1.0"
__all__ = ["Model", "__version__", "open"]

if not TYPE_CHECKING:
    _FROM = {"Model": "Model", "open": "open_model"}  # imported when first asked for

    def __getattr__(name):
        """A name of `kgplan.python`."""
        if name not in _FROM:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from kgplan import python

        return getattr(python, _FROM[name])

    def __dir__():
        """What there is, imported or not."""
        return __all__
