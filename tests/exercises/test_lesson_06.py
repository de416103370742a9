"""The checkers of lesson 06 accept right answers and say what is wrong with others."""

import numpy as np
import pytest
from refusals import refused

from cnn_course.exercises import verdict


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (65504, "ten for the fraction"),
        (65536, "less one step"),
        (32768, "largest power of two"),
        (114688, "kept for infinity"),
        (448, "E4M3"),
        (3, "is not 2^exponent"),
    ],
)
def test_largest_number_of_e5m2(answer, reason):
    assert verdict("06.1", 57344)[0] is True
    assert reason in refused("06.1", answer)


def compensated(values, sign=1):
    total = loss = np.float16(0)
    for value in values:
        term = value - sign * loss
        new = total + term
        loss = (new - total) - term
        total = new
    return total


def one_by_one(values):
    total = np.float16(0)
    for value in values:
        total = total + value
    return total


def with_a_wider_loss(values):
    """Computes as float16 alone would overflow, and is exact in between."""
    total, low = np.float16(0), np.float32(0)
    for value in values:
        low = low + np.float32(value)
        if low > 1 or not np.isfinite(value):
            total, low = np.float16(total + np.float16(low)), np.float32(0)
        if np.isinf(np.float16(low)):
            total = total + np.float16(low)
    return np.float16(total + np.float16(low))


def sorted_in_place(values):
    values[0] = 0
    return compensated(values)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (one_by_one, "as adding one by one does"),
        (lambda values: values.astype("float64").sum(), "should be float16"),
        (lambda values: np.float16(values.astype("float64").sum()), "more than 16 bits"),
        (lambda values: compensated(values, np.float16(-1)), "for the sum of 3,000"),
        (with_a_wider_loss, "with more bits"),
        (sorted_in_place, "changed the values"),
    ],
)
def test_sum_with_compensation(answer, reason):
    assert verdict("06.2", compensated)[0] is True
    assert reason in refused("06.2", answer)


def by_chance(values, rng, *, bits=7, share=None, draws=None, down=np.floor, spread=1.0):
    distance = 2.0 ** (np.floor(np.log2(np.abs(values))) - bits)
    lower = down(values / distance)
    chance = values / distance - lower if share is None else share
    chance = (chance - 0.5) * spread + 0.5
    return (lower + (rng.random(draws or values.shape) < chance)) * distance


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"bits": 10}, "Not all results are numbers"),
        ({"share": 2.0}, "always rounds to the same side"),
        ({"share": 0.5}, "to one side"),
        ({"draws": (1,)}, "draw of its own"),
        ({"down": np.trunc}, "to one side"),
        ({"spread": 1.2}, "towards one neighbour"),
        ({"down": lambda x: np.floor(x) - 1, "share": 0.5}, "not one of the two neighbours"),
    ],
)
def test_stochastic_rounding(changes, reason):
    assert verdict("06.3", by_chance)[0] is True
    assert reason in refused("06.3", lambda values, rng: by_chance(values, rng, **changes))


def test_stochastic_rounding_keeps_what_it_is_given():
    assert "array of shape" in verdict("06.3", lambda values, rng: values[:3])[1]
