"""The exercises of lesson 06."""

import inspect
from collections.abc import Callable

import numpy as np

from cnn_course.exercises import Wrong, exercise
from cnn_course.precision import FORMATS


@exercise(
    "06.1",
    hint="The largest exponent is 2^(E-1) - 1, and the largest number 2^exponent (2 - 2^-M).",
    solution="""
answer = 2 ** (2 ** (5 - 1) - 1) * (2 - 2**-2)
""",
)
def largest_number_of_e5m2(answer: float) -> None:
    """What is the largest number of the 8-bit format E5M2?"""
    if answer == 65504:
        raise Wrong("That is float16, which has as many bits for the exponent, but ten for the fraction.")
    if answer == 2.0**16:
        raise Wrong("The fraction of the largest number is not 1: it is 1 less one step of 2^-M.")
    if answer == 2.0**15:
        raise Wrong("That is the largest power of two; with all bits of the fraction set the number is larger.")
    if answer == 2.0**16 * (2 - 0.25):
        raise Wrong("The exponent of all ones is kept for infinity; the largest one below it is 2^(E-1) - 1.")
    if answer == 448:
        raise Wrong("That is E4M3, the other 8-bit format, which gives up its infinities for one more number.")
    if answer != 57344:
        raise Wrong(f"{answer} is not 2^exponent (2 - 2^-M), with the largest exponent and M = 2.")


def compensated_sum(values: np.ndarray) -> np.float16:
    """Return the sum of an array of float16 by Kahan's rule."""
    total = loss = np.float16(0)
    for value in values:
        term = value - loss
        new = total + term
        loss = (new - total) - term
        total = new
    return total


@exercise(
    "06.2",
    hint="Keep the loss, at first 0. For each value: term = value - loss; new = total + term; loss = (new - total) - "
    "term; total = new. In exact arithmetic the loss would always be 0.",
    solution=f"import numpy as np\n\n\n{inspect.getsource(compensated_sum)}\n\nanswer = compensated_sum\n",
)
def sum_with_compensation(answer: Callable) -> None:
    """Write compensated_sum(values): the sum of an array of float16, in float16 alone, without losing small terms."""
    values = np.full(3000, 0.001, "float16")
    exact = float(values.astype("float64").sum())
    given = values.copy()
    result = answer(values)
    if not np.array_equal(values, given):
        raise Wrong("It changed the values that it was given.")
    if np.asarray(result).dtype != np.float16:
        raise Wrong(f"The result is {np.asarray(result).dtype}; every intermediate result should be float16.")
    naive = np.float16(0)
    for value in values:
        naive = naive + value
    if result == naive:
        raise Wrong(f"It gives {float(result):.4g} for 3,000 thousandths, as adding one by one does.")
    if abs(float(result) - exact) > 0.004:
        raise Wrong(f"It gives {float(result):.4g} for the sum of 3,000 values of 0.001, which is {exact:.4g}.")
    if _computes_wider(answer):
        raise Wrong("Somewhere it computes with more than 16 bits: no sum of float16 goes above 65,504 and comes back.")
    rng = np.random.default_rng(0)
    for _ in range(20):
        values = rng.uniform(0, 0.01, 700).astype("float16")
        if answer(values.copy()) != compensated_sum(values):
            raise Wrong(
                "Its last digits are not always those of Kahan's rule with every result in float16: somewhere it "
                "computes with more bits, or in another order."
            )


def _computes_wider(answer: Callable) -> bool:
    """Return whether a sum is finite that overflows on its way in float16."""
    with np.errstate(over="ignore", invalid="ignore"):
        return bool(np.isfinite(answer(np.array([60000, 60000, -60000, -30000], "float16"))))


@exercise(
    "06.3",
    hint="The distance between the neighbours of a number x is 2^(floor(log2|x|) - 7). Divide by it, take the floor, "
    "and add 1 where rng.random() is below the fraction that is left.",
    solution="""
import numpy as np


def round_by_chance(values, rng):
    distance = 2.0 ** (np.floor(np.log2(np.abs(values))) - 7)
    lower = np.floor(values / distance)
    return (lower + (rng.random(values.shape) < values / distance - lower)) * distance


answer = round_by_chance
""",
)
def stochastic_rounding(answer: Callable) -> None:
    """Write round_by_chance(values, rng): numbers of bfloat16 that are the values on average."""
    rng = np.random.default_rng(0)
    values = rng.choice([-1, 1], 400) * np.exp(rng.uniform(-4, 4, 400))
    distance = 2.0 ** (np.floor(np.log2(np.abs(values))) - FORMATS["bfloat16"].fraction_bits)
    given = values.copy()
    draws = np.stack([np.asarray(answer(values, rng)) for _ in range(400)])
    if not np.array_equal(values, given):
        raise Wrong("It changed the values that it was given; it should return new ones.")
    if draws.shape != (400, 400):
        raise Wrong(f"For 400 values it returned an array of shape {draws.shape[1:]}.")
    if (draws == draws[0]).all():
        raise Wrong("It always rounds to the same side; the side is to be drawn with rng.random.")
    if (np.abs(draws - values) >= distance).any():
        raise Wrong("Some results are not one of the two neighbours of their value.")
    if (draws != FORMATS["bfloat16"].round(draws)).any():
        raise Wrong("Not all results are numbers of bfloat16, which has seven bits for the fraction.")
    above = (draws - values) / distance
    # The mean of 400 draws, each off by at most half the distance: five standard errors.
    if np.abs(above.mean(axis=0)).max() > 5 * 0.5 / 20:
        raise Wrong(
            "Some values are on average rounded to one side: the probability of going up should be the share of the "
            "way to the upper neighbour."
        )
    # The mean over 400 values of one draw varies by at most 0.5 / 20 when each value is drawn for itself.
    if above.mean(axis=1).std() > 0.1:
        raise Wrong("All values go up or down together: each should have a draw of its own.")
    # The mean over 400 draws of some 200 values is off by at most 0.5 / sqrt(80,000), a fifth of a per cent.
    share = values / distance - np.floor(values / distance)
    if max(abs(above[:, half].mean()) for half in (share < 0.5, share >= 0.5)) > 0.01:
        raise Wrong(
            "On average the values are moved towards one neighbour: the probability of going up should be the share of "
            "the way to the upper neighbour, for small shares as for large ones."
        )
    exact = FORMATS["bfloat16"].round(values)
    if not np.array_equal(answer(exact, rng), exact):
        raise Wrong("A value that is a number of bfloat16 already must stay what it is.")
