"""The exercises of lesson 08."""

from collections.abc import Callable

import numpy as np

from cnn_course.exercises import Wrong, exercise


@exercise(
    "08.1",
    hint="The scale is (3 - -1) / 255, and the zero point round(-128 - a / s), with a = -1.",
    solution="""
scale = (3 - -1) / 255
answer = round(-128 - -1 / scale)
""",
)
def integer_that_stands_for_zero(answer: int) -> None:
    """Which 8-bit integer stands for 0 in a map with values from -1 to 3?"""
    if answer == 64:
        raise Wrong("That counts from 0 to 255; here the integers go from -128 to 127.")
    if answer == 0:
        raise Wrong("It would be 0 if the range were the same on both sides.")
    if answer == -128:
        raise Wrong("-128 stands for the smallest value, -1.")
    if answer in (-64.25, -63.75):
        raise Wrong("The zero point is a whole number.")
    if answer != -64:
        raise Wrong(f"{answer} is not round(-128 - a / s).")


@exercise(
    "08.2",
    hint="x.astype('int32') - x_zero is what stands for the real numbers, less the scale. The product of two arrays of "
    "int8 is of int8 in NumPy, and overflows.",
    solution="""
import numpy as np


def integer_product(x, x_scale, x_zero, w, w_scale):
    sums = (x.astype("int32") - x_zero) @ w.astype("int32")
    return sums * np.float64(x_scale * w_scale)


answer = integer_product
""",
)
def product_in_integers(answer: Callable) -> None:
    """Write integer_product(x, x_scale, x_zero, w, w_scale): a product of matrices computed with integers."""
    rng = np.random.default_rng(0)
    x, w = rng.integers(-128, 128, (5, 40)).astype("int8"), rng.integers(-127, 128, (40, 3)).astype("int8")
    x_scale, x_zero, w_scale = 0.03125, 17, 0.0078125
    result = np.asarray(answer(x.copy(), x_scale, x_zero, w.copy(), w_scale))
    if result.shape != (5, 3):
        raise Wrong(f"For (5, 40) and (40, 3) it returned the shape {result.shape}.")
    whole = (x.astype(int) - x_zero) @ w.astype(int)
    if np.allclose(result, whole):
        raise Wrong("Those are the integers: the scales of both are missing.")
    if np.allclose(result, x.astype(int) @ w.astype(int) * x_scale * w_scale):
        raise Wrong("The zero point of x has not been subtracted.")
    if np.allclose(result, (x.astype(int) + x_zero) @ w.astype(int) * x_scale * w_scale):
        raise Wrong("The zero point is subtracted from x, not added.")
    with np.errstate(over="ignore"):
        if np.allclose(result, (x @ w) * x_scale * w_scale) or np.allclose(
            result, ((x - np.int8(x_zero)) @ w) * x_scale * w_scale
        ):
            raise Wrong("The integers overflow: int8 times int8 stays int8 in NumPy. Make them int32 first.")
    if not np.allclose(result, whole * x_scale * w_scale):
        raise Wrong("The values are not the product of the real numbers that the integers stand for.")


@exercise(
    "08.3",
    hint="With half = (levels - 1) // 2 the step is c / half. Round values / step, clip it to -half and half, multiply "
    "by the step, and take the mean square of the error. np.linspace gives the limits.",
    solution="""
import numpy as np


def best_limit(values, levels):
    half = (levels - 1) // 2
    limits = np.abs(values).max() * np.linspace(0.005, 1, 200)
    errors = []
    for limit in limits:
        step = limit / half
        rounded = np.clip(np.round(values / step), -half, half) * step
        errors.append(np.mean((rounded - values) ** 2))
    return limits[np.argmin(errors)]


answer = best_limit
""",
)
def limit_of_least_error(answer: Callable) -> None:
    """Write best_limit(values, levels): the limit of the range that rounds with the least mean square error."""
    rng = np.random.default_rng(0)
    for levels in (5, 15, 31):
        values = rng.normal(0, 1, 4000)
        values[0] = -9.0  # an outlier
        given = values.copy()
        limit = float(answer(values, levels))
        if not np.array_equal(values, given):
            raise Wrong("It changed the values that it was given.")
        if not 0 < limit <= 9.0 * 1.001:
            raise Wrong(f"The limit {limit:.4g} is not between 0 and the largest magnitude, {9.0:g}.")
        candidates = np.linspace(0.05, 9.0, 800)
        errors = [_mean_square_error(values, each, levels) for each in candidates]
        own, least = _mean_square_error(values, limit, levels), min(errors)
        if own > 1.005 * least:
            text = f"With {levels} levels the limit {limit:.3g} has the error {own:.3g}; {least:.3g} can be reached."
            if np.isclose(limit, 9.0):
                raise Wrong(f"{text} It is the largest magnitude: the outlier decides.")
            raise Wrong(text)


def _mean_square_error(values: np.ndarray, limit: float, levels: int) -> float:
    half = (levels - 1) // 2
    step = limit / half
    return float(np.mean((np.clip(np.round(values / step), -half, half) * step - values) ** 2))
