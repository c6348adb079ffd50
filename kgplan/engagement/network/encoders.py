"""What does one window say in one modality? Eq. (1) to (5), (9) to (11).

The convolution of eq. (1) sums over the kernel, Y(i,j) = sum X(i+m, j+n) K(m,n); a stride of 2
stands for pooling.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from kgplan.arrays import Floats

Weights = Mapping[str, Any]
SHAPES = {"visual": (32, 32), "audio": (32, 64), "motion": (6, 300), "log": (16, 6)}
"""Of a window: pixels, bands by frames, channels by samples, kinds by slices."""
PICTURES = ("visual", "audio")
STEPS = {"visual": 2, "audio": 2, "motion": 2, "log": 1}  # stride
GRID = 4  # a picture is averaged to so many by so many before the last layer


def shapes_of(modality: str, width: int) -> dict[str, tuple[int, ...]]:
    """Weights of an encoder by name: kernels (out, in, ...), the last layer (in, d), biases."""
    if modality in PICTURES:
        kernels: list[tuple[int, ...]] = [(16, 1, 5, 5), (32, 16, 3, 3), (64, 32, 3, 3)]
        joined = 64 * GRID * GRID
    else:
        kernels = [(32, SHAPES[modality][0], 3), (64, 32, 3)]
        joined = 2 * 64
    found: dict[str, tuple[int, ...]] = {}
    for k, kernel in enumerate(kernels):
        found |= {f"kernel_{k}": kernel, f"bias_{k}": kernel[:1]}
    return found | {"out": (joined, width), "out_bias": (width,)}


Convolve = Callable[[Any, Any, Any, int], Any]


def convolved(x: Floats, kernel: Floats, bias: Floats, stride: int) -> Floats:
    """Eq. (1) with zeros around, so that a stride of 1 keeps the size.

    Args:
        x: (N, in, ...) one or two axes behind the channels.
        kernel: (out, in, ...) of odd sizes.
        bias: (out,).
        stride: on every axis.
    """
    sizes = kernel.shape[2:]
    around = [(0, 0), (0, 0), *((size // 2, size // 2) for size in sizes)]
    axes = tuple(range(2, x.ndim))
    spread = np.lib.stride_tricks.sliding_window_view(np.pad(x, around), sizes, axis=axes)
    some = spread[(slice(None), slice(None), *(slice(None, None, stride) for _ in axes))]
    inner = (1, *range(some.ndim - len(axes), some.ndim))
    found = np.tensordot(some, kernel, axes=(inner, (1, *range(2, kernel.ndim))))
    return np.asarray(np.moveaxis(found + bias, -1, 1))


def encoded(
    xp: Any, modality: str, x: Any, weights: Weights, convolve: Convolve = convolved
) -> Any:
    """(N, d) F_m, eq. (9) to (11).

    Args:
        xp: numpy or torch.
        modality: of `SHAPES`.
        x: (N, ...) windows, scaled.
        weights: of `shapes_of`.
        convolve: eq. (1).
    """
    layers = 3 if modality in PICTURES else 2
    now = x[:, None] if modality in PICTURES else x
    for k in range(layers):
        now = convolve(now, weights[f"kernel_{k}"], weights[f"bias_{k}"], STEPS[modality])
        now = now * (now > 0)
    if modality in PICTURES:
        n, channels, high, wide = now.shape
        cells = now.reshape(n, channels, GRID, high // GRID, GRID, wide // GRID)
        joined = cells.mean(axis=(3, 5)).reshape(n, -1)
    else:
        joined = xp.concatenate([now.mean(axis=-1), xp.amax(now, axis=-1)], axis=1)
    found = joined @ weights["out"] + weights["out_bias"]
    return found * (found > 0)
