"""How does compiled code do one piece of arithmetic for eight learners at once?

numba keeps a value of eight doubles, `Lanes`, in one wide register (or several narrow ones, by
machine); here are the few operations on it that sums over states need. They work in compiled code
only. Left to loops, the compiler would do one learner after the other: it cannot know that the
rows it reads and the row it writes are not the same.
"""

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic, models, register_model

from kgplan.arrays import Floats

LANES = 8


class _Lanes(types.Type):
    """The type of eight doubles."""

    def __init__(self) -> None:
        super().__init__(name=f"Lanes({LANES})")


_LANES = _Lanes()
_VECTOR = ir.VectorType(ir.DoubleType(), LANES)
_INDEX = ir.IntType(32)
_UNDEFINED = ir.Constant(_VECTOR, ir.Undefined)


@register_model(_Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, of_type: Any) -> None:
        super().__init__(manager, of_type, _VECTOR)


def workspace(n_rows: int) -> Floats:
    """(n_rows, LANES) doubles of any value; a row never crosses a line of the cache.

    >>> workspace(3).shape
    (3, 8)
    """
    line = LANES * 8
    bytes_ = np.empty((n_rows + 1) * line, np.uint8)
    first = -bytes_.ctypes.data % line
    return bytes_[first : first + n_rows * line].view(np.float64).reshape(n_rows, LANES)


def _place(context: Any, builder: Any, kind: Any, array: Any, row: Any) -> Any:
    data = context.make_array(kind)(context, builder, array).data
    at = builder.gep(data, [builder.mul(row, ir.Constant(row.type, LANES))])
    return builder.bitcast(at, _VECTOR.as_pointer())


@intrinsic
def load(typing: Any, array: Any, row: Any) -> Any:
    """Row `row` of a contiguous (N, LANES) array; its bounds are not checked."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        value = builder.load(_place(context, builder, signature.args[0], *args))
        value.align = 8  # any array of doubles will do
        return value

    return _LANES(array, row), generate


@intrinsic
def store(typing: Any, array: Any, row: Any, value: Any) -> Any:
    """Write row `row` of a contiguous (N, LANES) array; its bounds are not checked."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        done = builder.store(args[2], _place(context, builder, signature.args[0], *args[:2]))
        done.align = 8
        return context.get_dummy_value()

    return types.none(array, row, value), generate


@intrinsic
def add(typing: Any, x: Any, y: Any) -> Any:
    """Sum, lane by lane."""
    return _LANES(x, y), lambda context, builder, signature, args: builder.fadd(*args)


@intrinsic
def multiply(typing: Any, x: Any, y: Any) -> Any:
    """Product, lane by lane."""
    return _LANES(x, y), lambda context, builder, signature, args: builder.fmul(*args)


@intrinsic
def fill(typing: Any, x: Any) -> Any:
    """The same double in every lane."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        first = builder.insert_element(_UNDEFINED, args[0], ir.Constant(_INDEX, 0))
        everywhere = ir.Constant(ir.VectorType(_INDEX, LANES), [0] * LANES)
        return builder.shuffle_vector(first, _UNDEFINED, everywhere)

    return _LANES(x), generate


@intrinsic
def total(typing: Any, x: Any) -> Any:
    """Sum over the lanes: halves are added until one number is left."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        value, n = args[0], LANES
        while n > 1:
            n //= 2
            halves = (
                ir.Constant(ir.VectorType(_INDEX, n), list(range(begin, begin + n)))
                for begin in (0, n)
            )
            nothing = ir.Constant(value.type, ir.Undefined)
            value = builder.fadd(*(builder.shuffle_vector(value, nothing, h) for h in halves))
        return builder.extract_element(value, ir.Constant(_INDEX, 0))

    return types.float64(x), generate
