"""How does compiled code work on 512 bits, or compare 64 numbers, at once?

numba keeps a value of `BITS` bits in one wide register (or several narrow ones, by machine); here
are the few operations that counting by bits and looking through a row need. They work in compiled
code only, and no bounds are checked.
"""

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic, models, register_model

from kgplan.arrays import Ints

WORD = 64
WORDS = 8  # of a register
BITS = WORD * WORDS
LINE = BITS // 8  # bytes; also what the cache fetches at once

_INDEX = ir.IntType(32)
_WORD = ir.IntType(WORD)
_FLAGS = ir.VectorType(ir.IntType(1), WORD)
_NUMBERS = ir.VectorType(ir.FloatType(), WORD)


class _Wide(types.Type):
    """The type of a register of n equal elements."""

    def __init__(self, name: str, element: ir.Type, n: int) -> None:
        self.vector = ir.VectorType(element, n)
        super().__init__(name=f"{name}({n})")


class _Bits(_Wide):
    pass


class _Sums(_Wide):
    pass


_BITS = _Bits("Bits", _WORD, WORDS)
_SUMS = _Sums("Sums", ir.IntType(32), WORD)


@register_model(_Bits)
@register_model(_Sums)
class _WideModel(models.PrimitiveModel):
    def __init__(self, manager: Any, of_type: Any) -> None:
        super().__init__(manager, of_type, of_type.vector)


def lines(*shape: int) -> Ints:
    """(*shape, WORDS) words of zeros; a register's worth never crosses a line of the cache.

    >>> lines(2, 3).shape
    (2, 3, 8)
    """
    size = int(np.prod(shape)) * LINE
    bytes_ = np.zeros(size + LINE, dtype=np.uint8)
    first = -bytes_.ctypes.data % LINE
    return bytes_[first : first + size].view(np.uint64).reshape(*shape, WORDS)


def _data(context: Any, builder: Any, kind: Any, array: Any, at: Any, vector: Any) -> Any:
    """Pointer to the vector that begins with element `at` of a contiguous array."""
    data = context.make_array(kind)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [at]), vector.as_pointer())


def _everywhere(builder: Any, vector: Any, value: Any) -> Any:
    nothing = ir.Constant(vector, ir.Undefined)
    first = builder.insert_element(nothing, value, ir.Constant(_INDEX, 0))
    zeros = ir.Constant(ir.VectorType(_INDEX, vector.count), [0] * vector.count)
    return builder.shuffle_vector(first, nothing, zeros)


@intrinsic
def no_bits(typing: Any) -> Any:
    """A register without a bit."""
    return _BITS(), lambda context, builder, signature, args: ir.Constant(_BITS.vector, [0] * WORDS)


@intrinsic
def load(typing: Any, array: Any, row: Any) -> Any:
    """Row `row` of a contiguous (N, WORDS) array."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        at = builder.mul(args[1], ir.Constant(args[1].type, WORDS))
        place = _data(context, builder, signature.args[0], args[0], at, _BITS.vector)
        value = builder.load(place)
        value.align = 8
        return value

    return _BITS(array, types.int64), generate


@intrinsic
def store(typing: Any, array: Any, row: Any, value: Any) -> Any:
    """Write row `row` of a contiguous (N, WORDS) array."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        at = builder.mul(args[1], ir.Constant(args[1].type, WORDS))
        place = _data(context, builder, signature.args[0], args[0], at, _BITS.vector)
        builder.store(args[2], place).align = 8
        return context.get_dummy_value()  # numba's None

    return types.none(array, types.int64, value), generate


@intrinsic
def common(typing: Any, x: Any, y: Any) -> Any:
    """The bits of both."""
    return _BITS(x, y), lambda context, builder, signature, args: builder.and_(*args)


@intrinsic
def differing(typing: Any, x: Any, y: Any) -> Any:
    """The bits of one of the two."""
    return _BITS(x, y), lambda context, builder, signature, args: builder.xor(*args)


@intrinsic
def odd(typing: Any, x: Any, y: Any, z: Any) -> Any:
    """The bits of one or three of three: the lower digit of their sum."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.xor(builder.xor(args[0], args[1]), args[2])

    return _BITS(x, y, z), generate


@intrinsic
def most(typing: Any, x: Any, y: Any, z: Any) -> Any:
    """The bits of two or three of three: the upper digit of their sum."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        x, y, z = args
        return builder.or_(builder.and_(x, y), builder.and_(z, builder.or_(x, y)))

    return _BITS(x, y, z), generate


@intrinsic
def is_empty(typing: Any, x: Any) -> Any:
    """Whether no bit is set."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        flags = builder.icmp_unsigned("!=", args[0], ir.Constant(_BITS.vector, [0] * WORDS))
        byte = builder.bitcast(flags, ir.IntType(WORDS))
        return builder.icmp_unsigned("==", byte, ir.Constant(byte.type, 0))

    return types.boolean(x), generate


@intrinsic
def no_sums(typing: Any) -> Any:
    """64 numbers, all 0."""
    return _SUMS(), lambda context, builder, signature, args: ir.Constant(_SUMS.vector, [0] * WORD)


@intrinsic
def add_where(typing: Any, sums: Any, word: Any, value: Any) -> Any:
    """Add a number to those of 64 whose bit is set in a word."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        added = _everywhere(builder, _SUMS.vector, args[2])
        nothing = ir.Constant(_SUMS.vector, [0] * WORD)
        flags = builder.bitcast(args[1], _FLAGS)
        return builder.add(args[0], builder.select(flags, added, nothing))

    return _SUMS(sums, types.uint64, types.int32), generate


@intrinsic
def store_sums(typing: Any, array: Any, at: Any, sums: Any) -> Any:
    """Write 64 numbers into a contiguous array of int32, from element `at` on."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        place = _data(context, builder, signature.args[0], args[0], args[1], _SUMS.vector)
        builder.store(args[2], place).align = 4
        return context.get_dummy_value()  # numba's None

    return types.none(array, types.int64, sums), generate


def _compared(sign: str, builder: Any, values: Any, others: Any) -> Any:
    return builder.bitcast(builder.fcmp_ordered(sign, values, others), _WORD)


def _numbers(context: Any, builder: Any, kind: Any, array: Any, at: Any) -> Any:
    values = builder.load(_data(context, builder, kind, array, at, _NUMBERS))
    values.align = 4
    return values


@intrinsic
def at_least(typing: Any, array: Any, at: Any, low: Any) -> Any:
    """Which of 64 float32 of a contiguous array, from element `at` on, reach `low`: as bits."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        values = _numbers(context, builder, signature.args[0], *args[:2])
        return _compared(">=", builder, values, _everywhere(builder, _NUMBERS, args[2]))

    return types.uint64(array, types.int64, types.float32), generate


@intrinsic
def at_most(typing: Any, array: Any, at: Any, high: Any) -> Any:
    """Which of 64 float32 of a contiguous array, from element `at` on, do not exceed `high`."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        values = _numbers(context, builder, signature.args[0], *args[:2])
        return _compared("<=", builder, values, _everywhere(builder, _NUMBERS, args[2]))

    return types.uint64(array, types.int64, types.float32), generate


@intrinsic
def at_most_each(typing: Any, array: Any, at: Any, others: Any, others_at: Any) -> Any:
    """Which of 64 float32 of one array do not exceed those at the same places of another."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        values = _numbers(context, builder, signature.args[0], *args[:2])
        highs = _numbers(context, builder, signature.args[2], *args[2:])
        return _compared("<=", builder, values, highs)

    return types.uint64(array, types.int64, others, types.int64), generate


@intrinsic
def lowest_bit(typing: Any, word: Any) -> Any:
    """Place of the lowest bit that is set in a word with any."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.cttz(args[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.uint64), generate


@intrinsic
def bit_count(typing: Any, word: Any) -> Any:
    """Bits that are set in a word."""
    return types.uint64(types.uint64), lambda context, builder, signature, args: builder.ctpop(
        *args
    )
