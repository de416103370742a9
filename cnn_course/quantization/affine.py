"""Affine quantization by hand: real numbers as 8-bit integers, a scale and a zero point. Derived in lesson 08.

B. Jacob and others 2017, "Quantization and training of neural networks for efficient integer-arithmetic-only
inference", arXiv 1712.05877, section 2.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

LOWEST, HIGHEST = -128, 127


@dataclass(frozen=True)
class Affine:
    """The real number ``scale * (q - zero_point)`` for each 8-bit integer q from -128 to 127.

    Attributes:
        scale: Of one step; a number, or an array that broadcasts against the tensor (one for each channel).
        zero_point: The integer that stands for 0.
    """

    scale: Any
    zero_point: Any

    def quantize(self, values: np.ndarray) -> np.ndarray:
        """Return the nearest integers, ``int8``; what lies outside of the range takes its end."""
        integers = np.round(np.asarray(values) / self.scale) + self.zero_point
        return np.clip(integers, LOWEST, HIGHEST).astype("int8")

    def dequantize(self, integers: np.ndarray) -> np.ndarray:
        """Return the real numbers that integers stand for, ``float32``."""
        return ((np.asarray(integers, "float32") - self.zero_point) * self.scale).astype("float32")


def from_range(minimum: float, maximum: float) -> Affine:
    """Return the quantization of the numbers from ``minimum`` to ``maximum``, in which 0 is exact.

    Zero must be exact as it is what padding adds and ReLU returns; the range is widened to hold it.
    """
    minimum, maximum = min(float(minimum), 0.0), max(float(maximum), 0.0)
    if minimum == maximum:
        return Affine(1.0, 0)
    scale = (maximum - minimum) / (HIGHEST - LOWEST)
    return Affine(scale, int(np.clip(round(LOWEST - minimum / scale), LOWEST, HIGHEST)))


def symmetric(values: np.ndarray, *, axis: int | None = None) -> Affine:
    """Return the quantization of weights with zero point 0: one scale, or one for each place along ``axis``.

    The integer -128 is not used, so that the range is the same on both sides.
    """
    magnitudes = np.abs(values)
    if axis is None:
        largest = magnitudes.max()
    else:
        others = tuple(k for k in range(values.ndim) if k != axis % values.ndim)
        largest = magnitudes.max(axis=others, keepdims=True)
    scale = np.maximum(largest / HIGHEST, np.finfo("float32").tiny)  # of weights so small, the quotient is not exact
    return Affine(np.where(largest == 0, 1.0, scale), 0)
