"""The checkers of lesson 08 accept right answers and say what is wrong with others."""

import numpy as np
import pytest
from refusals import refused

from cnn_course.exercises import verdict


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (64, "from 0 to 255"),
        (0, "the same on both sides"),
        (-128, "smallest value"),
        (-64.25, "whole number"),
        (5, "is not round"),
    ],
)
def test_integer_that_stands_for_zero(answer, reason):
    assert verdict("08.1", -64)[0] is True
    assert reason in refused("08.1", answer)


def product(x, x_scale, x_zero, w, w_scale, *, sign=-1, scales=True, dtype="int32"):
    sums = (x.astype(dtype) + np.array(sign * x_zero, dtype)) @ w.astype(dtype)
    return sums * np.float64(x_scale * w_scale) if scales else sums


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"sign": 0}, "has not been subtracted"),
        ({"sign": 1}, "not added"),
        ({"scales": False}, "scales of both are missing"),
        ({"dtype": "int8"}, "overflow"),
    ],
)
def test_product_in_integers(changes, reason):
    assert verdict("08.2", product)[0] is True
    with np.errstate(over="ignore"):
        right, message = verdict("08.2", lambda *arguments: product(*arguments, **changes))
    assert right is False
    assert reason in message


def test_product_in_integers_has_the_shape_and_the_values_of_a_product():
    assert "the shape" in verdict("08.2", lambda x, a, b, w, c: x)[1]
    assert "are not the product" in verdict("08.2", lambda *arguments: product(*arguments) + 1)[1]


def searched(values, levels, limits=200):
    half = (levels - 1) // 2
    candidates = np.abs(values).max() * np.linspace(1 / limits, 1, limits)
    steps = candidates[:, None] / half
    rounded = np.clip(np.round(values / steps), -half, half) * steps
    return candidates[((rounded - values) ** 2).mean(axis=1).argmin()]


def in_place(values, levels):
    values[0] = 0
    return searched(values, levels)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (lambda values, levels: np.abs(values).max(), "the outlier decides"),
        (lambda values, levels: values.max(), "can be reached"),
        (lambda values, levels: searched(values, levels + 2), "can be reached"),
        (lambda values, levels: 1.0, "can be reached"),
        (lambda values, levels: 20.0, "is not between"),
        (in_place, "changed the values"),
    ],
)
def test_limit_of_least_error(answer, reason):
    assert verdict("08.3", searched)[0] is True
    assert reason in refused("08.3", answer)
